package cri

import (
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"

	"golang.org/x/sys/unix"
)

// terminal is the pseudo terminal of an interactive command: both its ends.
type terminal struct {
	ours, theirs *os.File
}

// openTerminal makes a terminal of the container that the current thread is in.
func openTerminal(owner identity) (*terminal, error) {
	ours, err := unix.Open("/dev/ptmx", unix.O_RDWR|unix.O_NOCTTY|unix.O_CLOEXEC, 0)
	if err != nil {
		return nil, fmt.Errorf("making a terminal: %w", err)
	}
	t := &terminal{ours: os.NewFile(uintptr(ours), "terminal")}
	number, err := unix.IoctlGetUint32(ours, unix.TIOCGPTN)
	if err == nil {
		err = unix.IoctlSetPointerInt(ours, unix.TIOCSPTLCK, 0) // unlocked
	}
	if err == nil {
		t.theirs, err = os.OpenFile(fmt.Sprintf("/dev/pts/%d", number), os.O_RDWR|unix.O_NOCTTY, 0)
	}
	if err != nil {
		return nil, errors.Join(fmt.Errorf("making a terminal: %w", err), t.ours.Close())
	}
	if err := t.theirs.Chown(int(owner.UID), -1); err != nil {
		return nil, errors.Join(fmt.Errorf("giving the terminal away: %w", err), t.ours.Close(), t.theirs.Close())
	}
	return t, nil
}

// attach makes the terminal that of the command, which is to be started next.
func (t *terminal) attach(cmd *exec.Cmd) {
	cmd.Stdin, cmd.Stdout, cmd.Stderr = t.theirs, t.theirs, t.theirs
	cmd.SysProcAttr.Setctty = true // of the session that the command begins
}

// serve copies between the terminal and the client until the command has ended.
func (t *terminal) serve(client stdio) {
	t.theirs.Close() // the command has it
	if client.in != nil {
		go io.Copy(t.ours, client.in)
	}
	go func() {
		for size := range client.resize {
			unix.IoctlSetWinsize(int(t.ours.Fd()), unix.TIOCSWINSZ, &unix.Winsize{Row: size.Height, Col: size.Width})
		}
	}()
	io.Copy(client.out, t.ours) // ends with an error when no process has the terminal any more
}
