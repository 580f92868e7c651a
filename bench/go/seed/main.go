// Command seed reads a configuration in the ways of Go services. For each line of its input, `WAY CALLERS MILLISECONDS`,
// it writes one: the nanoseconds that pass per Get, as Go's benchmarks count.
package main

import (
	"bufio"
	"fmt"
	"os"
	"sync"
	"sync/atomic"
	"time"
)

type Config struct{ Message string }

type ConfigManager interface {
	Set(*Config)
	Get() *Config
}

// Mutex guards a pointer.
type Mutex struct {
	mutex sync.Mutex
	conf  *Config
}

func (m *Mutex) Set(conf *Config) {
	m.mutex.Lock()
	m.conf = conf
	m.mutex.Unlock()
}

func (m *Mutex) Get() *Config {
	m.mutex.Lock()
	conf := m.conf
	m.mutex.Unlock()
	return conf
}

// Channel is a goroutine that offers the pointer to whoever asks.
type Channel struct{ get, set chan *Config }

func NewChannel() *Channel {
	m := &Channel{make(chan *Config), make(chan *Config)}
	go func() {
		conf := <-m.set
		for {
			select {
			case m.get <- conf:
			case conf = <-m.set:
			}
		}
	}()
	return m
}

func (m *Channel) Set(conf *Config) { m.set <- conf }
func (m *Channel) Get() *Config     { return <-m.get }

// Pointer is what sync/atomic has for this today.
type Pointer struct{ conf atomic.Pointer[Config] }

func (m *Pointer) Set(conf *Config) { m.conf.Store(conf) }
func (m *Pointer) Get() *Config     { return m.conf.Load() }

func measure(manager ConfigManager, callers int, round time.Duration) float64 {
	var all, seen atomic.Int64
	var done sync.WaitGroup
	began := time.Now()
	for range callers {
		done.Add(1)
		go func() {
			defer done.Done()
			gets, sum := 0, 0
			for time.Since(began) < round {
				for range 1000 {
					sum += len(manager.Get().Message)
				}
				gets += 1000
			}
			all.Add(int64(gets))
			seen.Add(int64(sum))
		}()
	}
	done.Wait()
	return float64(time.Since(began).Nanoseconds()) / float64(all.Load())
}

func main() {
	managers := map[string]ConfigManager{"mutex": &Mutex{}, "channel": NewChannel(), "pointer": &Pointer{}}
	for _, manager := range managers {
		manager.Set(&Config{"Hello World"})
	}
	for lines := bufio.NewScanner(os.Stdin); lines.Scan(); {
		var way string
		var callers, milliseconds int
		fmt.Sscan(lines.Text(), &way, &callers, &milliseconds)
		manager, known := managers[way]
		if !known {
			fmt.Fprintf(os.Stderr, "seed: unknown way %q: mutex, channel or pointer\n", way)
			os.Exit(2)
		}
		fmt.Println(measure(manager, callers, time.Duration(milliseconds)*time.Millisecond))
	}
}
