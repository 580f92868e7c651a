//! What happens, drawn from a seed: the same seed and storm give the same edits in the same order.

use std::collections::BTreeMap;
use std::time::Duration;

use retune_mount::LinkOrder;

use crate::content::{Flaw, Serial};
use crate::random::Random;

/// Something that happens to a place, to the process, or to nobody.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Edit {
    /// New values.
    Swap {
        place: usize,
        serial: Serial,
        order: LinkOrder,
    },
    /// The values of the swap before, once more.
    Repeat {
        place: usize,
        serial: Serial,
        order: LinkOrder,
    },
    /// Swaps without a pause.
    Burst {
        place: usize,
        serial: Serial,
        count: u64,
    },
    /// Values that are to be refused.
    Invalid {
        place: usize,
        serial: Serial,
        flaw: Flaw,
    },
    /// A publish that breaks off.
    Abandon {
        place: usize,
        serial: Serial,
        steps: u64,
        order: LinkOrder,
    },
    /// No keys any more.
    Empty { place: usize },
    /// The volume is torn down.
    Remove { place: usize },
    /// Something that is no volume is in its place.
    Replace {
        place: usize,
        by: Stranger,
        whole: bool,
    },
    /// What was broken, emptied, removed or replaced is whole again.
    Heal { place: usize, serial: Serial },
    /// Nothing happens for a while.
    Quiet { time: Duration },
    /// The process is stopped, and more events come than the kernel keeps.
    Flood,
    /// No descriptor is left.
    Famine,
    /// There are descriptors again.
    Plenty,
    /// A configuration is stopped and started anew.
    Restart { life: usize },
}

/// What may be where a volume or a file belongs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Stranger {
    Fifo,
    LinkLoop,
    Directory,
    File,
}

/// The edits of one storm, without an end.
#[derive(Debug)]
pub(crate) struct Storm {
    random: Random,
    places: usize,
    lives: usize,
    drawn: u64,
    /// What is to end, and after how many edits.
    pending: BTreeMap<(u64, usize), Edit>,
    /// The last serial of each place.
    last: BTreeMap<usize, Serial>,
}

// === impl Edit ===

impl Edit {
    /// In one word, for counts.
    pub(crate) fn name(&self) -> &'static str {
        match self {
            Self::Swap { .. } => "swap",
            Self::Repeat { .. } => "repeat",
            Self::Burst { .. } => "burst",
            Self::Invalid { .. } => "invalid",
            Self::Abandon { .. } => "abandon",
            Self::Empty { .. } => "empty",
            Self::Remove { .. } => "remove",
            Self::Replace { .. } => "replace",
            Self::Heal { .. } => "heal",
            Self::Quiet { .. } => "quiet",
            Self::Flood => "flood",
            Self::Famine => "famine",
            Self::Plenty => "plenty",
            Self::Restart { .. } => "restart",
        }
    }
}

// === impl Storm ===

impl Storm {
    pub(crate) fn new(seed: u64, storm: u64, places: usize, lives: usize) -> Self {
        Self {
            random: Random::new(seed, storm),
            places,
            lives,
            drawn: 0,
            pending: BTreeMap::new(),
            last: BTreeMap::new(),
        }
    }

    /// The next edit, and how long to wait before it.
    pub(crate) fn draw(&mut self) -> (Duration, Edit) {
        self.drawn += 1;
        let pause = Duration::from_micros(self.random.below(12_000));
        let due = self.pending.first_entry();
        if let Some(due) = due.filter(|due| due.key().0 <= self.drawn) {
            return (pause, due.remove());
        }
        (pause, self.random_edit())
    }

    fn random_edit(&mut self) -> Edit {
        let place = self.random.index(self.places);
        let serial = self.random.below(1 << 40);
        let order = self.random.pick(
            &[LinkOrder::AfterRename, LinkOrder::BeforeRename],
            LinkOrder::AfterRename,
        );
        match self.random.below(1000) {
            0..600 => {
                self.last.insert(place, serial);
                Edit::Swap {
                    place,
                    serial,
                    order,
                }
            }
            600..680 => Edit::Repeat {
                place,
                serial: self.last.get(&place).copied().unwrap_or(serial),
                order,
            },
            680..710 => Edit::Burst {
                place,
                serial,
                count: 5 + self.random.below(40),
            },
            710..800 => {
                let flaws = [Flaw::NoNumber, Flaw::Missing, Flaw::Broken];
                let flaw = self.random.pick(&flaws, Flaw::Missing);
                let invalid = Edit::Invalid {
                    place,
                    serial,
                    flaw,
                };
                self.healed(place, invalid)
            }
            800..870 => {
                let steps = 1 + self.random.below(16);
                let abandon = Edit::Abandon {
                    place,
                    serial,
                    steps,
                    order,
                };
                self.healed(place, abandon)
            }
            870..895 => self.healed(place, Edit::Empty { place }),
            895..925 => self.healed(place, Edit::Remove { place }),
            925..965 => {
                let by = [
                    Stranger::Fifo,
                    Stranger::LinkLoop,
                    Stranger::Directory,
                    Stranger::File,
                ];
                let by = self.random.pick(&by, Stranger::File);
                let whole = self.random.below(2) == 0;
                self.healed(place, Edit::Replace { place, by, whole })
            }
            965..975 => Edit::Quiet {
                time: Duration::from_millis(self.random.below(1_500)),
            },
            975..979 => Edit::Flood,
            979..985 if !self.pending.values().any(|end| *end == Edit::Plenty) => {
                let until = self.drawn + 5 + self.random.below(20);
                self.pending.insert((until, usize::MAX), Edit::Plenty);
                Edit::Famine
            }
            _ => Edit::Restart {
                life: self.random.index(self.lives),
            },
        }
    }

    /// With the end of it some edits later: a configuration of many volumes would else have a broken one at
    /// all times, and take nothing any more.
    fn healed(&mut self, place: usize, edit: Edit) -> Edit {
        let until = self.drawn + 1 + self.random.below(8);
        let serial = self.random.below(1 << 40);
        self.last.insert(place, serial);
        self.pending
            .insert((until, place), Edit::Heal { place, serial });
        edit
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn edits(seed: u64, storm: u64) -> Vec<(Duration, Edit)> {
        let mut storm = Storm::new(seed, storm, 100, 10);
        (0..2_000).map(|_| storm.draw()).collect()
    }

    #[test]
    fn a_seed_and_a_storm_give_the_same_edits_again_and_others_give_others() {
        assert_eq!(edits(7, 1), edits(7, 1));
        assert_ne!(edits(7, 1), edits(7, 2));
        assert_ne!(edits(7, 1), edits(8, 1));
    }

    #[test]
    fn every_kind_of_edit_comes_and_what_was_broken_is_healed() {
        let edits = edits(1, 0);
        let count = |name| edits.iter().filter(|(_, edit)| edit.name() == name).count();
        let names = [
            "swap", "repeat", "burst", "invalid", "abandon", "empty", "remove", "replace", "heal",
            "quiet", "flood", "famine", "plenty", "restart",
        ];
        for name in names {
            assert!(count(name) > 0, "{name}");
        }
        let broken = count("empty") + count("remove") + count("replace");
        let broken = broken + count("invalid") + count("abandon");
        // Twice broken before it was healed is healed once.
        assert!(count("heal") * 10 >= broken * 9, "{broken}");
    }
}
