// Testbed is a Kubernetes cluster in one program, for tests: embedded etcd, the real API server,
// controller manager, scheduler, kubectl and kubelets, and pods that are processes of this machine.
package main

import (
	"os"
	"runtime"

	"github.com/spf13/cobra"
	"k8s.io/component-base/cli"
	kubectl "k8s.io/kubectl/pkg/cmd"
	controllermanager "k8s.io/kubernetes/cmd/kube-controller-manager/app"
	scheduler "k8s.io/kubernetes/cmd/kube-scheduler/app"

	"testbed/bed"
	"testbed/controlplane"
	"testbed/cri"
	"testbed/node"
)

// The process that `up` starts dies with the thread that started it: that must be the main one.
func init() { runtime.LockOSThread() }

// parts are the programs in this program. Each is run in a process of its own, and keeps the flags
// and the help that it has by itself.
var parts = map[string]func() *cobra.Command{
	"apiserver":               controlplane.Command,
	"kube-controller-manager": controllermanager.NewControllerManagerCommand,
	"kube-scheduler":          func() *cobra.Command { return scheduler.NewSchedulerCommand() },
	"kubectl":                 kubectl.NewDefaultKubectlCommand,
	"run-kubelet":             node.Command,
	"run-runtime":             cri.Command,
}

func main() {
	if len(os.Args) > 1 {
		if part, ok := parts[os.Args[1]]; ok {
			os.Args = os.Args[1:]
			os.Exit(cli.Run(part()))
		}
	}
	if err := bed.Command().Execute(); err != nil {
		os.Exit(1)
	}
}
