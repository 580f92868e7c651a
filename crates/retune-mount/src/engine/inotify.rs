//! Events: one inotify instance, and who wants to know what.

use std::collections::HashMap;
use std::ffi::{OsStr, OsString};
use std::mem::MaybeUninit;
use std::os::fd::{AsRawFd, OwnedFd};
use std::os::unix::ffi::OsStrExt;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use rustix::event::{PollFd, PollFlags, Timespec};
use rustix::fs::inotify::{self, ReadFlags, Reader, WatchFlags};
use rustix::io::Errno;

use super::{BREATH, COUNTS, Core, Engine, Member, State};
use crate::dir::{DATA, Dir};
use crate::signal::{NoticedBy, Ring};
use crate::state::PollReason;
use crate::sys;
use crate::walk::{Names, is_internal};

/// How long an instance that was refused is not asked for again.
const RETRY: Duration = Duration::from_secs(5);

/// What one watch descriptor is wanted for.
struct Wanted {
    key: u64,
    member: u64,
    name: Option<OsString>,
    alive: Arc<AtomicBool>,
}

/// The event side of the engine's state.
#[derive(Default)]
pub(super) struct Events {
    source: Option<Arc<Source>>,
    /// When an instance was refused last, and why.
    refused: Option<(Instant, PollReason)>,
    watches: HashMap<i32, Vec<Wanted>>,
    next_key: u64,
    /// How often descriptors went away so far, or may have: tells a registration that its own may be one of them.
    gone: u64,
}

/// The descriptors that the thread waits on.
pub(super) struct Source {
    inotify: OwnedFd,
    wake: OwnedFd,
}

/// One directory that is watched for one name, or for all; dropped, it is not.
pub(crate) struct Interest {
    engine: Arc<Engine>,
    descriptor: i32,
    key: u64,
    alive: Arc<AtomicBool>,
}

// === impl Events ===

impl Events {
    pub(super) fn source(&self) -> Option<Arc<Source>> {
        self.source.clone()
    }

    pub(super) fn watches(&self) -> usize {
        self.watches.len()
    }

    /// Makes every interest be armed anew when its path is read next.
    pub(super) fn distrust(&mut self) {
        self.gone += 1;
        for wanted in self.watches.values().flatten() {
            wanted.alive.store(false, Ordering::Release);
        }
    }

    pub(super) fn gone(&self) -> u64 {
        self.gone
    }

    /// Notes down what a descriptor is wanted for, and gives the key of that; `None` if the descriptor
    /// may have gone away since `gone` was looked at, which was before it was asked for.
    pub(super) fn note(
        &mut self,
        descriptor: i32,
        gone: u64,
        member: u64,
        name: Option<&OsStr>,
    ) -> Option<(u64, Arc<AtomicBool>)> {
        let mut wanted = self.watches.get(&descriptor).into_iter().flatten();
        let known = wanted.any(|wanted| wanted.alive.load(Ordering::Acquire));
        if !known && self.gone != gone {
            return None;
        }
        let key = self.next_key;
        self.next_key += 1;
        let alive = Arc::new(AtomicBool::new(true));
        self.watches.entry(descriptor).or_default().push(Wanted {
            key,
            member,
            name: name.map(OsStr::to_owned),
            alive: Arc::clone(&alive),
        });
        Some((key, alive))
    }

    fn open(&mut self) -> Result<(Arc<Source>, bool), PollReason> {
        if let Some(source) = &self.source {
            return Ok((Arc::clone(source), false));
        }
        if let Some((at, reason)) = self.refused
            && at.elapsed() < RETRY
        {
            return Err(reason);
        }
        match Source::open() {
            Ok(source) => {
                let source = self.source.insert(Arc::new(source));
                Ok((Arc::clone(source), true))
            }
            Err(errno) => {
                let reason = reason(errno);
                self.refused = Some((Instant::now(), reason));
                Err(reason)
            }
        }
    }
}

fn reason(errno: Errno) -> PollReason {
    match errno {
        Errno::MFILE | Errno::NFILE => PollReason::NoInstances,
        Errno::NOSPC => PollReason::NoWatches,
        Errno::ACCESS => PollReason::Unreadable,
        errno => PollReason::Os(errno.raw_os_error()),
    }
}

// === impl Source ===

impl Source {
    fn open() -> Result<Self, Errno> {
        Ok(Self {
            inotify: sys::inotify()?,
            wake: sys::eventfd()?,
        })
    }

    pub(super) fn kick(&self) {
        // A full counter means that a wake-up is due anyway.
        let _ = rustix::io::write(&self.wake, &1_u64.to_ne_bytes());
    }

    pub(super) fn wait(&self, timeout: Option<Duration>) {
        let timeout = timeout.and_then(|timeout| Timespec::try_from(timeout).ok());
        let mut fds = [
            PollFd::new(&self.inotify, PollFlags::IN),
            PollFd::new(&self.wake, PollFlags::IN),
        ];
        // Interrupted or not: what is there is read, and the plan is looked at again.
        let waited = sys::poll(&mut fds, timeout.as_ref());
        if waited.is_err_and(|errno| errno != Errno::INTR) {
            // As when the process may have no descriptors any more. It may fail for ever.
            std::thread::sleep(BREATH);
        }
        if fds.get(1).is_some_and(|wake| !wake.revents().is_empty()) {
            let _ = rustix::io::read(&self.wake, &mut [0; 8]);
        }
    }

    /// Passes on one buffer of events. If there are more, the next wait returns at once, so that a
    /// storm locks out neither readers nor timers.
    pub(super) fn pass_on(&self, core: &Core) {
        let mut buffer = [MaybeUninit::uninit(); 16 * 1024];
        let mut reader = Reader::new(&self.inotify, &mut buffer);
        let now = Instant::now();
        let mut state = core.lock();
        let mut ring = Ring::default();
        while let Ok(event) = sys::next_event(&mut reader) {
            let name = event
                .file_name()
                .map(|name| OsStr::from_bytes(name.to_bytes()));
            let what = event.events();
            #[cfg(any(test, feature = "faults"))]
            let what = core.hooks.or_overflow(what);
            state.event(event.wd(), what, name, now, &mut ring);
            if reader.is_buffer_empty() {
                break;
            }
        }
        drop(state);
        ring.ring(NoticedBy::Event);
    }
}

// === impl State ===

impl State {
    fn event(
        &mut self,
        descriptor: i32,
        what: ReadFlags,
        name: Option<&OsStr>,
        now: Instant,
        ring: &mut Ring,
    ) {
        if what.contains(ReadFlags::QUEUE_OVERFLOW) {
            COUNTS.overflows.fetch_add(1, Ordering::Relaxed);
            *ring = self.distrust();
            return;
        }
        let gone = what.intersects(ReadFlags::IGNORED | ReadFlags::UNMOUNT);
        let wanted = if what.contains(ReadFlags::IGNORED) {
            self.events.gone += 1;
            self.events.watches.remove(&descriptor)
        } else {
            None
        };
        let wanted = wanted
            .as_ref()
            .or_else(|| self.events.watches.get(&descriptor));
        for wanted in wanted.into_iter().flatten() {
            if gone {
                wanted.alive.store(false, Ordering::Release);
            }
            if gone || wanted.wants(name) {
                COUNTS.events.fetch_add(1, Ordering::Relaxed);
                if let Some(plan) = self.members.get_mut(&wanted.member) {
                    plan.event(now, ring);
                }
            }
        }
    }
}

impl Wanted {
    fn wants(&self, name: Option<&OsStr>) -> bool {
        match (&self.name, name) {
            (_, None) => false,
            (Some(wanted), Some(name)) => wanted == name,
            (None, Some(name)) => !is_internal(name),
        }
    }
}

// === impl Member ===

impl Member {
    /// Watches a directory from now on.
    pub(crate) fn watch(&self, dir: &Dir, names: Names<'_>) -> Result<Interest, PollReason> {
        let core = self.engine.core();
        // The inode that is held, not a path that may lead elsewhere by now. The call can block
        // on a file system that hangs, so nothing is locked meanwhile.
        let path = format!("/proc/self/fd/{}", dir.fd.as_raw_fd());
        let name = names.name();
        let mut mask =
            WatchFlags::CREATE | WatchFlags::MOVE | WatchFlags::DELETE | WatchFlags::MASK_ADD;
        if name.is_none_or(|name| name != DATA) {
            mask |= WatchFlags::ATTRIB;
        }
        // Not in directories on the way: all that write to `/dev/null` would wake whoever has a volume in `/dev/shm`.
        if names.are_files() {
            mask |= WatchFlags::CLOSE_WRITE;
        }
        loop {
            let (source, gone) = {
                let mut state = core.lock();
                let (source, new) = state.events.open()?;
                if new {
                    core.kick(&state);
                }
                (source, state.events.gone())
            };
            let descriptor =
                sys::add_watch(&source.inotify, &path, mask).map_err(|errno| match errno {
                    Errno::NOENT => PollReason::NoProc,
                    errno => reason(errno),
                })?;
            let noted = core.lock().events.note(descriptor, gone, self.id, name);
            let Some((key, alive)) = noted else { continue };
            return Ok(Interest {
                engine: Arc::clone(&self.engine),
                descriptor,
                key,
                alive,
            });
        }
    }
}

// === impl Interest ===

impl Interest {
    /// Whether the kernel still watches the directory.
    pub(crate) fn is_alive(&self) -> bool {
        self.alive.load(Ordering::Acquire)
    }
}

impl Drop for Interest {
    fn drop(&mut self) {
        let mut state = self.engine.core().lock();
        let events = &mut state.events;
        let Some(wanted) = events.watches.get_mut(&self.descriptor) else {
            return;
        };
        wanted.retain(|wanted| wanted.key != self.key);
        if wanted.is_empty() {
            events.watches.remove(&self.descriptor);
            events.gone += 1;
            if let Some(source) = &events.source {
                // Touches no file system; fails only if the kernel was faster.
                let _ = inotify::remove_watch(&source.inotify, self.descriptor);
            }
        }
    }
}
