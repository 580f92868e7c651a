package cri

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// records reads a log back: "stream tag text" of each line.
func records(t *testing.T, path string) []string {
	t.Helper()
	content, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	var records []string
	for line := range strings.Lines(string(content)) {
		stamp, record, _ := strings.Cut(strings.TrimSuffix(line, "\n"), " ")
		if _, err := time.Parse(time.RFC3339Nano, stamp); err != nil {
			t.Errorf("the line %q does not begin with a time: %v", line, err)
		}
		records = append(records, record)
	}
	return records
}

func wantRecords(t *testing.T, path string, want ...string) {
	t.Helper()
	got := records(t, path)
	if strings.Join(got, "\n") != strings.Join(want, "\n") {
		t.Errorf("the log has %q, not %q", got, want)
	}
}

func TestLogJoinsWritesIntoLines(t *testing.T) {
	path := filepath.Join(t.TempDir(), "pod", "0.log")
	log, err := openLog(path)
	if err != nil {
		t.Fatal(err)
	}
	log.stdout.Write([]byte("one\ntw"))
	log.stderr.Write([]byte("err\n\n"))
	log.stdout.Write([]byte("o\nno newline"))
	log.close()
	wantRecords(t, path, "stdout F one", "stderr F err", "stderr F ", "stdout F two", "stdout P no newline")
}

func TestLogWritesLongLinesInParts(t *testing.T) {
	path := filepath.Join(t.TempDir(), "0.log")
	log, err := openLog(path)
	if err != nil {
		t.Fatal(err)
	}
	full := strings.Repeat("x", maxLine)
	log.stdout.Write([]byte(full + full + "rest\n" + full + "\n"))
	log.close()
	wantRecords(t, path, "stdout P "+full, "stdout P "+full, "stdout F rest", "stdout F "+full)
}

func TestReopenedLogIsANewFile(t *testing.T) {
	path := filepath.Join(t.TempDir(), "0.log")
	log, err := openLog(path)
	if err != nil {
		t.Fatal(err)
	}
	log.stdout.Write([]byte("before\n"))
	if err := os.Rename(path, path+".1"); err != nil {
		t.Fatal(err)
	}
	if err := log.reopen(); err != nil {
		t.Fatal(err)
	}
	log.stdout.Write([]byte("after\n"))
	log.close()
	wantRecords(t, path+".1", "stdout F before")
	wantRecords(t, path, "stdout F after")
	if err := log.reopen(); err == nil {
		t.Error("the log of an ended container was opened again")
	}
}
