package bed

import (
	"errors"
	"io"
	"net"
	"sync"
	"time"
)

// relay hands each connection of a listener on to what dial reaches, until the listener is closed.
// The API server's port crosses the border of the network namespace so: a unix socket is a file, and
// files are seen from both sides.
func relay(listener net.Listener, dial func() (net.Conn, error)) {
	for {
		from, err := listener.Accept()
		if errors.Is(err, net.ErrClosed) {
			return
		}
		if err != nil {
			time.Sleep(50 * time.Millisecond) // no file descriptor left, for example
			continue
		}
		go func() {
			defer from.Close()
			to, err := dial()
			if err != nil {
				return
			}
			defer to.Close()
			pipe(from, to)
		}()
	}
}

// pipe copies both ways until both are at their end.
func pipe(a, b net.Conn) {
	var both sync.WaitGroup
	for _, way := range [][2]net.Conn{{a, b}, {b, a}} {
		both.Go(func() {
			_, _ = io.Copy(way[0], way[1])
			if half, ok := way[0].(interface{ CloseWrite() error }); ok {
				_ = half.CloseWrite()
			}
		})
	}
	both.Wait()
}
