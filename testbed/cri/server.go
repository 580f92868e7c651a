// Package cri is a container runtime whose containers are local processes.
//
// A kubelet talks to it as to any other runtime, by the Container Runtime Interface. There are no
// images: every container's root is an overlay over the machine's own root file system. A pod's
// namespaces are held open by file descriptors and a container dies with the thread that started it,
// so a runtime that is killed leaves nothing behind.
package cri

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/netip"
	"os"
	"sync"

	"google.golang.org/grpc"
	runtimeapi "k8s.io/cri-api/pkg/apis/runtime/v1"
	"k8s.io/cri-streaming/pkg/streaming"
)

// Options say where the runtime of a node keeps and finds things.
type Options struct {
	Node    string       // the node's name
	Socket  string       // unix socket to serve on
	Dir     string       // state on disk: the folder that containers' roots are put together on
	Bridge  string       // bridge in the current network namespace
	Pods    netip.Prefix // addresses of this node's pods
	Gateway netip.Addr   // the bridge's address, which all pods of all nodes reach directly
	Bin     string       // folder of the host, read-only at /testbed/bin in every container; "" for none
}

// service answers the kubelet. The zero-value servers answer "unimplemented" to what is not written here.
type service struct {
	runtimeapi.UnimplementedRuntimeServiceServer
	runtimeapi.UnimplementedImageServiceServer
	Options
	streams streaming.Server

	mu         sync.Mutex // guards all below, and the state of each sandbox and container
	addresses  *addressPool
	sandboxes  map[string]*sandbox
	containers map[string]*container
}

// Serve is the runtime until ctx ends; then it kills every container and sandbox.
func Serve(ctx context.Context, o Options) error {
	if err := os.MkdirAll(o.Dir, 0o700); err != nil {
		return fmt.Errorf("making the folder of the runtime: %w", err)
	}
	s := &service{
		Options:    o,
		addresses:  newAddressPool(o.Pods),
		sandboxes:  map[string]*sandbox{},
		containers: map[string]*container{},
	}
	defer s.killAll()

	// The kubelet, in the same network namespace, passes on to this address what `kubectl exec` and
	// `kubectl port-forward` send.
	streams, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return fmt.Errorf("listening for exec and port-forward: %w", err)
	}
	config := streaming.DefaultConfig
	config.Addr = streams.Addr().String()
	if s.streams, err = streaming.NewServer(config, streamRuntime{s}); err != nil {
		return errors.Join(fmt.Errorf("making the server for exec and port-forward: %w", err), streams.Close())
	}
	streamServer := &http.Server{Handler: s.streams}
	defer streamServer.Close()

	if err := os.Remove(o.Socket); err != nil && !errors.Is(err, os.ErrNotExist) {
		return errors.Join(fmt.Errorf("removing the socket of an earlier run: %w", err), streams.Close())
	}
	calls, err := net.Listen("unix", o.Socket)
	if err != nil {
		return errors.Join(fmt.Errorf("listening for the kubelet: %w", err), streams.Close())
	}
	server := grpc.NewServer()
	runtimeapi.RegisterRuntimeServiceServer(server, s)
	runtimeapi.RegisterImageServiceServer(server, s)

	failed := make(chan error, 2)
	go func() { failed <- streamServer.Serve(streams) }()
	go func() { failed <- server.Serve(calls) }()
	defer server.Stop()
	select {
	case <-ctx.Done():
		return nil
	case err := <-failed:
		return fmt.Errorf("serving the kubelet of %s: %w", o.Node, err)
	}
}

// killAll ends every pod.
func (s *service) killAll() {
	s.mu.Lock()
	var ids []string
	for id := range s.sandboxes {
		ids = append(ids, id)
	}
	s.mu.Unlock()
	var ended sync.WaitGroup
	for _, id := range ids {
		ended.Go(func() { s.stopSandbox(id) })
	}
	ended.Wait()
}

// Version implements the runtime service.
func (s *service) Version(context.Context, *runtimeapi.VersionRequest) (*runtimeapi.VersionResponse, error) {
	return &runtimeapi.VersionResponse{
		Version: "0.1.0", RuntimeName: "testbed", RuntimeVersion: "0.1.0", RuntimeApiVersion: "v1",
	}, nil
}

// Status implements the runtime service.
func (s *service) Status(context.Context, *runtimeapi.StatusRequest) (*runtimeapi.StatusResponse, error) {
	return &runtimeapi.StatusResponse{Status: &runtimeapi.RuntimeStatus{Conditions: []*runtimeapi.RuntimeCondition{
		{Type: runtimeapi.RuntimeReady, Status: true},
		{Type: runtimeapi.NetworkReady, Status: true},
	}}}, nil
}

// UpdateRuntimeConfig implements the runtime service. Pods' addresses are an option here.
func (s *service) UpdateRuntimeConfig(context.Context, *runtimeapi.UpdateRuntimeConfigRequest) (*runtimeapi.UpdateRuntimeConfigResponse, error) {
	return &runtimeapi.UpdateRuntimeConfigResponse{}, nil
}

// RuntimeConfig implements the runtime service. There are no control groups; the kubelet wants a name.
func (s *service) RuntimeConfig(context.Context, *runtimeapi.RuntimeConfigRequest) (*runtimeapi.RuntimeConfigResponse, error) {
	return &runtimeapi.RuntimeConfigResponse{Linux: &runtimeapi.LinuxRuntimeConfiguration{
		CgroupDriver: runtimeapi.CgroupDriver_CGROUPFS,
	}}, nil
}

// ListContainerStats implements the runtime service. What containers use is not measured.
func (s *service) ListContainerStats(context.Context, *runtimeapi.ListContainerStatsRequest) (*runtimeapi.ListContainerStatsResponse, error) {
	return &runtimeapi.ListContainerStatsResponse{}, nil
}

// ListPodSandboxStats implements the runtime service. What pods use is not measured.
func (s *service) ListPodSandboxStats(context.Context, *runtimeapi.ListPodSandboxStatsRequest) (*runtimeapi.ListPodSandboxStatsResponse, error) {
	return &runtimeapi.ListPodSandboxStatsResponse{}, nil
}

// matches tells whether labels are as a filter wants them.
func matches(labels, selector map[string]string) bool {
	for key, value := range selector {
		if labels[key] != value {
			return false
		}
	}
	return true
}
