package bed

import (
	"context"
	"fmt"
	"net"
	"os"
	"sort"
	"strings"
	"sync"
	"syscall"
	"time"

	"testbed/cri"
	"testbed/node"
)

// nodes are the cluster's machines: each is a container runtime and a kubelet.
type nodes struct {
	options Options
	failed  chan<- error
	mu      sync.Mutex
	each    map[string]*machine
}

// machine is a node; what is nil is off.
type machine struct {
	place
	runtime, kubelet *part
}

func newNodes(o Options, failed chan<- error) *nodes {
	n := &nodes{options: o, failed: failed, each: map[string]*machine{}}
	for i := 1; i <= o.Nodes; i++ {
		place := o.node(i)
		n.each[place.name] = &machine{place: place}
	}
	return n
}

// do looks a node up and acts on it, one act at a time.
func (n *nodes) do(name string, act func(*nodes, *machine) error) error {
	n.mu.Lock()
	defer n.mu.Unlock()
	m, ok := n.each[name]
	if !ok {
		return fmt.Errorf("no node %q: there are %s", name, strings.Join(n.names(), ", "))
	}
	return act(n, m)
}

func (n *nodes) names() []string {
	var names []string
	for name := range n.each {
		names = append(names, name)
	}
	sort.Strings(names)
	return names
}

// start switches a node on: the runtime first, since the kubelet asks it at once.
func (n *nodes) start(m *machine) error {
	if m.runtime == nil {
		if err := os.MkdirAll(m.dir, 0o755); err != nil {
			return err
		}
		var err error
		m.runtime, err = startPart(n.options, n.failed, m.name+".runtime", cri.Options{
			Node: m.name, Socket: m.socket(), Dir: m.dir, Bridge: bridge, Pods: m.pods, Gateway: gatewayAddress, Bin: n.options.Bin,
		}.Args()...)
		if err != nil {
			return err
		}
		ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
		defer cancel()
		if err := until(ctx, "the runtime of "+m.name+" answers", func() error {
			connection, err := net.Dial("unix", m.socket())
			if err == nil {
				connection.Close()
			}
			return err
		}); err != nil {
			return err
		}
	}
	return n.startKubelet(m)
}

// stop switches a node off: its pods are gone, and so is what it had in memory.
func (n *nodes) stop(m *machine) error {
	if err := n.stopKubelet(m); err != nil {
		return err
	}
	if m.runtime != nil {
		m.runtime.stop()
		m.runtime = nil
	}
	return unmountBelow(m.dir)
}

func (n *nodes) startKubelet(m *machine) error {
	if m.kubelet != nil {
		return nil
	}
	var err error
	m.kubelet, err = startPart(n.options, n.failed, m.name+".kubelet", append(node.Options{
		Name: m.name, Address: m.address.String(), Dir: m.dir, Runtime: m.socket(), Kubeconfig: n.options.insideKubeconfig(),
		DNS: dns, SyncFrequency: n.options.SyncFrequency, ChangeDetection: n.options.ChangeDetection,
	}.Args(), n.options.verbosity())...)
	return err
}

// stopKubelet leaves the pods running, as with a kubelet that is replaced.
func (n *nodes) stopKubelet(m *machine) error {
	if m.kubelet != nil {
		m.kubelet.stop()
		m.kubelet = nil
	}
	return nil
}

func (p place) socket() string { return p.dir + "/runtime.sock" }

// unmountBelow takes away every mount below a directory, the youngest first.
func unmountBelow(dir string) error {
	mounts, err := os.ReadFile("/proc/self/mountinfo")
	if err != nil {
		return err
	}
	lines := strings.Split(string(mounts), "\n")
	for i := len(lines) - 1; i >= 0; i-- {
		fields := strings.Fields(lines[i])
		if len(fields) > 4 && strings.HasPrefix(fields[4], dir+"/") {
			if err := syscall.Unmount(fields[4], syscall.MNT_DETACH); err != nil {
				return fmt.Errorf("unmounting %s: %w", fields[4], err)
			}
		}
	}
	return nil
}
