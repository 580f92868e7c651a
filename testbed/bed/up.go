package bed

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"strconv"
	"syscall"
	"time"
)

// Up runs a test bed until it is told to stop: by a signal, or by the end of the standard input where
// stopOnEOF asks for that.
func Up(o Options, stopOnEOF bool) error {
	if err := o.check(); err != nil {
		return err
	}
	if err := checkNeeds(); err != nil {
		return err
	}
	var err error
	if o.Dir, err = filepath.Abs(o.Dir); err != nil {
		return err
	}
	if o.Bin != "" {
		if o.Bin, err = filepath.Abs(o.Bin); err != nil {
			return err
		}
		if info, err := os.Stat(o.Bin); err != nil || !info.IsDir() {
			return fmt.Errorf("--bin %s: no folder", o.Bin)
		}
	}
	stop := stopRequests(stopOnEOF)
	scratch, err := openScratch(o.Dir)
	if err != nil {
		return err
	}
	o.Dir = scratch.dir
	listener, err := net.Listen("tcp", net.JoinHostPort("127.0.0.1", strconv.Itoa(o.APIPort)))
	if err != nil {
		return errors.Join(fmt.Errorf("--api-port: %w", err), scratch.remove())
	}
	defer listener.Close()
	o.APIPort = listener.Addr().(*net.TCPAddr).Port
	go relay(listener, func() (net.Conn, error) { return net.Dial("unix", o.apiSocket()) })

	inner, err := startInner(o)
	if err != nil {
		return errors.Join(fmt.Errorf("starting in namespaces of its own (in a container, this takes a privileged one): %w", err), scratch.remove())
	}
	ended := make(chan error, 1)
	go func() { ended <- inner.Wait() }()
	select {
	case <-ended:
		return fmt.Errorf("the test bed ended by itself; its logs are in %s", o.logs())
	case why := <-stop:
		since := time.Now()
		_ = inner.Process.Kill()
		<-ended // not before the last process of its namespace is gone
		if err := scratch.remove(); err != nil {
			return fmt.Errorf("stopping: %w", err)
		}
		fmt.Printf("%s: stopped in %.1f s\n", why, time.Since(since).Seconds())
		return nil
	}
}

// stopRequests tells why to stop, as soon as there is a reason.
func stopRequests(onEOF bool) <-chan string {
	stop := make(chan string, 2)
	signals := make(chan os.Signal, 1)
	signal.Notify(signals, syscall.SIGINT, syscall.SIGTERM, syscall.SIGHUP)
	go func() { stop <- (<-signals).String() }()
	if onEOF {
		go func() {
			_, _ = io.Copy(io.Discard, os.Stdin)
			stop <- "end of input"
		}()
	}
	return stop
}

// startInner starts this program as the first process of new namespaces. It dies with the thread
// that calls this, which must therefore be the main one.
func startInner(o Options) (*exec.Cmd, error) {
	options, err := json.Marshal(o)
	if err != nil {
		return nil, err
	}
	inner := thisProgram(innerCommand, string(options))
	inner.Stdout, inner.Stderr = os.Stdout, os.Stderr
	inner.SysProcAttr = &syscall.SysProcAttr{
		Cloneflags: syscall.CLONE_NEWPID | syscall.CLONE_NEWNS | syscall.CLONE_NEWNET | syscall.CLONE_NEWIPC | syscall.CLONE_NEWUTS,
		Pdeathsig:  syscall.SIGKILL,
		Setsid:     true, // the terminal's Ctrl-C is for the outer process alone
	}
	if err := inner.Start(); err != nil {
		return nil, err
	}
	if err := os.WriteFile(pidFile(o.Dir), []byte(strconv.Itoa(inner.Process.Pid)), 0o600); err != nil {
		_ = inner.Process.Kill()
		_ = inner.Wait()
		return nil, err
	}
	return inner, nil
}

// Enter runs a command on the nodes' side: in the namespaces of the test bed that runs in dir.
func Enter(dir string, command []string) error {
	if err := checkRunning(dir); err != nil {
		return err
	}
	pid, err := os.ReadFile(pidFile(dir))
	if err != nil {
		return err
	}
	args := append([]string{"nsenter", "--target", string(pid), "--mount", "--pid", "--net", "--ipc", "--uts", "--"}, command...)
	path, err := exec.LookPath(args[0])
	if err != nil {
		return err
	}
	return syscall.Exec(path, args, os.Environ())
}
