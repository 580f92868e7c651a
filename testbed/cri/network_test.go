package cri

import (
	"net/netip"
	"testing"
)

func TestAddressesAreTakenInTurn(t *testing.T) {
	pool := newAddressPool(netip.MustParsePrefix("10.0.1.0/29"))
	take := func(want string) netip.Addr {
		t.Helper()
		address, err := pool.take()
		if err != nil {
			t.Fatal(err)
		}
		if address.String() != want {
			t.Errorf("took %s, not %s", address, want)
		}
		return address
	}
	first := take("10.0.1.1")
	pool.free(first)
	take("10.0.1.2")
	take("10.0.1.3")
	take("10.0.1.4")
	take("10.0.1.5")
	take("10.0.1.6")
	take("10.0.1.1")
	if address, err := pool.take(); err == nil {
		t.Errorf("took %s though all are in use", address)
	}
}
