package cri

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"os/exec"
	"strconv"
	"time"

	runtimeapi "k8s.io/cri-api/pkg/apis/runtime/v1"
	"k8s.io/cri-streaming/pkg/streaming/remotecommand"
	utilexec "k8s.io/utils/exec"
)

// Exec implements the runtime service: it says where `kubectl exec` shall connect to.
func (s *service) Exec(_ context.Context, r *runtimeapi.ExecRequest) (*runtimeapi.ExecResponse, error) {
	return s.streams.GetExec(r)
}

// Attach implements the runtime service.
func (s *service) Attach(_ context.Context, r *runtimeapi.AttachRequest) (*runtimeapi.AttachResponse, error) {
	return s.streams.GetAttach(r)
}

// PortForward implements the runtime service: it says where `kubectl port-forward` shall connect to.
func (s *service) PortForward(_ context.Context, r *runtimeapi.PortForwardRequest) (*runtimeapi.PortForwardResponse, error) {
	return s.streams.GetPortForward(r)
}

// streamRuntime does what clients ask for once they are connected.
type streamRuntime struct{ *service }

// Exec is `kubectl exec`.
func (s streamRuntime) Exec(ctx context.Context, id string, argv []string, in io.Reader, out, errOut io.WriteCloser, tty bool, resize <-chan remotecommand.TerminalSize) error {
	err := s.run(ctx, id, argv, stdio{in: in, out: out, err: errOut, terminal: tty, resize: resize})
	var exit *exec.ExitError
	if errors.As(err, &exit) {
		return utilexec.CodeExitError{Err: err, Code: int(exitCode(exit.ProcessState))}
	}
	return err
}

// Attach is `kubectl attach`.
func (s streamRuntime) Attach(context.Context, string, io.Reader, io.WriteCloser, io.WriteCloser, bool, <-chan remotecommand.TerminalSize) error {
	return errors.New("the test bed cannot attach to a container: use kubectl logs or exec")
}

// PortForward is `kubectl port-forward`.
func (s streamRuntime) PortForward(_ context.Context, id string, port int32, stream io.ReadWriteCloser) error {
	s.mu.Lock()
	var ns *namespaces
	if sb := s.sandboxes[id]; sb != nil {
		ns = sb.namespaces
	}
	s.mu.Unlock()
	if ns == nil {
		return fmt.Errorf("there is no running pod sandbox %q", id)
	}
	var conn net.Conn
	var err error
	onThread(func() {
		if err = ns.join(); err == nil {
			conn, err = net.DialTimeout("tcp", net.JoinHostPort("127.0.0.1", strconv.Itoa(int(port))), 10*time.Second)
		}
	})
	if err != nil {
		return fmt.Errorf("connecting to port %d in the pod: %w", port, err)
	}
	defer conn.Close()
	go func() {
		io.Copy(conn, stream)
		conn.(*net.TCPConn).CloseWrite()
	}()
	_, err = io.Copy(stream, conn)
	return err
}
