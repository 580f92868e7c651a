// Package node runs a real kubelet on a container runtime of the test bed's own.
package node

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"github.com/spf13/cobra"
	"go.opentelemetry.io/otel/trace/noop"
	clientset "k8s.io/client-go/kubernetes"
	"k8s.io/client-go/tools/clientcmd"
	"k8s.io/component-base/configz"
	"k8s.io/klog/v2"
	kubeletconfigv1beta1 "k8s.io/kubelet/config/v1beta1"
	kubeletapp "k8s.io/kubernetes/cmd/kubelet/app"
	"k8s.io/kubernetes/cmd/kubelet/app/options"
	"k8s.io/kubernetes/pkg/kubelet"
	kubeletconfig "k8s.io/kubernetes/pkg/kubelet/apis/config"
	kubeletscheme "k8s.io/kubernetes/pkg/kubelet/apis/config/scheme"
	"k8s.io/kubernetes/pkg/kubelet/cm"
	kubecontainer "k8s.io/kubernetes/pkg/kubelet/container"
	kubeletutil "k8s.io/kubernetes/pkg/kubelet/util"
	"k8s.io/kubernetes/pkg/util/oom"
	"k8s.io/kubernetes/pkg/volume"
	"k8s.io/kubernetes/pkg/volume/configmap"
	"k8s.io/kubernetes/pkg/volume/downwardapi"
	"k8s.io/kubernetes/pkg/volume/emptydir"
	"k8s.io/kubernetes/pkg/volume/hostpath"
	"k8s.io/kubernetes/pkg/volume/projected"
	"k8s.io/kubernetes/pkg/volume/secret"
	"k8s.io/kubernetes/pkg/volume/util/hostutil"
	"k8s.io/kubernetes/pkg/volume/util/subpath"
	"k8s.io/mount-utils"
)

// Options say how the kubelet of a node runs. They are the flags of its command.
type Options struct {
	Name            string
	Address         string // of the node
	Dir             string // volumes, logs, certificates
	Runtime         string // unix socket of the container runtime
	Kubeconfig      string
	DNS             string
	SyncFrequency   time.Duration
	ChangeDetection string // Watch, Cache or Get
}

// Command is the command `kubelet`.
func Command() *cobra.Command {
	var o Options
	command := &cobra.Command{
		Use:  "run-kubelet",
		RunE: func(command *cobra.Command, _ []string) error { return run(command.Context(), o) },
	}
	flags := command.Flags()
	flags.StringVar(&o.Name, "name", "", "")
	flags.StringVar(&o.Address, "address", "", "")
	flags.StringVar(&o.Dir, "dir", "", "")
	flags.StringVar(&o.Runtime, "runtime", "", "")
	flags.StringVar(&o.Kubeconfig, "kubeconfig", "", "")
	flags.StringVar(&o.DNS, "dns", "", "")
	flags.DurationVar(&o.SyncFrequency, "sync-frequency", 0, "")
	flags.StringVar(&o.ChangeDetection, "change-detection", "", "")
	return command
}

// Args are the arguments that make the command run with these options.
func (o Options) Args() []string {
	return []string{
		"run-kubelet", "--name=" + o.Name, "--address=" + o.Address, "--dir=" + o.Dir, "--runtime=" + o.Runtime,
		"--kubeconfig=" + o.Kubeconfig, "--dns=" + o.DNS, "--sync-frequency=" + o.SyncFrequency.String(),
		"--change-detection=" + o.ChangeDetection,
	}
}

// run is a kubelet until the process ends. It is wired as the kubelet's own command does it, but for
// what needs control groups: the accounting of resources.
func run(ctx context.Context, o Options) error {
	flags, config, err := o.configuration()
	if err != nil {
		return err
	}
	rest, err := clientcmd.BuildConfigFromFlags("", o.Kubeconfig)
	if err != nil {
		return err
	}
	rest.QPS, rest.Burst = float32(config.KubeAPIQPS), int(config.KubeAPIBurst)
	client, err := clientset.NewForConfig(rest)
	if err != nil {
		return err
	}
	mounter := mount.New("")
	dependencies := &kubelet.Dependencies{
		KubeClient:                client,
		HeartbeatClient:           client,
		EventClient:               client.CoreV1(),
		CAdvisorInterface:         newMachine(o.Name),
		ContainerManager:          cm.NewStubContainerManager(),
		OSInterface:               kubecontainer.RealOS{},
		OOMAdjuster:               oom.NewFakeOOMAdjuster(),
		Mounter:                   mounter,
		HostUtil:                  hostutil.NewHostUtil(),
		Subpather:                 subpath.New(mounter),
		VolumePlugins:             volumePlugins(),
		PodStartupLatencyTracker:  kubeletutil.NewPodStartupLatencyTracker(),
		NodeStartupLatencyTracker: kubeletutil.NewNodeStartupLatencyTracker(klog.FromContext(ctx)),
		TracerProvider:            noop.NewTracerProvider(),
	}
	if dependencies.TLSOptions, err = kubeletapp.InitializeTLS(ctx, flags, config); err != nil {
		return fmt.Errorf("making the kubelet's certificate: %w", err)
	}
	if err := publish(config); err != nil {
		return fmt.Errorf("publishing the kubelet's configuration: %w", err)
	}
	if err := kubelet.PreInitRuntimeService(ctx, config, dependencies); err != nil {
		return fmt.Errorf("reaching the container runtime: %w", err)
	}
	server := &options.KubeletServer{KubeletFlags: *flags, KubeletConfiguration: *config}
	if err := kubeletapp.RunKubelet(ctx, server, dependencies); err != nil {
		return err
	}
	select {}
}

// configuration is a kubelet's default one, but for what the test bed decides.
func (o Options) configuration() (*options.KubeletFlags, *kubeletconfig.KubeletConfiguration, error) {
	flags := options.NewKubeletFlags()
	flags.HostnameOverride = o.Name
	flags.NodeIP = o.Address
	flags.RootDirectory = filepath.Join(o.Dir, "kubelet")
	flags.CertDirectory = filepath.Join(o.Dir, "certificates")

	config, err := options.NewKubeletConfiguration()
	if err != nil {
		return nil, nil, err
	}
	config.Address = o.Address
	config.ContainerRuntimeEndpoint = "unix://" + o.Runtime
	config.ClusterDomain = "cluster.local"
	config.ClusterDNS = []string{o.DNS}
	config.SyncFrequency.Duration = o.SyncFrequency
	config.ConfigMapAndSecretChangeDetectionStrategy = kubeletconfig.ResourceChangeDetectionStrategy(o.ChangeDetection)
	config.PodLogsDir = filepath.Join(o.Dir, "pod-logs")
	config.EnableControllerAttachDetach = false
	config.CgroupsPerQOS = false
	config.LocalStorageCapacityIsolation = false
	config.EvictionHard = nil

	// The kubelet deletes files by patterns, in its working directory where a path is empty: it gets
	// one of its own.
	workingDir := filepath.Join(o.Dir, "working-directory")
	for _, dir := range []string{flags.RootDirectory, config.PodLogsDir, workingDir} {
		if err := os.MkdirAll(dir, 0o750); err != nil {
			return nil, nil, err
		}
	}
	return flags, config, os.Chdir(workingDir)
}

// publish shows the configuration at /configz, where it can be asked of any kubelet.
func publish(config *kubeletconfig.KubeletConfiguration) error {
	scheme, _, err := kubeletscheme.NewSchemeAndCodecs()
	if err != nil {
		return err
	}
	versioned := &kubeletconfigv1beta1.KubeletConfiguration{}
	if err := scheme.Convert(config, versioned, nil); err != nil {
		return err
	}
	versioned.SetGroupVersionKind(kubeletconfigv1beta1.SchemeGroupVersion.WithKind("KubeletConfiguration"))
	page, err := configz.New("kubeletconfig")
	if err != nil {
		return err
	}
	return page.Set(versioned)
}

func volumePlugins() []volume.VolumePlugin {
	var plugins []volume.VolumePlugin
	plugins = append(plugins, configmap.ProbeVolumePlugins()...)
	plugins = append(plugins, secret.ProbeVolumePlugins()...)
	plugins = append(plugins, projected.ProbeVolumePlugins()...)
	plugins = append(plugins, downwardapi.ProbeVolumePlugins()...)
	plugins = append(plugins, emptydir.ProbeVolumePlugins()...)
	return append(plugins, hostpath.ProbeVolumePlugins(volume.VolumeConfig{})...)
}
