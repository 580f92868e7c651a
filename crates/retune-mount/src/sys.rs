//! The system calls of reading and watching: one place where a signal's interruption is dealt with, and
//! where tests make them fail.
//!
//! Local file systems are not interrupted. Network ones and FUSE are, and that tells nothing of the path.

use std::ffi::OsStr;
use std::io::Read;
use std::os::fd::{AsFd, OwnedFd};
use std::path::Path;

use rustix::fs::{AtFlags, Dir, DirEntry, Mode, OFlags, Stat};
use rustix::io::{Errno, retry_on_intr};

use crate::call::Call;
#[cfg(any(test, feature = "faults"))]
use crate::injected::check;

#[cfg(not(any(test, feature = "faults")))]
#[inline(always)]
fn check(_: Call) -> Result<(), Errno> {
    Ok(())
}

fn call<T>(call: Call, mut f: impl FnMut() -> Result<T, Errno>) -> Result<T, Errno> {
    retry_on_intr(|| {
        check(call)?;
        f()
    })
}

pub(crate) fn open(path: &Path, flags: OFlags) -> Result<OwnedFd, Errno> {
    call(Call::Open, || rustix::fs::open(path, flags, Mode::empty()))
}

pub(crate) fn openat(dir: impl AsFd, name: &OsStr, flags: OFlags) -> Result<OwnedFd, Errno> {
    let dir = dir.as_fd();
    call(Call::Open, || {
        rustix::fs::openat(dir, name, flags, Mode::empty())
    })
}

pub(crate) fn fstat(fd: impl AsFd) -> Result<Stat, Errno> {
    call(Call::Stat, || rustix::fs::fstat(&fd))
}

/// Of the name itself, also where it is a link.
pub(crate) fn statat(dir: impl AsFd, name: &OsStr) -> Result<Stat, Errno> {
    let dir = dir.as_fd();
    call(Call::Stat, || {
        rustix::fs::statat(dir, name, AtFlags::SYMLINK_NOFOLLOW)
    })
}

pub(crate) fn readlinkat(dir: impl AsFd, name: &OsStr) -> Result<Vec<u8>, Errno> {
    let dir = dir.as_fd();
    let target = call(Call::ReadLink, || {
        rustix::fs::readlinkat(dir, name, Vec::new())
    });
    target.map(std::ffi::CString::into_bytes)
}

pub(crate) fn read(file: &mut impl Read, buffer: &mut [u8]) -> std::io::Result<usize> {
    loop {
        let read = check(Call::Read)
            .map_err(Into::into)
            .and_then(|()| file.read(buffer));
        match read {
            Err(error) if error.kind() == std::io::ErrorKind::Interrupted => {}
            result => return result,
        }
    }
}

/// On Linux `Dir` makes an interrupted `getdents` again by itself.
pub(crate) fn next_entry(listing: &mut Dir) -> Option<Result<DirEntry, Errno>> {
    match retry_on_intr(|| check(Call::List)) {
        Ok(()) => listing.next(),
        Err(errno) => Some(Err(errno)),
    }
}

#[cfg(target_os = "linux")]
pub(crate) use linux::{add_watch, eventfd, fstatfs, inotify, next_event, poll, statx};

#[cfg(target_os = "linux")]
mod linux {
    use std::os::fd::{AsFd, OwnedFd};

    use rustix::event::{EventfdFlags, PollFd, Timespec};
    use rustix::fs::inotify::{self, CreateFlags, Event, Reader, WatchFlags};
    use rustix::fs::{AtFlags, StatFs, Statx, StatxFlags};
    use rustix::io::{Errno, retry_on_intr};

    use super::{Call, call, check};

    pub(crate) fn fstatfs(fd: impl AsFd) -> Result<StatFs, Errno> {
        call(Call::FileSystem, || rustix::fs::fstatfs(&fd))
    }

    /// Of the descriptor itself.
    pub(crate) fn statx(fd: impl AsFd) -> Result<Statx, Errno> {
        call(Call::FileSystem, || {
            rustix::fs::statx(&fd, "", AtFlags::EMPTY_PATH, StatxFlags::empty())
        })
    }

    pub(crate) fn inotify() -> Result<OwnedFd, Errno> {
        call(Call::Instance, || {
            inotify::init(CreateFlags::CLOEXEC | CreateFlags::NONBLOCK)
        })
    }

    pub(crate) fn eventfd() -> Result<OwnedFd, Errno> {
        call(Call::Instance, || {
            rustix::event::eventfd(0, EventfdFlags::CLOEXEC | EventfdFlags::NONBLOCK)
        })
    }

    pub(crate) fn add_watch(
        inotify: impl AsFd,
        path: &str,
        mask: WatchFlags,
    ) -> Result<i32, Errno> {
        let inotify = inotify.as_fd();
        call(Call::Watch, || inotify::add_watch(inotify, path, mask))
    }

    /// An interruption is told: the time that is left is another by then.
    pub(crate) fn poll(fds: &mut [PollFd<'_>], timeout: Option<&Timespec>) -> Result<usize, Errno> {
        check(Call::Poll)?;
        rustix::event::poll(fds, timeout)
    }

    pub(crate) fn next_event<'r>(reader: &'r mut Reader<'_, &OwnedFd>) -> Result<Event<'r>, Errno> {
        if reader.is_buffer_empty() {
            retry_on_intr(|| check(Call::Events))?;
        }
        reader.next()
    }
}
