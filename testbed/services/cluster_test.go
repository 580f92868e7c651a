package services

import (
	"context"
	"io"
	"net"
	"net/netip"
	"strings"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	discoveryv1 "k8s.io/api/discovery/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/client-go/kubernetes/fake"
)

// patience is how long a condition may take on a busy machine.
const patience = 20 * time.Second

// cluster is a fake API server with the package running on it.
type cluster struct {
	*testing.T
	client *fake.Clientset
	dns    netip.AddrPort
	stop   func() // ends Run and waits for it
}

func start(t *testing.T, objects ...runtime.Object) *cluster {
	t.Helper()
	client := fake.NewClientset(objects...)
	dns := netip.AddrPortFrom(netip.MustParseAddr("127.96.0.10"), freePort(t, "127.96.0.10"))
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- Run(ctx, Options{Client: client, DNS: dns, Domain: "cluster.local"}) }()
	stopped := false
	c := &cluster{T: t, client: client, dns: dns, stop: func() {
		cancel()
		if stopped {
			return
		}
		stopped = true
		select {
		case err := <-ended:
			if err != nil {
				t.Errorf("Run: %v", err)
			}
		case <-time.After(patience):
			t.Errorf("Run does not end")
		}
	}}
	t.Cleanup(c.stop)
	// The fake forgets what happens between list and watch.
	c.eventually("both kinds are watched", func() bool {
		watched := map[string]bool{}
		for _, action := range client.Actions() {
			if action.GetVerb() == "watch" {
				watched[action.GetResource().Resource] = true
			}
		}
		return len(watched) == 2
	})
	c.eventually("the DNS server listens", func() bool {
		conn, err := net.Dial("tcp", dns.String())
		if err == nil {
			conn.Close()
		}
		return err == nil
	})
	return c
}

func (c *cluster) eventually(what string, holds func() bool) {
	c.Helper()
	for end := time.Now().Add(patience); !holds(); time.Sleep(5 * time.Millisecond) {
		if time.Now().After(end) {
			c.Fatalf("waited in vain until %s", what)
		}
	}
}

func (c *cluster) updateSlice(slice *discoveryv1.EndpointSlice) {
	c.Helper()
	if _, err := c.client.DiscoveryV1().EndpointSlices(slice.Namespace).Update(c.Context(), slice, metav1.UpdateOptions{}); err != nil {
		c.Fatal(err)
	}
}

func (c *cluster) updateService(svc *corev1.Service) {
	c.Helper()
	if _, err := c.client.CoreV1().Services(svc.Namespace).Update(c.Context(), svc, metav1.UpdateOptions{}); err != nil {
		c.Fatal(err)
	}
}

func freePort(t *testing.T, ip string) uint16 {
	t.Helper()
	listener, err := net.Listen("tcp4", ip+":0")
	if err != nil {
		t.Fatal(err)
	}
	defer listener.Close()
	return listener.Addr().(*net.TCPAddr).AddrPort().Port()
}

// pod listens at an address of its own and handles one connection after the other.
func pod(t *testing.T, ip string, port uint16, handle func(*net.TCPConn)) uint16 {
	t.Helper()
	listener, err := net.ListenTCP("tcp4", net.TCPAddrFromAddrPort(netip.AddrPortFrom(netip.MustParseAddr(ip), port)))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { listener.Close() })
	go func() {
		for {
			conn, err := listener.AcceptTCP()
			if err != nil {
				return
			}
			handle(conn)
			conn.Close()
		}
	}()
	return listener.Addr().(*net.TCPAddr).AddrPort().Port()
}

// says makes a pod that greets with a text.
func says(text string) func(*net.TCPConn) {
	return func(conn *net.TCPConn) { _, _ = io.WriteString(conn, text) }
}

// ask returns all that comes from an address, or the error.
func ask(addr string) (string, error) {
	conn, err := net.DialTimeout("tcp4", addr, patience)
	if err != nil {
		return "", err
	}
	defer conn.Close()
	_ = conn.SetDeadline(time.Now().Add(patience))
	text, err := io.ReadAll(conn)
	return string(text), err
}

// service makes a Service in the namespace "shop"; ports may be none.
func service(name, clusterIP string, ports ...corev1.ServicePort) *corev1.Service {
	return &corev1.Service{
		ObjectMeta: metav1.ObjectMeta{Namespace: "shop", Name: name},
		Spec:       corev1.ServiceSpec{ClusterIP: clusterIP, Ports: ports},
	}
}

func tcpPort(name string, port uint16) corev1.ServicePort {
	return corev1.ServicePort{Name: name, Port: int32(port), Protocol: corev1.ProtocolTCP}
}

// slice makes an EndpointSlice of a Service with one port.
func slice(svc, portName string, port uint16, endpoints ...discoveryv1.Endpoint) *discoveryv1.EndpointSlice {
	number, protocol := int32(port), corev1.ProtocolTCP
	return &discoveryv1.EndpointSlice{
		ObjectMeta: metav1.ObjectMeta{
			Namespace: "shop", Name: strings.Trim(svc+"-"+portName, "-"),
			Labels: map[string]string{discoveryv1.LabelServiceName: svc},
		},
		AddressType: discoveryv1.AddressTypeIPv4,
		Ports:       []discoveryv1.EndpointPort{{Name: &portName, Port: &number, Protocol: &protocol}},
		Endpoints:   endpoints,
	}
}

func at(ip string, ready bool) discoveryv1.Endpoint {
	return discoveryv1.Endpoint{Addresses: []string{ip}, Conditions: discoveryv1.EndpointConditions{Ready: &ready}}
}
