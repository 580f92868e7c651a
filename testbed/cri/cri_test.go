package cri

import (
	"context"
	"fmt"
	"net"
	"net/netip"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/status"
	runtimeapi "k8s.io/cri-api/pkg/apis/runtime/v1"
)

const deadline = 60 * time.Second

// inNamespaces runs a test in a process with namespaces of its own, as the runtime has them in the
// test bed.
func inNamespaces(t *testing.T, test func(*testing.T)) {
	t.Helper()
	const inside = "TESTBED_CRI_TEST_INSIDE"
	if os.Getenv(inside) == "" {
		if os.Geteuid() != 0 {
			t.Skip("left out: namespaces and mounts need root")
		}
		cmd := exec.Command("/proc/self/exe", "-test.run=^"+t.Name()+"$", "-test.v")
		cmd.Env = append(os.Environ(), inside+"=1")
		cmd.SysProcAttr = &syscall.SysProcAttr{
			Cloneflags: syscall.CLONE_NEWNS | syscall.CLONE_NEWPID | syscall.CLONE_NEWNET | syscall.CLONE_NEWIPC | syscall.CLONE_NEWUTS,
			Pdeathsig:  syscall.SIGKILL,
		}
		if out, err := cmd.CombinedOutput(); err != nil {
			t.Fatalf("%v\n%s", err, out)
		}
		return
	}
	for _, err := range []error{
		mount("", "/", "", unix.MS_REC|unix.MS_PRIVATE, ""),
		mount("proc", "/proc", "proc", 0, ""),
		ip("link set lo up", "link add pods type bridge", "address add 10.213.0.1/16 dev pods", "link set pods up"),
	} {
		if err != nil {
			t.Fatal(err)
		}
	}
	test(t)
}

// bed is a served runtime with a pod.
type bed struct {
	runtimeapi.RuntimeServiceClient
	t       *testing.T
	ctx     context.Context
	dir     string
	stop    func() // the runtime
	config  *runtimeapi.PodSandboxConfig
	sandbox string
}

func newBed(t *testing.T) *bed {
	t.Helper()
	dir := t.TempDir()
	ctx, cancel := context.WithTimeout(context.Background(), deadline)
	t.Cleanup(cancel)
	serving, stop := context.WithCancel(ctx)
	served := make(chan error, 1)
	options := Options{
		Node: "node-1", Socket: filepath.Join(dir, "cri.sock"), Dir: filepath.Join(dir, "state"), Bridge: "pods",
		Pods: netip.MustParsePrefix("10.213.1.0/24"), Gateway: netip.MustParseAddr("10.213.0.1"), Bin: filepath.Join(dir, "bin"),
	}
	go func() { served <- Serve(serving, options) }()
	conn, err := grpc.NewClient("unix://"+options.Socket, grpc.WithTransportCredentials(insecure.NewCredentials()),
		grpc.WithDefaultCallOptions(grpc.WaitForReady(true)))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close() })
	b := &bed{
		RuntimeServiceClient: runtimeapi.NewRuntimeServiceClient(conn), t: t, ctx: ctx, dir: dir,
		stop: func() {
			stop()
			if err := <-served; err != nil {
				t.Errorf("serving: %v", err)
			}
		},
		config: &runtimeapi.PodSandboxConfig{
			Metadata:     &runtimeapi.PodSandboxMetadata{Name: "pod", Namespace: "default", Uid: "uid"},
			Hostname:     "the-pod",
			LogDirectory: filepath.Join(dir, "logs"),
			DnsConfig:    &runtimeapi.DNSConfig{Servers: []string{"10.96.0.10"}, Searches: []string{"a.b", "c.d"}, Options: []string{"ndots:5"}},
			Linux: &runtimeapi.LinuxPodSandboxConfig{
				Sysctls: map[string]string{"net.ipv4.ip_unprivileged_port_start": "80"},
				SecurityContext: &runtimeapi.LinuxSandboxSecurityContext{
					NamespaceOptions: &runtimeapi.NamespaceOption{Pid: runtimeapi.NamespaceMode_CONTAINER},
				},
			},
		},
	}
	run, err := b.RunPodSandbox(ctx, &runtimeapi.RunPodSandboxRequest{Config: b.config})
	if err != nil {
		t.Fatal(err)
	}
	b.sandbox = run.GetPodSandboxId()
	return b
}

// create makes a container that runs a script, after change had its say.
func (b *bed) create(name, script string, change func(*runtimeapi.ContainerConfig)) string {
	b.t.Helper()
	config := &runtimeapi.ContainerConfig{
		Metadata: &runtimeapi.ContainerMetadata{Name: name},
		Image:    &runtimeapi.ImageSpec{Image: "anything:latest"},
		Command:  []string{"sh", "-c", script},
		LogPath:  name + ".log",
		Linux:    &runtimeapi.LinuxContainerConfig{SecurityContext: &runtimeapi.LinuxContainerSecurityContext{}},
	}
	if change != nil {
		change(config)
	}
	created, err := b.CreateContainer(b.ctx, &runtimeapi.CreateContainerRequest{PodSandboxId: b.sandbox, Config: config, SandboxConfig: b.config})
	if err != nil {
		b.t.Fatal(err)
	}
	return created.GetContainerId()
}

func (b *bed) start(id string) {
	b.t.Helper()
	if _, err := b.StartContainer(b.ctx, &runtimeapi.StartContainerRequest{ContainerId: id}); err != nil {
		b.t.Fatal(err)
	}
}

func (b *bed) status(id string) *runtimeapi.ContainerStatus {
	b.t.Helper()
	answer, err := b.ContainerStatus(b.ctx, &runtimeapi.ContainerStatusRequest{ContainerId: id})
	if err != nil {
		b.t.Fatal(err)
	}
	return answer.GetStatus()
}

// ended waits for the end of a container.
func (b *bed) ended(id string) *runtimeapi.ContainerStatus {
	b.t.Helper()
	for {
		s := b.status(id)
		if s.GetState() == runtimeapi.ContainerState_CONTAINER_EXITED {
			return s
		}
		if b.ctx.Err() != nil {
			b.t.Fatal("the container does not end")
		}
		time.Sleep(20 * time.Millisecond)
	}
}

// output runs a script to its end and returns what it wrote.
func (b *bed) output(name, script string, change func(*runtimeapi.ContainerConfig)) string {
	b.t.Helper()
	id := b.create(name, script, change)
	b.start(id)
	s := b.ended(id)
	var lines []string
	for _, record := range records(b.t, s.GetLogPath()) {
		lines = append(lines, strings.SplitN(record, " ", 3)[2])
	}
	output := strings.Join(lines, "\n")
	if s.GetExitCode() != 0 {
		b.t.Errorf("%s ended with %d: %s", name, s.GetExitCode(), output)
	}
	return output
}

func (b *bed) write(name, content string) string {
	b.t.Helper()
	path := filepath.Join(b.dir, name)
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		b.t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(content), 0o644); err != nil {
		b.t.Fatal(err)
	}
	return path
}

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
	if got := b.output("image", "id -u", func(c *runtimeapi.ContainerConfig) { c.Image.Image = "any:nonroot" }); got != "65532" {
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

func TestContainersStopAndNothingIsLeft(t *testing.T) { inNamespaces(t, containersStopAndNothingIsLeft) }

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

// left lists the processes, mounts, network devices and threads' namespaces there are.
func left(t *testing.T) []string {
	t.Helper()
	var all []string
	processes, err := filepath.Glob("/proc/[0-9]*")
	if err != nil {
		t.Fatal(err)
	}
	devices, err := net.Interfaces()
	if err != nil {
		t.Fatal(err)
	}
	mounts, err := os.ReadFile("/proc/self/mountinfo")
	if err != nil {
		t.Fatal(err)
	}
	all = append(processes, strings.Split(string(mounts), "\n")...)
	for _, device := range devices {
		all = append(all, device.Name)
	}
	fds, err := os.ReadDir("/proc/self/fd")
	if err != nil {
		t.Fatal(err)
	}
	for _, fd := range fds {
		if to, err := os.Readlink("/proc/self/fd/" + fd.Name()); err == nil && strings.Contains(to, ":[") && !strings.HasPrefix(to, "pipe") && !strings.HasPrefix(to, "socket") {
			all = append(all, to)
		}
	}
	slices.Sort(all)
	return all
}

func wantLeft(t *testing.T, want []string) {
	t.Helper()
	now := left(t)
	if strings.Join(now, "\n") != strings.Join(want, "\n") {
		t.Errorf("left:\n%s\nnot:\n%s", strings.Join(now, "\n"), strings.Join(want, "\n"))
	}
}
