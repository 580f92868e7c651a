//! Which directories one path is watched in.

use crate::dir::Dir;
use crate::engine::Member;
use crate::state::PollReason;
use crate::walk::{Names, Observer};

#[cfg(target_os = "linux")]
use {
    crate::engine::Interest,
    crate::stamp::FileId,
    std::collections::HashMap,
    std::collections::hash_map::Entry,
    std::ffi::{OsStr, OsString},
};

/// What one path keeps watched from read to read. Only what moved is armed anew.
#[derive(Default)]
pub(crate) struct Armed {
    pub(crate) member: Option<Member>,
    /// Why events alone do not do, as of the last read.
    pub(crate) trouble: Option<PollReason>,
    #[cfg(target_os = "linux")]
    held: HashMap<(FileId, Option<OsString>), Held>,
    #[cfg(target_os = "linux")]
    round: u64,
}

#[cfg(target_os = "linux")]
struct Held {
    interest: Interest,
    /// Whether it is told of what is written as well.
    are_files: bool,
    /// An error is asked about again.
    eventless: Result<Option<PollReason>, PollReason>,
    round: u64,
}

// === impl Armed ===

#[cfg(target_os = "linux")]
impl Armed {
    /// Begins a walk.
    pub(crate) fn begin(&mut self) {
        self.trouble = None;
        self.round += 1;
    }

    /// Lets go of what the walk no longer passed.
    pub(crate) fn finish(&mut self) {
        let round = self.round;
        self.held.retain(|_, held| held.round == round);
    }
}

#[cfg(target_os = "linux")]
impl Observer for Armed {
    fn passing(&mut self, dir: &Dir, names: Names<'_>) {
        let Some(member) = &self.member else { return };
        let key = (dir.id, names.name().map(OsStr::to_owned));
        let eventless = match self.held.entry(key) {
            Entry::Occupied(mut held) if held.get().serves(names) => {
                let held = held.get_mut();
                held.round = self.round;
                if held.eventless.is_err() {
                    held.eventless = eventless(dir);
                }
                held.eventless
            }
            entry => match member.watch(dir, names) {
                Ok(interest) => {
                    let (eventless, round) = (eventless(dir), self.round);
                    entry.insert_entry(Held {
                        interest,
                        are_files: names.are_files(),
                        eventless,
                        round,
                    });
                    eventless
                }
                Err(reason) => Err(reason),
            },
        };
        self.trouble = self.trouble.or_else(|| eventless.unwrap_or_else(Some));
    }
}

#[cfg(target_os = "linux")]
impl Held {
    fn serves(&self, names: Names<'_>) -> bool {
        self.interest.is_alive() && self.are_files >= names.are_files()
    }
}

#[cfg(target_os = "linux")]
fn eventless(dir: &Dir) -> Result<Option<PollReason>, PollReason> {
    let name = crate::platform::eventless(&dir.fd);
    name.map(|name| name.map(PollReason::FileSystem))
        .map_err(|errno| PollReason::Os(errno.raw_os_error()))
}

#[cfg(not(target_os = "linux"))]
impl Armed {
    pub(crate) fn begin(&mut self) {
        self.trouble = Some(PollReason::NotLinux);
    }

    pub(crate) fn finish(&mut self) {}
}

#[cfg(not(target_os = "linux"))]
impl Observer for Armed {
    fn passing(&mut self, _: &Dir, _: Names<'_>) {}
}
