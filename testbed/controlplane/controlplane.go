// Package controlplane runs etcd and the Kubernetes API server in one process.
package controlplane

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"encoding/pem"
	"fmt"
	"net"
	"os"
	"path/filepath"

	"github.com/spf13/cobra"
	certutil "k8s.io/client-go/util/cert"
	apiserverapp "k8s.io/kubernetes/cmd/kube-apiserver/app"
)

// Options say how the control plane runs. They are the flags of its command.
type Options struct {
	Dir           string // certificates, keys and etcd's data
	Address       string // where nodes and pods find the API server
	Port          int
	ServiceRange  string
	Authorization string // RBAC or AlwaysAllow
}

// Files of the control plane that other parts need, below Options.Dir.
const (
	CAFile                = "apiserver.crt"
	ServiceAccountKeyFile = "service-account.key"
	tokenFile             = "tokens.csv"
)

// Command is the command `apiserver`.
func Command() *cobra.Command {
	var o Options
	command := &cobra.Command{
		Use:  "apiserver",
		RunE: func(*cobra.Command, []string) error { return run(o) },
	}
	flags := command.Flags()
	flags.StringVar(&o.Dir, "dir", "", "")
	flags.StringVar(&o.Address, "address", "", "")
	flags.IntVar(&o.Port, "port", 0, "")
	flags.StringVar(&o.ServiceRange, "service-range", "", "")
	flags.StringVar(&o.Authorization, "authorization", "", "")
	return command
}

// Args are the arguments that make the command `apiserver` run with these options.
func (o Options) Args() []string {
	return []string{
		"apiserver", "--dir=" + o.Dir, "--address=" + o.Address, fmt.Sprintf("--port=%d", o.Port),
		"--service-range=" + o.ServiceRange, "--authorization=" + o.Authorization,
	}
}

// Prepare writes what the parts share before any of them starts: the API server's certificate, which
// is its own authority, the key of service accounts, and the administrator's token.
func Prepare(dir, adminToken, address, firstService string) error {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return err
	}
	certificate, key, err := certutil.GenerateSelfSignedCertKey("127.0.0.1",
		[]net.IP{net.ParseIP(address), net.ParseIP(firstService)},
		[]string{"localhost", "kubernetes", "kubernetes.default", "kubernetes.default.svc", "kubernetes.default.svc.cluster.local"})
	if err != nil {
		return fmt.Errorf("making the API server's certificate: %w", err)
	}
	serviceAccounts, err := newKey()
	if err != nil {
		return fmt.Errorf("making the service accounts' key: %w", err)
	}
	for name, content := range map[string][]byte{
		CAFile:                certificate,
		"apiserver.key":       key,
		ServiceAccountKeyFile: serviceAccounts,
		tokenFile:             []byte(adminToken + ",admin,admin,system:masters\n"),
	} {
		if err := os.WriteFile(filepath.Join(dir, name), content, 0o600); err != nil {
			return err
		}
	}
	return nil
}

func newKey() ([]byte, error) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, err
	}
	der, err := x509.MarshalECPrivateKey(key)
	if err != nil {
		return nil, err
	}
	return pem.EncodeToMemory(&pem.Block{Type: "EC PRIVATE KEY", Bytes: der}), nil
}

func run(o Options) error {
	etcd, err := startEtcd(filepath.Join(o.Dir, "etcd"))
	if err != nil {
		return fmt.Errorf("starting etcd: %w", err)
	}
	key := filepath.Join(o.Dir, ServiceAccountKeyFile)
	issuer := "https://kubernetes.default.svc.cluster.local"
	server := apiserverapp.NewAPIServerCommand()
	server.SetArgs([]string{
		"--etcd-servers=" + etcd,
		"--bind-address=" + o.Address, // alone: a Service may have this port at its own address
		"--advertise-address=" + o.Address,
		fmt.Sprintf("--secure-port=%d", o.Port),
		"--tls-cert-file=" + filepath.Join(o.Dir, CAFile),
		"--tls-private-key-file=" + filepath.Join(o.Dir, "apiserver.key"),
		"--token-auth-file=" + filepath.Join(o.Dir, tokenFile),
		"--authorization-mode=" + o.Authorization,
		"--service-cluster-ip-range=" + o.ServiceRange,
		"--service-account-issuer=" + issuer,
		"--service-account-key-file=" + key,
		"--service-account-signing-key-file=" + key,
		"--allow-privileged=true",
		"--kubelet-preferred-address-types=InternalIP",
	})
	return server.Execute()
}
