//! The one writer of a live configuration: a thread that waits for hints, reads, and publishes.

mod ends;
mod keep;
mod told;
mod turn;

use std::panic::Location;
use std::sync::Arc;
use std::time::{Duration, Instant, SystemTime};

use retune_mount::{NoticedBy, Wake, wall_clock};
use tracing::{debug, error, info, warn};

use self::told::{rotated, tell};
use crate::Retune;
use crate::error::Error;
use crate::guard::guarded;
use crate::jitter::{Jitter, Turns};
use crate::last_good::LastGood;
use crate::live::{Command, News, Shared};
use crate::pipeline::{MOST_SETTLING, Observation, Pipeline, Running, Same};
use crate::problem::Problem;
use crate::report;
use crate::scrub::scrubbed;
use crate::shared_text::SharedText;
use crate::status::{Rejection, RejectionReason, Waiting};

/// Late results that are thrown away in a row, before one is published although something newer
/// is there: user code that is slower than the changes must not stop all of them.
const MOST_OUTDATED: u32 = 3;

/// The writer's own state.
pub(crate) struct Reloader<T> {
    pipeline: Pipeline,
    shared: Arc<Shared<T>>,
    settling: Option<Instant>,
    /// When a heartbeat is missed, volumes have been apart for too long, or a value expires or becomes
    /// valid.
    due: Option<Instant>,
    /// How long to wait after a change for more.
    gather: Duration,
    /// How long volumes may be of different revisions.
    revision_patience: Duration,
    /// Since when they are.
    apart: Option<Instant>,
    /// When to try again to end an overlap.
    end_again: Option<Instant>,
    turns: Turns,
    last_good: Option<LastGood>,
}

/// How an observation ended.
enum Outcome {
    /// The generation that holds now: a new one, or the same as before.
    Good(u64),
    Refused(Vec<Problem>),
    /// All was stopped meanwhile, and nothing was published.
    Stopped,
}

// === impl Reloader ===

impl<T: Retune> Reloader<T> {
    pub(crate) fn new(
        pipeline: Pipeline,
        shared: Arc<Shared<T>>,
        (settling, due): (Option<Instant>, Option<Instant>),
        (gather, revision_patience): (Duration, Duration),
        jitter: Option<Jitter>,
        last_good: Option<LastGood>,
    ) -> Self {
        Self {
            pipeline,
            shared,
            settling,
            due,
            gather,
            revision_patience,
            apart: None,
            end_again: None,
            turns: Turns::new(jitter),
            last_good,
        }
    }

    /// Runs until the configuration is stopped.
    pub(crate) fn run(mut self) {
        loop {
            // Taken, so that a reading that panics is not tried again at once, and for ever.
            let (settling, due) = (self.settling.take(), self.due.take());
            let next = [settling, due, self.next_end()].into_iter().flatten().min();
            let wake = self.shared.signal.wait(next);
            if self.shared.is_stopping() {
                return;
            }
            if wake.noticed.is_some() && !wake.notified && !self.gather.is_zero() {
                self.wait_for_more();
            }
            let mut answered = false;
            while let Some(command) = self.shared.next_command() {
                if !answered {
                    // Not every command reads.
                    (self.settling, self.due) = (settling, due);
                }
                self.guarded(|this| this.answer(command));
                answered = true;
            }
            // A wake-up by nothing but commands has been served.
            if !answered || wake.noticed.is_some() {
                self.guarded(|this| _ = this.observe(Some(wake)));
            }
            if self.shared.is_stopping() {
                return;
            }
        }
    }

    /// Lets further changes come, which are then read together with the first. The window is not
    /// made longer by them.
    fn wait_for_more(&self) {
        let began = Instant::now();
        while began.elapsed() < self.gather && !self.shared.is_stopping() {
            let wake = self.shared.signal.wait(began.checked_add(self.gather));
            if wake.notified {
                // Somebody waits for an answer.
                return;
            }
        }
    }

    /// User code is guarded where it is called; what panics beyond that is a mistake here, or a
    /// `Drop` of the user's. Reloading goes on.
    fn guarded(&mut self, f: impl FnOnce(&mut Self)) {
        if let Err(panic) = guarded(|| f(self)) {
            self.shared.end();
            let panic = scrubbed(panic, &self.shared.tree().root);
            error!("reloading panicked, and goes on: {panic}");
        }
    }

    fn answer(&mut self, command: Command) {
        let (outcome, reply) = match command {
            Command::Reload(reply) => (self.reload(), reply),
            Command::Set {
                name,
                text,
                location,
                reply,
            } => (self.set(&name, text, location), reply),
            Command::EndOverlap { path, reply } => (self.end_overlap(&path), reply),
        };
        let result = match outcome {
            Outcome::Good(generation) => Ok(generation),
            Outcome::Refused(problems) => Err(Error::new("the change was refused", problems)),
            // Unanswered, who waits is told so.
            Outcome::Stopped => return,
        };
        // Whoever asked may have stopped waiting.
        _ = reply.send(result);
    }

    /// Reads now, and again until nothing is being written any more.
    fn reload(&mut self) -> Outcome {
        self.pipeline.distrust();
        let began = Instant::now();
        loop {
            let outcome = self.observe(None);
            let Some(until) = self.settling.filter(|_| began.elapsed() < MOST_SETTLING) else {
                return outcome;
            };
            self.shared.signal.wait(Some(until));
            if self.shared.is_stopping() {
                return outcome;
            }
        }
    }

    /// Sets a value by code; a value that is refused is not kept.
    fn set(
        &mut self,
        name: &str,
        text: Option<SharedText>,
        location: &'static Location<'static>,
    ) -> Outcome {
        let rejection = self.shared.record().rejection.clone();
        let waits = self.turns.clone();
        let Pipeline { code, flat, .. } = &mut self.pipeline;
        let before = match text {
            Some(text) => code.set(flat, name, text, location),
            None => code.unset(flat, name),
        };
        let outcome = self.observe(None);
        if matches!(outcome, Outcome::Refused(_)) {
            let Pipeline { code, flat, .. } = &mut self.pipeline;
            code.restore(flat, name, before);
            // What was refused is not there any more, and so is no reason to be degraded; what was
            // refused before it is nothing new.
            self.shared.record().rejection = rejection;
            self.turns = waits;
            self.observe(Some(Wake::default()));
        }
        outcome
    }

    /// Reads all sources, and publishes what is new and good.
    fn observe(&mut self, wake: Option<Wake>) -> Outcome {
        let asked = wake.is_none();
        let noticed = wake.and_then(|wake| wake.noticed);
        self.count(noticed.map(|noticed| noticed.by));
        let noticed = noticed.map_or_else(wall_clock, |noticed| noticed.at);
        self.end_overlaps();
        let mut outdated = 0;
        loop {
            let began = Instant::now();
            let mut seen = match self.look() {
                Ok(seen) => seen,
                Err(Same { due }) => {
                    self.due = due;
                    return self.same();
                }
            };
            (self.settling, self.due) = (seen.settling, seen.due);
            match seen.apart.take() {
                Some(problem) => return self.wait(seen, problem),
                None => self.together(seen.failed),
            }
            let before = self.shared.tree();
            seen.tree.hold_back(&before, &self.pipeline.flat);
            seen.tree.keep_previous(Some(&before));
            let current = self.shared.current();
            let same = current.0.tree.root.alike(&seen.tree.root);
            if seen.problems.is_empty() && same && seen.tree.waits_as_before(&before) {
                return self.unchanged(seen);
            }
            let value = self.shared.doing("decoding and checking values", || {
                let root = &before.root;
                self.pipeline
                    .decode::<T>(&mut seen, Some(Running { root, same }))
            });
            let Some(value) = value else {
                if same && seen.problems.is_empty() {
                    return self.unchanged(seen);
                }
                let reason = seen.reason(false);
                return self.refuse(seen, reason);
            };
            if !asked && let Some(turn) = self.turn(&before, &seen, noticed) {
                self.discard(value);
                return self.delay(seen, turn);
            }
            if let Err(mut problem) = self.shared.ask_gates(&value) {
                problem.message = scrubbed(problem.message, &seen.tree.root);
                seen.problems.push(problem);
                self.discard(value);
                return self.refuse(seen, RejectionReason::Gate);
            }
            let late = began.elapsed() > self.shared.patience;
            if late && !seen.still_current() && outdated < MOST_OUTDATED {
                outdated += 1;
                warn!("a candidate took so long that something newer is there; reading again");
                self.discard(value);
                continue;
            }
            if self.shared.is_stopping() {
                self.discard(value);
                return Outcome::Stopped;
            }
            return self.publish(value, seen, noticed);
        }
    }

    /// Drops what is not published: a `Drop` is the program's code as well.
    fn discard(&self, value: T) {
        _ = self
            .shared
            .doing("dropping what is not published", || guarded(|| drop(value)));
    }

    fn look(&mut self) -> Result<Observation, Same> {
        let shared = &self.shared;
        let signal = &shared.signal;
        let seen = self
            .pipeline
            .observe_news(signal, |source| shared.begin(format!("reading {source}")));
        shared.end();
        seen
    }

    fn publish(&mut self, value: T, mut seen: Observation, noticed: SystemTime) -> Outcome {
        let noticed = self.end_delay().unwrap_or(noticed);
        self.accept(&mut seen);
        let validities = self.pipeline.validities().to_vec();
        let Observation {
            tree,
            warnings,
            sources,
            published,
            ..
        } = seen;
        let pending = tree.pending();
        let mut news = News::default();
        let generation = self
            .shared
            .publish(value, tree, published, noticed, |record| {
                record.counters.applied += 1;
                record.validities = validities;
                record.is_of_sources();
                news = record.good(&warnings, sources, pending);
            });
        self.pipeline.settle();
        tell(&news);
        let entry = self.shared.record().history.back().cloned();
        if let Some(entry) = entry {
            let paths = entry.paths().collect::<Vec<_>>().join(", ");
            let rotated = rotated(&entry.changes);
            let lag = entry.times.lag().map(|lag| lag.as_secs_f64());
            info!(
                generation,
                paths,
                rotated,
                lag_seconds = lag,
                cleared = news.cleared.then_some(true),
                "configuration changed"
            );
        }
        self.keep();
        Outcome::Good(generation)
    }

    /// Takes nothing while volumes that belong together are apart. On their way that is no fault; that
    /// they stay so is one.
    fn wait(&mut self, mut seen: Observation, problem: Problem) -> Outcome {
        let since = *self.apart.get_or_insert_with(Instant::now);
        let patience = since.checked_add(self.revision_patience);
        let late = patience.is_some_and(|until| until <= Instant::now());
        if !late {
            self.due = self.due.into_iter().chain(patience).min();
        }
        let mut record = self.shared.record();
        let before = record.waiting.as_ref();
        let is_new = before.is_none_or(|before| before.problem.message != problem.message);
        record.waiting = Some(Waiting {
            since: before.map_or_else(wall_clock, |before| before.since),
            problem: problem.clone(),
        });
        drop(record);
        if is_new {
            info!("waiting: {problem}");
        }
        if late || !seen.problems.is_empty() {
            let reason = seen.reason(true);
            seen.problems.push(problem);
            return self.refuse(seen, reason);
        }
        self.put_off(&mut seen);
        let mut record = self.shared.record();
        record.delayed = None;
        let news = record.observed(&seen.warnings, seen.sources);
        drop(record);
        tell(&news);
        Outcome::Refused(vec![problem])
    }

    /// The volumes that belong together are of one revision, unless one of them cannot be read.
    fn together(&mut self, failed: bool) {
        if self.apart.take().is_some() {
            self.shared.record().waiting = None;
            if !failed {
                info!("the volumes that belong together are of one revision again");
            }
        }
    }

    /// Takes what was seen for what runs.
    fn accept(&mut self, seen: &mut Observation) {
        self.pipeline.accept(seen);
        self.due = self.due.into_iter().chain(seen.due).min();
    }

    /// Goes on with what runs.
    fn put_off(&mut self, seen: &mut Observation) {
        self.pipeline.refuse(seen);
        self.due = self.due.into_iter().chain(seen.due).min();
    }

    /// Goes on with what runs, which is what all sources gave again.
    fn same(&mut self) -> Outcome {
        let mut record = self.shared.record();
        record.counters.unchanged += 1;
        record.last_success = Some(wall_clock());
        drop(record);
        debug!("configuration unchanged");
        if self.last_good.as_ref().is_some_and(LastGood::has_failed) {
            self.keep();
        }
        Outcome::Good(self.shared.current().0.number)
    }

    fn unchanged(&mut self, mut seen: Observation) -> Outcome {
        let last_good = self.last_good.as_ref();
        let keeps = last_good.is_some_and(|kept| kept.is_due(&self.shared.tree(), &seen.tree));
        self.end_delay();
        self.accept(&mut seen);
        let mut record = self.shared.record();
        record.counters.unchanged += 1;
        record.is_of_sources();
        let news = record.good(&seen.warnings, seen.sources, seen.tree.pending());
        drop(record);
        tell(&news);
        self.shared.observed(seen.tree);
        self.pipeline.settle();
        if news.cleared {
            info!("configuration is good again: it is what is running");
        } else {
            debug!("configuration unchanged");
        }
        if keeps {
            self.keep();
        }
        Outcome::Good(self.shared.current().0.number)
    }

    fn refuse(&mut self, mut seen: Observation, reason: RejectionReason) -> Outcome {
        match reason {
            RejectionReason::Gate => self.spend_delay(),
            _ => _ = self.end_delay(),
        }
        self.put_off(&mut seen);
        let Observation {
            problems,
            warnings,
            sources,
            ..
        } = seen;
        let generation = self.shared.current().0.number + 1;
        let mut record = self.shared.record();
        let news = record.observed(&warnings, sources);
        let is_new = record.refused(Rejection {
            since: wall_clock(),
            generation,
            reason,
            problems: problems.clone(),
        });
        drop(record);
        tell(&news);
        if is_new {
            warn!(
                generation,
                reason = reason.as_str(),
                problems = problems.len(),
                report = report::excerpts(&problems),
                "configuration refused, the last good one stays"
            );
        }
        Outcome::Refused(problems)
    }

    fn count(&self, by: Option<NoticedBy>) {
        let mut record = self.shared.record();
        match by {
            Some(NoticedBy::Event) => record.counters.events += 1,
            Some(NoticedBy::Poll) => record.counters.polls += 1,
            _ => {}
        }
    }
}
