package services

import (
	"context"
	"errors"
	"fmt"
	"net"
	"slices"
	"testing"
	"time"

	"golang.org/x/net/dns/dnsmessage"
	corev1 "k8s.io/api/core/v1"
	discoveryv1 "k8s.io/api/discovery/v1"
)

// resolver is Go's own, with the cluster's server as its only one.
func (c *cluster) resolver() *net.Resolver {
	return &net.Resolver{PreferGo: true, Dial: func(ctx context.Context, network, _ string) (net.Conn, error) {
		var d net.Dialer
		return d.DialContext(ctx, network, c.dns.String())
	}}
}

func named(e discoveryv1.Endpoint, hostname string) discoveryv1.Endpoint {
	e.Hostname = &hostname
	return e
}

// shop is a cluster with a Service of each kind.
func shop(t *testing.T) *cluster {
	external := service("bank", "")
	external.Spec.Type, external.Spec.ExternalName = corev1.ServiceTypeExternalName, "bank.example.com"
	alias := service("alias", "")
	alias.Spec.Type, alias.Spec.ExternalName = corev1.ServiceTypeExternalName, "web.shop.svc.cluster.local"
	circle := service("circle", "")
	circle.Spec.Type, circle.Spec.ExternalName = corev1.ServiceTypeExternalName, "circle.shop.svc.cluster.local"
	early := service("early", corev1.ClusterIPNone)
	early.Spec.PublishNotReadyAddresses = true
	return start(t, external, alias, circle, early,
		slice("early", "", 80, at("10.213.1.7", true), at("10.213.1.8", false)),
		service("web", "127.96.9.1", tcpPort("http", 8080)),
		service("db", corev1.ClusterIPNone, tcpPort("sql", 5432)),
		slice("db", "sql", 15432, named(at("10.213.1.2", true), "db-0"), at("10.213.2.2", true), named(at("10.213.3.2", false), "db-2")),
		service("empty", corev1.ClusterIPNone))
}

func TestNamesOfServices(t *testing.T) {
	c := shop(t)
	notFound := []string{"no such host"}
	for name, expected := range map[string][]string{
		"web.shop.svc.cluster.local.":           {"127.96.9.1"},
		"WEB.shop.SVC.Cluster.Local.":           {"127.96.9.1"},
		"alias.shop.svc.cluster.local.":         {"127.96.9.1"},
		"db.shop.svc.cluster.local.":            {"10.213.1.2", "10.213.2.2"},
		"db-0.db.shop.svc.cluster.local.":       {"10.213.1.2"},
		"10-213-2-2.db.shop.svc.cluster.local.": {"10.213.2.2"},
		"early.shop.svc.cluster.local.":         {"10.213.1.7", "10.213.1.8"},
		"db-2.db.shop.svc.cluster.local.":       notFound, // not ready
		"empty.shop.svc.cluster.local.":         notFound,
		"web.other.svc.cluster.local.":          notFound,
		"shop.svc.cluster.local.":               notFound,
		"bank.shop.svc.cluster.local.":          notFound,
		"example.com.":                          notFound,
		"web.shop.svc.example.com.":             notFound,
	} {
		addrs, err := c.resolver().LookupHost(t.Context(), name)
		var dnsError *net.DNSError
		if errors.As(err, &dnsError) && dnsError.IsNotFound {
			addrs = notFound
		} else if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		slices.Sort(addrs)
		if !slices.Equal(addrs, expected) {
			t.Errorf("%s: expected %v, got %v", name, expected, addrs)
		}
	}
	if name, err := c.resolver().LookupCNAME(t.Context(), "bank.shop.svc.cluster.local."); name != "bank.example.com." {
		t.Errorf("the external Service's alias: %q, %v", name, err)
	}
}

func TestNamedPortsHaveServiceRecords(t *testing.T) {
	c := shop(t)
	for query, expected := range map[string][]string{
		"http web": {"web.shop.svc.cluster.local.:8080"},
		"sql db":   {"10-213-2-2.db.shop.svc.cluster.local.:15432", "db-0.db.shop.svc.cluster.local.:15432"},
	} {
		var port, svc string
		_, _ = fmt.Sscan(query, &port, &svc)
		_, records, err := c.resolver().LookupSRV(t.Context(), port, "tcp", svc+".shop.svc.cluster.local.")
		var got []string
		for _, r := range records {
			got = append(got, fmt.Sprintf("%s:%d", r.Target, r.Port))
		}
		slices.Sort(got)
		if !slices.Equal(got, expected) {
			t.Errorf("%s: expected %v, got %v, %v", query, expected, got, err)
		}
	}
}

func TestAKnownNameWithoutTheTypeIsEmptyAndAnUnknownOneIsNone(t *testing.T) {
	c := shop(t)
	for _, q := range []struct {
		name     string
		kind     dnsmessage.Type
		expected dnsmessage.RCode
	}{
		{"web.shop.svc.cluster.local.", dnsmessage.TypeAAAA, dnsmessage.RCodeSuccess},
		{"web.shop.svc.cluster.local.", dnsmessage.TypeSRV, dnsmessage.RCodeSuccess},
		{"_http._tcp.web.shop.svc.cluster.local.", dnsmessage.TypeA, dnsmessage.RCodeSuccess},
		{"db.shop.svc.cluster.local.", dnsmessage.TypeAAAA, dnsmessage.RCodeSuccess},
		{"shop.svc.cluster.local.", dnsmessage.TypeA, dnsmessage.RCodeSuccess},
		{"svc.cluster.local.", dnsmessage.TypeA, dnsmessage.RCodeSuccess},
		{"cluster.local.", dnsmessage.TypeA, dnsmessage.RCodeSuccess},
		{"nobody.shop.svc.cluster.local.", dnsmessage.TypeAAAA, dnsmessage.RCodeNameError},
		{"_https._tcp.web.shop.svc.cluster.local.", dnsmessage.TypeSRV, dnsmessage.RCodeNameError},
		{"a.b.c.web.shop.svc.cluster.local.", dnsmessage.TypeA, dnsmessage.RCodeNameError},
		{"web.shop.pod.cluster.local.", dnsmessage.TypeA, dnsmessage.RCodeNameError},
		{"notcluster.local.", dnsmessage.TypeA, dnsmessage.RCodeNameError},
		{".", dnsmessage.TypeNS, dnsmessage.RCodeNameError},
		{"10.0.96.10.in-addr.arpa.", dnsmessage.TypePTR, dnsmessage.RCodeNameError},
	} {
		reply := c.exchange(q.name, q.kind, 0)
		if reply.RCode != q.expected || len(reply.Answers) != 0 || reply.Truncated {
			t.Errorf("%s %v: expected %v and no answer, got %v and %v", q.name, q.kind, q.expected, reply.RCode, reply.Answers)
		}
	}
	if reply := c.exchange("circle.shop.svc.cluster.local.", dnsmessage.TypeA, 0); reply.RCode != dnsmessage.RCodeServerFailure {
		t.Errorf("an alias of itself: %v", reply.RCode)
	}
}

func TestLongAnswersAreTruncatedAndWholeOverTCP(t *testing.T) {
	var endpoints []discoveryv1.Endpoint
	for i := range 100 {
		endpoints = append(endpoints, at(fmt.Sprintf("10.213.1.%d", i+1), true))
	}
	c := start(t, service("many", corev1.ClusterIPNone), slice("many", "", 80, endpoints...),
		service("some", corev1.ClusterIPNone), slice("some", "", 80, endpoints[:40]...))
	const many, some = "many.shop.svc.cluster.local.", "some.shop.svc.cluster.local."
	for _, q := range []struct {
		name      string
		edns      int
		truncated bool
		answers   int
	}{
		{some, 0, true, 0}, {some, 300, true, 0}, {some, 1232, false, 40}, {many, 65535, true, 0},
	} {
		reply := c.exchange(q.name, dnsmessage.TypeA, q.edns)
		if reply.Truncated != q.truncated || len(reply.Answers) != q.answers || len(reply.Additionals) != min(q.edns, 1) {
			t.Errorf("%+v: truncated %v, %d answers, %d more", q, reply.Truncated, len(reply.Answers), len(reply.Additionals))
		}
	}
	addrs, err := c.resolver().LookupHost(t.Context(), many)
	if err != nil || len(addrs) != 100 {
		t.Errorf("expected 100 addresses, got %d, %v", len(addrs), err)
	}
}

func TestWhatIsNoQuestionDoesNotStopTheServer(t *testing.T) {
	c := shop(t)
	conn, err := net.Dial("udp4", c.dns.String())
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	_ = conn.SetDeadline(time.Now().Add(patience))
	header := func(id byte, flags byte) []byte { return []byte{0, id, flags, 0, 0, 0, 0, 0, 0, 0, 0, 0} }
	// None of the first three may be replied to: the first reply is the last one's.
	for _, packet := range [][]byte{{}, {1, 2, 3}, header(1, 0x80), header(2, 0)} {
		if _, err := conn.Write(packet); err != nil {
			t.Fatal(err)
		}
	}
	buf := make([]byte, 512)
	n, err := conn.Read(buf)
	if err != nil {
		t.Fatal(err)
	}
	var reply dnsmessage.Message
	if err := reply.Unpack(buf[:n]); err != nil || reply.ID != 2 || reply.RCode != dnsmessage.RCodeFormatError {
		t.Errorf("got %v, %v", reply.GoString(), err)
	}
}

// exchange sends one question by udp; edns is the size that the client can take, 0 if it does not say.
func (c *cluster) exchange(name string, kind dnsmessage.Type, edns int) dnsmessage.Message {
	c.Helper()
	query := dnsmessage.Message{
		Header:    dnsmessage.Header{ID: 7, RecursionDesired: true},
		Questions: []dnsmessage.Question{{Name: dnsmessage.MustNewName(name), Type: kind, Class: dnsmessage.ClassINET}},
	}
	if edns > 0 {
		var header dnsmessage.ResourceHeader
		if err := header.SetEDNS0(edns, dnsmessage.RCodeSuccess, false); err != nil {
			c.Fatal(err)
		}
		query.Additionals = []dnsmessage.Resource{{Header: header, Body: &dnsmessage.OPTResource{}}}
	}
	packed, err := query.Pack()
	if err != nil {
		c.Fatal(err)
	}
	conn, err := net.Dial("udp4", c.dns.String())
	if err != nil {
		c.Fatal(err)
	}
	defer conn.Close()
	_ = conn.SetDeadline(time.Now().Add(patience))
	if _, err := conn.Write(packed); err != nil {
		c.Fatal(err)
	}
	buf := make([]byte, 65535)
	n, err := conn.Read(buf)
	if err != nil {
		c.Fatal(err)
	}
	var reply dnsmessage.Message
	if err := reply.Unpack(buf[:n]); err != nil {
		c.Fatal(err)
	}
	return reply
}
