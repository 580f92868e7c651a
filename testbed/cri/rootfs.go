package cri

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"golang.org/x/sys/unix"
)

// rootfs is what a container's root is put together from.
type rootfs struct {
	Scratch   string            // a folder of the host to mount on; nothing is written into it
	Files     map[string]string // contents of files below /etc
	Binds     []bind
	Dir       string   // made if it is not there
	ReadOnly  bool     // no file can be written but in mounts
	Masked    []string // paths to hide
	Protected []string // paths to make read-only
}

// bind is a file or folder of the host that shows in the container.
type bind struct {
	Source, Target string
	ReadOnly       bool
}

// Folders whose content on the host is none of the container's business, with their permissions here.
var emptied = map[string]os.FileMode{
	"dev": 0o755, "proc": 0o555, "run": 0o755, "sys": 0o555, "tmp": 0o777 | os.ModeSticky,
}

var devices = []string{"null", "zero", "full", "random", "urandom", "tty"}

// enter makes r the root of the current process, which has a mount namespace and a process namespace
// of its own. Nothing else of the host's mounts is left in reach.
func (r *rootfs) enter() error {
	if err := mount("", "/", "", unix.MS_PRIVATE|unix.MS_REC, ""); err != nil {
		return err
	}
	// Sources are found in the host's root, targets in the container's: each with its symlinks.
	binds := make([]bind, 0, len(devices)+len(r.Binds))
	for _, name := range devices {
		binds = append(binds, bind{Source: "/dev/" + name, Target: "/dev/" + name})
	}
	binds = append(binds, r.Binds...)
	sources := make([]*os.File, len(binds))
	for i, b := range binds {
		var err error
		if sources[i], err = openSource(b.Source); err != nil {
			return err
		}
		defer sources[i].Close()
	}

	if err := r.assemble(); err != nil {
		return err
	}
	// The old root is now stacked on the new one, out of reach of absolute paths.
	if err := unix.PivotRoot(".", "."); err != nil {
		return fmt.Errorf("making the overlay the root: %w", err)
	}
	if err := mountKernelFileSystems(); err != nil {
		return err
	}
	for i, b := range binds {
		if err := b.attach(sources[i]); err != nil {
			return err
		}
	}
	if err := r.protect(); err != nil {
		return err
	}
	if err := os.MkdirAll(r.Dir, 0o755); err != nil {
		return fmt.Errorf("making the working directory: %w", err)
	}
	if r.ReadOnly {
		if err := remountReadOnly("/"); err != nil {
			return err
		}
	}
	if err := unix.Unmount(".", unix.MNT_DETACH); err != nil {
		return fmt.Errorf("leaving the host's root: %w", err)
	}
	if err := os.Chdir(r.Dir); err != nil {
		return fmt.Errorf("entering the working directory: %w", err)
	}
	return nil
}

// assemble mounts the overlay and enters its folder.
func (r *rootfs) assemble() error {
	if err := mount("tmpfs", r.Scratch, "tmpfs", 0, "mode=0755"); err != nil {
		return err
	}
	if err := os.Chdir(r.Scratch); err != nil {
		return fmt.Errorf("entering the folder of the overlay: %w", err)
	}
	for _, dir := range []string{"work", "root", "upper/etc"} {
		if err := os.MkdirAll(dir, 0o755); err != nil {
			return fmt.Errorf("making the overlay's folders: %w", err)
		}
	}
	for name, content := range r.Files {
		if err := os.WriteFile(filepath.Join("upper", name), []byte(content), 0o644); err != nil {
			return fmt.Errorf("writing /%s of the container: %w", name, err)
		}
	}
	for dir, mode := range emptied {
		dir = filepath.Join("upper", dir)
		err := errors.Join(
			os.Mkdir(dir, 0o755),
			os.Chmod(dir, mode),
			unix.Setxattr(dir, "trusted.overlay.opaque", []byte("y"), 0), // not merged with the lower one
		)
		if err != nil {
			return fmt.Errorf("making an empty folder %s: %w", dir, err)
		}
	}
	if err := mount("overlay", "root", "overlay", 0, "lowerdir=/,upperdir=upper,workdir=work"); err != nil {
		return err
	}
	if err := os.Chdir("root"); err != nil {
		return fmt.Errorf("entering the overlay: %w", err)
	}
	return nil
}

// mountKernelFileSystems fills /proc, /sys and /dev. Devices are bound afterwards.
func mountKernelFileSystems() error {
	const plain = unix.MS_NOSUID | unix.MS_NODEV | unix.MS_NOEXEC
	for _, m := range []struct {
		dir, kind string
		flags     uintptr
		data      string
	}{
		{"/proc", "proc", plain, ""},
		{"/sys", "sysfs", plain | unix.MS_RDONLY, ""},
		{"/dev", "tmpfs", unix.MS_NOSUID, "mode=0755,size=64k"},
		{"/dev/shm", "tmpfs", plain, "mode=1777,size=64m"},
		{"/dev/pts", "devpts", unix.MS_NOSUID | unix.MS_NOEXEC, "newinstance,ptmxmode=0666,mode=0620"},
	} {
		if err := os.MkdirAll(m.dir, 0o755); err != nil {
			return fmt.Errorf("making %s: %w", m.dir, err)
		}
		if err := mount(m.kind, m.dir, m.kind, m.flags, m.data); err != nil {
			return err
		}
	}
	for link, to := range map[string]string{
		"fd": "/proc/self/fd", "stdin": "/proc/self/fd/0", "stdout": "/proc/self/fd/1", "stderr": "/proc/self/fd/2",
		"ptmx": "pts/ptmx",
	} {
		if err := os.Symlink(to, "/dev/"+link); err != nil {
			return fmt.Errorf("filling /dev: %w", err)
		}
	}
	return nil
}

// openSource finds what to bind. What is missing is made as a folder, as usual runtimes do.
func openSource(path string) (*os.File, error) {
	if _, err := os.Stat(path); errors.Is(err, fs.ErrNotExist) {
		if err := os.MkdirAll(path, 0o755); err != nil {
			return nil, fmt.Errorf("making the folder to mount: %w", err)
		}
	}
	fd, err := unix.Open(path, unix.O_PATH|unix.O_CLOEXEC, 0)
	if err != nil {
		return nil, fmt.Errorf("opening %s to mount it: %w", path, err)
	}
	return os.NewFile(uintptr(fd), path), nil
}

// attach mounts the opened source, making the target if it is not there.
func (b bind) attach(source *os.File) error {
	info, err := source.Stat()
	if err == nil {
		err = makeTarget(b.Target, info.IsDir())
	}
	if err != nil {
		return fmt.Errorf("making a place to mount %s on: %w", b.Source, err)
	}
	opened := fmt.Sprintf("/proc/self/fd/%d", source.Fd())
	if err := unix.Mount(opened, b.Target, "", unix.MS_BIND|unix.MS_REC, ""); err != nil {
		return fmt.Errorf("mounting %s on %s: %w", b.Source, b.Target, err)
	}
	if b.ReadOnly {
		return remountReadOnly(b.Target)
	}
	return nil
}

func makeTarget(path string, dir bool) error {
	if _, err := os.Stat(path); err == nil {
		return nil
	}
	if dir {
		return os.MkdirAll(path, 0o755)
	}
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		return err
	}
	return os.WriteFile(path, nil, 0o644)
}

// protect hides or write-protects files of the kernel that are not the container's business.
func (r *rootfs) protect() error {
	for _, path := range r.Protected {
		err := unix.Mount(path, path, "", unix.MS_BIND|unix.MS_REC, "")
		if err == nil {
			err = remountReadOnly(path)
		}
		if err != nil && !errors.Is(err, fs.ErrNotExist) {
			return fmt.Errorf("making %s read-only: %w", path, err)
		}
	}
	for _, path := range r.Masked {
		err := unix.Mount("/dev/null", path, "", unix.MS_BIND, "")
		if errors.Is(err, unix.ENOTDIR) {
			err = mount("tmpfs", path, "tmpfs", unix.MS_RDONLY, "")
		}
		if err != nil && !errors.Is(err, fs.ErrNotExist) {
			return fmt.Errorf("hiding %s: %w", path, err)
		}
	}
	return nil
}

func mount(source, target, kind string, flags uintptr, data string) error {
	if err := unix.Mount(source, target, kind, flags, data); err != nil {
		return fmt.Errorf("mounting %s on %s (%s): %w", kind, target, data, err)
	}
	return nil
}

func remountReadOnly(path string) error {
	if err := unix.Mount("", path, "", unix.MS_REMOUNT|unix.MS_BIND|unix.MS_RDONLY, ""); err != nil {
		return fmt.Errorf("making the mount %s read-only: %w", path, err)
	}
	return nil
}
