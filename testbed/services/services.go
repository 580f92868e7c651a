// Package services makes Kubernetes Services work without kube-proxy: a relay listens at the cluster IP of every Service
// and passes connections to ready endpoints, and a DNS server answers for the names of the cluster.
//
// It needs a network namespace in which the cluster IPs are local addresses:
//
//	ip route add local 10.96.0.0/16 dev lo
//
// What differs from a real cluster: TCP only, IPv4 only; a pod sees its clients' connections come from the relay's
// address; session affinity, traffic policies, node ports and external addresses do not count.
package services

import (
	"context"
	"fmt"
	"net"
	"net/netip"
	"sync"

	"k8s.io/client-go/informers"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/tools/cache"
)

// Options says which cluster is served, and where.
type Options struct {
	// Client reads (lists and watches) the Services and EndpointSlices of all namespaces.
	Client kubernetes.Interface
	// DNS is the IPv4 address at which names are answered, by udp and tcp. The relay leaves it alone.
	DNS netip.AddrPort
	// Domain is the cluster's domain, for example "cluster.local".
	Domain string
}

// Run serves until ctx ends, and returns nil then; by that time everything it opened is closed.
// It fails if the DNS server's address cannot be listened at.
func Run(ctx context.Context, o Options) error {
	ctx, cancel := context.WithCancel(ctx)
	factory := informers.NewSharedInformerFactory(o.Client, 0)
	defer factory.Shutdown()
	defer cancel()

	view, changed, err := watch(factory)
	if err != nil {
		return err
	}
	factory.Start(ctx.Done())
	// Not before all is known: an early "no such name" would be believed.
	factory.WaitForCacheSync(ctx.Done())
	if ctx.Err() != nil {
		return nil
	}

	udp, err := net.ListenUDP("udp4", net.UDPAddrFromAddrPort(o.DNS))
	if err != nil {
		return fmt.Errorf("DNS server: listen at %v (udp): %w", o.DNS, err)
	}
	defer udp.Close()
	tcp, err := net.ListenTCP("tcp4", net.TCPAddrFromAddrPort(o.DNS))
	if err != nil {
		return fmt.Errorf("DNS server: listen at %v (tcp): %w", o.DNS, err)
	}

	zone := newZone(view, o.Domain)
	relay := relay{view: view, reserved: o.DNS, listeners: map[target]*net.TCPListener{}, refused: map[string]bool{}}
	var parts sync.WaitGroup
	parts.Go(func() { serveUDP(ctx, udp, zone) })
	parts.Go(func() { serve(ctx, tcp, func(_ context.Context, c *net.TCPConn) { serveTCP(c, zone) }) })
	parts.Go(func() { relay.run(ctx, changed) })
	parts.Wait()
	return nil
}

// watch has factory follow what this package reads. The channel gets a value after changes; several may become one.
func watch(factory informers.SharedInformerFactory) (view, <-chan struct{}, error) {
	services := factory.Core().V1().Services()
	slices := factory.Discovery().V1().EndpointSlices().Informer()
	if err := slices.AddIndexers(cache.Indexers{byService: sliceService}); err != nil {
		return view{}, nil, fmt.Errorf("index EndpointSlices: %w", err)
	}
	changed := make(chan struct{}, 1)
	notify := func() {
		select {
		case changed <- struct{}{}:
		default:
		}
	}
	handler := cache.ResourceEventHandlerFuncs{
		AddFunc:    func(any) { notify() },
		UpdateFunc: func(any, any) { notify() },
		DeleteFunc: func(any) { notify() },
	}
	for _, informer := range []cache.SharedIndexInformer{services.Informer(), slices} {
		if _, err := informer.AddEventHandler(handler); err != nil {
			return view{}, nil, fmt.Errorf("follow Services and EndpointSlices: %w", err)
		}
	}
	return view{services: services.Lister(), slices: slices.GetIndexer()}, changed, nil
}
