package services

import (
	"errors"
	"fmt"
	"io"
	"net"
	"net/netip"
	"runtime"
	"strings"
	"syscall"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

func TestConnectionsTakeTurnsAndLeaveOutWhatIsNotReady(t *testing.T) {
	port := pod(t, "127.97.1.1", 0, says("a"))
	pod(t, "127.97.1.2", port, says("b"))
	pod(t, "127.97.1.3", port, says("never ready"))
	pod(t, "127.97.1.4", port, says("terminating"))
	yes := true
	leaving := at("127.97.1.4", true)
	leaving.Conditions.Terminating = &yes

	front := freePort(t, "127.96.1.1")
	both := slice("web", "", port, at("127.97.1.1", true), at("127.97.1.2", true), at("127.97.1.3", false), leaving)
	c := start(t, service("web", "127.96.1.1", tcpPort("", front)), both)
	addr := fmt.Sprintf("127.96.1.1:%d", front)

	c.eventually("the Service answers", func() bool { _, err := ask(addr); return err == nil })
	answers := map[string]int{}
	for range 8 {
		answer, err := ask(addr)
		if err != nil {
			t.Fatal(err)
		}
		answers[answer]++
	}
	if answers["a"] != 4 || answers["b"] != 4 {
		t.Fatalf("8 connections were not spread evenly over the two that are ready: %v", answers)
	}

	c.updateSlice(slice("web", "", port, at("127.97.1.1", false), at("127.97.1.2", true)))
	c.eventually("only the ready one is used", func() bool {
		for range 4 {
			if answer, err := ask(addr); err != nil || answer != "b" {
				return false
			}
		}
		return true
	})
}

func TestAnEndpointThatDoesNotAnswerIsPassedOver(t *testing.T) {
	port := pod(t, "127.97.2.2", 0, says("alive"))
	front := freePort(t, "127.96.2.1")
	c := start(t, service("web", "127.96.2.1", tcpPort("http", front)),
		slice("web", "http", port, at("127.97.2.1", true), at("127.97.2.2", true)))
	addr := fmt.Sprintf("127.96.2.1:%d", front)
	c.eventually("the Service answers", func() bool { _, err := ask(addr); return err == nil })
	for range 4 {
		if answer, err := ask(addr); answer != "alive" {
			t.Fatalf("got %q, %v", answer, err)
		}
	}
}

func TestWithoutAnEndpointConnectionsAreRefused(t *testing.T) {
	port := pod(t, "127.97.3.1", 0, says("hello"))
	front, dead := freePort(t, "127.96.3.1"), freePort(t, "127.96.3.2")
	c := start(t,
		service("web", "127.96.3.1", tcpPort("", front)), slice("web", "", port, at("127.97.3.1", true)),
		service("dead", "127.96.3.2", tcpPort("", dead)), slice("dead", "", port, at("127.97.3.2", true)))
	addr := fmt.Sprintf("127.96.3.1:%d", front)
	c.eventually("the Service answers", func() bool { _, err := ask(addr); return err == nil })
	c.updateSlice(slice("web", "", port, at("127.97.3.1", false)))
	c.eventually("the connection is refused", func() bool {
		_, err := ask(addr)
		return errors.Is(err, syscall.ECONNREFUSED)
	})
	c.updateSlice(slice("web", "", port, at("127.97.3.1", true)))
	c.eventually("the Service answers again", func() bool { _, err := ask(addr); return err == nil })

	c.eventually("an endpoint where nothing listens gives a reset", func() bool {
		_, err := ask(fmt.Sprintf("127.96.3.2:%d", dead))
		return errors.Is(err, syscall.ECONNRESET)
	})
}

func TestListenersFollowTheService(t *testing.T) {
	port := pod(t, "127.97.4.1", 0, says("hello"))
	first, second := freePort(t, "127.96.4.1"), freePort(t, "127.96.4.1")
	if first == second {
		second++
	}
	c := start(t)
	answers := func(port uint16) func() bool {
		return func() bool {
			answer, err := ask(fmt.Sprintf("127.96.4.1:%d", port))
			return err == nil && answer == "hello"
		}
	}
	refuses := func(port uint16) func() bool {
		return func() bool {
			_, err := ask(fmt.Sprintf("127.96.4.1:%d", port))
			return errors.Is(err, syscall.ECONNREFUSED)
		}
	}
	if err := c.client.Tracker().Add(service("web", "127.96.4.1", tcpPort("", first))); err != nil {
		t.Fatal(err)
	}
	if err := c.client.Tracker().Add(slice("web", "", port, at("127.97.4.1", true))); err != nil {
		t.Fatal(err)
	}
	c.eventually("the new Service answers", answers(first))
	udp := corev1.ServicePort{Name: "udp", Port: 9, Protocol: corev1.ProtocolUDP}
	c.updateService(service("web", "127.96.4.1", tcpPort("", second), udp))
	c.eventually("the new port answers", answers(second))
	c.eventually("the old port is closed", refuses(first))
	if err := c.client.CoreV1().Services("shop").Delete(t.Context(), "web", metav1.DeleteOptions{}); err != nil {
		t.Fatal(err)
	}
	c.eventually("the deleted Service is closed", refuses(second))
}

func TestAnAddressInUseIsTriedAgain(t *testing.T) {
	port := pod(t, "127.97.5.1", 0, says("hello"))
	squatter, err := net.Listen("tcp4", "127.96.5.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer squatter.Close()
	addr := squatter.Addr().String()
	marker := freePort(t, "127.96.5.2")
	front := squatter.Addr().(*net.TCPAddr).AddrPort().Port()
	c := start(t, service("web", "127.96.5.1", tcpPort("", front)), slice("web", "", port, at("127.97.5.1", true)),
		service("other", "127.96.5.2", tcpPort("", marker)), slice("other", "", port, at("127.97.5.1", true)))
	c.eventually("the other Service answers", func() bool {
		_, err := ask(fmt.Sprintf("127.96.5.2:%d", marker))
		return err == nil
	})
	squatter.Close()
	c.eventually("the Service answers", func() bool { answer, _ := ask(addr); return answer == "hello" })
}

func TestAnEndInOneDirectionLeavesTheOtherOpen(t *testing.T) {
	port := pod(t, "127.97.6.1", 0, func(conn *net.TCPConn) {
		request, _ := io.ReadAll(conn) // ends only with the client's half-close
		_, _ = io.WriteString(conn, strings.ToUpper(string(request)))
	})
	conn, c := connect(t, "127.96.6.1", port, "127.97.6.1")
	if _, err := io.WriteString(conn, "question"); err != nil {
		t.Fatal(err)
	}
	if err := conn.CloseWrite(); err != nil {
		t.Fatal(err)
	}
	if answer, err := io.ReadAll(conn); err != nil || string(answer) != "QUESTION" {
		t.Fatalf("got %q, %v", answer, err)
	}
	c.eventually("nothing of the connection is left", func() bool { return !running("services.pipe") })
}

func TestAResetIsPassedOn(t *testing.T) {
	port := pod(t, "127.97.7.1", 0, func(conn *net.TCPConn) {
		_, _ = conn.Read(make([]byte, 1))
		_ = conn.SetLinger(0)
	})
	conn, c := connect(t, "127.96.7.1", port, "127.97.7.1")
	if _, err := io.WriteString(conn, "x"); err != nil {
		t.Fatal(err)
	}
	if _, err := io.ReadAll(conn); !errors.Is(err, syscall.ECONNRESET) {
		t.Fatalf("expected a reset, got %v", err)
	}
	c.eventually("nothing of the connection is left", func() bool { return !running("services.pipe") })
}

func TestADeletedServiceKeepsItsConnectionsUntilTheEndOfRun(t *testing.T) {
	port := pod(t, "127.97.8.1", 0, func(conn *net.TCPConn) { _, _ = io.Copy(conn, conn) })
	conn, c := connect(t, "127.96.8.1", port, "127.97.8.1")
	echo := func() error {
		if _, err := io.WriteString(conn, "x"); err != nil {
			return err
		}
		_, err := io.ReadFull(conn, make([]byte, 1))
		return err
	}
	if err := echo(); err != nil {
		t.Fatal(err)
	}
	if err := c.client.CoreV1().Services("shop").Delete(t.Context(), "web", metav1.DeleteOptions{}); err != nil {
		t.Fatal(err)
	}
	c.eventually("new connections are refused", func() bool {
		_, err := net.Dial("tcp4", conn.RemoteAddr().String())
		return errors.Is(err, syscall.ECONNREFUSED)
	})
	if err := echo(); err != nil {
		t.Fatalf("the open connection was closed with its Service: %v", err)
	}
	c.stop()
	if err := echo(); err == nil {
		t.Fatal("the connection outlived Run")
	}
	for _, part := range []string{"services.pipe", "services.serve(", "services.serveUDP", "services.(*relay)"} {
		// Not at once: a goroutine has told that it is done shortly before it is gone.
		c.eventually("no goroutine of "+part+" is left", func() bool { return !running(part) })
	}
}

// connect starts a Service "web" of one pod, and returns a connection to it.
func connect(t *testing.T, clusterIP string, port uint16, podIP string) (*net.TCPConn, *cluster) {
	t.Helper()
	front := freePort(t, clusterIP)
	c := start(t, service("web", clusterIP, tcpPort("", front)), slice("web", "", port, at(podIP, true)))
	var conn net.Conn
	c.eventually("the Service answers", func() (connected bool) {
		var err error
		conn, err = net.Dial("tcp4", netip.AddrPortFrom(netip.MustParseAddr(clusterIP), front).String())
		return err == nil
	})
	t.Cleanup(func() { conn.Close() })
	_ = conn.SetDeadline(time.Now().Add(patience))
	return conn.(*net.TCPConn), c
}

// running tells whether a goroutine is in a function whose name contains a text.
func running(function string) bool {
	stacks := make([]byte, 1<<20)
	return strings.Contains(string(stacks[:runtime.Stack(stacks, true)]), function)
}
