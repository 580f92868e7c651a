//! Random schedules: volumes are swapped, torn, moved and lost while system calls fail, events are
//! dropped, the watching thread panics and the clock is set. When that is over the last values hold,
//! all is well, and nobody ever saw a mixture or a step back. How many is set by the environment:
//!
//! - `RETUNE_FAULTS_SCHEDULES`: how many schedules (default 8)
//! - `RETUNE_FAULTS_SEED`: the seed that a failed run printed. It decides the steps and which calls
//!   fail; how threads interleave it does not.
#![cfg(target_os = "linux")]
#![allow(missing_docs, clippy::print_stdout)]

mod support;

use std::fs;
use std::ops::ControlFlow;
use std::os::unix::fs::symlink;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::thread;
use std::time::Duration;

use retune::source::{Env, File};
use retune::status::{Health, WatchMode};
use retune::{Live, Retune, Snapshot, Subscription};
use retune_mount::faults::{self, Call, Failing};
use retune_mount::{LinkOrder, Publisher};
use rustix::io::Errno;
use support::kept::Kept;
use support::random::{Random, mixed, number, seed};
use support::{ORDERS, eventually, replace};
use tempfile::{TempDir, tempdir};

/// The first three are of one volume, by three ways.
#[derive(Clone, Debug, PartialEq, Eq, Retune)]
struct Config {
    key: u64,
    variable: u64,
    document: u64,
    other: u64,
    plain: u64,
    #[retune(default = 0)]
    set: u64,
}

/// What a call may fail by, other than by what tells something of the path.
fn errors(call: Call) -> &'static [Errno] {
    use Errno as E;
    match call {
        Call::Open => &[
            E::MFILE,
            E::NFILE,
            E::ACCESS,
            E::IO,
            E::NOMEM,
            E::STALE,
            E::INTR,
        ],
        Call::Stat | Call::ReadLink => &[E::IO, E::ACCESS, E::NOMEM, E::STALE, E::INTR],
        Call::Read => &[E::IO, E::STALE, E::INTR],
        Call::List => &[E::IO, E::NOMEM, E::STALE, E::INTR],
        Call::FileSystem => &[E::IO, E::NOMEM, E::INTR],
        Call::Instance => &[E::MFILE, E::NFILE, E::NOMEM],
        Call::Watch => &[E::NOSPC, E::ACCESS, E::NOMEM, E::INTR],
        Call::Poll => &[E::NOMEM, E::INTR],
        _ => &[E::INTR],
    }
}

static FAILED: AtomicUsize = AtomicUsize::new(0);
static DELAYED: AtomicUsize = AtomicUsize::new(0);

/// About one call of `one_in` fails, or takes its time.
fn storm(seed: u64, one_in: u64, concerns: fn(Call) -> bool) -> Failing {
    let calls = AtomicU64::new(0);
    faults::inject(move |call| {
        let random = mixed(seed ^ calls.fetch_add(1, Ordering::SeqCst).rotate_left(32));
        if !concerns(call) || !random.is_multiple_of(one_in) {
            return None;
        }
        let random = mixed(random);
        if random.is_multiple_of(5) {
            DELAYED.fetch_add(1, Ordering::SeqCst);
            thread::sleep(Duration::from_micros(mixed(random) % 5_000));
            return None;
        }
        FAILED.fetch_add(1, Ordering::SeqCst);
        let errors = errors(call);
        Some(errors[(random >> 8) as usize % errors.len()].raw_os_error())
    })
}

fn is_of_watching(call: Call) -> bool {
    matches!(
        call,
        Call::Instance | Call::Watch | Call::Poll | Call::Events | Call::FileSystem
    )
}

const CONCERNS: [fn(Call) -> bool; 3] = [|_| true, is_of_watching, |call| !is_of_watching(call)];

/// What is written, and where.
struct World {
    dir: TempDir,
    order: LinkOrder,
    parents: u64,
    /// The last values written whole, and a number that was not used yet.
    volume: u64,
    other: u64,
    plain: u64,
    next: u64,
}

impl World {
    fn new(order: LinkOrder) -> Self {
        let mut world = Self {
            dir: tempdir().unwrap(),
            order,
            parents: 0,
            volume: 0,
            other: 0,
            plain: 0,
            next: 1,
        };
        world.switch_parent();
        world.publish_other();
        world.write_plain();
        world
    }

    fn path(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    fn number(&mut self) -> u64 {
        self.next += 1;
        self.next
    }

    fn keys(n: u64) -> [(&'static str, String); 3] {
        let document = format!("document: {n}");
        [
            ("key", n.to_string()),
            ("variable", n.to_string()),
            ("c.yaml", document),
        ]
    }

    fn publisher(&self, dir: &str) -> Publisher {
        Publisher::create(self.path(dir))
            .unwrap()
            .link_order(self.order)
    }

    fn publish(&mut self) {
        let n = self.number();
        self.publisher("current/v").publish(Self::keys(n)).unwrap();
        self.volume = n;
    }

    /// A publish that is abandoned between two steps.
    fn tear(&mut self, steps: u64) {
        let n = self.number();
        let mut left = steps;
        let mut stop = |_| {
            left = left.saturating_sub(1);
            match left {
                0 => ControlFlow::Break(()),
                _ => ControlFlow::Continue(()),
            }
        };
        let publisher = self.publisher("current/v");
        _ = publisher
            .publish_stepwise(Self::keys(n), &mut stop)
            .unwrap();
    }

    /// As git-sync does: another directory, to which a link is swapped.
    fn switch_parent(&mut self) {
        let old = self.path(&format!("parent-{}", self.parents));
        self.parents += 1;
        let new = format!("parent-{}", self.parents);
        fs::create_dir(self.path(&new)).unwrap();
        let n = self.number();
        self.publisher(&format!("{new}/v"))
            .publish(Self::keys(n))
            .unwrap();
        symlink(&new, self.path("link")).unwrap();
        fs::rename(self.path("link"), self.path("current")).unwrap();
        self.volume = n;
        if n.is_multiple_of(2) {
            _ = fs::remove_dir_all(old);
        }
    }

    fn move_parent_away(&self, pause: Duration) {
        let (here, away) = (format!("parent-{}", self.parents), self.path("away"));
        fs::rename(self.path(&here), &away).unwrap();
        thread::sleep(pause);
        fs::rename(&away, self.path(&here)).unwrap();
    }

    fn publish_other(&mut self) {
        self.other = self.number();
        let keys = [("other", self.other.to_string())];
        self.publisher("other").publish(keys).unwrap();
    }

    fn lose_other(&self, wholly: bool) {
        match wholly {
            true => fs::remove_dir_all(self.path("other")).unwrap(),
            false => _ = fs::remove_file(self.path("other/..data")),
        }
    }

    fn write_plain(&mut self) {
        self.plain = self.number();
        replace(&self.path("plain.yaml"), &format!("plain: {}", self.plain));
    }

    fn watch(&self, with_events: Duration) -> Result<Live<Config>, retune::Error> {
        let variable = ("APP_VARIABLE_FILE", self.path("current/v/variable"));
        Config::loader()
            .mount(self.path("current/v"))
            .mount(self.path("other"))
            .file(File::new(self.path("plain.yaml")))
            .env(Env::from_iter("APP", [variable]))
            .poll_every(with_events, Duration::from_millis(50))
            .watch()
    }

    fn expected(&self) -> Config {
        Config {
            key: self.volume,
            variable: self.volume,
            document: self.volume,
            other: self.other,
            plain: self.plain,
            set: 0,
        }
    }
}

/// The last that somebody saw; nobody sees a mixture, or an older one afterwards.
struct Seen {
    generation: u64,
    config: Config,
}

impl Seen {
    fn first(live: &Live<Config>) -> Self {
        let first = live.load();
        Self {
            generation: Snapshot::generation(&first),
            config: (*first).clone(),
        }
    }

    #[track_caller]
    fn check(&mut self, generation: u64, now: &Config) {
        let Config {
            key,
            variable,
            document,
            ..
        } = now;
        assert!(key == variable && key == document, "torn: {now:?}");
        let before = &self.config;
        assert!(
            generation >= self.generation,
            "{generation} after {}",
            self.generation
        );
        let forward =
            now.key >= before.key && now.other >= before.other && now.plain >= before.plain;
        assert!(forward, "{now:?} after {before:?}");
        (self.generation, self.config) = (generation, now.clone());
    }
}

fn read_on(live: &Live<Config>, stop: &AtomicBool) {
    let (mut seen, mut reader) = (Seen::first(live), live.reader());
    while !stop.load(Ordering::Relaxed) {
        let now = reader.snapshot();
        seen.check(Snapshot::generation(&now), &now);
        let now = live.load();
        seen.check(Snapshot::generation(&now), &now);
        thread::yield_now();
    }
}

/// A subscriber that checks what it is told; whether it was ever told nonsense.
fn subscribe(live: &Live<Config>, wrong: &Arc<AtomicBool>) -> Subscription {
    let (mut seen, wrong) = (Seen::first(live), Arc::clone(wrong));
    live.subscribe(move |change| {
        let now = change.new_value();
        let check = || seen.check(Snapshot::generation(now), now);
        if catch_unwind(AssertUnwindSafe(check)).is_err() {
            wrong.store(true, Ordering::SeqCst);
        }
    })
}

/// One step of a schedule.
fn step(
    random: &mut Random,
    world: &mut World,
    live: &Live<Config>,
    failing: &mut Option<Failing>,
) {
    match random.below(34) {
        0..=6 => world.publish(),
        7..=10 => world.tear(1 + random.below(16)),
        11..=12 => world.switch_parent(),
        13 => world.move_parent_away(Duration::from_micros(random.below(4_000))),
        14..=16 => world.publish_other(),
        17 => {
            world.lose_other(random.one_in(2));
            thread::sleep(Duration::from_micros(random.below(4_000)));
            world.publish_other();
        }
        18..=19 => world.write_plain(),
        20..=23 => {
            let one_in = *random.pick(&[2, 7, 30, 200]);
            *failing = Some(storm(random.next(), one_in, *random.pick(&CONCERNS)));
        }
        24..=25 => *failing = None,
        26 => faults::overflow(random.one_in(2)),
        27 => faults::panic_once(),
        28 => faults::set_clock_ahead(random.below(20 * 86_400_000) as i64 - 10 * 86_400_000),
        // What is asked for may fail as well, and then nothing of it is kept.
        29 => _ = live.reload(),
        30 => _ = live.set("set", random.below(9).to_string()),
        31 => _ = live.status(),
        _ => thread::sleep(Duration::from_micros(random.below(30_000))),
    }
    thread::sleep(Duration::from_micros(random.below(2_000)));
}

fn run(seed: u64) -> u64 {
    let mut random = Random::new(seed);
    let mut world = World::new(*random.pick(&ORDERS));
    // Where no poll comes to help, or where it comes all the time.
    let with_events = *random.pick(&[Duration::from_secs(3600), Duration::from_millis(20)]);
    let before = Kept::now();
    // Nothing can be read is for others to test: here is something that runs.
    let mut failing = random
        .one_in(3)
        .then(|| storm(random.next(), 2, is_of_watching));
    let live = world.watch(with_events).unwrap();
    let (stop, wrong) = (AtomicBool::new(false), Arc::default());
    let steps = 5 + random.below(40);
    thread::scope(|scope| {
        let readers = [(); 2].map(|()| scope.spawn(|| read_on(&live, &stop)));
        let done = catch_unwind(AssertUnwindSafe(|| {
            let mut subscriptions = vec![subscribe(&live, &wrong)];
            for _ in 0..steps {
                step(&mut random, &mut world, &live, &mut failing);
                match random.below(10) {
                    0 => subscriptions.push(subscribe(&live, &wrong)),
                    1 => drop(subscriptions.pop()),
                    _ => {}
                }
            }
            // The last values are written while calls fail, or after.
            let last = |world: &mut World| {
                world.publish();
                world.publish_other();
                world.write_plain();
            };
            let while_failing = random.one_in(2);
            if while_failing {
                last(&mut world);
            }
            drop(failing.take());
            faults::overflow(false);
            if !while_failing {
                last(&mut world);
            }
            eventually("a value that was set is taken back", || {
                live.unset("set").is_ok()
            });
            holds(&live, &world.expected());
            drop(subscriptions);
        }));
        stop.store(true, Ordering::SeqCst);
        drop(failing.take());
        faults::set_clock_ahead(0);
        for reader in readers {
            reader.join().unwrap();
        }
        done.unwrap_or_else(|panic| resume_unwind(panic));
    });
    assert!(
        !wrong.load(Ordering::SeqCst),
        "a subscriber was told nonsense"
    );
    live.stop().unwrap();
    drop(live);
    eventually("nothing is left", || Kept::now() == before);
    steps
}

/// The last values hold, and all is well again.
fn holds(live: &Live<Config>, expected: &Config) {
    let wait = |what: &str, holds: &dyn Fn() -> bool| {
        let waited = catch_unwind(AssertUnwindSafe(|| eventually(what, holds)));
        if waited.is_err() {
            panic!(
                "{what}: {:?}, not {expected:?}\n{:#?}",
                live.load(),
                live.status()
            );
        }
    };
    wait("the last values", &|| *live.load() == *expected);
    wait("all is well", &|| {
        let status = live.status();
        let paths = status.sources.iter().flat_map(|source| &source.paths);
        let watched = paths.filter(|path| path.mode == WatchMode::Events).count();
        status.health == Health::Ok && status.rejection.is_none() && watched == 4
    });
    let health = retune_mount::health();
    assert_eq!(health.threads, 1, "{health:?}");
}

#[test]
fn whatever_fails_meanwhile_the_last_values_hold_and_nobody_sees_a_mixture() {
    let first = seed("RETUNE_FAULTS_SEED");
    let schedules = number("RETUNE_FAULTS_SCHEDULES").unwrap_or(8);
    static PANICS: AtomicUsize = AtomicUsize::new(0);
    let tell = std::panic::take_hook();
    std::panic::set_hook(Box::new(move |info| {
        PANICS.fetch_add(1, Ordering::SeqCst);
        tell(info);
    }));
    let mut steps = 0;
    for n in 0..schedules {
        let seed = first.wrapping_add(n);
        let done = catch_unwind(|| run(seed));
        steps += done.unwrap_or_else(|panic| {
            println!("RETUNE_FAULTS_SEED={seed} RETUNE_FAULTS_SCHEDULES=1");
            resume_unwind(panic)
        });
        let panics = PANICS.load(Ordering::SeqCst);
        assert_eq!(
            panics, 0,
            "RETUNE_FAULTS_SEED={seed} RETUNE_FAULTS_SCHEDULES=1"
        );
    }
    let (failed, delayed) = (
        FAILED.load(Ordering::SeqCst),
        DELAYED.load(Ordering::SeqCst),
    );
    println!(
        "RETUNE_FAULTS_SEED={first}: {schedules} schedules of {steps} steps, {failed} calls failed, \
         {delayed} were delayed"
    );
}
