package cri

import (
	"errors"
	"fmt"
	"net"
	"net/netip"
	"os"
	"os/exec"
	"path/filepath"
	"strings"

	"golang.org/x/sys/unix"
)

// clusterBits is the length of the prefix that all pods of all nodes share on the bridge.
const clusterBits = 16

// addressPool hands out the addresses of a prefix in turn, so that one is not soon used again.
type addressPool struct {
	prefix netip.Prefix
	last   netip.Addr
	used   map[netip.Addr]bool
}

func newAddressPool(prefix netip.Prefix) *addressPool {
	return &addressPool{prefix: prefix, last: prefix.Masked().Addr(), used: map[netip.Addr]bool{}}
}

// take returns a free address. The first and the last of the prefix are the network's own.
func (p *addressPool) take() (netip.Addr, error) {
	first := p.prefix.Masked().Addr()
	for address, turned := p.last.Next(), false; ; address = address.Next() {
		if !p.prefix.Contains(address.Next()) {
			if turned {
				return netip.Addr{}, fmt.Errorf("all addresses of %s are in use", p.prefix)
			}
			address, turned = first, true
			continue
		}
		if !p.used[address] {
			p.used[address] = true
			p.last = address
			return address, nil
		}
	}
}

func (p *addressPool) free(address netip.Addr) { delete(p.used, address) }

// namespaces are those that the containers of a pod share. They last until they are closed and the
// last process in them has ended.
type namespaces struct {
	files []*os.File
}

// podNetwork is what a pod's namespaces are set up with.
type podNetwork struct {
	hostname string
	address  netip.Addr
	gateway  netip.Addr
	veth     string // name of the end that is on the bridge
	bridge   string
	sysctls  map[string]string
}

// newNamespaces makes network, host name and IPC namespaces, and connects them to the bridge.
func newNamespaces(n podNetwork) (*namespaces, error) {
	ns := &namespaces{}
	var err error
	onThread(func() { err = ns.create(n) })
	if err == nil {
		err = ip("link set " + n.veth + " master " + n.bridge + " up")
	}
	if err != nil {
		return nil, errors.Join(err, ns.close())
	}
	return ns, nil
}

// create changes the namespaces of the thread that it runs on.
func (ns *namespaces) create(n podNetwork) error {
	if err := unix.Unshare(unix.CLONE_NEWNET | unix.CLONE_NEWUTS | unix.CLONE_NEWIPC); err != nil {
		return fmt.Errorf("making namespaces: %w", err)
	}
	for _, kind := range []string{"net", "uts", "ipc"} {
		f, err := os.Open("/proc/thread-self/ns/" + kind)
		if err != nil {
			return fmt.Errorf("holding a namespace open: %w", err)
		}
		ns.files = append(ns.files, f)
	}
	if err := unix.Sethostname([]byte(n.hostname)); err != nil {
		return fmt.Errorf("setting the host name %q: %w", n.hostname, err)
	}
	if err := ip(
		"link set lo up",
		fmt.Sprintf("link add eth0 address %s type veth peer name %s netns %d", macOf(n.address), n.veth, os.Getpid()),
		fmt.Sprintf("address add %s/%d dev eth0", n.address, clusterBits),
		"link set eth0 up",
		fmt.Sprintf("route add default via %s", n.gateway),
	); err != nil {
		return err
	}
	for name, value := range n.sysctls {
		path := filepath.Join("/proc/sys", strings.ReplaceAll(name, ".", "/"))
		if err := os.WriteFile(path, []byte(value), 0o644); err != nil {
			return fmt.Errorf("setting the pod's sysctl %s: %w", name, err)
		}
	}
	return nil
}

// macOf is the hardware address of a pod. It is made of the pod's address: who knows that of an
// earlier pod need not ask again.
func macOf(address netip.Addr) net.HardwareAddr {
	return append(net.HardwareAddr{0x0a, 0x58}, address.AsSlice()...)
}

// join puts the current thread, which should be one of onThread, into the namespaces.
func (ns *namespaces) join() error {
	for _, f := range ns.files {
		if err := unix.Setns(int(f.Fd()), 0); err != nil {
			return fmt.Errorf("entering the pod's namespaces: %w", err)
		}
	}
	return nil
}

func (ns *namespaces) close() error {
	var err error
	for _, f := range ns.files {
		err = errors.Join(err, f.Close())
	}
	return err
}

// ip runs commands of iproute2's ip in the current thread's network namespace.
func ip(commands ...string) error {
	cmd := exec.Command("ip", "-batch", "-")
	cmd.Stdin = strings.NewReader(strings.Join(commands, "\n"))
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("ip %s: %w: %s", strings.Join(commands, "; ip "), err, strings.TrimSpace(string(out)))
	}
	return nil
}
