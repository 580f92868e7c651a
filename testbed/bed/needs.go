package bed

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"strings"
)

// tools are the programs that nodes and pods are made with, and the Debian packages that have them.
var tools = []struct{ name, pkg string }{
	{"ip", "iproute2"},
	{"mount", "mount"}, {"umount", "mount"}, // by the kubelet
	{"nsenter", "util-linux"},
}

// checkNeeds says everything at once that this machine lacks.
func checkNeeds() error {
	if os.Geteuid() != 0 {
		return errors.New("the test bed mounts volumes and makes namespaces, so it must run as root: sudo testbed up")
	}
	var missing []string
	for _, tool := range tools {
		if _, err := exec.LookPath(tool.name); err != nil {
			missing = append(missing, fmt.Sprintf("the program `%s` is missing (Debian: apt-get install %s)", tool.name, tool.pkg))
		}
	}
	// A file system that is a module is listed once it was used; so its absence alone says nothing.
	if known, err := os.ReadFile("/proc/filesystems"); err == nil && !strings.Contains(string(known), "\toverlay\n") {
		if err := exec.Command("modprobe", "overlay").Run(); err != nil {
			missing = append(missing, "the kernel has no overlay file system, which containers' roots are made of")
		}
	}
	if len(missing) > 0 {
		return errors.New("this machine cannot run the test bed:\n  - " + strings.Join(missing, "\n  - "))
	}
	return nil
}
