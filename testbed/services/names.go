package services

import (
	"math/rand/v2"
	"net/netip"
	"strings"

	"golang.org/x/net/dns/dnsmessage"
	corev1 "k8s.io/api/core/v1"
)

const (
	// recordTTL in seconds; short, as what pods look up changes under test.
	recordTTL = 5
	// maxAliases ends the search when ExternalName Services lead to each other.
	maxAliases = 8
)

// zone answers for the names below one domain, by the names of Kubernetes' DNS specification.
type zone struct {
	view   view
	domain string // lower case, without dots at the ends
}

func newZone(v view, domain string) zone {
	return zone{view: v, domain: strings.ToLower(strings.Trim(domain, "."))}
}

// answer returns the records for a question. There is no server to ask about names outside of the domain. They do not
// exist then: to "refused", musl would be deaf until its timeout, and glibc would report a failure to be tried again.
func (z zone) answer(q dnsmessage.Question) ([]dnsmessage.Resource, dnsmessage.RCode) {
	var answers []dnsmessage.Resource
	name := q.Name
	for range maxAliases {
		labels, inside := z.labels(name)
		if !inside && len(answers) > 0 {
			return answers, dnsmessage.RCodeSuccess // the alias is all that can be said
		}
		if !inside {
			return nil, dnsmessage.RCodeNameError
		}
		records, known := z.records(labels, q.Type)
		if !known {
			return answers, dnsmessage.RCodeNameError
		}
		var alias *dnsmessage.CNAMEResource
		for _, body := range records {
			header := dnsmessage.ResourceHeader{Name: name, Class: dnsmessage.ClassINET, TTL: recordTTL}
			answers = append(answers, dnsmessage.Resource{Header: header, Body: body})
			alias, _ = body.(*dnsmessage.CNAMEResource)
		}
		if alias == nil || q.Type == dnsmessage.TypeCNAME {
			return answers, dnsmessage.RCodeSuccess
		}
		name = alias.CNAME
	}
	return answers, dnsmessage.RCodeServerFailure
}

// labels returns the parts of a name before the domain, in lower case; false if the name is not in the domain.
func (z zone) labels(name dnsmessage.Name) ([]string, bool) {
	full := strings.ToLower(strings.TrimSuffix(name.String(), "."))
	if full == z.domain {
		return nil, true
	}
	below, inside := strings.CutSuffix(full, "."+z.domain)
	return strings.Split(below, "."), inside
}

// records returns what is known by a name; nothing if it is known, but has no record of that type.
func (z zone) records(labels []string, kind dnsmessage.Type) (records []dnsmessage.ResourceBody, known bool) {
	n := len(labels)
	switch {
	case n == 0:
		return nil, true
	case labels[n-1] != "svc":
		return nil, false
	case n == 1:
		return nil, true
	case n == 2:
		return nil, len(z.view.all(labels[0])) > 0
	}
	svc := z.view.service(labels[n-2], labels[n-3])
	if svc == nil {
		return nil, false
	}
	if svc.Spec.Type == corev1.ServiceTypeExternalName {
		target, err := dnsmessage.NewName(strings.TrimSuffix(svc.Spec.ExternalName, ".") + ".")
		if n != 3 || err != nil {
			return nil, false
		}
		return []dnsmessage.ResourceBody{&dnsmessage.CNAMEResource{CNAME: target}}, true
	}
	switch n {
	case 3:
		return addresses(z.serviceAddrs(svc), kind)
	case 4:
		return addresses(z.hostAddrs(svc, labels[0]), kind)
	case 5:
		return z.ports(svc, labels[0], labels[1], kind)
	}
	return nil, false
}

// serviceAddrs returns the cluster IP, or those of a headless Service's endpoints in random order.
func (z zone) serviceAddrs(svc *corev1.Service) []netip.Addr {
	if ip, err := netip.ParseAddr(svc.Spec.ClusterIP); err == nil {
		return []netip.Addr{ip}
	}
	var addrs []netip.Addr
	for _, e := range z.view.endpoints(svc) {
		addrs = append(addrs, e.addr)
	}
	rand.Shuffle(len(addrs), func(i, j int) { addrs[i], addrs[j] = addrs[j], addrs[i] })
	return addrs
}

func (z zone) hostAddrs(svc *corev1.Service, host string) []netip.Addr {
	var addrs []netip.Addr
	for _, e := range z.view.endpoints(svc) {
		if e.host() == host {
			addrs = append(addrs, e.addr)
		}
	}
	return addrs
}

// host is the endpoint's name within its Service, made of the address if the pod has no hostname.
func (e endpoint) host() string {
	if e.hostname != "" {
		return strings.ToLower(e.hostname)
	}
	return strings.ReplaceAll(e.addr.String(), ".", "-")
}

// addresses makes A records. No address at all: the name is not known, as the specification wants it.
func addresses(addrs []netip.Addr, kind dnsmessage.Type) (records []dnsmessage.ResourceBody, known bool) {
	seen := map[netip.Addr]bool{}
	for _, addr := range addrs {
		if kind == dnsmessage.TypeA && addr.Is4() && !seen[addr] {
			seen[addr] = true
			records = append(records, &dnsmessage.AResource{A: addr.As4()})
		}
	}
	return records, len(addrs) > 0
}

// ports makes the SRV records of _port._protocol.service.
func (z zone) ports(svc *corev1.Service, port, protocol string, kind dnsmessage.Type) (records []dnsmessage.ResourceBody, known bool) {
	within := svc.Name + "." + svc.Namespace + ".svc." + z.domain + "."
	add := func(host string, number uint16) {
		target, err := dnsmessage.NewName(host)
		if err != nil || number == 0 {
			return
		}
		known = true
		if kind == dnsmessage.TypeSRV {
			records = append(records, &dnsmessage.SRVResource{Weight: 1, Port: number, Target: target})
		}
	}
	for _, p := range svc.Spec.Ports {
		if p.Name == "" || port != "_"+p.Name || protocol != "_"+strings.ToLower(string(p.Protocol)) {
			continue
		}
		if svc.Spec.ClusterIP != corev1.ClusterIPNone {
			add(within, uint16(p.Port))
			continue
		}
		for _, e := range z.view.endpoints(svc) {
			add(e.host()+"."+within, e.portOf(p.Name, p.Protocol))
		}
	}
	return records, known
}
