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
	"google.golang.org/grpc/credentials/insecure"
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

// newBed serves from this process.
func newBed(t *testing.T) *bed {
	t.Helper()
	dir := t.TempDir()
	serving, stop := context.WithCancel(context.Background())
	served := make(chan error, 1)
	go func() { served <- Serve(serving, optionsIn(dir)) }()
	b := connect(t, dir)
	b.stop = func() {
		stop()
		if err := <-served; err != nil {
			t.Errorf("serving: %v", err)
		}
	}
	return b
}

// connect runs a pod on the runtime that serves in a folder.
func connect(t *testing.T, dir string) *bed {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), deadline)
	t.Cleanup(cancel)
	conn, err := grpc.NewClient("unix://"+optionsIn(dir).Socket, grpc.WithTransportCredentials(insecure.NewCredentials()),
		grpc.WithDefaultCallOptions(grpc.WaitForReady(true)))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close() })
	b := &bed{
		RuntimeServiceClient: runtimeapi.NewRuntimeServiceClient(conn), t: t, ctx: ctx, dir: dir,
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

// A runtime that is killed runs in a process of its own: this one, started again.
const servedDir = "TESTBED_CRI_TEST_SERVED_DIR"

func optionsIn(dir string) Options {
	return Options{
		Node: "node-1", Socket: filepath.Join(dir, "cri.sock"), Dir: filepath.Join(dir, "state"), Bridge: "pods",
		Pods: netip.MustParsePrefix("10.213.1.0/24"), Gateway: netip.MustParseAddr("10.213.0.1"), Bin: filepath.Join(dir, "bin"),
	}
}

func TestMain(m *testing.M) {
	if dir := os.Getenv(servedDir); dir != "" {
		fmt.Fprintln(os.Stderr, Serve(context.Background(), optionsIn(dir)))
		os.Exit(1)
	}
	os.Exit(m.Run())
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
