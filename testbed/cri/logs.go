package cri

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"sync"
	"time"
)

// maxLine is the length from which on a line is written in parts.
const maxLine = 16 << 10

// containerLog is a container's output, written as the kubelet reads it: a line each of time, stream,
// F for a whole line or P for a part of one, and the text.
type containerLog struct {
	mu             sync.Mutex
	path           string
	file           *os.File // nil once the log was closed
	stdout, stderr logStream
}

// logStream is a writer for one of the two streams.
type logStream struct {
	log  *containerLog
	name string
	rest []byte // of the line that has not ended yet
}

func openLog(path string) (*containerLog, error) {
	l := &containerLog{path: path}
	l.stdout = logStream{log: l, name: "stdout"}
	l.stderr = logStream{log: l, name: "stderr"}
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		return nil, fmt.Errorf("making the folder of the container's log: %w", err)
	}
	var err error
	l.file, err = createLog(path)
	return l, err
}

func createLog(path string) (*os.File, error) {
	f, err := os.OpenFile(path, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o640)
	if err != nil {
		return nil, fmt.Errorf("opening the container's log: %w", err)
	}
	return f, nil
}

// reopen writes to a new file from here on, the kubelet having renamed the old one.
func (l *containerLog) reopen() error {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.file == nil {
		return fmt.Errorf("the log %s is closed: its container has ended", l.path)
	}
	f, err := createLog(l.path)
	if err != nil {
		return err
	}
	l.file.Close()
	l.file = f
	return nil
}

// close writes what is left of both streams.
func (l *containerLog) close() {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, s := range []*logStream{&l.stdout, &l.stderr} {
		if len(s.rest) > 0 {
			s.record('P', s.rest)
			s.rest = nil
		}
	}
	l.file.Close()
	l.file = nil
}

// Write never fails: a full disk must not stop the program whose output it is.
func (s *logStream) Write(p []byte) (int, error) {
	s.log.mu.Lock()
	defer s.log.mu.Unlock()
	s.rest = append(s.rest, p...)
	for {
		line, after, whole := bytes.Cut(s.rest, []byte{'\n'})
		switch {
		case whole && len(line) <= maxLine:
			s.record('F', line)
			s.rest = after
		case len(s.rest) >= maxLine:
			s.record('P', s.rest[:maxLine])
			s.rest = s.rest[maxLine:]
		default:
			return len(p), nil
		}
	}
}

// record writes one line of the log, at once so that a reader sees all of it or nothing.
func (s *logStream) record(tag byte, text []byte) {
	line := fmt.Appendf(nil, "%s %s %c %s\n", time.Now().UTC().Format(time.RFC3339Nano), s.name, tag, text)
	s.log.file.Write(line)
}
