package bed

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"fmt"
	"net"
	"net/netip"
	"os"
	"path/filepath"
	"syscall"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/tools/clientcmd"

	"testbed/controlplane"
	"testbed/services"
)

var (
	gatewayAddress = netip.MustParseAddr(gateway)
	insideServer   = netip.AddrPortFrom(gatewayAddress, apiPort).String()
)

// inner is the first process in the test bed's namespaces.
type inner struct {
	Options
	started time.Time
	failed  chan error
	nodes   *nodes
	client  kubernetes.Interface
}

// runInner brings everything up, says so, and then waits for a part to fail. It is ended by a kill.
func runInner(options string) error {
	in := &inner{started: time.Now(), failed: make(chan error, 16)}
	if err := json.Unmarshal([]byte(options), &in.Options); err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(context.Background(), 3*time.Minute)
	defer cancel()
	go func() { in.failed <- in.bringUp(ctx) }()
	for err := range in.failed {
		if err != nil {
			return err
		}
	}
	return nil
}

func (in *inner) bringUp(ctx context.Context) error {
	steps := []struct {
		name string
		do   func(context.Context) error
	}{
		{"network", in.prepare},
		{"etcd and API server", in.startControlPlane},
		{"Services and their names", in.startServices},
		{fmt.Sprintf("%d nodes", in.Nodes), in.startNodes},
		{"controllers and scheduler", in.controllersAreReady},
	}
	for _, step := range steps {
		if err := step.do(ctx); err != nil {
			return fmt.Errorf("%s: %w", step.name, err)
		}
		fmt.Printf("%5.1f s  %s\n", time.Since(in.started).Seconds(), step.name)
	}
	fmt.Printf("ready KUBECONFIG=%s\n", in.kubeconfig())
	return nil
}

// prepare makes the namespaces usable: mounts are nobody else's, /proc shows these processes.
func (in *inner) prepare(context.Context) error {
	if err := syscall.Mount("", "/", "", syscall.MS_REC|syscall.MS_PRIVATE, ""); err != nil {
		return fmt.Errorf("keeping mounts private: %w", err)
	}
	if err := syscall.Mount("proc", "/proc", "proc", syscall.MS_NOSUID|syscall.MS_NODEV|syscall.MS_NOEXEC, ""); err != nil {
		return fmt.Errorf("mounting /proc: %w", err)
	}
	// Whatever Dir is, kubelets link to containers' logs in /var/log/containers.
	if err := syscall.Mount("tmpfs", "/var/log", "tmpfs", syscall.MS_NOSUID|syscall.MS_NODEV|syscall.MS_NOEXEC, "mode=0755"); err != nil {
		return fmt.Errorf("hiding the machine's /var/log: %w", err)
	}
	if err := syscall.Sethostname([]byte("testbed")); err != nil {
		return fmt.Errorf("naming the host: %w", err)
	}
	if err := os.MkdirAll(in.logs(), 0o755); err != nil {
		return err
	}
	return setUpNetwork(in.Options)
}

func (in *inner) startControlPlane(ctx context.Context) error {
	token := rand.Text()
	if err := controlplane.Prepare(in.certificates(), token, gateway, firstService); err != nil {
		return err
	}
	for file, server := range map[string]string{in.insideKubeconfig(): insideServer, in.kubeconfig(): fmt.Sprintf("127.0.0.1:%d", in.APIPort)} {
		if err := os.WriteFile(file, in.kubeconfigFor(server, token), 0o600); err != nil {
			return err
		}
	}
	if err := in.start("apiserver", controlplane.Options{
		Dir: in.certificates(), Address: gateway, Port: apiPort, ServiceRange: serviceRange, Authorization: in.Authorization,
	}.Args()...); err != nil {
		return err
	}
	socket, err := net.Listen("unix", in.apiSocket())
	if err != nil {
		return err
	}
	go relay(socket, func() (net.Conn, error) { return net.Dial("tcp", insideServer) })
	config, err := clientcmd.BuildConfigFromFlags("", in.insideKubeconfig())
	if err != nil {
		return err
	}
	config.QPS = -1
	if in.client, err = kubernetes.NewForConfig(config); err != nil {
		return err
	}
	if err := until(ctx, "the API server is ready", func() error {
		_, err := in.client.Discovery().RESTClient().Get().AbsPath("/readyz").DoRaw(ctx)
		return err
	}); err != nil {
		return err
	}
	return in.startControllers()
}

// startControllers starts what gives up where the API server is not ready in 10 s, as on a busy machine.
func (in *inner) startControllers() error {
	if err := in.start("kube-controller-manager", "kube-controller-manager", "--kubeconfig="+in.insideKubeconfig(), "--leader-elect=false",
		"--secure-port=0",
		"--flex-volume-plugin-dir="+filepath.Join(in.certificates(), "flex-volumes"), // it is made if it is not there
		"--service-account-private-key-file="+filepath.Join(in.certificates(), controlplane.ServiceAccountKeyFile),
		"--root-ca-file="+filepath.Join(in.certificates(), controlplane.CAFile)); err != nil {
		return err
	}
	return in.start("kube-scheduler", "kube-scheduler", "--kubeconfig="+in.insideKubeconfig(), "--leader-elect=false", "--secure-port=0")
}

func (in *inner) controllersAreReady(ctx context.Context) error {
	return until(ctx, "namespaces have a service account", func() error {
		_, err := in.client.CoreV1().ServiceAccounts("default").Get(ctx, "default", metav1.GetOptions{})
		return err
	})
}

func (in *inner) startServices(context.Context) error {
	go func() {
		in.failed <- services.Run(context.Background(), services.Options{Client: in.client, DNS: dnsAddress, Domain: "cluster.local"})
	}()
	return nil
}

func (in *inner) startNodes(ctx context.Context) error {
	go buryOrphans() // from here on only parts are started
	in.nodes = newNodes(in.Options, in.failed)
	if err := serveControl(in.controlSocket(), in.nodes); err != nil {
		return err
	}
	for _, name := range in.nodes.names() {
		if err := in.nodes.do(name, (*nodes).start); err != nil {
			return err
		}
	}
	return until(ctx, "every node is ready", func() error {
		list, err := in.client.CoreV1().Nodes().List(ctx, metav1.ListOptions{})
		if err != nil {
			return err
		}
		ready := 0
		for _, node := range list.Items {
			if len(node.Spec.Taints) > 0 {
				continue // a controller takes "not ready" away: until then no pod is scheduled there
			}
			for _, condition := range node.Status.Conditions {
				if condition.Type == corev1.NodeReady && condition.Status == corev1.ConditionTrue {
					ready++
				}
			}
		}
		if ready < in.Nodes {
			return fmt.Errorf("%d of %d nodes are", ready, in.Nodes)
		}
		return nil
	})
}

func (in *inner) start(name string, args ...string) error {
	_, err := startPart(in.Options, in.failed, name, append(args, in.verbosity())...)
	return err
}

func (o Options) verbosity() string { return fmt.Sprintf("-v=%d", o.Verbosity) }

func (o Options) kubeconfigFor(server, token string) []byte {
	return fmt.Appendf(nil, `apiVersion: v1
kind: Config
clusters: [{name: testbed, cluster: {server: "https://%s", certificate-authority: %q}}]
users: [{name: admin, user: {token: %s}}]
contexts: [{name: testbed, context: {cluster: testbed, user: admin}}]
current-context: testbed
`, server, filepath.Join(o.certificates(), controlplane.CAFile), token)
}

// until tries again until it succeeds, or says what it waited for and why it was not so.
func until(ctx context.Context, what string, try func() error) error {
	for {
		err := try()
		if err == nil {
			return nil
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("waited in vain until %s: %w", what, err)
		case <-time.After(50 * time.Millisecond):
		}
	}
}
