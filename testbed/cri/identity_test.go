package cri

import (
	"testing"

	runtimeapi "k8s.io/cri-api/pkg/apis/runtime/v1"
)

func TestUsersAreFoundByNameAndNumber(t *testing.T) {
	const passwd = "root:x:0:0:root:/root:/bin/sh\nweb:x:33:34:web:/:/bin/false\n"
	for _, c := range []struct {
		user     string
		uid, gid uint32
	}{{"web", 33, 34}, {"33", 33, 34}, {"65532", 65532, 0}, {"root", 0, 0}} {
		uid, gid, err := lookUp(c.user, passwd)
		if err != nil || uid != c.uid || gid != c.gid {
			t.Errorf("%q is %d:%d (%v), not %d:%d", c.user, uid, gid, err, c.uid, c.gid)
		}
	}
	if _, _, err := lookUp("nobody-here", passwd); err == nil {
		t.Error("a name that is not there was found")
	}
}

func TestCapabilitiesAreAddedAndDropped(t *testing.T) {
	const chown, admin, bind = 1 << 0, 1 << 21, 1 << 10
	set := func(add, drop []string) uint64 {
		t.Helper()
		set, err := boundingSet(&runtimeapi.LinuxContainerSecurityContext{
			Capabilities: &runtimeapi.Capability{AddCapabilities: add, DropCapabilities: drop},
		})
		if err != nil {
			t.Fatal(err)
		}
		return set
	}
	if got := set(nil, nil); got&chown == 0 || got&admin != 0 {
		t.Errorf("the usual set is %x", got)
	}
	if got := set([]string{"NET_BIND_SERVICE"}, []string{"ALL"}); got != bind {
		t.Errorf("all but one dropped leaves %x", got)
	}
	if got := set([]string{"ALL"}, []string{"CAP_SYS_ADMIN"}); got != ^uint64(admin) {
		t.Errorf("one dropped of all leaves %x", got)
	}
	if _, err := boundingSet(&runtimeapi.LinuxContainerSecurityContext{
		Capabilities: &runtimeapi.Capability{AddCapabilities: []string{"FLY"}},
	}); err == nil {
		t.Error("a capability that does not exist was accepted")
	}
}
