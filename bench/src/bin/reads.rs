//! What a read costs, beside the ways that people use today.

use std::hint::black_box;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, RwLock};
use std::thread;
use std::time::Duration;

use arc_swap::ArcSwap;
use retune::Live;
use retune_bench::{
    Bar, Check, Clock, Contender, Group, Series, Table, Way, interleave, median, quantile, quick,
    ratios, say,
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

/// The rounds of all contenders.
struct Results {
    names: Vec<&'static str>,
    ways: Vec<Way>,
    /// By way, by contender.
    rounds: Vec<Vec<Vec<f64>>>,
}

fn measure() -> Results {
    let (rounds, round) = match quick() {
        true => (1, Duration::from_millis(5)),
        false => (15, Duration::from_millis(40)),
    };
    let way = |threads, writer| Way {
        threads,
        writer,
        round,
    };
    let ways: Vec<Way> = [1, 2, 4]
        .into_iter()
        .flat_map(|threads| [way(threads, false), way(threads, true)])
        .collect();
    let mut contenders = contenders();
    let mut results = vec![vec![Vec::new(); contenders.len()]; ways.len()];
    for number in 1..=rounds {
        say(format_args!("round {number} of {rounds}"));
        for (way, results) in ways.iter().zip(&mut results) {
            let measured = interleave(1, &mut contenders, |contender| {
                contender.round(*way, Clock::Processor)
            });
            for (results, measured) in results.iter_mut().zip(measured) {
                results.extend(measured);
            }
        }
    }
    Results {
        names: contenders.iter().map(|contender| contender.name).collect(),
        ways,
        rounds: results,
    }
}

fn main() -> std::io::Result<()> {
    let results = measure();
    let cores = thread::available_parallelism().map_or(1, |n| n.get());
    let mut table = Table {
        title: "A read".into(),
        how: format!(
            "Nanoseconds of processor time that one read takes the thread that reads: the median of {} \
             rounds in which all contenders take turns, with 1, 2 and 4 threads, alone and with one more \
             that publishes 1,000 generations a second. \"÷ `Cache`\" is the median of the ratios round by \
             round, over all columns; \"{} ÷ 1\" what a read takes {} threads against one.",
            results.count(),
            flat_to(cores),
            flat_to(cores),
        ),
        ..Table::default()
    };
    table.columns = vec!["threads".into()];
    table.columns.extend(results.ways.iter().map(|way| {
        format!(
            "{}{}",
            way.threads,
            if way.writer { " + writer" } else { "" }
        )
    }));
    table
        .columns
        .extend(["÷ `Cache`".into(), format!("{} ÷ 1", flat_to(cores))]);
    for (index, name) in results.names.iter().enumerate() {
        let times = results
            .rounds
            .iter()
            .map(|way| format!("{:.2}", median(&way[index])));
        let of_all = [results.ratio(name, CACHE), results.flatness(name, cores)];
        let of_all = of_all.map(|ratio| format!("{ratio:.2}"));
        table.row([(*name).to_owned()].into_iter().chain(times).chain(of_all));
    }
    table.checks = results.checks(cores);
    table.series = Some(results.series());
    table.print()
}

/// As many threads as have a core of their own, of those measured.
fn flat_to(cores: usize) -> usize {
    [4, 2]
        .into_iter()
        .find(|threads| *threads <= cores)
        .unwrap_or(1)
}

// === impl Results ===

impl Results {
    fn count(&self) -> usize {
        self.rounds
            .first()
            .and_then(|way| way.first())
            .map_or(0, Vec::len)
    }

    fn of(&self, name: &str) -> impl Iterator<Item = (&Way, &Vec<f64>)> {
        let index = self.names.iter().position(|other| *other == name);
        let rounds = self.rounds.iter().filter_map(move |way| way.get(index?));
        self.ways.iter().zip(rounds)
    }

    fn ratio(&self, name: &str, other: &str) -> f64 {
        let pairs = self.of(name).zip(self.of(other));
        let all: Vec<f64> = pairs
            .flat_map(|((_, one), (_, other))| ratios(one, other))
            .collect();
        median(&all)
    }

    /// With a thread for each core, against one thread.
    fn flatness(&self, name: &str, cores: usize) -> f64 {
        let rounds = |threads| {
            let mut of = self.of(name);
            of.find(|(way, _)| way.threads == threads && !way.writer)
                .map(|(_, rounds)| rounds)
        };
        match (rounds(flat_to(cores)), rounds(1)) {
            (Some(many), Some(one)) => median(&ratios(many, one)),
            _ => f64::NAN,
        }
    }

    fn slowest(&self, name: &str) -> f64 {
        self.of(name)
            .map(|(_, rounds)| median(rounds))
            .fold(0.0, f64::max)
    }

    fn checks(&self, cores: usize) -> Vec<Check> {
        let noise = "a tenth is within what two runs of one program differ by";
        let against = |one: &str, other: &str, limit| {
            Check::at_most(
                format!("{one} ÷ {other}"),
                self.ratio(one, other),
                limit,
                "",
            )
        };
        let flat = |name: &str| {
            let what = format!("{name}, {} threads ÷ 1", flat_to(cores));
            Check::at_most(what, self.flatness(name, cores), 1.1, "").because(noise)
        };
        vec![
            against(GET, CACHE, 1.1).because(noise),
            Check::at_most(
                format!("{WITH}, in the slowest column"),
                self.slowest(WITH),
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
        let without: Vec<usize> = (0..self.ways.len())
            .filter(|i| !self.ways[*i].writer)
            .collect();
        let bar = |rounds: &Vec<f64>| Bar {
            value: median(rounds),
            low: quantile(rounds, 0.1),
            high: quantile(rounds, 0.9),
        };
        Series {
            title: "What a read costs".into(),
            caption: "processor time of the reading thread; bars: medians, whiskers: 10 % to 90 % of rounds"
                .into(),
            unit: "ns".into(),
            names: without
                .iter()
                .map(|i| match self.ways[*i].threads {
                    1 => "1 thread".to_owned(),
                    threads => format!("{threads} threads"),
                })
                .collect(),
            groups: (self.names.iter().enumerate())
                .map(|(index, name)| Group {
                    label: name.replace('`', ""),
                    ours: name.starts_with("retune"),
                    bars: without.iter().map(|way| Some(bar(&self.rounds[*way][index]))).collect(),
                })
                .collect(),
        }
    }
}
