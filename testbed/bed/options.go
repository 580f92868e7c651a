// Package bed starts, supervises and stops the test bed.
//
// The outer process has what belongs to the machine: the lock on the directory, the port of the API
// server, and the end. Everything else lives below the inner process, which is the first one in
// namespaces of its own (processes, mounts, network). So ending it ends all: the kernel takes every
// process, mount, network namespace and bridge with it, also when the outer process is killed.
package bed

import (
	"fmt"
	"net/netip"
	"path/filepath"
	"time"
)

// Options are what the user chooses.
type Options struct {
	Dir             string
	Nodes           int
	SyncFrequency   time.Duration
	ChangeDetection string // the kubelet's configMapAndSecretChangeDetectionStrategy
	Authorization   string // RBAC or AlwaysAllow
	Bin             string // folder that containers see as /testbed/bin
	APIPort         int    // on the machine's loopback; 0: any that is free
	Verbosity       int    // of the Kubernetes components' logs
}

func (o Options) check() error {
	if o.Nodes < 1 || o.Nodes > maxNodes {
		return fmt.Errorf("--nodes: from 1 to %d, not %d", maxNodes, o.Nodes)
	}
	if o.SyncFrequency <= 0 {
		return fmt.Errorf("--sync-frequency: more than 0, not %v", o.SyncFrequency)
	}
	if err := oneOf("--change-detection", o.ChangeDetection, "Watch", "Cache", "Get"); err != nil {
		return err
	}
	return oneOf("--authorization", o.Authorization, "RBAC", "AlwaysAllow")
}

func oneOf(flag, value string, known ...string) error {
	for _, k := range known {
		if value == k {
			return nil
		}
	}
	return fmt.Errorf("%s: one of %v, not %q", flag, known, value)
}

// Addresses exist in the test bed's own network namespace only.
const (
	bridge       = "pods"
	bridgeMAC    = "0a:58:0a:d5:00:01" // pods' are made of their addresses, too
	network      = "10.213.0.0/16"
	gateway      = "10.213.0.1"
	apiPort      = 6443
	serviceRange = "10.96.0.0/16"
	firstService = "10.96.0.1"
	dns          = "10.96.0.10"
	maxNodes     = 200
)

// place is where a node is: its name, its addresses, its folder.
type place struct {
	name    string
	address netip.Addr
	pods    netip.Prefix
	dir     string
}

// node is the place of the n-th node, from 1.
func (o Options) node(n int) place {
	name := fmt.Sprintf("node-%d", n)
	return place{
		name:    name,
		address: netip.AddrFrom4([4]byte{10, 213, 0, byte(10 + n)}),
		pods:    netip.PrefixFrom(netip.AddrFrom4([4]byte{10, 213, byte(n), 0}), 24),
		dir:     filepath.Join(o.Dir, "nodes", name),
	}
}

func (o Options) certificates() string     { return filepath.Join(o.Dir, "control-plane") }
func (o Options) logs() string             { return filepath.Join(o.Dir, "logs") }
func (o Options) kubeconfig() string       { return filepath.Join(o.Dir, "kubeconfig") }
func (o Options) insideKubeconfig() string { return filepath.Join(o.Dir, "inside.kubeconfig") }
func (o Options) apiSocket() string        { return filepath.Join(o.Dir, "api.sock") }
func (o Options) controlSocket() string    { return controlSocket(o.Dir) }

func controlSocket(dir string) string { return filepath.Join(dir, "control.sock") }
func pidFile(dir string) string       { return filepath.Join(dir, "inner.pid") }
