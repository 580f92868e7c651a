//! What a read costs, beside the ways that people use today.

use std::hint::black_box;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, RwLock};
use std::thread;
use std::time::Duration;

use arc_swap::ArcSwap;
use retune::Live;
use retune_bench::{
    Bar, Check, Clock, Contender, Group, Rounds, Series, Table, Way, median, quantile, quick,
    ratios,
};

/// What is read: both words, each time.
#[derive(Clone, Copy)]
struct Value {
    a: u64,
    b: u64,
}

const fn value(n: u64) -> Value {
    Value { a: n, b: n + 1 }
}

fn sum(value: &Value) -> u64 {
    value.a ^ value.b
}

/// The least that a value which changes can cost: an index into a table through an atomic.
fn plain() -> Contender {
    let table: Arc<[Value]> = (0..64).map(value).collect();
    let index = Arc::new(AtomicUsize::new(0));
    let read = index.clone();
    Contender::new(
        PLAIN,
        move || {
            let (table, index) = (table.clone(), read.clone());
            move || {
                let value = table.get(index.load(Ordering::Acquire) & 63);
                black_box(value).map_or(0, sum)
            }
        },
        move |n| index.store(n as usize & 63, Ordering::Release),
    )
}

/// A way to read a [`Live`], each with one of its own.
fn live<R: FnMut() -> u64 + 'static>(
    name: &'static str,
    prepare: impl Fn(&Live<Value>) -> R + Send + Sync + 'static,
) -> Contender {
    let (live, setter) = Live::settable(value(0));
    Contender::new(
        name,
        move || prepare(&live),
        move |n| _ = setter.set(value(n)),
    )
}

/// A way to read an [`ArcSwap`], each with one of its own.
fn swap<R: FnMut() -> u64 + 'static>(
    name: &'static str,
    prepare: impl Fn(Arc<ArcSwap<Value>>) -> R + Send + Sync + 'static,
) -> Contender {
    let swap = Arc::new(ArcSwap::from_pointee(value(0)));
    let read = swap.clone();
    Contender::new(
        name,
        move || prepare(read.clone()),
        move |n| swap.store(Arc::new(value(n))),
    )
}

fn rwlock() -> Contender {
    let lock = Arc::new(RwLock::new(Arc::new(value(0))));
    let read = lock.clone();
    Contender::new(
        "`RwLock<Arc>`, cloned",
        move || {
            let lock = read.clone();
            move || {
                lock.read()
                    .map_or(0, |value| sum(black_box(&*value.clone())))
            }
        },
        move |n| {
            if let Ok(mut current) = lock.write() {
                *current = Arc::new(value(n));
            }
        },
    )
}

fn mutex() -> Contender {
    let lock = Arc::new(Mutex::new(Arc::new(value(0))));
    let read = lock.clone();
    Contender::new(
        "`Mutex<Arc>`, cloned",
        move || {
            let lock = read.clone();
            move || {
                lock.lock()
                    .map_or(0, |value| sum(black_box(&*value.clone())))
            }
        },
        move |n| {
            if let Ok(mut current) = lock.lock() {
                *current = Arc::new(value(n));
            }
        },
    )
}

fn watch() -> Contender {
    let (sender, receiver) = tokio::sync::watch::channel(value(0));
    Contender::new(
        "tokio `watch`, `borrow`",
        move || {
            let receiver = receiver.clone();
            move || sum(black_box(&*receiver.borrow()))
        },
        move |n| _ = sender.send_replace(value(n)),
    )
}

const PLAIN: &str = "plain atomic load";
const GET: &str = "retune `Reader::get`";
const WITH: &str = "retune `Live::with`";
const VIEW: &str = "retune `View::with`";
const LOAD: &str = "retune `Live::load`";
const CACHE: &str = "arc-swap `Cache`";
const ARC_LOAD: &str = "arc-swap `load`";
const ARC_LOAD_FULL: &str = "arc-swap `load_full`";

fn contenders() -> Vec<Contender> {
    vec![
        plain(),
        live(GET, |live| {
            let mut reader = live.reader();
            move || sum(black_box(reader.get()))
        }),
        swap(CACHE, |swap| {
            let mut cache = arc_swap::Cache::new(swap);
            move || sum(black_box(&**cache.load()))
        }),
        live(WITH, |live| {
            let live = live.clone();
            move || live.with(|value| sum(black_box(value)))
        }),
        live(VIEW, |live| {
            let view = live.view(|value| value);
            move || view.with(|value| sum(black_box(value)))
        }),
        swap(ARC_LOAD, |swap| move || sum(black_box(&**swap.load()))),
        live(LOAD, |live| {
            let live = live.clone();
            move || sum(black_box(&*live.load()))
        }),
        swap(ARC_LOAD_FULL, |swap| {
            move || sum(black_box(&*swap.load_full()))
        }),
        rwlock(),
        mutex(),
        watch(),
    ]
}

/// What was measured, and how.
struct Results {
    ways: Vec<Way>,
    rounds: Rounds,
    /// As many threads as have a core of their own, of those measured.
    flat_to: usize,
}

fn measure(rounds: usize, round: Duration) -> std::io::Result<Results> {
    let way = |threads, writer| Way {
        threads,
        writer,
        round,
    };
    let ways: Vec<Way> = [1, 2, 4]
        .into_iter()
        .flat_map(|threads| [way(threads, false), way(threads, true)])
        .collect();
    let measure =
        |contender: &mut Contender, way: &Way| Ok(contender.round(*way, Clock::Processor));
    let rounds = Rounds::measure(rounds, &ways, &mut contenders(), |one| one.name, measure)?;
    let cores = thread::available_parallelism().map_or(1, |n| n.get());
    let flat_to = [4, 2]
        .into_iter()
        .find(|threads| *threads <= cores)
        .unwrap_or(1);
    Ok(Results {
        ways,
        rounds,
        flat_to,
    })
}

fn main() -> std::io::Result<()> {
    let (rounds, round) = match quick() {
        true => (1, Duration::from_millis(5)),
        false => (15, Duration::from_millis(40)),
    };
    let results = measure(rounds, round)?;
    let flat_to = results.flat_to;
    let mut table = Table {
        title: "A read".into(),
        how: format!(
            "Nanoseconds of processor time that one read takes the thread that reads, 1, 2 and 4 threads at once, \
             alone and with one more that publishes 1,000 generations a second: medians of {rounds} rounds in which \
             all contenders take turns. \"÷ `Cache`\" is the median of the ratios round by round, over all \
             columns; \"{flat_to} ÷ 1\" is {flat_to} threads against one, in the same way."
        ),
        ..Table::default()
    };
    let names = results.ways.iter().map(|way| match way.writer {
        true => format!("{} + writer", way.threads),
        false => way.threads.to_string(),
    });
    table.columns = ["threads".to_owned()].into_iter().chain(names).collect();
    table
        .columns
        .extend(["÷ `Cache`".into(), format!("{flat_to} ÷ 1")]);
    for name in results.rounds.names() {
        let of_all = [results.rounds.ratio(name, CACHE), results.flatness(name)];
        let cells = results.rounds.medians(name).chain(of_all);
        let cells = cells.map(|figure| format!("{figure:.2}"));
        table.row([(*name).to_owned()].into_iter().chain(cells));
    }
    table.checks = results.checks();
    table.contenders = vec!["arc-swap".into(), "tokio".into()];
    table.series = Some(results.series());
    table.print()
}

// === impl Results ===

impl Results {
    /// A contender's rounds with so many threads and no writer.
    fn alone(&self, name: &str, threads: usize) -> &[f64] {
        let mut of = self.ways.iter().zip(self.rounds.of(name));
        let found = of.find(|(way, _)| way.threads == threads && !way.writer);
        found.map_or(&[], |(_, rounds)| rounds)
    }

    /// With a thread for each core, against one thread.
    fn flatness(&self, name: &str) -> f64 {
        let (many, one) = (self.alone(name, self.flat_to), self.alone(name, 1));
        median(&ratios(many, one))
    }

    fn checks(&self) -> Vec<Check> {
        let noise = "two runs of one program differ by as much";
        let against = |one: &str, other: &str, limit| {
            let what = format!("{one} ÷ {other}");
            Check::at_most(what, self.rounds.ratio(one, other), limit, "")
        };
        let flat = |name: &str| {
            let what = format!("{name}, {} threads ÷ 1", self.flat_to);
            Check::at_most(what, self.flatness(name), 1.1, "").because(noise)
        };
        let slowest = self.rounds.medians(WITH).fold(0.0, f64::max);
        vec![
            against(GET, CACHE, 1.1).because(noise),
            Check::at_most(
                format!("{WITH}, in the slowest column"),
                slowest,
                3.0,
                " ns",
            ),
            against(WITH, ARC_LOAD, 1.0),
            flat(GET),
            flat(WITH),
            against(LOAD, ARC_LOAD_FULL, 1.0),
        ]
    }

    fn series(&self) -> Series {
        let bar = |name: &str, threads| {
            let rounds = self.alone(name, threads);
            Some(Bar {
                value: median(rounds),
                low: quantile(rounds, 0.1),
                high: quantile(rounds, 0.9),
            })
        };
        Series {
            title: "What a read costs".into(),
            caption: "processor time of the thread that reads; bars are medians of rounds, whiskers hold 8 of 10".into(),
            unit: "ns".into(),
            names: ["1 thread", "2 threads", "4 threads"].map(Into::into).into(),
            groups: (self.rounds.names().iter())
                .map(|name| Group {
                    label: name.replace('`', ""),
                    ours: name.starts_with("retune"),
                    bars: [1, 2, 4].map(|threads| bar(name, threads)).into(),
                })
                .collect(),
        }
    }
}
