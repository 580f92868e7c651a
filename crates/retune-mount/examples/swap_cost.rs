//! What a swap costs until it can be read, against the barest way there is.
//!
//! `cargo run --release -p retune-mount --example swap_cost [ROUNDS]`
//!
//! Both ways follow the same volume in the same rounds, in turns: raw is one
//! thread that blocks on its own inotify instance, then reads the link, opens
//! the directory, lists it and reads each key; retune is the watching thread,
//! the hop to the reader's thread, and `Watch::read`. Times are from just
//! before the rename to the moment at which the content is in memory.
#![allow(clippy::print_stdout, missing_docs)]

#[cfg(not(target_os = "linux"))]
fn main() {}

#[cfg(target_os = "linux")]
fn main() -> Result<(), Box<dyn std::error::Error>> {
    linux::main()
}

#[cfg(target_os = "linux")]
mod linux {
    use std::collections::BTreeMap;
    use std::error::Error;
    use std::ffi::OsString;
    use std::io::Read;
    use std::mem::MaybeUninit;
    use std::ops::ControlFlow;
    use std::os::fd::OwnedFd;
    use std::os::unix::ffi::OsStringExt;
    use std::path::{Path, PathBuf};
    use std::sync::mpsc;
    use std::time::{Duration, Instant};

    use retune_mount::{Limits, Pins, Publisher, Reading, Signal, Step, Watch};
    use rustix::fs::inotify::{self, CreateFlags, WatchFlags};
    use rustix::fs::{Dir, Mode, OFlags};

    type Contents = BTreeMap<OsString, Vec<u8>>;

    fn raw_read(dir: &Path) -> rustix::io::Result<Contents> {
        let volume = rustix::fs::open(dir, OFlags::PATH | OFlags::CLOEXEC, Mode::empty())?;
        let target = rustix::fs::readlinkat(&volume, "..data", Vec::new())?;
        let flags = OFlags::RDONLY | OFlags::CLOEXEC;
        let data: OwnedFd = rustix::fs::openat(&volume, &*target, flags, Mode::empty())?;
        let mut contents = Contents::new();
        for entry in Dir::read_from(&data)? {
            let name = entry?.file_name().to_owned();
            if name.to_bytes().starts_with(b".") {
                continue;
            }
            let mut file =
                std::fs::File::from(rustix::fs::openat(&data, &*name, flags, Mode::empty())?);
            let size = rustix::fs::fstat(&file)?.st_size;
            let mut bytes = vec![0; usize::try_from(size).unwrap_or(0)];
            file.read_exact(&mut bytes)
                .map_err(|_| rustix::io::Errno::IO)?;
            contents.insert(OsString::from_vec(name.into_bytes()), bytes);
        }
        Ok(contents)
    }

    /// Tells when the content of each swap was in memory, by the raw way.
    fn raw(dir: PathBuf, out: mpsc::Sender<Instant>) -> rustix::io::Result<()> {
        let inotify = inotify::init(CreateFlags::CLOEXEC)?;
        inotify::add_watch(&inotify, &dir, WatchFlags::MOVED_TO)?;
        let mut buffer = [MaybeUninit::uninit(); 4096];
        let mut reader = inotify::Reader::new(inotify, &mut buffer);
        loop {
            let is_data = reader.next()?.file_name() == Some(c"..data");
            if is_data && let Ok(contents) = raw_read(&dir) {
                std::hint::black_box(&contents);
                if out.send(Instant::now()).is_err() {
                    return Ok(());
                }
            }
        }
    }

    /// The same, by a watch.
    fn watched(dir: PathBuf, out: mpsc::Sender<Instant>) -> Result<(), retune_mount::Error> {
        let signal = Signal::new();
        let mut watch = Watch::new(dir, &signal);
        let mut last = None;
        loop {
            if let Reading::Ready(found) = watch.read(&mut Pins::new(Limits::default()))? {
                let seen = Instant::now();
                let new = found.data_dir().map(ToOwned::to_owned);
                if new != last && last.is_some() && out.send(seen).is_err() {
                    return Ok(());
                }
                last = new;
            }
            signal.wait(None);
        }
    }

    pub(super) fn main() -> Result<(), Box<dyn Error>> {
        let rounds = std::env::args()
            .nth(1)
            .map_or(Ok(400), |text| text.parse())?;
        println!("rename -> content in memory, us, median (p90) of {rounds} swaps each");
        for parent in ["/dev/shm", "/tmp"] {
            for keys in [1, 20] {
                measure(Path::new(parent), keys, rounds)?;
            }
        }
        Ok(())
    }

    fn measure(parent: &Path, keys: usize, rounds: usize) -> Result<(), Box<dyn Error>> {
        let dir = parent.join(format!("retune-swap-cost-{}", std::process::id()));
        let volume = dir.join("volume");
        let publisher = Publisher::create(&volume)?;
        let payload =
            |n: usize| (0..keys).map(move |key| (format!("key-{key}"), format!("{n:08}")));
        let mut times = [Vec::new(), Vec::new()];
        publisher.publish(payload(0))?;
        // In turns, one follower at a time, so that neither slows down the other.
        for turn in 0..8 {
            let (sender, receiver) = mpsc::channel();
            let followed = volume.clone();
            let follower = std::thread::spawn(move || match turn % 2 {
                0 => raw(followed, sender).map_err(|error| error.to_string()),
                _ => watched(followed, sender).map_err(|error| error.to_string()),
            });
            std::thread::sleep(Duration::from_millis(100));
            for n in 0..rounds / 4 {
                let mut renamed = Instant::now();
                let mut hook = |step| {
                    // The last moment before the rename.
                    if step == Step::DataTmpLinked {
                        renamed = Instant::now();
                    }
                    ControlFlow::Continue(())
                };
                publisher.publish_stepwise(payload(turn * rounds + n + 1), &mut hook)?;
                let seen = receiver.recv_timeout(Duration::from_secs(10))?;
                if let Some(times) = times.get_mut(turn % 2) {
                    times.push(seen.saturating_duration_since(renamed).as_nanos() as f64 / 1e3);
                }
                std::thread::sleep(Duration::from_millis(2));
            }
            drop(receiver);
            publisher.publish(payload(usize::MAX / 2 + turn))?;
            follower.join().map_err(|_| "the follower panicked")??;
        }
        let mut show = times.map(|mut times| {
            times.sort_by(f64::total_cmp);
            let at = |share: f64| times.get((times.len() as f64 * share) as usize).copied();
            (at(0.5).unwrap_or(0.0), at(0.9).unwrap_or(0.0))
        });
        let [(raw, raw90), (watched, watched90)] = &mut show;
        println!(
            "{:9} {keys:2} keys: raw {raw:6.0} ({raw90:6.0})  retune {watched:6.0} ({watched90:6.0})  \
             x{:.2}  +{:.0}",
            parent.display(),
            *watched / *raw,
            *watched - *raw
        );
        std::fs::remove_dir_all(&dir)?;
        Ok(())
    }
}
