package cri

import (
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	runtimeapi "k8s.io/cri-api/pkg/apis/runtime/v1"
)

func wantLines(t *testing.T, got string, want ...string) {
	t.Helper()
	if got != strings.Join(want, "\n") {
		t.Errorf("got %q, not %q", got, strings.Join(want, "\n"))
	}
}

func TestProgramSeesItsContainer(t *testing.T) { inNamespaces(t, programSeesItsContainer) }

func programSeesItsContainer(t *testing.T) {
	b := newBed(t)
	defer b.stop()
	b.write("bin/probe", "probe")
	volume := filepath.Dir(b.write("volume/key", "value"))
	file := b.write("it's a \"file\"\n$HOME", "subpath")
	awkward := "a 'b' \"c\" $HOME `id`\n\\n end"
	const bytes = "\xff\x01"

	got := b.output("volumes", `
		cat /etc/config/key /var/run/secrets/x/key "/data/it's
here" /testbed/bin/probe; echo
		for f in / /etc/config /data /testbed/bin /run /tmp; do touch $f/new 2>/dev/null && echo "wrote $f"; done
		echo more >> /etc/writable/key && cat /etc/writable/key
		ls -A /tmp /run /proc/1/root/home/nothing 2>/dev/null | head -5; echo $$
		awk '$5 ~ /^\/(etc\/config|)$/ {print $5}' /proc/self/mountinfo
		cat /etc/resolv.conf /etc/hostname; hostname; stat -c %A /dev/null; cat /proc/sys/net/ipv4/ip_unprivileged_port_start`,
		func(c *runtimeapi.ContainerConfig) {
			c.Linux.SecurityContext.ReadonlyRootfs = true
			c.Mounts = []*runtimeapi.Mount{
				{HostPath: volume, ContainerPath: "/etc/config", Readonly: true},
				{HostPath: volume, ContainerPath: "/etc/writable"},
				{HostPath: volume, ContainerPath: "/var/run/secrets/x", Readonly: true},
				{HostPath: file, ContainerPath: "/data/it's\nhere"},
			}
		})
	wantLines(t, got, "valuevaluesubpathprobe", "valuemore", "/run:", "secrets", "", "/tmp:", "1", "/", "/etc/config",
		"nameserver 10.96.0.10", "search a.b c.d", "options ndots:5", "the-pod", "the-pod", "crw-rw-rw-", "80")

	got = b.output("user", `id -u; id -g; id -G; pwd; printf '%s|' "$@" "$VALUE"; grep -E 'NoNewPrivs|CapEff|CapBnd' /proc/self/status; env | sort | cut -d= -f1`,
		func(c *runtimeapi.ContainerConfig) {
			c.Args = []string{"sh", awkward, ""}
			c.WorkingDir = "/work dir"
			c.Envs = []*runtimeapi.KeyValue{{Key: "VALUE", Value: []byte(awkward + bytes)}, {Key: "PATH", Value: []byte("/usr/bin:/bin")}}
			security := c.Linux.SecurityContext
			security.RunAsUser = &runtimeapi.Int64Value{Value: 65532}
			security.RunAsGroup = &runtimeapi.Int64Value{Value: 1234}
			security.SupplementalGroups = []int64{5678}
			security.NoNewPrivs = true
			security.Capabilities = &runtimeapi.Capability{DropCapabilities: []string{"ALL"}}
		})
	for _, want := range []string{
		"65532\n1234\n1234 5678\n/work dir\n" + awkward + "||" + awkward + bytes + "|",
		"CapEff:\t0000000000000000", "CapBnd:\t0000000000000000", "NoNewPrivs:\t1",
	} {
		if !strings.Contains(got, want) {
			t.Errorf("%q is not in %q", want, got)
		}
	}
	if got := b.output("image", "id -u; id -g", func(c *runtimeapi.ContainerConfig) { c.Image.Image = "any:nonroot" }); got != "65532\n65532" {
		t.Errorf("the image's user is %q", got)
	}
	if got := b.output("root", "id -u; grep CapEff /proc/self/status; touch /etc/new && echo wrote", func(c *runtimeapi.ContainerConfig) {
		c.Linux.SecurityContext.Capabilities = &runtimeapi.Capability{AddCapabilities: []string{"KILL"}, DropCapabilities: []string{"ALL"}}
	}); got != "0\nCapEff:\t0000000000000020\nwrote" {
		t.Errorf("root of few rights says %q", got)
	}
	if _, err := os.Stat("/etc/new"); err == nil {
		t.Error("the container's file is on the host")
	}
}

func TestWhatCannotRunSaysWhy(t *testing.T) { inNamespaces(t, whatCannotRunSaysWhy) }

func whatCannotRunSaysWhy(t *testing.T) {
	b := newBed(t)
	defer b.stop()
	id := b.create("missing", "", func(c *runtimeapi.ContainerConfig) { c.Command = []string{"no-such-program"} })
	_, err := b.StartContainer(b.ctx, &runtimeapi.StartContainerRequest{ContainerId: id})
	const want = `exec: "no-such-program": executable file not found in $PATH`
	if err == nil || !strings.Contains(err.Error(), want) {
		t.Errorf("starting said %v", err)
	}
	if s := b.status(id); s.GetReason() != "StartError" || s.GetMessage() != want || s.GetExitCode() != 128 {
		t.Errorf("the status is %v", s)
	}
	_, err = b.CreateContainer(b.ctx, &runtimeapi.CreateContainerRequest{PodSandboxId: b.sandbox, Config: &runtimeapi.ContainerConfig{}})
	if err == nil || !strings.Contains(err.Error(), "no entrypoint") {
		t.Errorf("no command: %v", err)
	}
	b.config.Linux.SecurityContext.NamespaceOptions.Network = runtimeapi.NamespaceMode_NODE
	_, err = b.RunPodSandbox(b.ctx, &runtimeapi.RunPodSandboxRequest{Config: b.config})
	if err == nil || !strings.Contains(err.Error(), "no hostNetwork") {
		t.Errorf("host network: %v", err)
	}
}

func TestContainersStopAndNothingIsLeft(t *testing.T) {
	inNamespaces(t, containersStopAndNothingIsLeft)
}

func containersStopAndNothingIsLeft(t *testing.T) {
	before := left(t)
	b := newBed(t)
	polite := b.create("polite", `trap 'echo bye; exit 3' TERM; echo up; while :; do sleep 0.05; done`, nil)
	deaf := b.create("deaf", `trap '' TERM; sleep 1000 & echo up; wait; wait`, nil)
	alone := b.create("alone", `sleep 1000`, func(c *runtimeapi.ContainerConfig) {
		c.Linux.SecurityContext.RunAsUser = &runtimeapi.Int64Value{Value: 65532}
	})
	for _, id := range []string{polite, deaf, alone} {
		b.start(id)
	}
	for _, id := range []string{polite, deaf} {
		for len(records(t, b.status(id).GetLogPath())) == 0 {
			time.Sleep(10 * time.Millisecond)
		}
	}

	answer, err := b.ExecSync(b.ctx, &runtimeapi.ExecSyncRequest{ContainerId: alone, Cmd: []string{"sh", "-c", "id -u; hostname; readlink /proc/1/exe >/dev/null && cat /proc/1/comm; echo oops >&2; exit 7"}})
	if err != nil {
		t.Fatal(err)
	}
	wantLines(t, string(answer.GetStdout()), "65532", "the-pod", "sh", "")
	if answer.GetExitCode() != 7 || string(answer.GetStderr()) != "oops\n" {
		t.Errorf("exec answered %v", answer)
	}
	_, err = b.ExecSync(b.ctx, &runtimeapi.ExecSyncRequest{ContainerId: alone, Cmd: []string{"sleep", "1000"}, Timeout: 1})
	if status.Code(err) != codes.DeadlineExceeded {
		t.Errorf("exec beyond its time: %v", err)
	}
	if _, err = b.ExecSync(b.ctx, &runtimeapi.ExecSyncRequest{ContainerId: alone, Cmd: []string{"no-such-program"}}); err == nil {
		t.Error("exec of nothing succeeded")
	}

	answer, err = b.ExecSync(b.ctx, &runtimeapi.ExecSyncRequest{ContainerId: alone, Cmd: []string{"sh", "-c", "head -c 20000000 /dev/zero; exit 4"}})
	if err != nil || len(answer.GetStdout()) != maxOutput || answer.GetExitCode() != 4 {
		t.Errorf("exec with much output: %v, exit code %d, %d bytes", err, answer.GetExitCode(), len(answer.GetStdout()))
	}

	for id, code := range map[string]int32{polite: 3, deaf: 137} {
		if _, err := b.StopContainer(b.ctx, &runtimeapi.StopContainerRequest{ContainerId: id, Timeout: 1}); err != nil {
			t.Fatal(err)
		}
		if s := b.status(id); s.GetState() != runtimeapi.ContainerState_CONTAINER_EXITED || s.GetExitCode() != code || s.GetReason() != "Error" {
			t.Errorf("stopped, it is %v", s)
		}
	}
	wantRecords(t, b.status(polite).GetLogPath(), "stdout F up", "stdout F bye")
	if now := left(t); len(now) <= len(before) {
		t.Errorf("a pod runs but %q is all there is", now)
	}
	b.stop() // with a container running
	wantLeft(t, before)
}

func TestPodsReachEachOther(t *testing.T) { inNamespaces(t, podsReachEachOther) }

func podsReachEachOther(t *testing.T) {
	b := newBed(t)
	defer b.stop()
	answer, err := b.PodSandboxStatus(b.ctx, &runtimeapi.PodSandboxStatusRequest{PodSandboxId: b.sandbox})
	if err != nil {
		t.Fatal(err)
	}
	address := answer.GetStatus().GetNetwork().GetIp()
	// From the pod to the gateway and back, over its default route.
	listener, err := net.Listen("tcp", "10.213.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer listener.Close()
	port := listener.Addr().(*net.TCPAddr).Port
	id := b.create("client", fmt.Sprintf("exec bash -c 'cat </dev/tcp/10.213.0.1/%d'", port), nil)
	b.start(id)
	conn, err := listener.Accept()
	if err != nil {
		t.Fatal(err)
	}
	if from := conn.RemoteAddr().(*net.TCPAddr).IP.String(); from != address {
		t.Errorf("the pod %s came from %s", address, from)
	}
	fmt.Fprintln(conn, "hello")
	conn.Close()
	wantRecords(t, b.ended(id).GetLogPath(), "stdout F hello")
}

func TestKilledRuntimeLeavesNothing(t *testing.T) { inNamespaces(t, killedRuntimeLeavesNothing) }

func killedRuntimeLeavesNothing(t *testing.T) {
	before := left(t)
	dir := t.TempDir()
	server := exec.Command("/proc/self/exe")
	server.Env = append(os.Environ(), servedDir+"="+dir)
	server.Stderr = os.Stderr
	if err := server.Start(); err != nil {
		t.Fatal(err)
	}
	b := connect(t, dir)
	for name, user := range map[string]int64{"root": 0, "other": 65532} {
		b.start(b.create(name, "sleep 1000 & wait", func(c *runtimeapi.ContainerConfig) {
			c.Linux.SecurityContext.RunAsUser = &runtimeapi.Int64Value{Value: user}
		}))
	}
	if now := left(t); len(now) < len(before)+2 {
		t.Errorf("a pod runs but %q is all there is", now)
	}
	server.Process.Kill()
	server.Wait()
	// The kernel ends the containers and takes the network away a little later.
	for ctx := b.ctx; strings.Join(left(t), "") != strings.Join(before, "") && ctx.Err() == nil; {
		unix.Wait4(-1, nil, unix.WNOHANG, nil) // the containers are now children of this process
		time.Sleep(20 * time.Millisecond)
	}
	wantLeft(t, before)
}
