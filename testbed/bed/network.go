package bed

import (
	"fmt"
	"net/netip"
	"os/exec"
	"strings"
)

// setUpNetwork gives the new network namespace a bridge for the pods, the nodes' addresses on it, and
// the Services' range as addresses of its own. There is no way out.
func setUpNetwork(o Options) error {
	bits := "/" + strings.SplitAfter(network, "/")[1]
	commands := []string{
		"link set lo up",
		// Without an address of its own it has that of some pod, and another one when that is gone:
		// the other pods would not reach it until they ask again.
		"link add " + bridge + " address " + bridgeMAC + " type bridge",
		"addr add " + gateway + bits + " dev " + bridge,
		"link set " + bridge + " up",
		"route add local " + serviceRange + " dev lo",
	}
	for n := 1; n <= o.Nodes; n++ {
		commands = append(commands, "addr add "+o.node(n).address.String()+bits+" dev "+bridge)
	}
	for _, command := range commands {
		if out, err := exec.Command("ip", strings.Fields(command)...).CombinedOutput(); err != nil {
			return fmt.Errorf("ip %s: %w: %s", command, err, out)
		}
	}
	return nil
}

var dnsAddress = netip.AddrPortFrom(netip.MustParseAddr(dns), 53)
