//! What readers hold: a configuration that changes under them, one whole generation at a time.

mod cell;
mod changes;
mod local;
#[cfg(all(test, loom))]
mod loom_tests;
#[cfg(all(test, not(loom)))]
mod races;
mod record;
mod shared;
mod subscriber;
mod subscription;
mod sync;
mod view;

use std::fmt;
use std::panic::Location;
use std::sync::{Arc, mpsc};
use std::thread;
use std::time::Duration;

use retune_mount::{Signal, wall_clock};

pub use changes::{ChangeStream, Changes};
pub(crate) use record::News;
pub(crate) use shared::{Command, Shared};
pub use subscription::{Gate, Subscription};
pub use view::View;

use crate::error::Error;
use crate::explain::{Ages, Explanation, Tree};
use crate::generation::{Change, Generation, Snapshot};
use crate::problem::Problem;
use crate::shared_text::SharedText;
use crate::status::{self, Counters, Expiry, Health, Overlap, Status, Times};
use crate::validity::Validity;

/// How long a part of the reload may take before the status names it.
pub(crate) const PATIENCE: Duration = Duration::from_secs(10);

/// A configuration that changes while the program runs.
///
/// Cheap to clone; all clones are one. Reading never waits for a reload, and sees one whole
/// generation. When the last clone is dropped, reloading ends.
///
/// ```
/// use retune::Live;
///
/// let (live, setter) = Live::settable(1);
/// assert_eq!(live.with(|n| n + 1), 2);
/// setter.set(41);
/// assert_eq!(live.with(|n| n + 1), 42);
/// ```
pub struct Live<T: Send + Sync + 'static> {
    shared: Arc<Shared<T>>,
    _handle: Arc<Handle<T>>,
}

/// Held by every clone of a [`Live`]: when the last is gone, everything ends.
struct Handle<T: Send + Sync + 'static>(Arc<Shared<T>>);

/// Sets the values of a [`Live::settable`].
pub struct Setter<T: Send + Sync + 'static>(Live<T>);

/// A reader for a loop of one's own: as cheap as a plain load while nothing changes.
///
/// ```
/// use retune::Live;
///
/// let (live, setter) = Live::settable(1);
/// let mut reader = live.reader();
/// assert_eq!(*reader.get(), 1);
/// setter.set(2);
/// assert_eq!(*reader.get(), 2);
/// ```
pub struct Reader<T: Send + Sync + 'static> {
    cached: cell::Cached<Generation<T>>,
    live: Live<T>,
}

// === impl Live ===

impl<T: Send + Sync + 'static> Live<T> {
    /// A configuration that stays as it is, for tests and tools.
    pub fn fixed(value: T) -> Self {
        let now = wall_clock();
        let times = Times {
            published: None,
            noticed: now,
            swapped: now,
            applied: None,
        };
        Self::from_shared(Shared::new(
            value,
            (Tree::none(), Ages::none()),
            times,
            Signal::new(),
            PATIENCE,
        ))
    }

    /// A configuration whose values are set by hand, for tests of code that follows one. They are set
    /// whole, fields that need a restart among them.
    pub fn settable(value: T) -> (Self, Setter<T>) {
        let live = Self::fixed(value);
        (live.clone(), Setter(live))
    }

    pub(crate) fn from_shared(shared: Shared<T>) -> Self {
        let shared = Arc::new(shared);
        Self {
            shared: shared.clone(),
            _handle: Arc::new(Handle(shared)),
        }
    }

    pub(crate) fn shared(&self) -> &Arc<Shared<T>> {
        &self.shared
    }

    /// Runs `f` on the current generation, from anywhere: no lock and no count is touched while
    /// nothing changes. `f` sees one generation, whatever happens meanwhile.
    ///
    /// The generation that a thread saw last stays in memory until the thread reads again, ends, or
    /// [releases](Self::release) it; when this configuration is gone, until the thread reads a new
    /// generation of another one, releases one, or ends.
    #[inline]
    pub fn with<R>(&self, f: impl FnOnce(&T) -> R) -> R {
        local::with(&self.shared.cell, &self.shared.key, |_, generation| {
            f(&generation.value)
        })
    }

    /// Lets go of the generation that this thread saw last by [`with`](Self::with) or
    /// [`load`](Self::load), before a long time without reading: for the threads of a pool that sleep for
    /// hours. Within `with` it does nothing.
    ///
    /// Old generations, and the secrets in them, are held by whoever saw them last: each [`Snapshot`],
    /// idle [`Reader`], stream that nobody asks, and thread that reads by `with` or `load`, by one at the
    /// most; each [`Change`] that is being dealt with, by two.
    /// [`Status::held`](crate::status::Status::held) tells how many are held, and for how long.
    ///
    /// ```
    /// use retune::Live;
    ///
    /// let (live, setter) = Live::settable(1);
    /// live.with(|n| assert_eq!(*n, 1));
    /// setter.set(2);
    /// assert_eq!(live.status().held.generations, 1);
    /// live.release();
    /// assert_eq!(live.status().held.generations, 0);
    /// ```
    pub fn release(&self) {
        local::release(&self.shared.key);
    }

    /// The current generation, owned: to hold across an `.await`, or for a whole request.
    #[inline]
    #[must_use]
    pub fn load(&self) -> Snapshot<T> {
        let found = local::with(&self.shared.cell, &self.shared.key, |shared, _| {
            Arc::downcast::<Generation<T>>(shared.clone()).ok()
        });
        found.map_or_else(|| self.shared.current(), Snapshot)
    }

    /// A reader for a loop of one's own.
    #[must_use]
    pub fn reader(&self) -> Reader<T> {
        Reader {
            cached: cell::Cached::new(&self.shared.cell),
            live: self.clone(),
        }
    }

    /// One part of the configuration, to read or to subscribe to by itself.
    pub fn view<U>(
        &self,
        part: impl for<'a> Fn(&'a T) -> &'a U + Send + Sync + 'static,
    ) -> View<T, U> {
        View::new(self.clone(), part)
    }

    /// Calls `f` with what holds now, and then with each change, on a thread of its own: in order,
    /// and the latest if `f` is slower than the changes. A panic of `f` is caught and counted.
    ///
    /// The first call is about what holds when that thread comes to it. A change that is quicker is
    /// the first call then, without an [`old`](Change::old) value: who wants to know whether anything
    /// has changed since the start asks for the generation.
    ///
    /// Dropping what is returned ends it; [`Subscription::detach`] keeps it.
    #[track_caller]
    #[must_use = "dropping the subscription ends it; `detach()` keeps it"]
    pub fn subscribe(&self, f: impl FnMut(&Change<T>) + Send + 'static) -> Subscription {
        subscription::spawn(&self.shared, Location::caller(), f)
    }

    /// What holds now, and then each change, for a loop of one's own: [`Iterator::next`] blocks
    /// until there is one, and gives `None` when the configuration is stopped.
    #[track_caller]
    #[must_use]
    pub fn changes(&self) -> Changes<T> {
        Changes::new(&self.shared, Location::caller())
    }

    /// The same as a stream, for any async runtime.
    #[track_caller]
    #[must_use]
    pub fn stream(&self) -> ChangeStream<T> {
        ChangeStream::new(&self.shared, Location::caller())
    }

    /// Asks `check` about each candidate before anybody sees it; `Err` refuses it: the last good
    /// generation stays, and the status names the reason. Runs on the reload thread; a panic
    /// refuses. What holds already is not asked about: look at it with [`with`](Self::with).
    ///
    /// Dropping what is returned removes the gate; [`Gate::detach`] keeps it.
    #[track_caller]
    #[must_use = "dropping the gate removes it; `detach()` keeps it"]
    pub fn gate<E: fmt::Display>(
        &self,
        check: impl Fn(&T) -> Result<(), E> + Send + Sync + 'static,
    ) -> Gate {
        subscription::gate(&self.shared, Location::caller(), check)
    }

    /// Reads all sources now, and waits for the outcome: the generation that holds then. While plain files are
    /// being written it reads again until they are at rest, for 4 s at the most.
    ///
    /// # Errors
    ///
    /// Everything that is wrong, if it was refused (the last good generation stays); that there is
    /// nothing to reload ([`fixed`](Self::fixed)), that it was stopped, or that this was called on
    /// the reload thread itself, by a gate or a check.
    pub fn reload(&self) -> Result<u64, Error> {
        self.ask(Command::Reload)
    }

    /// Sets a value by code, by any writing of its path, above all sources: a generation of its
    /// own. Waits for the outcome; a value that is refused is not kept. A generation is whole, so it
    /// is refused as well while some source is bad.
    ///
    /// A field that only a restart changes waits for one here, too: the generation that is given is
    /// the one that holds, and [`Status::pending_restart`] lists the value. What code sets lasts as long
    /// as the process, so that the next one has to set it [by its loader](crate::Loader::set).
    ///
    /// # Errors
    ///
    /// As for [`reload`](Self::reload), and for a name that no field answers to.
    #[track_caller]
    pub fn set(&self, name: &str, text: impl Into<String>) -> Result<u64, Error> {
        self.command_set(name, Some(text.into().into()), Location::caller())
    }

    /// Takes back a value that was [`set`](Self::set): what the sources give holds again.
    ///
    /// # Errors
    ///
    /// As for [`set`](Self::set).
    #[track_caller]
    pub fn unset(&self, name: &str) -> Result<u64, Error> {
        self.command_set(name, None, Location::caller())
    }

    /// Ends the overlap of a [`Rotating`](crate::Rotating), by any writing of its path, whether it has a
    /// time or not: what was before is not taken any more, in a generation of its own. Gives the
    /// generation that holds then; it is the same as before if nothing was kept.
    ///
    /// No source is read for this, and no gate is asked, so that it works while these are bad. What has
    /// been edited a moment ago and is not read yet has no overlap yet: [`reload`](Self::reload) first.
    ///
    /// # Errors
    ///
    /// For a name that no `Rotating` answers to, and where a source gives what was before: it is to be
    /// removed there. And as for [`reload`](Self::reload), that there are no sources, that it was
    /// stopped, or that this was called by a gate or a check.
    pub fn end_overlap(&self, name: &str) -> Result<u64, Error> {
        let path = self.shared.tree().path_of_overlap(name)?;
        self.ask(|reply| Command::EndOverlap { path, reply })
    }

    fn command_set(
        &self,
        name: &str,
        text: Option<SharedText>,
        location: &'static Location<'static>,
    ) -> Result<u64, Error> {
        self.shared.tree().check_name(name, "nothing was set")?;
        let name = name.to_owned();
        self.ask(|reply| Command::Set {
            name,
            text,
            location,
            reply,
        })
    }

    fn ask(
        &self,
        command: impl FnOnce(mpsc::Sender<Result<u64, Error>>) -> Command,
    ) -> Result<u64, Error> {
        let Some(reloader) = self.shared.reloader() else {
            return Err(Error::message("this configuration has no sources to read"));
        };
        if reloader == thread::current().id() {
            let message = "called from a check or a gate: it would wait for itself";
            return Err(Error::message(message));
        }
        let (reply, answer) = mpsc::channel();
        self.shared.send(command(reply));
        answer
            .recv()
            .unwrap_or_else(|_| Err(Error::message("the configuration was stopped")))
    }

    /// Where a value comes from and what it overrode, by any writing of its path
    /// (`feature_flags.new_ui`, `featureFlags.newUI`). `None` for a name that no field answers to.
    #[must_use]
    pub fn explain(&self, path: &str) -> Option<Explanation> {
        let (tree, ages) = self.shared.explained();
        tree.explain(path, &ages)
    }

    /// The same for every value, in the order of the code.
    #[must_use]
    pub fn explain_all(&self) -> Vec<Explanation> {
        let (tree, ages) = self.shared.explained();
        tree.explain_all(&ages)
    }

    /// What was probably meant by a path that [`explain`](Self::explain) does not know.
    #[must_use]
    pub fn nearest(&self, path: &str) -> Option<String> {
        self.shared.tree().nearest(path)
    }

    /// What can be known now.
    #[must_use]
    pub fn status(&self) -> Status {
        let shared = &self.shared;
        let (stuck, late, held) = (shared.stuck(), shared.late(), shared.held());
        // Taken before the generation: a swap holds both.
        let ((tree, ages), record) = shared.observation();
        let current = shared.current();
        let watching = retune_mount::health();
        let times = record.times();
        let (now, validities) = (wall_clock(), record.validities.iter());
        let expired = validities.clone().filter(|v| v.has_expired(now));
        let reasons = status::reasons(
            record.rejection.as_ref(),
            record.last_good.as_ref(),
            &record.sources,
            expired.map(Validity::still_runs),
            stuck.as_ref(),
        );
        Status {
            health: if reasons.is_empty() {
                Health::Ok
            } else {
                Health::Degraded
            },
            reasons,
            generation: current.0.number,
            hash: current.0.tree.hash().to_owned(),
            times,
            last_success: record.last_success.unwrap_or(times.swapped),
            sources: record.sources.clone(),
            rejection: record.rejection.clone(),
            waiting: record.waiting.clone(),
            delayed: record.delayed,
            last_good: record.last_good.clone(),
            pending_restart: record.pending_restart.clone(),
            expiries: validities.map(|v| Expiry::new(v, now)).collect(),
            secrets: current.0.tree.secrets(&ages),
            overlaps: tree.kept().iter().map(Overlap::of).collect(),
            warnings: record.warnings.clone(),
            stuck,
            late,
            history: record.history.iter().cloned().collect(),
            counters: Counters {
                overflows: watching.overflows,
                watcher_panics: watching.panics,
                ..record.counters
            },
            lags: record.lags,
            held,
        }
    }

    /// Ends reloading and all subscriptions, and waits until their threads are gone: no callback
    /// runs any more when this returns. What was last read stays readable.
    ///
    /// # Errors
    ///
    /// When called on one of those threads, by a callback, a check or a gate: it would wait for
    /// itself.
    pub fn stop(&self) -> Result<(), Error> {
        if self.shared.thread_ids().contains(&thread::current().id()) {
            return Err(Error::message(
                "called from a callback: it would wait for itself",
            ));
        }
        self.shared.signal_stop();
        self.shared.join();
        Ok(())
    }
}

impl<T: Send + Sync + 'static> Clone for Live<T> {
    fn clone(&self) -> Self {
        Self {
            shared: self.shared.clone(),
            _handle: self._handle.clone(),
        }
    }
}

impl<T: Send + Sync + fmt::Debug + 'static> fmt::Debug for Live<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Live").field(&self.shared.current()).finish()
    }
}

impl<T: Send + Sync + 'static> Drop for Handle<T> {
    fn drop(&mut self) {
        self.0.signal_stop();
    }
}

// === impl Setter ===

impl<T: Send + Sync + 'static> Setter<T> {
    /// Makes `value` the current generation, and gives its number.
    pub fn set(&self, value: T) -> u64 {
        self.0
            .shared
            .publish(value, Tree::none(), None, wall_clock(), |_| {})
    }

    /// Offers `value` to the gates first, as a reload does.
    ///
    /// # Errors
    ///
    /// What the gate that refused says.
    pub fn offer(&self, value: T) -> Result<u64, Error> {
        let refuse = |problem: Problem| Error::new("the change was refused", vec![problem]);
        self.0.shared.ask_gates(&value).map_err(refuse)?;
        Ok(self.set(value))
    }
}

impl<T: Send + Sync + 'static> fmt::Debug for Setter<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Setter").finish_non_exhaustive()
    }
}

// === impl Reader ===

impl<T: Send + Sync + 'static> Reader<T> {
    /// The current generation's value.
    #[inline]
    pub fn get(&mut self) -> &T {
        &self.cached.get(&self.live.shared.cell).value
    }

    /// The current generation, owned.
    pub fn snapshot(&mut self) -> Snapshot<T> {
        Snapshot(self.cached.get(&self.live.shared.cell).clone())
    }

    /// Lets go of the generation that was read last, before a long time without reading: as long as
    /// a reader holds an old generation, its memory is not freed. A new reader is quickly made.
    #[must_use]
    pub fn release(self) -> Live<T> {
        self.live
    }
}

impl<T: Send + Sync + fmt::Debug + 'static> fmt::Debug for Reader<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Reader").field(&self.live).finish()
    }
}
