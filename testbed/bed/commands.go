package bed

import (
	"fmt"
	"time"

	"github.com/spf13/cobra"
)

const (
	defaultDir   = "/tmp/retune-testbed"
	innerCommand = "inner"
)

// Command is the command line of those that people use. kubectl has one of its own.
func Command() *cobra.Command {
	root := &cobra.Command{
		Use:          "testbed",
		Short:        "A Kubernetes cluster in one program, for tests",
		Long:         "A Kubernetes cluster in one program, for tests.\n\n`testbed kubectl ...` is kubectl itself.",
		SilenceUsage: true,
	}
	root.AddCommand(upCommand(), controlCommand("node", "a node: its kubelet and its pods"),
		controlCommand("kubelet", "a node's kubelet; its pods go on"), enterCommand(),
		&cobra.Command{
			Use:    innerCommand,
			Hidden: true,
			Args:   cobra.ExactArgs(1),
			RunE:   func(_ *cobra.Command, args []string) error { return runInner(args[0]) },
		})
	return root
}

func upCommand() *cobra.Command {
	var o Options
	var stopOnEOF bool
	command := &cobra.Command{
		Use:   "up",
		Short: "Start a cluster; Ctrl-C stops it and leaves nothing behind",
		Args:  cobra.NoArgs,
		RunE:  func(*cobra.Command, []string) error { return Up(o, stopOnEOF) },
	}
	flags := command.Flags()
	dirFlag(command, &o.Dir)
	flags.IntVar(&o.Nodes, "nodes", 3, "how many nodes")
	flags.DurationVar(&o.SyncFrequency, "sync-frequency", time.Minute, "the kubelets' syncFrequency: a pod is synced every 1 to 1.5 times of this")
	flags.StringVar(&o.ChangeDetection, "change-detection", "Watch", "the kubelets' configMapAndSecretChangeDetectionStrategy: Watch, Cache or Get")
	flags.StringVar(&o.Authorization, "authorization", "RBAC", "RBAC, or AlwaysAllow")
	flags.StringVar(&o.Bin, "bin", "", "folder that every container sees as /testbed/bin")
	flags.IntVar(&o.APIPort, "api-port", 0, "the API server's port on 127.0.0.1; 0: any that is free")
	flags.BoolVar(&stopOnEOF, "stop-on-eof", false, "stop at the end of the standard input, too")
	flags.IntVarP(&o.Verbosity, "verbosity", "v", 2, "how much the components log, below DIR/logs")
	return command
}

func controlCommand(what, of string) *cobra.Command {
	var dir string
	command := &cobra.Command{
		Use:       what + " start|stop NAME",
		Short:     "Start or stop " + of,
		Args:      cobra.ExactArgs(2),
		ValidArgs: []string{"start", "stop"},
		RunE: func(_ *cobra.Command, args []string) error {
			if args[0] != "start" && args[0] != "stop" {
				return fmt.Errorf("start or stop, not %q", args[0])
			}
			return Control(dir, what, args[0], args[1])
		},
	}
	dirFlag(command, &dir)
	return command
}

func enterCommand() *cobra.Command {
	var dir string
	command := &cobra.Command{
		Use:   "enter -- COMMAND...",
		Short: "Run a command where the nodes are: with their mounts, processes and network",
		Args:  cobra.MinimumNArgs(1),
		RunE:  func(_ *cobra.Command, args []string) error { return Enter(dir, args) },
	}
	dirFlag(command, &dir)
	return command
}

func dirFlag(command *cobra.Command, dir *string) {
	command.Flags().StringVar(dir, "dir", defaultDir, "where the run keeps its files")
}
