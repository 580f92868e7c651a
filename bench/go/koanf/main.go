// Follows a YAML file with koanf's file provider, as its README does: each change is loaded into a new
// koanf. Tells of each load by a line: the number that ends the value of k00, and the nanoseconds of the
// wall clock when it was in place. Ends with its input.
package main

import (
	"fmt"
	"io"
	"log"
	"os"
	"strings"
	"sync/atomic"
	"time"

	"github.com/knadh/koanf/parsers/yaml"
	"github.com/knadh/koanf/providers/file"
	"github.com/knadh/koanf/v2"
)

var current atomic.Pointer[koanf.Koanf]

func load(f *file.File) error {
	k := koanf.New(".")
	if err := k.Load(f, yaml.Parser()); err != nil {
		return err
	}
	current.Store(k)
	return nil
}

func main() {
	f := file.Provider(os.Args[1])
	if err := load(f); err != nil {
		log.Fatal(err)
	}
	err := f.Watch(func(_ any, err error) {
		if err != nil {
			log.Printf("watch: %v", err)
			return
		}
		if err := load(f); err != nil {
			log.Printf("load: %v", err)
			return
		}
		at := time.Now()
		words := strings.Fields(current.Load().String("k00"))
		fmt.Println(words[len(words)-1], at.UnixNano())
	})
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println("ready")
	_, _ = io.Copy(io.Discard, os.Stdin)
}
