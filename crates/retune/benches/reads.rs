//! What a read costs, against the ways that people use today, all in one run.
//!
//! `cargo bench -p retune --bench reads`
//!
//! Every contender reads the same two words out of the current value. Rounds are interleaved, so
//! that a machine that changes its speed does so for all; the table shows medians of processor time. With a writer,
//! another thread publishes a new value every millisecond.

#![allow(missing_docs, clippy::print_stdout)]

use std::hint::black_box;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Barrier, RwLock};
use std::thread;
use std::time::{Duration, Instant};

use arc_swap::ArcSwap;
use retune::Live;
use rustix::time::{ClockId, clock_gettime};

const ROUNDS: usize = 9;
/// Reads between two looks at the clock.
const BATCH: u32 = 1000;
const ROUND: Duration = Duration::from_millis(60);

#[derive(Clone, Copy)]
struct Value {
    a: u64,
    b: u64,
}

const fn value(n: u64) -> Value {
    Value { a: n, b: n + 1 }
}

/// One way to read: `prepare` runs once in each thread, what it returns runs for each read.
struct Contender {
    name: &'static str,
    prepare: Box<dyn Fn() -> Box<dyn FnMut(u32) -> u64> + Send + Sync>,
    write: Box<dyn Fn(u64) + Send + Sync>,
}

/// The loop is inside the closure, so that a read is not also a call through a pointer.
fn contender<R: FnMut() -> u64 + 'static>(
    name: &'static str,
    prepare: impl Fn() -> R + Send + Sync + 'static,
    write: impl Fn(u64) + Send + Sync + 'static,
) -> Contender {
    let prepare = move || {
        let mut read = prepare();
        let batch = move |times: u32| (0..times).fold(0, |sum: u64, _| sum.wrapping_add(read()));
        Box::new(batch) as Box<dyn FnMut(u32) -> u64>
    };
    Contender {
        name,
        prepare: Box::new(prepare),
        write: Box::new(write),
    }
}

fn contenders() -> Vec<Contender> {
    let sum = |value: &Value| value.a ^ value.b;

    let table: Arc<[Value]> = (0..64).map(value).collect();
    let index = Arc::new(AtomicUsize::new(0));
    let plain = {
        let (read, write) = (index.clone(), index);
        contender(
            "plain atomic load",
            move || {
                let (table, index) = (table.clone(), read.clone());
                move || {
                    let value = table.get(index.load(Ordering::Acquire) & 63);
                    black_box(value).map_or(0, sum)
                }
            },
            move |n| write.store(n as usize & 63, Ordering::Release),
        )
    };

    let live = || {
        let (live, setter) = Live::settable(value(0));
        (live, move |n| _ = setter.set(value(n)))
    };
    let (reader, set_reader) = live();
    let reader = contender(
        "retune Reader::get",
        move || {
            let mut reader = reader.reader();
            move || sum(black_box(reader.get()))
        },
        set_reader,
    );
    let (with, set_with) = live();
    let with = contender(
        "retune Live::with",
        move || {
            let live = with.clone();
            move || live.with(|value| sum(black_box(value)))
        },
        set_with,
    );
    let (load, set_load) = live();
    let load = contender(
        "retune Live::load",
        move || {
            let live = load.clone();
            move || sum(black_box(&*live.load()))
        },
        set_load,
    );

    let swap = || Arc::new(ArcSwap::from_pointee(value(0)));
    let store = |swap: &Arc<ArcSwap<Value>>| {
        let swap = swap.clone();
        move |n| swap.store(Arc::new(value(n)))
    };
    let cached = swap();
    let cache = contender(
        "arc-swap Cache",
        {
            let cached = cached.clone();
            move || {
                let mut cache = arc_swap::Cache::new(cached.clone());
                move || sum(black_box(&**cache.load()))
            }
        },
        store(&cached),
    );
    let loaded = swap();
    let arc_load = contender(
        "arc-swap load",
        {
            let swap = loaded.clone();
            move || {
                let swap = swap.clone();
                move || sum(black_box(&**swap.load()))
            }
        },
        store(&loaded),
    );
    let full = swap();
    let arc_full = contender(
        "arc-swap load_full",
        {
            let swap = full.clone();
            move || {
                let swap = swap.clone();
                move || sum(black_box(&*swap.load_full()))
            }
        },
        store(&full),
    );

    let lock = Arc::new(RwLock::new(Arc::new(value(0))));
    let rwlock = contender(
        "RwLock<Arc> clone",
        {
            let lock = lock.clone();
            move || {
                let lock = lock.clone();
                move || {
                    lock.read()
                        .map_or(0, |value| sum(black_box(&*value.clone())))
                }
            }
        },
        move |n| {
            if let Ok(mut current) = lock.write() {
                *current = Arc::new(value(n));
            }
        },
    );
    let (sender, receiver) = tokio::sync::watch::channel(value(0));
    let watch = contender(
        "tokio watch borrow",
        move || {
            let receiver = receiver.clone();
            move || sum(black_box(&*receiver.borrow()))
        },
        move |n| _ = sender.send_replace(value(n)),
    );
    vec![
        plain, reader, with, load, cache, arc_load, arc_full, rwlock, watch,
    ]
}

/// Seconds of a processor that this thread has used: what others take from it does not count.
fn cpu_time() -> f64 {
    let time = clock_gettime(ClockId::ThreadCPUTime);
    time.tv_sec as f64 + time.tv_nsec as f64 / 1e9
}

/// Nanoseconds a read takes each of `threads`, on average over one round.
fn round(contender: &Contender, threads: usize, writer: bool) -> f64 {
    let stop = AtomicBool::new(false);
    let barrier = Barrier::new(threads);
    thread::scope(|scope| {
        let readers: Vec<_> = (0..threads)
            .map(|_| {
                scope.spawn(|| {
                    let mut read = (contender.prepare)();
                    black_box(read(BATCH));
                    barrier.wait();
                    let (began, mut reads) = (Instant::now(), 0u64);
                    let used = cpu_time();
                    while began.elapsed() < ROUND {
                        black_box(read(BATCH));
                        reads += u64::from(BATCH);
                    }
                    (cpu_time() - used) * 1e9 / reads as f64
                })
            })
            .collect();
        if writer {
            scope.spawn(|| {
                let mut n = 1;
                while !stop.load(Ordering::Relaxed) {
                    (contender.write)(n);
                    n += 1;
                    thread::sleep(Duration::from_millis(1));
                }
            });
        }
        let times: Vec<f64> = readers
            .into_iter()
            .filter_map(|reader| reader.join().ok())
            .collect();
        stop.store(true, Ordering::Relaxed);
        times.iter().sum::<f64>() / times.len() as f64
    })
}

fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    values[values.len() / 2]
}

fn main() {
    // `cargo test --benches` only wants to know that it runs.
    let rounds = if std::env::args().any(|arg| arg == "--bench") {
        ROUNDS
    } else {
        1
    };
    let contenders = contenders();
    let cases: Vec<(usize, bool)> = [1, 2, 4]
        .into_iter()
        .flat_map(|threads| [(threads, false), (threads, true)])
        .collect();
    let mut table = vec![vec![Vec::new(); cases.len()]; contenders.len()];
    for _ in 0..rounds {
        for (column, (threads, writer)) in cases.iter().enumerate() {
            for (row, contender) in contenders.iter().enumerate() {
                table[row][column].push(round(contender, *threads, *writer));
            }
        }
    }
    let cores = thread::available_parallelism().map_or(0, |n| n.get());
    println!("ns a read, median of {rounds} interleaved rounds, {cores} cores\n");
    print!("| {:<20} |", "threads");
    for (threads, writer) in &cases {
        print!(
            " {:>9} |",
            format!("{threads}{}", if *writer { " + writer" } else { "" })
        );
    }
    println!();
    print!("|{}|", "-".repeat(22));
    println!("{}", "-----------|".repeat(cases.len()));
    for (row, contender) in table.into_iter().zip(&contenders) {
        print!("| {:<20} |", contender.name);
        for rounds in row {
            print!(" {:>9.2} |", median(rounds));
        }
        println!();
    }
}
