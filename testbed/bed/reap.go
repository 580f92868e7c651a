package bed

import (
	"fmt"
	"os"
	"os/exec"
	"os/signal"
	"strconv"
	"strings"
	"sync"
	"syscall"
)

// children are the processes that somebody waits for. All others that end below the first process of
// a namespace are its to bury: the containers of a runtime that was killed.
var children = struct {
	sync.Mutex
	awaited map[int]bool
}{awaited: map[int]bool{}}

// startAwaited starts a command whose caller waits for it.
func startAwaited(command *exec.Cmd) error {
	children.Lock()
	defer children.Unlock()
	err := command.Start()
	if err == nil {
		children.awaited[command.Process.Pid] = true
	}
	return err
}

// buried forgets a process that was waited for, whose number may come back.
func buried(pid int) {
	children.Lock()
	defer children.Unlock()
	delete(children.awaited, pid)
}

// buryOrphans runs for as long as the process does.
func buryOrphans() {
	ended := make(chan os.Signal, 1)
	signal.Notify(ended, syscall.SIGCHLD)
	for range ended {
		children.Lock()
		for _, pid := range zombies() {
			if !children.awaited[pid] {
				_, _ = syscall.Wait4(pid, nil, syscall.WNOHANG, nil)
			}
		}
		children.Unlock()
	}
}

// zombies are the children of this process that have ended.
func zombies() []int {
	entries, err := os.ReadDir("/proc")
	if err != nil {
		return nil
	}
	var found []int
	for _, entry := range entries {
		pid, err := strconv.Atoi(entry.Name())
		if err != nil {
			continue
		}
		if stat, err := statOf(entry.Name()); err == nil && stat.state == "Z" && stat.parent == strconv.Itoa(os.Getpid()) {
			found = append(found, pid)
		}
	}
	return found
}

// procStat is what is used of /proc/PID/stat.
type procStat struct{ name, state, parent string }

// statOf reads `pid (name) state parent ...`; a name may hold anything, also brackets.
func statOf(pid string) (procStat, error) {
	content, err := os.ReadFile("/proc/" + pid + "/stat")
	if err != nil {
		return procStat{}, err
	}
	_, rest, _ := strings.Cut(string(content), "(")
	end := strings.LastIndexByte(rest, ')')
	if end < 0 {
		return procStat{}, fmt.Errorf("/proc/%s/stat is not as expected: %q", pid, content)
	}
	fields := strings.Fields(rest[end+1:])
	if len(fields) < 2 {
		return procStat{}, fmt.Errorf("/proc/%s/stat is not as expected: %q", pid, content)
	}
	return procStat{name: rest[:end], state: fields[0], parent: fields[1]}, nil
}
