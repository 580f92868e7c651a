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
		stat, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
		if err != nil {
			continue
		}
		// pid (name) state parent …; a name may hold anything, also brackets.
		fields := strings.Fields(string(stat[strings.LastIndexByte(string(stat), ')')+1:]))
		if len(fields) > 1 && fields[0] == "Z" && fields[1] == strconv.Itoa(os.Getpid()) {
			found = append(found, pid)
		}
	}
	return found
}
