package services

import (
	"context"
	"net"
	"net/netip"
	"sync"
	"sync/atomic"
	"time"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/klog/v2"
)

const (
	// dialTimeout is how long one endpoint may take to answer before the next one is tried.
	dialTimeout = 2 * time.Second
	// listenRetry is the pause after a cluster IP could not be listened at.
	listenRetry = time.Second
)

// target is a TCP port of a Service.
type target struct {
	at                       netip.AddrPort
	namespace, service, port string
}

// relay keeps a listener for each port of each Service that has a ready endpoint. Without one there is no listener:
// the connection is refused, as it is by kube-proxy.
type relay struct {
	view      view
	reserved  netip.AddrPort
	listeners map[target]*net.TCPListener
	refused   map[string]bool // ports that are not TCP and were logged
	serving   sync.WaitGroup
}

// run returns when ctx has ended and the last connection is closed.
func (r *relay) run(ctx context.Context, changed <-chan struct{}) {
	for ctx.Err() == nil {
		var retry <-chan time.Time
		if !r.follow(ctx) {
			retry = time.After(listenRetry)
		}
		select {
		case <-ctx.Done():
		case <-changed:
		case <-retry:
		}
	}
	r.serving.Wait()
}

// follow opens and closes listeners so that they are those of the Services; false if one could not be opened.
func (r *relay) follow(ctx context.Context) bool {
	wanted := r.targets()
	// Connections that are open stay so: they outlive their Service in a real cluster, too.
	for t, listener := range r.listeners {
		if !wanted[t] {
			listener.Close()
			delete(r.listeners, t)
		}
	}
	all := true
	for t := range wanted {
		if r.listeners[t] != nil {
			continue
		}
		listener, err := net.ListenTCP("tcp4", net.TCPAddrFromAddrPort(t.at))
		if err != nil {
			klog.Errorf("Service %s/%s: listen at its address: %v; trying again", t.namespace, t.service, err)
			all = false
			continue
		}
		r.listeners[t] = listener
		var turn atomic.Uint32
		r.serving.Go(func() {
			serve(ctx, listener, func(ctx context.Context, client *net.TCPConn) {
				r.connect(ctx, client, t, int(turn.Add(1)-1))
			})
		})
	}
	return all
}

// targets returns the ports at which there should be a listener.
func (r *relay) targets() map[target]bool {
	wanted := map[target]bool{}
	for _, svc := range r.view.all("") {
		ip, err := netip.ParseAddr(svc.Spec.ClusterIP)
		if err != nil || !ip.Is4() { // headless, external, or none assigned yet
			continue
		}
		for _, p := range svc.Spec.Ports {
			at := netip.AddrPortFrom(ip, uint16(p.Port))
			if at == r.reserved {
				continue
			}
			if p.Protocol != corev1.ProtocolTCP && p.Protocol != "" {
				r.refuse(svc, p)
				continue
			}
			if len(r.view.backends(svc, p.Name)) > 0 {
				wanted[target{at, svc.Namespace, svc.Name, p.Name}] = true
			}
		}
	}
	return wanted
}

// refuse tells once of a port that no listener can be had for.
func (r *relay) refuse(svc *corev1.Service, p corev1.ServicePort) {
	key := svc.Namespace + "/" + svc.Name + "/" + p.Name
	if !r.refused[key] {
		r.refused[key] = true
		klog.Warningf("Service %s/%s: port %d is %s, and only TCP is relayed here: the port leads nowhere",
			svc.Namespace, svc.Name, p.Port, p.Protocol)
	}
}

// connect pipes client to the first endpoint that answers, beginning with the one whose turn it is.
func (r *relay) connect(ctx context.Context, client *net.TCPConn, t target, turn int) {
	var backends []netip.AddrPort
	if svc := r.view.service(t.namespace, t.service); svc != nil {
		backends = r.view.backends(svc, t.port)
	}
	dialer := net.Dialer{Timeout: dialTimeout}
	for i := range backends {
		backend := backends[(turn+i)%len(backends)]
		conn, err := dialer.DialContext(ctx, "tcp4", backend.String())
		if err != nil {
			klog.V(2).Infof("Service %s/%s: endpoint does not answer: %v", t.namespace, t.service, err)
			continue
		}
		if server, ok := conn.(*net.TCPConn); ok {
			stop := context.AfterFunc(ctx, func() { server.Close() })
			defer stop()
			pipe(client, server)
			return
		}
		conn.Close()
	}
	reset(client)
}
