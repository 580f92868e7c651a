package cri

import (
	"context"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	runtimeapi "k8s.io/cri-api/pkg/apis/runtime/v1"
)

// container is a container as the runtime knows it, whether it runs or not.
type container struct {
	id      string
	sandbox *sandbox
	config  *runtimeapi.ContainerConfig
	logPath string
	first   firstProcess

	// What follows changes with the container's life, under the service's lock.
	state                      runtimeapi.ContainerState
	created, started, finished int64
	code                       int32
	reason, message            string
	log                        *containerLog
	process                    *process // nil until it was started
}

// CreateContainer implements the runtime service.
func (s *service) CreateContainer(_ context.Context, r *runtimeapi.CreateContainerRequest) (*runtimeapi.CreateContainerResponse, error) {
	config := r.GetConfig()
	if len(config.GetCommand()) == 0 {
		return nil, status.Error(codes.InvalidArgument, "the test bed's images have no entrypoint: give `command`")
	}
	if config.GetTty() {
		return nil, status.Error(codes.InvalidArgument, "the test bed's containers have no terminal: leave out `tty`")
	}
	if config.GetLogPath() == "" {
		return nil, status.Error(codes.InvalidArgument, "the container has no log path")
	}
	user, err := identityOf(config)
	if err != nil {
		return nil, status.Error(codes.InvalidArgument, err.Error())
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	sb := s.sandboxes[r.GetPodSandboxId()]
	if sb == nil {
		return nil, status.Errorf(codes.NotFound, "there is no pod sandbox %q", r.GetPodSandboxId())
	}
	c := &container{
		id: newID(), sandbox: sb, config: config, created: time.Now().UnixNano(),
		logPath: filepath.Join(sb.config.GetLogDirectory(), config.GetLogPath()),
		first: firstProcess{
			Root:    s.rootOf(sb, config),
			Program: programOf(config, user, sb.config.GetHostname()),
		},
	}
	s.containers[c.id] = c
	return &runtimeapi.CreateContainerResponse{ContainerId: c.id}, nil
}

func (s *service) rootOf(sb *sandbox, config *runtimeapi.ContainerConfig) rootfs {
	security := config.GetLinux().GetSecurityContext()
	root := rootfs{
		Scratch:   s.Dir,
		Files:     map[string]string{"etc/resolv.conf": sb.resolvConf(), "etc/hostname": sb.config.GetHostname() + "\n"},
		Dir:       workingDir(config),
		ReadOnly:  security.GetReadonlyRootfs(),
		Masked:    security.GetMaskedPaths(),
		Protected: security.GetReadonlyPaths(),
	}
	for _, m := range config.GetMounts() {
		root.Binds = append(root.Binds, bind{Source: m.GetHostPath(), Target: m.GetContainerPath(), ReadOnly: m.GetReadonly()})
	}
	if s.Bin != "" {
		root.Binds = append(root.Binds, bind{Source: s.Bin, Target: "/testbed/bin", ReadOnly: true})
	}
	// One below another comes after it.
	slices.SortStableFunc(root.Binds, func(a, b bind) int {
		return strings.Count(filepath.Clean(a.Target), "/") - strings.Count(filepath.Clean(b.Target), "/")
	})
	return root
}

// programOf is what a container runs. Where the pod does not say, variables are as other runtimes set them.
func programOf(config *runtimeapi.ContainerConfig, user identity, hostname string) program {
	defaults := map[string]string{
		"PATH":     "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
		"HOME":     "/",
		"HOSTNAME": hostname,
	}
	if user.UID == 0 {
		defaults["HOME"] = "/root"
	}
	p := program{
		Argv: append(slices.Clone(config.GetCommand()), config.GetArgs()...),
		Dir:  workingDir(config),
		User: user,
	}
	for name, value := range defaults {
		if !slices.ContainsFunc(config.GetEnvs(), func(v *runtimeapi.KeyValue) bool { return v.GetKey() == name }) {
			p.Env = append(p.Env, name+"="+value)
		}
	}
	for _, variable := range config.GetEnvs() {
		p.Env = append(p.Env, variable.GetKey()+"="+string(variable.GetValue()))
	}
	return p
}

func workingDir(config *runtimeapi.ContainerConfig) string {
	return filepath.Join("/", config.GetWorkingDir())
}

// StartContainer implements the runtime service.
func (s *service) StartContainer(_ context.Context, r *runtimeapi.StartContainerRequest) (*runtimeapi.StartContainerResponse, error) {
	c, err := s.container(r.GetContainerId())
	if err != nil {
		return nil, err
	}
	log, err := openLog(c.logPath)
	if err != nil {
		return nil, status.Error(codes.Internal, err.Error())
	}
	// A tenth of a second, in which nobody stops or removes the container or its pod.
	c.sandbox.starting.Lock()
	defer c.sandbox.starting.Unlock()
	s.mu.Lock()
	startable := c.state == runtimeapi.ContainerState_CONTAINER_CREATED && c.sandbox.namespaces != nil && s.containers[c.id] == c
	if startable {
		c.started = time.Now().UnixNano()
	}
	s.mu.Unlock()
	if !startable {
		log.close()
		return nil, status.Errorf(codes.FailedPrecondition, "container %s was started or removed before, or its pod was stopped", c.id)
	}
	process, err := c.first.start(c.sandbox.namespaces, &log.stdout, &log.stderr, func(code int32) {
		log.close()
		reason := "Completed"
		if code != 0 {
			reason = "Error"
		}
		s.mu.Lock()
		defer s.mu.Unlock()
		c.exited(code, reason, "")
	})
	s.mu.Lock()
	defer s.mu.Unlock()
	if err != nil {
		log.close()
		c.exited(128, "StartError", err.Error())
		return nil, status.Errorf(codes.Unknown, "failed to start the container: %v", err)
	}
	c.process, c.log = process, log
	if c.state == runtimeapi.ContainerState_CONTAINER_CREATED { // it may have ended already
		c.state = runtimeapi.ContainerState_CONTAINER_RUNNING
	}
	return &runtimeapi.StartContainerResponse{}, nil
}

func (c *container) exited(code int32, reason, message string) {
	c.state = runtimeapi.ContainerState_CONTAINER_EXITED
	c.finished = time.Now().UnixNano()
	c.code, c.reason, c.message = code, reason, message
}

// StopContainer implements the runtime service.
func (s *service) StopContainer(ctx context.Context, r *runtimeapi.StopContainerRequest) (*runtimeapi.StopContainerResponse, error) {
	c, err := s.container(r.GetContainerId())
	if err != nil {
		return nil, err
	}
	if process := s.processOf(c); process != nil {
		if r.GetTimeout() > 0 {
			process.Signal(c.stopSignal()) // fails only if it has ended
			select {
			case <-process.done:
			case <-time.After(time.Duration(r.GetTimeout()) * time.Second):
			case <-ctx.Done():
				return nil, status.FromContextError(ctx.Err()).Err()
			}
		}
		process.kill()
	}
	return &runtimeapi.StopContainerResponse{}, nil
}

func (c *container) stopSignal() syscall.Signal {
	name := strings.TrimPrefix(c.config.GetStopSignal().String(), "SIGNAL_")
	if signal := unix.SignalNum(name); signal != 0 {
		return signal
	}
	return unix.SIGTERM
}

// RemoveContainer implements the runtime service.
func (s *service) RemoveContainer(_ context.Context, r *runtimeapi.RemoveContainerRequest) (*runtimeapi.RemoveContainerResponse, error) {
	c, err := s.container(r.GetContainerId())
	if err != nil {
		return &runtimeapi.RemoveContainerResponse{}, nil // it may be called again
	}
	c.sandbox.starting.Lock()
	s.mu.Lock()
	delete(s.containers, c.id)
	process := c.process
	s.mu.Unlock()
	c.sandbox.starting.Unlock()
	if process != nil {
		process.kill()
	}
	return &runtimeapi.RemoveContainerResponse{}, nil
}

// ContainerStatus implements the runtime service.
func (s *service) ContainerStatus(_ context.Context, r *runtimeapi.ContainerStatusRequest) (*runtimeapi.ContainerStatusResponse, error) {
	c, err := s.container(r.GetContainerId())
	if err != nil {
		return nil, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	image := c.config.GetImage().GetImage()
	return &runtimeapi.ContainerStatusResponse{Status: &runtimeapi.ContainerStatus{
		Id: c.id, Metadata: c.config.GetMetadata(), State: c.state,
		CreatedAt: c.created, StartedAt: c.started, FinishedAt: c.finished,
		ExitCode: c.code, Reason: c.reason, Message: c.message,
		Image: &runtimeapi.ImageSpec{Image: image}, ImageRef: image, ImageId: image,
		Labels: c.config.GetLabels(), Annotations: c.config.GetAnnotations(),
		Mounts: c.config.GetMounts(), LogPath: c.logPath, StopSignal: c.config.GetStopSignal(),
	}}, nil
}

// ListContainers implements the runtime service.
func (s *service) ListContainers(_ context.Context, r *runtimeapi.ListContainersRequest) (*runtimeapi.ListContainersResponse, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	filter := r.GetFilter()
	answer := &runtimeapi.ListContainersResponse{}
	for _, c := range s.containers {
		if filter.GetId() != "" && filter.GetId() != c.id ||
			filter.GetPodSandboxId() != "" && filter.GetPodSandboxId() != c.sandbox.id ||
			filter.GetState() != nil && filter.GetState().GetState() != c.state ||
			!matches(c.config.GetLabels(), filter.GetLabelSelector()) {
			continue
		}
		image := c.config.GetImage().GetImage()
		answer.Containers = append(answer.Containers, &runtimeapi.Container{
			Id: c.id, PodSandboxId: c.sandbox.id, Metadata: c.config.GetMetadata(), State: c.state, CreatedAt: c.created,
			Image: &runtimeapi.ImageSpec{Image: image}, ImageRef: image, ImageId: image,
			Labels: c.config.GetLabels(), Annotations: c.config.GetAnnotations(),
		})
	}
	return answer, nil
}

// UpdateContainerResources implements the runtime service. Resources are not limited here.
func (s *service) UpdateContainerResources(context.Context, *runtimeapi.UpdateContainerResourcesRequest) (*runtimeapi.UpdateContainerResourcesResponse, error) {
	return &runtimeapi.UpdateContainerResourcesResponse{}, nil
}

// ReopenContainerLog implements the runtime service.
func (s *service) ReopenContainerLog(_ context.Context, r *runtimeapi.ReopenContainerLogRequest) (*runtimeapi.ReopenContainerLogResponse, error) {
	c, err := s.container(r.GetContainerId())
	if err != nil {
		return nil, err
	}
	s.mu.Lock()
	log := c.log
	s.mu.Unlock()
	if log == nil {
		return nil, status.Errorf(codes.FailedPrecondition, "container %s does not run", c.id)
	}
	if err := log.reopen(); err != nil {
		return nil, status.Error(codes.Internal, err.Error())
	}
	return &runtimeapi.ReopenContainerLogResponse{}, nil
}

func (s *service) container(id string) (*container, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	c := s.containers[id]
	if c == nil {
		return nil, status.Errorf(codes.NotFound, "there is no container %q", id)
	}
	return c, nil
}

// containersOf lists a pod's containers. The caller holds the lock.
func (s *service) containersOf(sandbox string) []*container {
	var some []*container
	for _, c := range s.containers {
		if c.sandbox.id == sandbox {
			some = append(some, c)
		}
	}
	return some
}

// processOf waits for a start that is under way.
func (s *service) processOf(c *container) *process {
	c.sandbox.starting.Lock()
	defer c.sandbox.starting.Unlock()
	s.mu.Lock()
	defer s.mu.Unlock()
	return c.process
}
