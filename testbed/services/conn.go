package services

import (
	"context"
	"errors"
	"io"
	"net"
	"sync"
	"time"

	"k8s.io/klog/v2"
)

// acceptPause is the pause after a connection could not be accepted, for want of file descriptors for example.
const acceptPause = 50 * time.Millisecond

// serve hands each connection to a goroutine of its own, and closes it after handle. Closing the listener ends only
// the accepting; the end of ctx closes listener and connections. It returns when all of them are closed.
func serve(ctx context.Context, listener *net.TCPListener, handle func(context.Context, *net.TCPConn)) {
	stop := context.AfterFunc(ctx, func() { listener.Close() })
	defer stop()
	var handlers sync.WaitGroup
	defer handlers.Wait()
	for {
		conn, err := listener.AcceptTCP()
		if errors.Is(err, net.ErrClosed) {
			return
		}
		if err != nil {
			klog.Errorf("accept at %v: %v", listener.Addr(), err)
			time.Sleep(acceptPause)
			continue
		}
		handlers.Go(func() {
			stop := context.AfterFunc(ctx, func() { conn.Close() })
			defer stop()
			defer conn.Close()
			handle(ctx, conn)
		})
	}
}

// pipe copies in both directions until both have ended, and closes both connections. An end in one direction is passed
// on and leaves the other one open; a failure ends both, by a reset.
func pipe(a, b *net.TCPConn) {
	var copies sync.WaitGroup
	oneWay := func(to, from *net.TCPConn) {
		_, err := io.Copy(to, from)
		if err == nil {
			err = to.CloseWrite()
		}
		if err != nil {
			reset(a)
			reset(b)
		}
	}
	copies.Go(func() { oneWay(a, b) })
	copies.Go(func() { oneWay(b, a) })
	copies.Wait()
	a.Close()
	b.Close()
}

// reset closes so that the other side sees an error instead of an end.
func reset(conn *net.TCPConn) {
	_ = conn.SetLinger(0) // fails only if it is closed already
	conn.Close()
}
