package cri

import (
	"runtime"

	"golang.org/x/sys/unix"
)

// onThread runs f on an operating system thread of its own, which ends with f: namespaces that f
// enters and rights that it gives up are those of the thread, and of the processes that f starts.
func onThread(f func()) {
	done := make(chan struct{})
	go func() {
		defer close(done)
		runtime.LockOSThread() // never unlocked: the thread is not used again
		if unix.Gettid() != unix.Getpid() {
			f()
			return
		}
		// The first thread stands for the whole process, e.g. in /proc. While it is held here, the
		// next attempt gets another one.
		onThread(f)
		runtime.UnlockOSThread()
	}()
	<-done
}
