//! Ways to read a value that changes, and what a read takes.

use std::hint::black_box;
use std::sync::Barrier;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use rustix::time::{ClockId, clock_gettime};

/// Reads between two looks at the clock.
const BATCH: u32 = 1000;
/// Between two writes.
const GENERATION: Duration = Duration::from_millis(1);

/// One way to read: `prepare` runs once in each thread, what it returns runs for each batch.
pub struct Contender {
    /// What people call it.
    pub name: &'static str,
    prepare: Box<dyn Fn() -> Batch + Send + Sync>,
    write: Box<dyn Fn(u64) + Send + Sync>,
}

type Batch = Box<dyn FnMut(u32) -> u64>;

/// Who reads meanwhile, and for how long.
#[derive(Debug, Clone, Copy)]
pub struct Way {
    /// Threads that read.
    pub threads: usize,
    /// Whether one more publishes a thousand generations a second.
    pub writer: bool,
    /// How long they do.
    pub round: Duration,
}

/// What a nanosecond is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Clock {
    /// Of processor time of the thread that reads: what others take from it does not count.
    Processor,
    /// That passes while one read is done by any of the threads, as Go's benchmarks count.
    Passing,
}

// === impl Contender ===

impl Contender {
    /// `write` publishes the value made of a number. The loop is inside the closure, so that a read is
    /// not also a call through a pointer.
    pub fn new<R: FnMut() -> u64 + 'static>(
        name: &'static str,
        prepare: impl Fn() -> R + Send + Sync + 'static,
        write: impl Fn(u64) + Send + Sync + 'static,
    ) -> Self {
        let prepare = move || {
            let mut read = prepare();
            let batch =
                move |times: u32| (0..times).fold(0, |sum: u64, _| sum.wrapping_add(read()));
            Box::new(batch) as Batch
        };
        Self {
            name,
            prepare: Box::new(prepare),
            write: Box::new(write),
        }
    }

    /// Nanoseconds that a read takes.
    #[must_use]
    pub fn round(&self, way: Way, clock: Clock) -> f64 {
        let stop = AtomicBool::new(false);
        let barrier = Barrier::new(way.threads);
        let reads_and_seconds: Vec<(f64, f64)> = thread::scope(|scope| {
            let read = || {
                let mut read = (self.prepare)();
                black_box(read(BATCH));
                barrier.wait();
                let (began, used, mut reads) = (Instant::now(), processor_time(), 0_u64);
                while began.elapsed() < way.round {
                    black_box(read(BATCH));
                    reads += u64::from(BATCH);
                }
                let seconds = match clock {
                    Clock::Processor => processor_time() - used,
                    Clock::Passing => began.elapsed().as_secs_f64(),
                };
                (reads as f64, seconds)
            };
            let readers: Vec<_> = (0..way.threads).map(|_| scope.spawn(read)).collect();
            if way.writer {
                scope.spawn(|| self.write_until(&stop));
            }
            let results = readers.into_iter().filter_map(|reader| reader.join().ok());
            let results = results.collect();
            stop.store(true, Ordering::Relaxed);
            results
        });
        let each = reads_and_seconds.iter();
        match clock {
            Clock::Processor => {
                each.map(|(reads, seconds)| seconds / reads).sum::<f64>() / way.threads as f64 * 1e9
            }
            Clock::Passing => 1e9 / each.map(|(reads, seconds)| reads / seconds).sum::<f64>(),
        }
    }

    fn write_until(&self, stop: &AtomicBool) {
        let mut next = Instant::now();
        for n in 1.. {
            if stop.load(Ordering::Relaxed) {
                return;
            }
            (self.write)(n);
            next += GENERATION;
            thread::sleep(next.saturating_duration_since(Instant::now()));
        }
    }
}

/// Seconds of a processor that this thread has used.
fn processor_time() -> f64 {
    let time = clock_gettime(ClockId::ThreadCPUTime);
    time.tv_sec as f64 + time.tv_nsec as f64 / 1e9
}
