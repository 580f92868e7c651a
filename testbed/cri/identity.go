package cri

import (
	"fmt"
	"os"
	"strconv"
	"strings"
	"syscall"

	"golang.org/x/sys/unix"
	runtimeapi "k8s.io/cri-api/pkg/apis/runtime/v1"
)

// identity is whom a container's processes run as, and what they may do at most.
type identity struct {
	UID, GID     uint32
	Groups       []uint32
	NoNewPrivs   bool
	Capabilities uint64 // the bounding set: what root has, and any other user could regain
}

// Capabilities by their number in the kernel's interface.
var capabilities = strings.Fields(`
	CHOWN DAC_OVERRIDE DAC_READ_SEARCH FOWNER FSETID KILL SETGID SETUID SETPCAP LINUX_IMMUTABLE NET_BIND_SERVICE
	NET_BROADCAST NET_ADMIN NET_RAW IPC_LOCK IPC_OWNER SYS_MODULE SYS_RAWIO SYS_CHROOT SYS_PTRACE SYS_PACCT SYS_ADMIN
	SYS_BOOT SYS_NICE SYS_RESOURCE SYS_TIME SYS_TTY_CONFIG MKNOD LEASE AUDIT_WRITE AUDIT_CONTROL SETFCAP MAC_OVERRIDE
	MAC_ADMIN SYSLOG WAKE_ALARM BLOCK_SUSPEND AUDIT_READ PERFMON BPF CHECKPOINT_RESTORE`)

// What usual runtimes leave to a container that says nothing of capabilities.
var defaultCapabilities = strings.Fields(`CHOWN DAC_OVERRIDE FSETID FOWNER MKNOD NET_RAW SETGID SETUID SETFCAP SETPCAP
	NET_BIND_SERVICE SYS_CHROOT KILL AUDIT_WRITE`)

// identityOf works out whom a container runs as, from its security context and then its image. Groups
// that /etc/group lists for the user are left out.
func identityOf(config *runtimeapi.ContainerConfig) (identity, error) {
	security := config.GetLinux().GetSecurityContext()
	user := strconv.FormatInt(imageUser(config.GetImage().GetImage()), 10)
	if name := security.GetRunAsUsername(); name != "" {
		user = name
	}
	if id := security.GetRunAsUser(); id != nil {
		user = strconv.FormatInt(id.GetValue(), 10)
	}
	passwd, err := os.ReadFile("/etc/passwd") // the container's own: its root is this one
	if err != nil {
		return identity{}, fmt.Errorf("looking up the user %q: %w", user, err)
	}
	uid, gid, err := lookUp(user, string(passwd)+imageUsers(config.GetImage().GetImage()))
	if err != nil {
		return identity{}, err
	}
	if group := security.GetRunAsGroup(); group != nil {
		gid = uint32(group.GetValue())
	}
	id := identity{UID: uid, GID: gid, NoNewPrivs: security.GetNoNewPrivs()}
	for _, group := range security.GetSupplementalGroups() {
		id.Groups = append(id.Groups, uint32(group))
	}
	id.Capabilities, err = boundingSet(security)
	return id, err
}

// lookUp finds a user, given by name or number, in the text of /etc/passwd. A number need not be there.
func lookUp(user, passwd string) (uid, gid uint32, err error) {
	for line := range strings.Lines(passwd) {
		field := strings.Split(line, ":")
		if len(field) < 4 || field[0] != user && field[2] != user {
			continue
		}
		uid, err1 := strconv.ParseUint(field[2], 10, 32)
		gid, err2 := strconv.ParseUint(field[3], 10, 32)
		if err1 == nil && err2 == nil {
			return uint32(uid), uint32(gid), nil
		}
	}
	number, err := strconv.ParseUint(user, 10, 32)
	if err != nil {
		return 0, 0, fmt.Errorf("the user %q is not in /etc/passwd", user)
	}
	return uint32(number), 0, nil
}

// boundingSet is the capabilities that a container may ever have, a bit each.
func boundingSet(security *runtimeapi.LinuxContainerSecurityContext) (uint64, error) {
	if security.GetPrivileged() {
		return ^uint64(0), nil
	}
	var set uint64
	apply := func(names []string, change func(bits uint64)) error {
		for _, name := range names {
			bits, err := capabilityBits(name)
			if err != nil {
				return err
			}
			change(bits)
		}
		return nil
	}
	add := func(bits uint64) { set |= bits }
	drop := func(bits uint64) { set &^= bits }
	asked := security.GetCapabilities()
	if err := apply(defaultCapabilities, add); err != nil {
		return 0, err
	}
	// "ALL" comes before single ones: `drop: [ALL], add: [X]` leaves X.
	for _, all := range []bool{true, false} {
		if err := apply(only(asked.GetAddCapabilities(), all), add); err != nil {
			return 0, err
		}
		if err := apply(only(asked.GetDropCapabilities(), all), drop); err != nil {
			return 0, err
		}
	}
	return set, nil
}

func only(names []string, all bool) []string {
	var some []string
	for _, name := range names {
		if strings.EqualFold(name, "ALL") == all {
			some = append(some, name)
		}
	}
	return some
}

func capabilityBits(name string) (uint64, error) {
	name = strings.TrimPrefix(strings.ToUpper(name), "CAP_")
	if name == "ALL" {
		return ^uint64(0), nil
	}
	for number, known := range capabilities {
		if known == name {
			return 1 << number, nil
		}
	}
	return 0, fmt.Errorf("there is no capability %q", name)
}

// limit gives up, for the current thread and what it starts, what the identity may not have.
func (id identity) limit() error {
	for number := range 64 {
		if id.Capabilities&(1<<number) != 0 {
			continue
		}
		err := unix.Prctl(unix.PR_CAPBSET_DROP, uintptr(number), 0, 0, 0)
		if err == unix.EINVAL {
			break // the kernel has no more
		}
		if err != nil {
			return fmt.Errorf("dropping capability %d: %w", number, err)
		}
	}
	if id.NoNewPrivs {
		if err := unix.Prctl(unix.PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0); err != nil {
			return fmt.Errorf("setting no_new_privs: %w", err)
		}
	}
	return nil
}

// credential is the identity as os/exec takes it.
func (id identity) credential() *syscall.Credential {
	return &syscall.Credential{Uid: id.UID, Gid: id.GID, Groups: id.Groups}
}

// assume makes the current process the identity's.
func (id identity) assume() error {
	if err := id.limit(); err != nil {
		return err
	}
	groups := make([]int, len(id.Groups))
	for i, group := range id.Groups {
		groups[i] = int(group)
	}
	if err := syscall.Setgroups(groups); err != nil {
		return fmt.Errorf("setting the groups %v: %w", groups, err)
	}
	if err := syscall.Setresgid(int(id.GID), int(id.GID), int(id.GID)); err != nil {
		return fmt.Errorf("becoming group %d: %w", id.GID, err)
	}
	if err := syscall.Setresuid(int(id.UID), int(id.UID), int(id.UID)); err != nil {
		return fmt.Errorf("becoming user %d: %w", id.UID, err)
	}
	return nil
}
