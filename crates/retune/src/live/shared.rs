//! What the handles of a live configuration, its reload thread and its subscribers share.

use std::collections::VecDeque;
use std::panic::Location;
use std::sync::mpsc::Sender;
use std::sync::{Arc, OnceLock, PoisonError, Weak};
use std::thread::{self, JoinHandle, ThreadId};
use std::time::{Duration, Instant, SystemTime};

use retune_mount::{Signal, wall_clock};

use super::cell::Cell;
use super::local;
use super::record::{Activity, Record};
use super::subscriber::{Subscriber, Subscribers};
use super::sync::{AtomicBool, Mutex, MutexGuard, Ordering};
use crate::error::Error;
use crate::explain::{Ages, Tree};
use crate::generation::{Generation, Snapshot};
use crate::guard::guarded;
use crate::problem::Problem;
use crate::shared_text::SharedText;
use crate::status::{Held, HistoryEntry, Late, Stuck, Times};

/// A gate: looks at a candidate and may refuse it.
pub(super) type Check<T> = dyn Fn(&T) -> Result<(), String> + Send + Sync;

/// What the handles, the reload thread and the subscribers share.
pub(crate) struct Shared<T> {
    pub(super) cell: Cell<Generation<T>>,
    pub(super) key: local::Key,
    pub(crate) subscribers: Subscribers,
    pub(super) gates: Mutex<Vec<Gate<T>>>,
    pub(crate) record: Mutex<Record>,
    /// As last observed: origins and overridden values may change without the values.
    observed: Mutex<Observed>,
    replaced: Mutex<Vec<Replaced<T>>>,
    /// Held while a value is being published: there is one writer at a time.
    writer: Mutex<()>,
    reloader: OnceLock<ThreadId>,
    threads: Mutex<Vec<Worker>>,
    /// Held while the threads are joined: of several who stop, each waits for the end.
    joining: Mutex<()>,
    commands: Mutex<VecDeque<Command>>,
    stopping: AtomicBool,
    pub(crate) signal: Signal,
    pub(crate) patience: Duration,
}

pub(super) struct Gate<T> {
    pub(super) id: u64,
    pub(super) name: String,
    pub(super) check: Arc<Check<T>>,
}

/// A thread that runs the program's code.
struct Worker {
    id: ThreadId,
    /// `None` while somebody joins it.
    handle: Option<JoinHandle<()>>,
}

/// Where the values of the current generation come from.
struct Observed {
    tree: Arc<Tree>,
    ages: Arc<Ages>,
}

/// A generation that is no longer current.
struct Replaced<T> {
    at: Instant,
    generation: Weak<Generation<T>>,
}

/// What handles ask of the reload thread.
pub(crate) enum Command {
    Reload(Sender<Result<u64, Error>>),
    Set {
        name: String,
        /// `None` takes a value back.
        text: Option<SharedText>,
        location: &'static Location<'static>,
        reply: Sender<Result<u64, Error>>,
    },
    EndOverlap {
        /// Of the field.
        path: String,
        reply: Sender<Result<u64, Error>>,
    },
}

// === impl Observed ===

impl Observed {
    fn both(&self) -> (Arc<Tree>, Arc<Ages>) {
        (self.tree.clone(), self.ages.clone())
    }
}

// === impl Shared ===

impl<T: Send + Sync + 'static> Shared<T> {
    pub(crate) fn new(
        value: T,
        (tree, ages): (Tree, Ages),
        times: Times,
        signal: Signal,
        patience: Duration,
    ) -> Self {
        let mut record = Record::default();
        record.published(HistoryEntry::new(1, times, tree.changed_from_nothing()));
        record.awaits(1, &[]);
        let tree = Arc::new(tree.begun());
        let first = Generation {
            number: 1,
            value,
            tree: tree.clone(),
        };
        Self {
            cell: Cell::new(Arc::new(first)),
            key: local::Key::new(),
            subscribers: Subscribers::default(),
            gates: Mutex::default(),
            record: Mutex::new(record),
            observed: Mutex::new(Observed {
                tree,
                ages: Arc::new(ages),
            }),
            replaced: Mutex::default(),
            writer: Mutex::default(),
            reloader: OnceLock::new(),
            threads: Mutex::default(),
            joining: Mutex::default(),
            commands: Mutex::default(),
            stopping: AtomicBool::new(false),
            signal,
            patience,
        }
    }

    /// Makes a value the current generation, and gives its number. `note` takes over what else is
    /// true from then on.
    pub(crate) fn publish(
        &self,
        value: T,
        tree: Tree,
        published: Option<SystemTime>,
        noticed: SystemTime,
        note: impl FnOnce(&mut Record),
    ) -> u64 {
        let one_at_a_time = self.lock(&self.writer);
        let before = self.current();
        let number = before.0.number + 1;
        let tree = Arc::new(tree.follows(&before.0.tree).begun());
        let next = Arc::new(Generation {
            number,
            value,
            tree: tree.clone(),
        });
        let mut swapped = noticed;
        // Held over the swap: a status is of one generation, and so is what explains it.
        let (mut observed, mut record) = (self.lock(&self.observed), self.record());
        let told = self.subscribers.announce(number, || {
            self.cell.store(next);
            swapped = wall_clock();
        });
        // What only tells of the change comes after it. It is made of trees, so that no code of the
        // program runs under these locks.
        let changes = before.0.tree.changed(&tree);
        Arc::make_mut(&mut observed.ages).follow(&tree, &changes, (number, swapped));
        observed.tree = tree;
        let times = Times {
            published,
            noticed,
            swapped,
            applied: None,
        };
        let changes = changes.into_iter().map(|changed| changed.change).collect();
        record.published(HistoryEntry::new(number, times, changes));
        record.awaits(number, &told);
        note(&mut record);
        drop((observed, record));
        let replaced = Replaced {
            at: Instant::now(),
            generation: Arc::downgrade(&before.0),
        };
        let mut all_replaced = self.lock(&self.replaced);
        all_replaced.retain(|old| old.generation.strong_count() > 0);
        all_replaced.push(replaced);
        drop(all_replaced);
        drop(one_at_a_time);
        // What follows is the program's own code, and runs under no lock: wakers, and the `Drop` of
        // a value that nobody else holds.
        for subscriber in told {
            _ = guarded(|| subscriber.wake());
        }
        _ = self.doing("dropping the old generation", || guarded(|| drop(before)));
        number
    }

    /// Takes over where the values of the current generation come from now.
    pub(crate) fn observed(&self, tree: Tree) {
        let mut observed = self.lock(&self.observed);
        let tree = Arc::new(tree.follows(&observed.tree).begun());
        let before = std::mem::replace(&mut observed.tree, tree);
        drop(observed);
        drop(before);
        self.record().last_success = Some(wall_clock());
    }

    /// Where the values come from, as last observed.
    pub(crate) fn tree(&self) -> Arc<Tree> {
        self.lock(&self.observed).tree.clone()
    }

    /// The same, with since when each value is what it is.
    pub(super) fn explained(&self) -> (Arc<Tree>, Arc<Ages>) {
        self.lock(&self.observed).both()
    }

    /// The same, and what happened: of one generation, as a swap holds both.
    pub(super) fn observation(&self) -> ((Arc<Tree>, Arc<Ages>), MutexGuard<'_, Record>) {
        let observed = self.lock(&self.observed);
        (observed.both(), self.record())
    }

    pub(crate) fn current(&self) -> Snapshot<T> {
        Snapshot(self.cell.load())
    }

    /// Asks every gate about a candidate.
    pub(crate) fn ask_gates(&self, value: &T) -> Result<(), Problem> {
        // Asked with the list free: a gate may add or remove gates.
        let gates: Vec<_> = {
            let gates = self.lock(&self.gates);
            gates
                .iter()
                .map(|gate| (gate.name.clone(), gate.check.clone()))
                .collect()
        };
        for (name, check) in gates {
            let asked = self.doing(format!("asking the gate at {name}"), || {
                guarded(|| check(value))
            });
            let refusal = match asked {
                Ok(Ok(())) => continue,
                Ok(Err(refusal)) => refusal,
                Err(panic) => format!("it panicked: {panic}"),
            };
            return Err(Problem::new(
                "",
                format!("refused by the gate at {name}: {refusal}"),
            ));
        }
        Ok(())
    }

    pub(crate) fn record(&self) -> MutexGuard<'_, Record> {
        self.lock(&self.record)
    }

    fn lock<'m, M>(&self, mutex: &'m Mutex<M>) -> MutexGuard<'m, M> {
        mutex.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Notes that a subscriber has returned from what it took last.
    pub(crate) fn finish(&self, subscriber: &Arc<Subscriber>) {
        let up_to = subscriber.finish();
        self.record().finished(subscriber, up_to);
    }

    pub(crate) fn unsubscribe(&self, subscriber: &Arc<Subscriber>) {
        self.subscribers.remove(subscriber);
        self.record().finished(subscriber, u64::MAX);
    }

    // --- the reload thread's activity

    /// Names a part of the reload for the status, until the next one begins or it ends.
    pub(crate) fn begin(&self, doing: impl Into<String>) {
        let activity = Activity {
            doing: doing.into(),
            since: Instant::now(),
        };
        self.record().activity = Some(activity);
    }

    pub(crate) fn end(&self) {
        self.record().activity = None;
    }

    pub(crate) fn doing<R>(&self, what: impl Into<String>, f: impl FnOnce() -> R) -> R {
        self.begin(what);
        let result = f();
        self.end();
        result
    }

    pub(crate) fn stuck(&self) -> Option<Stuck> {
        let activity = self.record().activity.clone()?;
        let seconds = activity.since.elapsed();
        (seconds > self.patience).then_some(Stuck {
            doing: activity.doing,
            seconds,
        })
    }

    pub(crate) fn late(&self) -> Vec<Late> {
        let late = |subscriber: &Arc<Subscriber>| {
            let (generation, since) = subscriber.behind()?;
            let seconds = since.elapsed();
            let subscriber = subscriber.name().to_owned();
            (seconds > self.patience).then_some(Late {
                subscriber,
                generation,
                seconds,
            })
        };
        self.subscribers.list().iter().filter_map(late).collect()
    }

    pub(crate) fn held(&self) -> Held {
        let mut replaced = self.lock(&self.replaced);
        replaced.retain(|old| old.generation.strong_count() > 0);
        let oldest = replaced.iter().map(|old| old.at.elapsed()).max();
        Held {
            generations: replaced.len(),
            oldest_seconds: oldest.unwrap_or_default(),
        }
    }

    // --- commands and the end

    pub(crate) fn send(&self, command: Command) {
        let mut commands = self.lock(&self.commands);
        // Dropped after the end, so that whoever waits for the answer learns that none will come.
        if !self.is_stopping() {
            commands.push_back(command);
        }
        drop(commands);
        self.signal.notify();
    }

    pub(crate) fn next_command(&self) -> Option<Command> {
        self.lock(&self.commands).pop_front()
    }

    pub(crate) fn is_stopping(&self) -> bool {
        self.stopping.load(Ordering::Acquire)
    }

    /// Tells every thread to end, without waiting for any.
    pub(crate) fn signal_stop(&self) {
        self.stopping.store(true, Ordering::Release);
        self.signal.notify();
        for subscriber in self.subscribers.close() {
            _ = guarded(|| subscriber.wake());
        }
        // Whoever waits for an answer learns that there will be none.
        self.lock(&self.commands).clear();
    }

    pub(crate) fn spawn(
        &self,
        name: &str,
        body: impl FnOnce() + Send + 'static,
    ) -> std::io::Result<()> {
        let mut threads = self.lock(&self.threads);
        threads.retain(|worker| !worker.handle.as_ref().is_some_and(JoinHandle::is_finished));
        let handle = thread::Builder::new().name(name.to_owned()).spawn(body)?;
        threads.push(Worker {
            id: handle.thread().id(),
            handle: Some(handle),
        });
        Ok(())
    }

    /// Starts the reload thread.
    pub(crate) fn spawn_reloader(
        &self,
        body: impl FnOnce() + Send + 'static,
    ) -> std::io::Result<()> {
        self.spawn("retune-reload", body)?;
        let id = self.lock(&self.threads).last().map(|worker| worker.id);
        id.into_iter().for_each(|id| _ = self.reloader.set(id));
        Ok(())
    }

    /// The reload thread, where there is one.
    pub(crate) fn reloader(&self) -> Option<ThreadId> {
        self.reloader.get().copied()
    }

    pub(crate) fn thread_ids(&self) -> Vec<ThreadId> {
        self.lock(&self.threads)
            .iter()
            .map(|worker| worker.id)
            .collect()
    }

    pub(crate) fn join(&self) {
        let _one_at_a_time = self.lock(&self.joining);
        let handles: Vec<_> = {
            let mut threads = self.lock(&self.threads);
            // Their ids stay until they are gone: a callback that stops now is still one.
            threads
                .iter_mut()
                .filter_map(|worker| worker.handle.take())
                .collect()
        };
        for handle in handles {
            // A thread that panicked is gone as well.
            _ = handle.join();
        }
        self.lock(&self.threads)
            .retain(|worker| worker.handle.is_some());
    }
}
