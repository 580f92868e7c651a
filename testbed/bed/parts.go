package bed

import (
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"sync/atomic"
)

// part is a process of the test bed with a log of its own.
type part struct {
	name    string
	command *exec.Cmd
	wanted  atomic.Bool // nobody stopped it
	ended   chan struct{}
}

// startPart runs this program with these arguments. Should it end by itself, `failed` hears of it.
func startPart(o Options, failed chan<- error, name string, args ...string) (*part, error) {
	log, err := os.OpenFile(filepath.Join(o.logs(), name+".log"), os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o644)
	if err != nil {
		return nil, err
	}
	defer log.Close()
	p := &part{name: name, command: thisProgram(args...), ended: make(chan struct{})}
	p.command.Stdout, p.command.Stderr = log, log
	if err := startAwaited(p.command); err != nil {
		return nil, fmt.Errorf("starting %s: %w", name, err)
	}
	p.wanted.Store(true)
	go func() {
		err := p.command.Wait()
		buried(p.command.Process.Pid)
		close(p.ended)
		if p.wanted.Load() {
			failed <- fmt.Errorf("%s ended: %v; the end of %s:\n%s", name, err, log.Name(), lastLines(log.Name(), 12))
		}
	}()
	return p, nil
}

// stop ends the process at once, as the loss of a machine does, and returns when it is gone.
func (p *part) stop() {
	p.wanted.Store(false)
	_ = p.command.Process.Kill()
	<-p.ended
}

func lastLines(file string, n int) []byte {
	content, err := os.ReadFile(file)
	if err != nil {
		return []byte(err.Error())
	}
	lines := bytes.Split(bytes.TrimSpace(content), []byte("\n"))
	return bytes.Join(lines[max(0, len(lines)-n):], []byte("\n"))
}

// thisProgramName is what the kernel calls a process that was started by thisProgram.
const thisProgramName = "exe"

// thisProgram is a command of this very program, also when its file was replaced meanwhile.
func thisProgram(args ...string) *exec.Cmd {
	command := exec.Command("/proc/self/"+thisProgramName, args...)
	command.Args[0] = "testbed"
	return command
}
