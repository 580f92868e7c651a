package cri

import (
	"encoding/gob"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"syscall"

	"golang.org/x/sys/unix"
)

// program is what runs in a container, and as whom.
type program struct {
	Argv, Env []string
	Dir       string
	User      identity
}

// firstProcess is all that a container's first process needs to know to become its program. It is sent
// as gob, which keeps every byte of a string.
type firstProcess struct {
	Root    rootfs
	Program program
}

// firstName is the name by which this very executable, started again, knows that it is a container's
// first process. Its file descriptors 3 and 4 are a firstProcess to read and where to report failure.
const firstName = "testbed-container"

func init() {
	if len(os.Args) == 0 || os.Args[0] != firstName {
		return
	}
	report := os.NewFile(4, "report")
	fmt.Fprint(report, become(os.NewFile(3, "first process"), report))
	os.Exit(1)
}

// become turns this process into the container's program. It returns only if that cannot be done.
func become(input, report *os.File) error {
	unix.CloseOnExec(int(input.Fd()))
	unix.CloseOnExec(int(report.Fd()))
	var first firstProcess
	if err := gob.NewDecoder(input).Decode(&first); err != nil {
		return fmt.Errorf("reading what to run: %w", err)
	}
	if err := first.Root.enter(); err != nil {
		return err
	}
	if err := first.Program.User.assume(); err != nil {
		return err
	}
	// Becoming another user cleared it. If the runtime died in between, nobody listens any more.
	if err := unix.Prctl(unix.PR_SET_PDEATHSIG, uintptr(unix.SIGKILL), 0, 0, 0); err != nil {
		return fmt.Errorf("asking to end with the runtime: %w", err)
	}
	listener := []unix.PollFd{{Fd: int32(report.Fd())}}
	if _, err := unix.Poll(listener, 0); err == nil && listener[0].Revents&unix.POLLERR != 0 {
		return errors.New("the runtime is gone")
	}
	path, err := first.Program.find()
	if err != nil {
		return err
	}
	err = syscall.Exec(path, first.Program.Argv, first.Program.Env)
	return fmt.Errorf("exec: %q: %w", path, err)
}

// find looks the command up in the current root, by the program's own PATH.
func (p program) find() (string, error) {
	name := p.Argv[0]
	if strings.Contains(name, "/") {
		return name, nil // relative to the working directory, if at all
	}
	for _, variable := range p.Env {
		path, ok := strings.CutPrefix(variable, "PATH=")
		if !ok {
			continue
		}
		for _, dir := range filepath.SplitList(path) {
			candidate := filepath.Join(dir, name)
			if info, err := os.Stat(candidate); err == nil && info.Mode().IsRegular() && info.Mode()&0o111 != 0 {
				return candidate, nil
			}
		}
	}
	return "", fmt.Errorf("exec: %q: executable file not found in $PATH", name)
}
