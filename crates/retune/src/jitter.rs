//! Replicas that do not all change at once: each waits a share of its own before it takes a change.

use std::fmt;
use std::hash::{BuildHasher, RandomState};
use std::time::{Duration, Instant, SystemTime};

/// How long a replica may wait before it takes a change, so that not all of them change at once: see
/// [`Loader::jitter`](crate::Loader::jitter).
///
/// ```
/// use std::time::Duration;
/// use retune::Jitter;
///
/// let jitter = Jitter::up_to(Duration::from_secs(30)).except_secrets();
/// ```
#[derive(Clone, Copy)]
pub struct Jitter {
    most: Duration,
    except_secrets: bool,
    random: Random,
}

/// A share of the bound for each change that comes, and the change that waits for its share to end.
#[derive(Clone, Debug)]
pub(crate) struct Turns {
    jitter: Option<Jitter>,
    waits: Option<Turn>,
}

/// When a change is taken that waits.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Turn {
    /// When it was noticed, or the first of those that wait together.
    pub(crate) since: SystemTime,
    pub(crate) until: SystemTime,
    pub(crate) due: Instant,
}

/// SplitMix64: all that is asked of it is that two replicas do not draw the same.
#[derive(Clone, Copy)]
struct Random(u64);

// === impl Jitter ===

impl Jitter {
    /// Each change waits for a random share of `most`, from nothing to all of it.
    #[must_use]
    pub fn up_to(most: Duration) -> Self {
        Self {
            most,
            except_secrets: false,
            // Its keys are random, other ones in each process and for each call.
            random: Random(RandomState::new().hash_one(0_u8)),
        }
    }

    /// A change of a secret waits for nothing, nor does what changes with it: the former password may
    /// be void already.
    #[must_use]
    pub fn except_secrets(mut self) -> Self {
        self.except_secrets = true;
        self
    }

    fn share(&mut self) -> Duration {
        self.most.mul_f64(self.random.unit()).min(self.most)
    }
}

impl From<Duration> for Jitter {
    fn from(most: Duration) -> Self {
        Self::up_to(most)
    }
}

impl fmt::Debug for Jitter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Jitter")
            .field("most", &self.most)
            .field("except_secrets", &self.except_secrets)
            .finish_non_exhaustive()
    }
}

// === impl Turns ===

impl Turns {
    pub(crate) fn new(jitter: Option<Jitter>) -> Self {
        Self {
            jitter,
            waits: None,
        }
    }

    /// Whether a good change that was noticed then has to wait, and until when. What comes while one
    /// waits goes with it, so that nothing waits longer than the bound.
    pub(crate) fn turn(
        &mut self,
        noticed: (Instant, SystemTime),
        now: Instant,
        is_secret: impl FnOnce() -> bool,
    ) -> Option<Turn> {
        let jitter = self.jitter.as_mut()?;
        if jitter.except_secrets && is_secret() {
            return None;
        }
        let turn = match self.waits {
            Some(turn) => turn,
            None => {
                let share = jitter.share();
                Turn {
                    since: noticed.1,
                    until: noticed.1.checked_add(share)?,
                    due: noticed.0.checked_add(share)?,
                }
            }
        };
        self.waits = Some(turn);
        (turn.due > now).then_some(turn)
    }

    /// Nothing waits any more: it was taken, taken back or turned out to be bad. What was it that waited?
    pub(crate) fn end(&mut self) -> Option<Turn> {
        self.waits.take()
    }
}

// === impl Random ===

impl Random {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut x = self.0;
        x = (x ^ (x >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        x = (x ^ (x >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        x ^ (x >> 31)
    }

    /// From 0 to just below 1, each as likely.
    fn unit(&mut self) -> f64 {
        const BITS: u32 = f64::MANTISSA_DIGITS;
        (self.next() >> (u64::BITS - BITS)) as f64 / (1_u64 << BITS) as f64
    }
}

#[cfg(all(test, not(loom)))]
mod tests {
    use super::*;

    const MOST: Duration = Duration::from_secs(1000);

    fn replica(seed: u64) -> Turns {
        let random = Random(seed);
        let jitter = Jitter {
            random,
            ..Jitter::up_to(MOST)
        };
        Turns::new(Some(jitter))
    }

    fn share(turn: Turn) -> Duration {
        turn.until.duration_since(turn.since).unwrap()
    }

    /// With seeds in a row, as the worst that an operating system could give.
    #[test]
    fn c15_jitter_shares_of_replicas_are_spread_evenly_and_never_beyond_the_bound() {
        let now = (Instant::now(), SystemTime::now());
        let mut tenths = [0; 10];
        for seed in 0..1000 {
            let turn = replica(seed).turn(now, now.0, || false).unwrap();
            assert!(share(turn) <= MOST && turn.due <= now.0 + MOST);
            tenths[share(turn).as_secs() as usize / 100] += 1;
        }
        // Each is expected to hold 100, with a deviation of 9.5.
        assert!(tenths.iter().all(|n| (60..=140).contains(n)), "{tenths:?}");
    }

    #[test]
    fn c15_jitter_of_one_replica_is_another_one_for_each_change() {
        let now = (Instant::now(), SystemTime::now());
        let mut replica = replica(7);
        let mut shares: Vec<_> = (0..100)
            .map(|_| {
                let turn = replica.turn(now, now.0, || false).unwrap();
                replica.end();
                share(turn)
            })
            .collect();
        shares.sort_unstable();
        shares.dedup();
        assert_eq!(shares.len(), 100);
    }

    #[test]
    fn c15_what_comes_while_a_change_waits_goes_with_it() {
        let (now, clock) = (Instant::now(), SystemTime::now());
        let mut replica = replica(7);
        let first = replica.turn((now, clock), now, || false).unwrap();
        let later = now + Duration::from_nanos(1);
        let second = replica.turn((later, clock), later, || false).unwrap();
        assert_eq!((first.due, first.until), (second.due, second.until));
        let at_last = replica.turn((first.due, clock), first.due, || false);
        assert!(at_last.is_none(), "{at_last:?}");
        assert_eq!(replica.end().map(|turn| turn.since), Some(clock));
    }

    #[test]
    fn c15_a_secret_waits_for_nothing_only_where_that_is_said() {
        let now = (Instant::now(), SystemTime::now());
        let waits = |turn: Option<Turn>| turn.is_some();
        assert!(waits(replica(7).turn(now, now.0, || true)));
        let jitter = Jitter::up_to(MOST).except_secrets();
        let mut exempt = Turns::new(Some(jitter));
        assert!(!waits(exempt.turn(now, now.0, || true)));
        assert!(waits(exempt.turn(now, now.0, || false)));
        assert!(!waits(Turns::new(None).turn(now, now.0, || false)));
    }

    #[test]
    fn c15_a_bound_beyond_all_time_is_no_panic() {
        let now = (Instant::now(), SystemTime::now());
        let mut longest = Turns::new(Some(Jitter::up_to(Duration::MAX)));
        for _ in 0..100 {
            _ = longest.turn(now, now.0, || false);
            longest.end();
        }
    }
}
