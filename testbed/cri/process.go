package cri

import (
	"encoding/gob"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"syscall"
)

// process is a container's first process. In the container it is number 1: all others end with it.
type process struct {
	*os.Process
	done chan struct{} // closed when it has ended, all output was read, and that was told
}

// start runs the first process in the namespaces of a pod. It returns once the program runs, or why
// it cannot. Later, ended is told the exit code, as a shell has it. The process is killed when this one
// dies: the thread that started it lives until the process has ended.
func (first *firstProcess) start(ns *namespaces, stdout, stderr io.Writer, ended func(code int32)) (*process, error) {
	p := &process{done: make(chan struct{})}
	started := make(chan error, 1)
	go onThread(func() {
		cmd, err := first.launch(ns, stdout, stderr)
		if err != nil {
			started <- err
			return
		}
		p.Process = cmd.Process
		started <- nil
		cmd.Wait() // what it returns is in the state
		ended(exitCode(cmd.ProcessState))
		close(p.done)
	})
	if err := <-started; err != nil {
		return nil, err
	}
	return p, nil
}

// launch starts the process from the current thread and waits until it has become the program.
func (first *firstProcess) launch(ns *namespaces, stdout, stderr io.Writer) (*exec.Cmd, error) {
	if err := ns.join(); err != nil {
		return nil, err
	}
	inputReader, input, err := os.Pipe()
	if err != nil {
		return nil, fmt.Errorf("making a pipe: %w", err)
	}
	defer input.Close()
	defer inputReader.Close()
	report, reportWriter, err := os.Pipe()
	if err != nil {
		return nil, fmt.Errorf("making a pipe: %w", err)
	}
	defer report.Close()
	defer reportWriter.Close()

	cmd := &exec.Cmd{
		Path: "/proc/self/exe", Args: []string{firstName}, Env: []string{},
		Stdout: stdout, Stderr: stderr, ExtraFiles: []*os.File{inputReader, reportWriter},
		SysProcAttr: &syscall.SysProcAttr{
			Cloneflags: syscall.CLONE_NEWNS | syscall.CLONE_NEWPID,
			Pdeathsig:  syscall.SIGKILL,
			Setsid:     true,
		},
	}
	if err := cmd.Start(); err != nil {
		return nil, fmt.Errorf("starting the container's first process: %w", err)
	}
	reportWriter.Close()
	inputReader.Close()
	sent := gob.NewEncoder(input).Encode(first)
	input.Close()
	problem, err := io.ReadAll(report) // until the program runs: then the other end is closed
	if len(problem) > 0 {
		err = errors.New(string(problem))
	} else if err == nil {
		err = sent
	}
	if err != nil {
		cmd.Process.Kill()
		cmd.Wait()
		return nil, err
	}
	return cmd, nil
}

// exitCode is the code of an ended process as a shell has it.
func exitCode(state *os.ProcessState) int32 {
	if status, ok := state.Sys().(syscall.WaitStatus); ok && status.Signaled() {
		return 128 + int32(status.Signal())
	}
	return int32(state.ExitCode())
}

// kill ends the container, if it runs, and returns when all its processes are gone.
func (p *process) kill() {
	p.Kill() // fails only if it has ended
	<-p.done
}
