//! What only Linux tells.

use std::os::fd::AsFd;

/// Whether the descriptor is the root of a mount: for a file, a bind mount of
/// that one file.
#[cfg(target_os = "linux")]
pub(crate) fn is_mount_root(fd: impl AsFd) -> bool {
    use rustix::fs::StatxAttributes;
    crate::sys::statx(fd)
        .is_ok_and(|stat| stat.stx_attributes.contains(StatxAttributes::MOUNT_ROOT))
}

#[cfg(not(target_os = "linux"))]
pub(crate) fn is_mount_root(_: impl AsFd) -> bool {
    false
}

/// Whether it lies on a file system that is never written to a disk. What cannot be told is taken to: the
/// kubelet keeps there what is not to be seen.
#[cfg(target_os = "linux")]
pub(crate) fn is_in_memory(fd: impl AsFd) -> bool {
    let Ok(found) = crate::sys::fstatfs(fd) else {
        return true;
    };
    let magic = found.f_type;
    // tmpfs and ramfs.
    matches!(
        u32::try_from(magic).unwrap_or(magic as u32),
        0x0102_1994 | 0x8584_58f6
    )
}

#[cfg(not(target_os = "linux"))]
pub(crate) fn is_in_memory(_: impl AsFd) -> bool {
    false
}

/// The name of a file system that gives no events for what is done elsewhere.
#[cfg(target_os = "linux")]
pub(crate) fn eventless(fd: impl AsFd) -> Result<Option<&'static str>, rustix::io::Errno> {
    let magic = crate::sys::fstatfs(fd)?.f_type;
    Ok(Some(match u32::try_from(magic).unwrap_or(magic as u32) {
        0x6969 => "NFS",
        0x0102_1997 => "9p",
        0x6573_5546 => "FUSE or virtiofs",
        0xff53_4d42 => "CIFS",
        0xfe53_4d42 => "SMB",
        0x517b => "SMB",
        0x00c3_6400 => "Ceph",
        0x5346_414f => "AFS",
        0x7461_636f => "OCFS2",
        0x0116_1970 => "GFS2",
        0x0bd0_0bd0 => "Lustre",
        0x786f_4256 => "vboxsf",
        0xbacb_acbc => "vmhgfs",
        0x9fa0 => "proc",
        _ => return Ok(None),
    }))
}
