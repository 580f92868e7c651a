package cri

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"net/netip"
	"os"
	"strings"
	"sync"
	"time"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	runtimeapi "k8s.io/cri-api/pkg/apis/runtime/v1"
	"k8s.io/klog/v2"
)

// sandbox is a pod as the runtime knows it: namespaces with an address. It needs no process.
type sandbox struct {
	id         string
	config     *runtimeapi.PodSandboxConfig
	handler    string
	created    int64
	address    netip.Addr
	veth       string
	starting   sync.Mutex  // held while one of its containers is started; taken before the service's lock
	namespaces *namespaces // nil once the sandbox was stopped; changes with both locks held
}

func newID() string {
	id := make([]byte, 32)
	rand.Read(id) // never fails
	return hex.EncodeToString(id)
}

// RunPodSandbox implements the runtime service.
func (s *service) RunPodSandbox(_ context.Context, r *runtimeapi.RunPodSandboxRequest) (*runtimeapi.RunPodSandboxResponse, error) {
	config := r.GetConfig()
	options := config.GetLinux().GetSecurityContext().GetNamespaceOptions()
	switch {
	case options.GetNetwork() == runtimeapi.NamespaceMode_NODE:
		return nil, status.Error(codes.InvalidArgument, "the test bed has no hostNetwork: every pod has a network of its own")
	case options.GetPid() != runtimeapi.NamespaceMode_CONTAINER:
		return nil, status.Error(codes.InvalidArgument, "the test bed has neither hostPID nor shareProcessNamespace: every container has processes of its own")
	case options.GetIpc() == runtimeapi.NamespaceMode_NODE:
		return nil, status.Error(codes.InvalidArgument, "the test bed has no hostIPC")
	case options.GetUsernsOptions() != nil && options.GetUsernsOptions().GetMode() == runtimeapi.NamespaceMode_POD:
		return nil, status.Error(codes.InvalidArgument, "the test bed has no user namespaces: leave out hostUsers: false")
	}
	// The kubelet deletes files of its own working directory where a container's log path is relative.
	if !strings.HasPrefix(config.GetLogDirectory(), "/") {
		return nil, status.Errorf(codes.InvalidArgument, "the pod's log directory %q is not absolute", config.GetLogDirectory())
	}
	if err := os.MkdirAll(config.GetLogDirectory(), 0o755); err != nil {
		return nil, status.Errorf(codes.Internal, "making the pod's log directory: %v", err)
	}

	s.mu.Lock()
	address, err := s.addresses.take()
	s.mu.Unlock()
	if err != nil {
		return nil, status.Error(codes.ResourceExhausted, err.Error())
	}
	id := newID()
	sb := &sandbox{
		id: id, config: config, handler: r.GetRuntimeHandler(), created: time.Now().UnixNano(),
		address: address, veth: "v" + id[:12],
	}
	sb.namespaces, err = newNamespaces(podNetwork{
		hostname: config.GetHostname(), address: address, gateway: s.Gateway,
		veth: sb.veth, bridge: s.Bridge, sysctls: config.GetLinux().GetSysctls(),
	})
	s.mu.Lock()
	defer s.mu.Unlock()
	if err != nil {
		s.addresses.free(address)
		return nil, status.Errorf(codes.Internal, "making the pod's network: %v", err)
	}
	s.sandboxes[id] = sb
	return &runtimeapi.RunPodSandboxResponse{PodSandboxId: id}, nil
}

// StopPodSandbox implements the runtime service.
func (s *service) StopPodSandbox(_ context.Context, r *runtimeapi.StopPodSandboxRequest) (*runtimeapi.StopPodSandboxResponse, error) {
	s.stopSandbox(r.GetPodSandboxId())
	return &runtimeapi.StopPodSandboxResponse{}, nil
}

// stopSandbox kills the pod's containers and takes its network away. It may be called again.
func (s *service) stopSandbox(id string) {
	s.mu.Lock()
	sb := s.sandboxes[id]
	s.mu.Unlock()
	if sb == nil {
		return
	}
	sb.starting.Lock()
	s.mu.Lock()
	namespaces := sb.namespaces
	sb.namespaces = nil // from here on no container starts in it
	containers := s.containersOf(id)
	s.mu.Unlock()
	sb.starting.Unlock()
	if namespaces == nil {
		return
	}
	for _, c := range containers {
		if process := s.processOf(c); process != nil {
			process.kill()
		}
	}
	// The kernel would take it away as well, but some time later.
	err := errors.Join(ip("link delete "+sb.veth), namespaces.close())
	if err != nil {
		klog.ErrorS(err, "Taking away a pod's network", "pod", klog.KRef(sb.config.GetMetadata().GetNamespace(), sb.config.GetMetadata().GetName()))
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.addresses.free(sb.address)
}

// RemovePodSandbox implements the runtime service.
func (s *service) RemovePodSandbox(_ context.Context, r *runtimeapi.RemovePodSandboxRequest) (*runtimeapi.RemovePodSandboxResponse, error) {
	id := r.GetPodSandboxId()
	s.stopSandbox(id)
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, c := range s.containersOf(id) {
		delete(s.containers, c.id)
	}
	delete(s.sandboxes, id)
	return &runtimeapi.RemovePodSandboxResponse{}, nil
}

// PodSandboxStatus implements the runtime service.
func (s *service) PodSandboxStatus(_ context.Context, r *runtimeapi.PodSandboxStatusRequest) (*runtimeapi.PodSandboxStatusResponse, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	sb := s.sandboxes[r.GetPodSandboxId()]
	if sb == nil {
		return nil, status.Errorf(codes.NotFound, "there is no pod sandbox %q", r.GetPodSandboxId())
	}
	answer := &runtimeapi.PodSandboxStatus{
		Id: sb.id, Metadata: sb.config.GetMetadata(), State: sb.state(), CreatedAt: sb.created,
		Labels: sb.config.GetLabels(), Annotations: sb.config.GetAnnotations(), RuntimeHandler: sb.handler,
		Network: &runtimeapi.PodSandboxNetworkStatus{},
		Linux: &runtimeapi.LinuxPodSandboxStatus{Namespaces: &runtimeapi.Namespace{
			Options: sb.config.GetLinux().GetSecurityContext().GetNamespaceOptions(),
		}},
	}
	if sb.namespaces != nil {
		answer.Network.Ip = sb.address.String()
	}
	return &runtimeapi.PodSandboxStatusResponse{Status: answer}, nil
}

// ListPodSandbox implements the runtime service.
func (s *service) ListPodSandbox(_ context.Context, r *runtimeapi.ListPodSandboxRequest) (*runtimeapi.ListPodSandboxResponse, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	filter := r.GetFilter()
	answer := &runtimeapi.ListPodSandboxResponse{}
	for _, sb := range s.sandboxes {
		if filter.GetId() != "" && filter.GetId() != sb.id ||
			filter.GetState() != nil && filter.GetState().GetState() != sb.state() ||
			!matches(sb.config.GetLabels(), filter.GetLabelSelector()) {
			continue
		}
		answer.Items = append(answer.Items, &runtimeapi.PodSandbox{
			Id: sb.id, Metadata: sb.config.GetMetadata(), State: sb.state(), CreatedAt: sb.created,
			Labels: sb.config.GetLabels(), Annotations: sb.config.GetAnnotations(), RuntimeHandler: sb.handler,
		})
	}
	return answer, nil
}

func (sb *sandbox) state() runtimeapi.PodSandboxState {
	if sb.namespaces == nil {
		return runtimeapi.PodSandboxState_SANDBOX_NOTREADY
	}
	return runtimeapi.PodSandboxState_SANDBOX_READY
}

// resolvConf is the pod's /etc/resolv.conf.
func (sb *sandbox) resolvConf() string {
	dns := sb.config.GetDnsConfig()
	var b strings.Builder
	for _, server := range dns.GetServers() {
		b.WriteString("nameserver " + server + "\n")
	}
	if searches := dns.GetSearches(); len(searches) > 0 {
		b.WriteString("search " + strings.Join(searches, " ") + "\n")
	}
	if options := dns.GetOptions(); len(options) > 0 {
		b.WriteString("options " + strings.Join(options, " ") + "\n")
	}
	return b.String()
}
