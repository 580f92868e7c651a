package cri

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os/exec"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	runtimeapi "k8s.io/cri-api/pkg/apis/runtime/v1"
	"k8s.io/cri-streaming/pkg/streaming/remotecommand"
)

// maxOutput is how much ExecSync keeps of either output.
const maxOutput = 1 << 20

// stdio is what a command is connected to.
type stdio struct {
	in       io.Reader // or nil
	out, err io.Writer // or nil
	terminal bool      // one for all three
	resize   <-chan remotecommand.TerminalSize
}

// run runs one more command in a container, with the environment and rights of its program, until the
// command ends or ctx does.
func (s *service) run(ctx context.Context, id string, argv []string, client stdio) error {
	c, err := s.container(id)
	if err != nil {
		return err
	}
	first := s.processOf(c)
	if first == nil {
		return status.Errorf(codes.FailedPrecondition, "container %s does not run", id)
	}
	p := c.first.Program
	p.Argv = argv
	onThread(func() {
		if err = enterContainer(first); err != nil {
			return
		}
		if err = p.User.limit(); err != nil {
			return
		}
		var path string
		if path, err = p.find(); err != nil {
			return
		}
		err = p.runHere(ctx, path, client)
	})
	return err
}

// enterContainer puts the current thread into all namespaces of a process. Of one that has ended that
// is an error: its number, which may be another's by now, plays no part.
func enterContainer(first *process) error {
	// A thread that shares its root and working directory with others cannot change its mounts.
	if err := unix.Unshare(unix.CLONE_FS); err != nil {
		return fmt.Errorf("leaving the root folder that threads share: %w", err)
	}
	const all = unix.CLONE_NEWNS | unix.CLONE_NEWPID | unix.CLONE_NEWNET | unix.CLONE_NEWUTS | unix.CLONE_NEWIPC
	var entering error
	if err := first.WithHandle(func(handle uintptr) { entering = unix.Setns(int(handle), all) }); err != nil {
		return fmt.Errorf("finding the container's first process: %w", err)
	}
	if entering != nil {
		return fmt.Errorf("entering the container: %w", entering)
	}
	return nil
}

// runHere runs the program in the current thread's namespaces.
func (p program) runHere(ctx context.Context, path string, client stdio) error {
	cmd := &exec.Cmd{
		Path: path, Args: p.Argv, Env: p.Env, Dir: p.Dir, Stdout: client.out, Stderr: client.err,
		WaitDelay: time.Second, // for output that a process left behind may hold open
		// It ends with the container's first process: no need for a signal when this one dies.
		SysProcAttr: &syscall.SysProcAttr{Credential: p.User.credential(), Setsid: true},
	}
	if client.terminal {
		terminal, err := openTerminal(p.User)
		if err != nil {
			return err
		}
		defer terminal.ours.Close()
		terminal.attach(cmd)
		if err := cmd.Start(); err != nil {
			return errors.Join(err, terminal.theirs.Close())
		}
		stop := context.AfterFunc(ctx, func() { syscall.Kill(-cmd.Process.Pid, syscall.SIGHUP) })
		defer stop()
		terminal.serve(client)
		return cmd.Wait()
	}
	if client.in != nil {
		// Not cmd.Stdin: the end of the command need not wait for an end of the input.
		input, err := cmd.StdinPipe()
		if err != nil {
			return fmt.Errorf("making a pipe for the input: %w", err)
		}
		go func() {
			defer input.Close()
			io.Copy(input, client.in)
		}()
	}
	if err := cmd.Start(); err != nil {
		return err
	}
	stop := context.AfterFunc(ctx, func() { syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL) })
	err := cmd.Wait()
	stop()
	if ctx.Err() != nil {
		return ctx.Err()
	}
	if errors.Is(err, exec.ErrWaitDelay) {
		return nil
	}
	return err
}

// beginning keeps the first part of what is written: the kubelet takes no answer of more than 16 MiB,
// and looks at 10 KiB.
type beginning struct{ kept []byte }

func (b *beginning) Write(p []byte) (int, error) {
	b.kept = append(b.kept, p[:min(len(p), maxOutput-len(b.kept))]...)
	return len(p), nil
}

// ExecSync implements the runtime service: the kubelet's exec probes and hooks.
func (s *service) ExecSync(ctx context.Context, r *runtimeapi.ExecSyncRequest) (*runtimeapi.ExecSyncResponse, error) {
	if r.GetTimeout() > 0 {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, time.Duration(r.GetTimeout())*time.Second)
		defer cancel()
	}
	var stdout, stderr beginning
	err := s.run(ctx, r.GetContainerId(), r.GetCmd(), stdio{out: &stdout, err: &stderr})
	var exit *exec.ExitError
	switch {
	case err == nil:
		return &runtimeapi.ExecSyncResponse{Stdout: stdout.kept, Stderr: stderr.kept}, nil
	case errors.As(err, &exit):
		return &runtimeapi.ExecSyncResponse{
			Stdout: stdout.kept, Stderr: stderr.kept, ExitCode: exitCode(exit.ProcessState),
		}, nil
	case errors.Is(err, context.DeadlineExceeded):
		return nil, status.Errorf(codes.DeadlineExceeded, "the command %q did not end within %d s", r.GetCmd(), r.GetTimeout())
	default:
		return nil, fmt.Errorf("running %q in the container: %w", r.GetCmd(), err)
	}
}
