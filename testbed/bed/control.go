package bed

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
)

// acts are what can be asked of a node while the test bed runs, as `POST /{what}/{node}/{act}`.
var acts = map[string]func(*nodes, *machine) error{
	"node/start":    (*nodes).start,
	"node/stop":     (*nodes).stop,
	"kubelet/start": (*nodes).startKubelet,
	"kubelet/stop":  (*nodes).stopKubelet,
}

// serveControl takes requests on a unix socket, in a folder that only root may enter.
func serveControl(socket string, nodes *nodes) error {
	listener, err := net.Listen("unix", socket)
	if err != nil {
		return err
	}
	mux := http.NewServeMux()
	mux.HandleFunc("POST /{what}/{node}/{act}", func(w http.ResponseWriter, r *http.Request) {
		act, ok := acts[r.PathValue("what")+"/"+r.PathValue("act")]
		if !ok {
			http.NotFound(w, r)
			return
		}
		if err := nodes.do(r.PathValue("node"), act); err != nil {
			http.Error(w, err.Error(), http.StatusBadRequest)
		}
	})
	go func() { _ = http.Serve(listener, mux) }()
	return nil
}

// Control asks the test bed that runs in dir to start or stop (act) a node or its kubelet (what).
func Control(dir, what, act, node string) error {
	if err := checkRunning(dir); err != nil {
		return err
	}
	client := http.Client{Transport: &http.Transport{DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
		return new(net.Dialer).DialContext(ctx, "unix", controlSocket(dir))
	}}}
	response, err := client.Post(fmt.Sprintf("http://testbed/%s/%s/%s", what, node, act), "", nil)
	if err != nil {
		return err
	}
	defer response.Body.Close()
	if response.StatusCode != http.StatusOK {
		reason, _ := io.ReadAll(response.Body)
		return errors.New(strings.TrimSpace(string(reason)))
	}
	return nil
}
