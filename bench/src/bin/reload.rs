//! What a swap costs: from the rename of `..data` to the moment when readers see the new values,
//! against the raw way, in one run.
//!
//! `cargo bench -p retune --bench swap`
//!
//! The raw way is the least that can be done: a blocking read of inotify, then readlink, openat,
//! getdents, open + fstat + read of each key, and a store, all on one thread, with nothing decoded,
//! checked or kept for a status. Rounds are interleaved; medians are compared.

#![allow(missing_docs, clippy::print_stdout)]

use std::collections::HashMap;
use std::fs::File;
use std::io::Read;
use std::ops::ControlFlow;
use std::path::{Path, PathBuf};
use std::sync::mpsc;
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::{Instant, SystemTime};

use retune::{Live, Retune};
use retune_mount::Publisher;
use rustix::fs::{Dir, Mode, OFlags, inotify};

macro_rules! config {
    ($name:ident: $($field:ident)*) => {
        #[derive(Debug, Retune)]
        struct $name {
            $(
                #[allow(dead_code)]
                #[retune(default = "")]
                $field: String,
            )*
        }
    };
}

config!(One: k00);
config!(Twenty: k00 k01 k02 k03 k04 k05 k06 k07 k08 k09 k10 k11 k12 k13 k14 k15 k16 k17 k18 k19);

type Store = Arc<Mutex<Arc<HashMap<PathBuf, Vec<u8>>>>>;

fn keys(count: usize, round: usize) -> Vec<(String, String)> {
    (0..count)
        .map(|i| (format!("k{i:02}"), format!("value {i} of round {round}")))
        .collect()
}

/// Publishes, and tells when the rename was about to happen.
fn publish(publisher: &Publisher, keys: &[(String, String)]) -> SystemTime {
    let mut before = SystemTime::UNIX_EPOCH;
    // The moment before each step but the rename is overwritten by the next.
    let mut steps = |step| {
        if format!("{step:?}") == "DataTmpLinked" {
            before = SystemTime::now();
        }
        ControlFlow::Continue(())
    };
    publisher
        .publish_stepwise(keys.iter().cloned(), &mut steps)
        .expect("the volume is writable");
    before
}

/// Follows a volume the raw way; sends the time of each store.
fn raw(dir: &Path, stored: mpsc::Sender<SystemTime>) -> std::io::Result<()> {
    let store: Store = Arc::default();
    let events = inotify::init(inotify::CreateFlags::CLOEXEC)?;
    inotify::add_watch(&events, dir, inotify::WatchFlags::MOVED_TO)?;
    let dir = dir.to_owned();
    thread::spawn(move || -> std::io::Result<()> {
        let mut buffer = [std::mem::MaybeUninit::uninit(); 4096];
        let mut reader = inotify::Reader::new(&events, &mut buffer);
        loop {
            let event = reader.next()?;
            if event
                .file_name()
                .is_none_or(|name| name.to_bytes() != b"..data")
            {
                continue;
            }
            let target = rustix::fs::readlink(dir.join("..data"), Vec::new())?;
            let target = dir.join(target.to_string_lossy().as_ref());
            let flags = OFlags::DIRECTORY | OFlags::CLOEXEC;
            let data = rustix::fs::open(&target, flags, Mode::empty())?;
            let mut found = HashMap::new();
            for entry in Dir::read_from(&data)? {
                let entry = entry?;
                let name = entry.file_name();
                if name.to_bytes().starts_with(b".") {
                    continue;
                }
                let fd = rustix::fs::openat(&data, name, OFlags::CLOEXEC, Mode::empty())?;
                let size = rustix::fs::fstat(&fd)?.st_size;
                let mut bytes = vec![0; usize::try_from(size).unwrap_or(0)];
                File::from(fd).read_exact(&mut bytes)?;
                found.insert(PathBuf::from(name.to_string_lossy().as_ref()), bytes);
            }
            if let Ok(mut current) = store.lock() {
                *current = Arc::new(found);
            }
            if stored.send(SystemTime::now()).is_err() {
                return Ok(());
            }
        }
    });
    Ok(())
}

fn microseconds(from: SystemTime, to: SystemTime) -> f64 {
    to.duration_since(from)
        .map_or(0.0, |lag| lag.as_secs_f64() * 1e6)
}

fn quantile(values: &mut [f64], q: f64) -> f64 {
    values.sort_by(f64::total_cmp);
    values[((values.len() - 1) as f64 * q) as usize]
}

fn compare<T: Retune>(count: usize, rounds: usize) -> std::io::Result<()> {
    // Secrets lie on tmpfs; the file system is the same for both ways.
    let root = tempfile::Builder::new().tempdir_in("/dev/shm")?;
    let (raw_dir, live_dir) = (root.path().join("raw"), root.path().join("retune"));
    let volume = |dir: &Path| {
        let publisher = Publisher::create(dir).expect("the directory is writable");
        publish(&publisher, &keys(count, 0));
        publisher
    };
    let (raw_volume, live_volume) = (volume(&raw_dir), volume(&live_dir));
    let (stored, raw_swaps) = mpsc::channel();
    raw(&raw_dir, stored)?;
    let live: Live<T> = T::loader()
        .mount(live_dir)
        .watch()
        .expect("the volume is there");
    let mut changes = live.changes();
    changes.next();
    let (mut raw_lags, mut live_lags) = (Vec::new(), Vec::new());
    for round in 1..=rounds {
        let keys = keys(count, round);
        let renamed = publish(&raw_volume, &keys);
        let swapped = raw_swaps.recv().expect("the raw way goes on");
        raw_lags.push(microseconds(renamed, swapped));

        let renamed = publish(&live_volume, &keys);
        changes.next();
        live_lags.push(microseconds(renamed, live.status().times.swapped));
    }
    let mut ratios: Vec<_> = live_lags
        .iter()
        .zip(&raw_lags)
        .map(|(live, raw)| live / raw)
        .collect();
    println!(
        "| {count:>4} | {:>7.0} | {:>9.0} | {:>7.2} | {:>9.0} | {:>12.0} |",
        quantile(&mut raw_lags, 0.5),
        quantile(&mut live_lags, 0.5),
        quantile(&mut ratios, 0.5),
        quantile(&mut raw_lags, 0.9),
        quantile(&mut live_lags, 0.9),
    );
    live.stop().expect("not called from a callback");
    Ok(())
}

fn main() -> std::io::Result<()> {
    let rounds = if std::env::args().any(|arg| arg == "--bench") {
        1000
    } else {
        5
    };
    let began = Instant::now();
    println!("rename → swapped, µs, {rounds} interleaved rounds on tmpfs\n");
    println!("| keys | raw p50 | retune p50 | ratio p50 | raw p90 | retune p90 |");
    println!("|------|---------|-----------|---------|-----------|--------------|");
    compare::<One>(1, rounds)?;
    compare::<Twenty>(20, rounds)?;
    println!("\n{:.1} s", began.elapsed().as_secs_f64());
    Ok(())
}
