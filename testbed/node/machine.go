package node

import (
	"runtime"

	cadvisorapi "github.com/google/cadvisor/lib/model"
	"golang.org/x/sys/unix"
	"k8s.io/klog/v2"
	cadvisortest "k8s.io/kubernetes/pkg/kubelet/cadvisor/testing"
)

// machine tells the kubelet what there is to schedule on. What containers use is not measured.
type machine struct {
	cadvisortest.Fake
}

// Pods reserve more than they use, and they are the tests' own: room is not what is tested.
const (
	coresForEach = 8
	memory       = 64 << 30
)

func newMachine(node string) *machine {
	return &machine{cadvisortest.Fake{NodeName: node}}
}

// MachineInfo is part of the kubelet's interface to cAdvisor.
func (m *machine) MachineInfo(klog.Logger) (*cadvisorapi.MachineInfo, error) {
	return &cadvisorapi.MachineInfo{
		NumCores:       coresForEach * runtime.NumCPU(),
		InstanceID:     cadvisorapi.InstanceID(m.NodeName),
		MemoryCapacity: memory,
	}, nil
}

// VersionInfo is part of the kubelet's interface to cAdvisor.
func (m *machine) VersionInfo() (*cadvisorapi.VersionInfo, error) {
	var name unix.Utsname
	if err := unix.Uname(&name); err != nil {
		return nil, err
	}
	return &cadvisorapi.VersionInfo{
		KernelVersion:      unix.ByteSliceToString(name.Release[:]),
		ContainerOsVersion: "the test bed's machine",
	}, nil
}
