package cri

import "github.com/spf13/cobra"

// Command is the command `run-runtime`. Its flags are Options.
func Command() *cobra.Command {
	var o Options
	command := &cobra.Command{
		Use:  "run-runtime",
		RunE: func(command *cobra.Command, _ []string) error { return Serve(command.Context(), o) },
	}
	flags := command.Flags()
	flags.StringVar(&o.Node, "node", "", "")
	flags.StringVar(&o.Socket, "socket", "", "")
	flags.StringVar(&o.Dir, "dir", "", "")
	flags.StringVar(&o.Bridge, "bridge", "", "")
	flags.TextVar(&o.Pods, "pods", o.Pods, "")
	flags.TextVar(&o.Gateway, "gateway", o.Gateway, "")
	flags.StringVar(&o.Bin, "bin", "", "")
	return command
}

// Args are the arguments that make the command run with these options.
func (o Options) Args() []string {
	return []string{
		"run-runtime", "--node=" + o.Node, "--socket=" + o.Socket, "--dir=" + o.Dir, "--bridge=" + o.Bridge,
		"--pods=" + o.Pods.String(), "--gateway=" + o.Gateway.String(), "--bin=" + o.Bin,
	}
}
