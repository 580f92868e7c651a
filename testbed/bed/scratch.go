package bed

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"time"
)

const lockFile = "testbed.lock"

// scratch is the directory of a run, held by a lock for as long as the process lives.
type scratch struct {
	dir  string // without symlinks, as the kernel lists mounts below it
	lock *os.File
}

// openScratch locks the directory and removes what a killed run left there. A directory that holds
// something else is refused, and so is one that another user has a hand in.
func openScratch(dir string) (*scratch, error) {
	dir, err := makeFolder(dir)
	if err != nil {
		return nil, err
	}
	// The kernel writes such a path in another way where it lists mounts, and nobody would find them there.
	if strings.ContainsAny(dir, " \t\n\\") {
		return nil, fmt.Errorf("--dir %q: no spaces and backslashes, please", dir)
	}
	// A unix socket's path has room for 107 bytes, and each node has one below the directory.
	if len(dir) > 70 {
		return nil, fmt.Errorf("--dir %s: at most 70 bytes, or the sockets in it could not be opened", dir)
	}
	entries, err := os.ReadDir(dir)
	if err != nil {
		return nil, err
	}
	if _, err := os.Lstat(filepath.Join(dir, lockFile)); err != nil && len(entries) > 0 {
		return nil, fmt.Errorf("--dir %s: not empty and not of a test bed; its content would be deleted", dir)
	}
	lock, err := takeLock(dir)
	if err != nil {
		return nil, err
	}
	// The keys and sockets in it are for this user alone.
	if err := os.Chmod(dir, 0o700); err != nil {
		return nil, err
	}
	awaitKilled(dir)
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

// makeFolder makes the directory if there is none and returns its path without symlinks.
func makeFolder(dir string) (string, error) {
	parent, name := filepath.Split(dir)
	if err := os.MkdirAll(parent, 0o755); err != nil {
		return "", err
	}
	parent, err := filepath.EvalSymlinks(parent)
	if err != nil {
		return "", err
	}
	dir = filepath.Join(parent, name)
	if err := os.Mkdir(dir, 0o700); err != nil && !errors.Is(err, fs.ErrExist) {
		return "", err
	}
	return dir, trusted(dir)
}

// trusted is an error if somebody else can decide what is in the directory. Its default path is known
// to all: another user could make it first, and have root delete, write or run things.
func trusted(dir string) error {
	info, err := os.Lstat(dir)
	if err != nil {
		return err
	}
	if !info.IsDir() {
		return fmt.Errorf("--dir %s: not a folder (and a link to one is not followed)", dir)
	}
	if stat, ok := info.Sys().(*syscall.Stat_t); ok && int(stat.Uid) != os.Geteuid() {
		return fmt.Errorf("--dir %s: belongs to user %d, and this is user %d", dir, stat.Uid, os.Geteuid())
	}
	if mode := info.Mode().Perm(); mode&0o022 != 0 {
		return fmt.Errorf("--dir %s: other users may write to it (%v); give one that is yours alone", dir, mode)
	}
	return nil
}

func takeLock(dir string) (*os.File, error) {
	for {
		lock, err := os.OpenFile(filepath.Join(dir, lockFile), os.O_RDWR|os.O_CREATE, 0o600)
		if err != nil {
			return nil, err
		}
		if err := syscall.Flock(int(lock.Fd()), syscall.LOCK_EX|syscall.LOCK_NB); err != nil {
			holder, _ := os.ReadFile(lock.Name())
			lock.Close()
			return nil, fmt.Errorf("a test bed runs in %s already (process %s): stop it, or give another --dir", dir, strings.TrimSpace(string(holder)))
		}
		// A run that ended meanwhile deletes its lock file; somebody else may lock a new one.
		held, heldErr := lock.Stat()
		there, thereErr := os.Stat(lock.Name())
		if heldErr == nil && thereErr == nil && os.SameFile(held, there) {
			return lock, nil
		}
		lock.Close()
	}
}

// awaitKilled waits for the end of a run whose outer process was killed: its lock is free a moment
// before its last process is gone, which could still write into the directory.
func awaitKilled(dir string) {
	pid, err := os.ReadFile(pidFile(dir))
	if err != nil {
		return
	}
	for deadline := time.Now().Add(5 * time.Second); time.Now().Before(deadline); time.Sleep(20 * time.Millisecond) {
		inner, err := statOf(string(pid))
		// It ends when all below it have. Another process may have its number by now.
		if err != nil || inner.name != thisProgramName || inner.state == "Z" {
			return
		}
	}
}

// checkRunning is an error if no test bed holds the lock of this directory.
func checkRunning(dir string) error {
	notRunning := fmt.Errorf("no test bed runs in %s: start one, or say with --dir where it is", dir)
	if err := trusted(dir); errors.Is(err, fs.ErrNotExist) {
		return notRunning
	} else if err != nil {
		return err
	}
	lock, err := os.Open(filepath.Join(dir, lockFile))
	if err != nil {
		return notRunning
	}
	defer lock.Close()
	if syscall.Flock(int(lock.Fd()), syscall.LOCK_SH|syscall.LOCK_NB) == nil {
		return notRunning
	}
	return nil
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
