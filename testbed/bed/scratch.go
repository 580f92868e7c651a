package bed

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"syscall"
)

const lockFile = "testbed.lock"

// scratch is the directory of a run, held by a lock for as long as the process lives.
type scratch struct {
	dir  string
	lock *os.File
}

// openScratch locks the directory and removes what a killed run left there. A directory that holds
// something else is refused.
func openScratch(dir string) (*scratch, error) {
	// A unix socket's path has room for 107 bytes, and each node has one below the directory.
	if len(dir) > 70 {
		return nil, fmt.Errorf("--dir %s: at most 70 bytes, or the sockets in it could not be opened", dir)
	}
	entries, err := os.ReadDir(dir)
	if err != nil && !errors.Is(err, os.ErrNotExist) {
		return nil, err
	}
	if _, err := os.Stat(filepath.Join(dir, lockFile)); err != nil && len(entries) > 0 {
		return nil, fmt.Errorf("--dir %s: not empty and not of a test bed; its content would be deleted", dir)
	}
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return nil, err
	}
	lock, err := os.OpenFile(filepath.Join(dir, lockFile), os.O_RDWR|os.O_CREATE, 0o644)
	if err != nil {
		return nil, err
	}
	if err := syscall.Flock(int(lock.Fd()), syscall.LOCK_EX|syscall.LOCK_NB); err != nil {
		holder, _ := os.ReadFile(lock.Name())
		lock.Close()
		return nil, fmt.Errorf("a test bed runs in %s already (process %s): stop it, or give another --dir", dir, strings.TrimSpace(string(holder)))
	}
	s := &scratch{dir, lock}
	if err := s.empty(); err != nil {
		return nil, fmt.Errorf("removing what an earlier run left: %w", err)
	}
	if err := lock.Truncate(0); err != nil {
		return nil, err
	}
	_, err = lock.WriteAt([]byte(fmt.Sprintln(os.Getpid())), 0)
	return s, err
}

// running tells whether a test bed holds the lock of this directory.
func running(dir string) bool {
	lock, err := os.Open(filepath.Join(dir, lockFile))
	if err != nil {
		return false
	}
	defer lock.Close()
	return syscall.Flock(int(lock.Fd()), syscall.LOCK_SH|syscall.LOCK_NB) != nil
}

func notRunning(dir string) error {
	return fmt.Errorf("no test bed runs in %s: start one, or say with --dir where it is", dir)
}

func (s *scratch) empty() error {
	entries, err := os.ReadDir(s.dir)
	if err != nil {
		return err
	}
	for _, entry := range entries {
		if entry.Name() != lockFile {
			if err := os.RemoveAll(filepath.Join(s.dir, entry.Name())); err != nil {
				return err
			}
		}
	}
	return nil
}

// remove deletes the directory with all that is in it, the lock last.
func (s *scratch) remove() error {
	if err := s.empty(); err != nil {
		return err
	}
	return os.RemoveAll(s.dir)
}
