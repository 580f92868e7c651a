package services

import (
	"net/netip"
	"slices"

	corev1 "k8s.io/api/core/v1"
	discoveryv1 "k8s.io/api/discovery/v1"
	"k8s.io/apimachinery/pkg/labels"
	corelisters "k8s.io/client-go/listers/core/v1"
	"k8s.io/client-go/tools/cache"
)

// byService is the index of EndpointSlices by "namespace/service".
const byService = "service"

// view is what is known of the cluster at the moment.
type view struct {
	services corelisters.ServiceLister
	slices   cache.Indexer
}

// endpoint is an address of a Service that takes part in it.
type endpoint struct {
	addr     netip.Addr
	hostname string // "" if the pod asks for none
	ports    []discoveryv1.EndpointPort
}

// sliceService is the index function of byService.
func sliceService(obj any) ([]string, error) {
	slice, ok := obj.(*discoveryv1.EndpointSlice)
	if !ok {
		return nil, nil
	}
	return []string{slice.Namespace + "/" + slice.Labels[discoveryv1.LabelServiceName]}, nil
}

// all returns every Service, or those of one namespace if it is not "".
func (v view) all(namespace string) []*corev1.Service {
	// Neither call can fail: they read a map.
	if namespace != "" {
		found, _ := v.services.Services(namespace).List(labels.Everything())
		return found
	}
	found, _ := v.services.List(labels.Everything())
	return found
}

// service returns nil if there is none of that name.
func (v view) service(namespace, name string) *corev1.Service {
	svc, err := v.services.Services(namespace).Get(name)
	if err != nil {
		return nil
	}
	return svc
}

// endpoints returns those that are ready, and with publishNotReadyAddresses all.
func (v view) endpoints(svc *corev1.Service) []endpoint {
	found, _ := v.slices.ByIndex(byService, svc.Namespace+"/"+svc.Name)
	var usable []endpoint
	for _, obj := range found {
		slice, ok := obj.(*discoveryv1.EndpointSlice)
		if !ok || slice.AddressType != discoveryv1.AddressTypeIPv4 {
			continue
		}
		for _, e := range slice.Endpoints {
			// All addresses of an entry are the same endpoint, so the first one will do.
			if len(e.Addresses) == 0 || !ready(e) && !svc.Spec.PublishNotReadyAddresses {
				continue
			}
			addr, err := netip.ParseAddr(e.Addresses[0])
			if err != nil || !addr.Is4() {
				continue
			}
			known := endpoint{addr: addr, ports: slice.Ports}
			if e.Hostname != nil {
				known.hostname = *e.Hostname
			}
			usable = append(usable, known)
		}
	}
	return usable
}

func ready(e discoveryv1.Endpoint) bool {
	terminating := e.Conditions.Terminating != nil && *e.Conditions.Terminating
	return (e.Conditions.Ready == nil || *e.Conditions.Ready) && !terminating
}

// portOf returns the endpoint's number for a port of its Service, 0 if it has none. Named target ports of pods are
// numbers here already.
func (e endpoint) portOf(name string, protocol corev1.Protocol) uint16 {
	for _, p := range e.ports {
		sameName := p.Name == nil && name == "" || p.Name != nil && *p.Name == name
		sameProtocol := p.Protocol == nil && protocol == corev1.ProtocolTCP || p.Protocol != nil && *p.Protocol == protocol
		if p.Port != nil && sameName && sameProtocol {
			return uint16(*p.Port)
		}
	}
	return 0
}

// backends returns where connections to a TCP port of a Service can go to, each once and in a stable order.
func (v view) backends(svc *corev1.Service, portName string) []netip.AddrPort {
	var addrs []netip.AddrPort
	for _, e := range v.endpoints(svc) {
		if port := e.portOf(portName, corev1.ProtocolTCP); port != 0 {
			addrs = append(addrs, netip.AddrPortFrom(e.addr, port))
		}
	}
	slices.SortFunc(addrs, netip.AddrPort.Compare)
	return slices.Compact(addrs)
}
