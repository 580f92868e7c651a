package bed

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestFolderOfSomebodyElseIsRefused(t *testing.T) {
	// Each has the lock file, by which a test bed's folder is known, and something that must stay.
	for name, make := range map[string]func(dir, content string) error{
		"a link to one is not followed": func(dir, content string) error { return os.Symlink(content, dir) },
		"other users may write": func(dir, content string) error {
			if err := os.Rename(content, dir); err != nil {
				return err
			}
			return os.Chmod(dir, 0o777)
		},
		"belongs to user 65532": func(dir, content string) error {
			if err := os.Rename(content, dir); err != nil {
				return err
			}
			return os.Chown(dir, 65532, -1)
		},
	} {
		if strings.Contains(name, "65532") && os.Geteuid() != 0 {
			continue // it takes root to give a folder away
		}
		base := t.TempDir()
		dir, content := filepath.Join(base, "run"), filepath.Join(base, "content")
		for _, err := range []error{
			os.Mkdir(content, 0o755),
			os.WriteFile(filepath.Join(content, lockFile), nil, 0o644),
			os.WriteFile(filepath.Join(content, "precious"), nil, 0o644),
			make(dir, content),
		} {
			if err != nil {
				t.Fatal(err)
			}
		}
		if _, err := openScratch(dir); err == nil || !strings.Contains(err.Error(), name) {
			t.Errorf("%s: starting said %v", name, err)
		}
		if err := checkRunning(dir); err == nil || !strings.Contains(err.Error(), name) {
			t.Errorf("%s: entering said %v", name, err)
		}
		if _, err := os.Stat(filepath.Join(dir, "precious")); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestFolderIsHeldByOneRunAndItsRestIsRemoved(t *testing.T) {
	base := t.TempDir()
	dir := filepath.Join(base, "new", "run")
	if err := checkRunning(dir); err == nil || !strings.Contains(err.Error(), "no test bed runs") {
		t.Errorf("before the start: %v", err)
	}
	killed, err := openScratch(dir)
	if err != nil {
		t.Fatal(err)
	}
	if info, err := os.Stat(dir); err != nil || info.Mode().Perm() != 0o700 {
		t.Errorf("it is %v, %v", info.Mode(), err)
	}
	if err := checkRunning(dir); err != nil {
		t.Errorf("while it runs: %v", err)
	}
	if _, err := openScratch(dir); err == nil || !strings.Contains(err.Error(), "runs in") {
		t.Errorf("a second one: %v", err)
	}
	rest := filepath.Join(dir, "nodes", "node-1")
	if err := os.MkdirAll(rest, 0o755); err != nil {
		t.Fatal(err)
	}
	killed.lock.Close()

	next, err := openScratch(dir)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(rest); !os.IsNotExist(err) {
		t.Errorf("what the killed run left is there: %v", err)
	}
	if err := next.remove(); err != nil {
		t.Error(err)
	}
	if _, err := os.Stat(dir); !os.IsNotExist(err) {
		t.Errorf("the folder is there: %v", err)
	}
	next.lock.Close()

	if err := os.WriteFile(filepath.Join(base, "precious"), nil, 0o644); err != nil {
		t.Fatal(err)
	}
	if _, err := openScratch(base); err == nil || !strings.Contains(err.Error(), "not of a test bed") {
		t.Errorf("a folder of something else: %v", err)
	}
}
