//! Others, each used as its documentation has it for a file that changes.

use std::io::{self, BufRead, BufReader};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::mpsc;
use std::thread;
use std::time::{Duration, SystemTime};

use dynamic_config::{Builder, Dynamic, WatchOptions};
use retune_bench::go_program;
use rtb_config::Config;

use crate::follower::{Follower, tell_now};
use crate::values::{DOCUMENT, Shape, Values};

type Result<T> = std::result::Result<T, Box<dyn std::error::Error>>;

/// What its README and its example wait after an event for more.
pub(crate) fn dynamic_config_documented() -> WatchOptions {
    Duration::from_millis(250).into()
}

/// No wait at all, neither for more nor before the read.
pub(crate) fn dynamic_config_at_once() -> WatchOptions {
    WatchOptions::new(Duration::ZERO).atomic_save_grace(Duration::ZERO)
}

/// A file with its `file`, a directory with its `secrets_dir`. Alone that one is not watched: what is, is
/// the folder of each file, so that one is named in the volume that is not there, which it may be.
///
/// # Errors
///
/// When it cannot load.
pub(crate) fn dynamic_config<V: Values>(
    dir: &Path,
    shape: Shape,
    options: WatchOptions,
) -> Result<Follower> {
    let (tell, applied) = mpsc::channel();
    let path = |path: &Path| path.to_string_lossy().into_owned();
    let builder = Builder::<V::Theirs>::new("bench").whole_document();
    let builder = match shape {
        Shape::Document => builder.file(path(&dir.join(DOCUMENT))),
        Shape::Keys => builder
            .file(path(&dir.join("not-there.yaml")))
            .secrets_dir(path(dir)),
    };
    let config = Dynamic::new(builder);
    config.init()?;
    config.on_reload_with(move |event| tell_now(&tell, V::first_of_theirs(&event.current)));
    let watch = config.watch(options)?;
    Ok(Follower::new(applied, (config, watch)))
}

/// Its watcher has one setting, 250 ms.
///
/// # Errors
///
/// When it cannot load.
pub(crate) fn rtb_config<V: Values>(dir: &Path) -> Result<Follower> {
    let (tell, applied) = mpsc::channel();
    let config = Config::<V::Theirs>::builder()
        .user_file(dir.join(DOCUMENT))
        .build()?;
    let mut changes = config.subscribe();
    let watch = config.watch_files()?;
    let runtime = tokio::runtime::Builder::new_current_thread().build()?;
    thread::spawn(move || {
        while runtime.block_on(changes.changed()).is_ok() {
            tell_now(&tell, V::first_of_theirs(&changes.borrow_and_update()));
        }
    });
    Ok(Follower::new(applied, (watch, config)))
}

/// A process that ends with this.
struct Process(Child);

/// Its file provider, in a process of its own; nothing where there is no Go.
///
/// # Errors
///
/// When it does not start.
pub(crate) fn koanf(dir: &Path) -> Result<Option<Follower>> {
    let Some(program) = go_program("koanf") else {
        return Ok(None);
    };
    let (tell, applied) = mpsc::channel();
    let mut process = Command::new(program)
        .arg(dir.join(DOCUMENT))
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()?;
    let out = process.stdout.take().ok_or("it has an output")?;
    let process = Process(process);
    let mut lines = BufReader::new(out).lines();
    let ready = lines.next().transpose()?;
    if ready.as_deref() != Some("ready") {
        return Err(format!("koanf began with {ready:?}").into());
    }
    thread::spawn(move || -> io::Result<()> {
        for line in lines {
            let line = line?;
            let Some((round, at)) = line.split_once(' ') else {
                continue;
            };
            if let (Ok(round), Ok(at)) = (round.parse(), at.parse()) {
                let at = SystemTime::UNIX_EPOCH + Duration::from_nanos(at);
                _ = tell.send((round, at));
            }
        }
        Ok(())
    });
    Ok(Some(Follower::new(applied, process)))
}

// === impl Process ===

impl Drop for Process {
    fn drop(&mut self) {
        // It ends with its input.
        drop(self.0.stdin.take());
        _ = self.0.wait();
    }
}
