//! A process that follows, seen from the one that asks; and what it costs, seen from within.

use std::collections::BTreeMap;
use std::error::Error;
use std::fs;
use std::io::{BufRead, BufReader, Lines, Write};
use std::path::Path;
use std::process::{Child, ChildStdout, Command, Stdio};
use std::time::{Duration, SystemTime};

use serde::{Deserialize, Serialize};

use crate::Arrangement;

/// Ends with this.
pub(crate) struct Process {
    child: Child,
    lines: Lines<BufReader<ChildStdout>>,
}

/// What a process takes.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub(crate) struct Cost {
    pub(crate) threads: usize,
    pub(crate) instances: usize,
    pub(crate) watches: usize,
    pub(crate) descriptors: usize,
    /// Resident.
    pub(crate) kib: f64,
    /// Of each of retune's threads.
    pub(crate) wake_ups: BTreeMap<String, u64>,
    /// That retune's threads were on a processor.
    pub(crate) nanoseconds: u64,
    pub(crate) start_ms: f64,
}

// === impl Process ===

impl Process {
    pub(crate) fn start(arrangement: Arrangement, folder: &Path) -> Result<Self, Box<dyn Error>> {
        let mut child = Command::new(std::env::current_exe()?)
            .args(["--follow", arrangement.name()])
            .arg(folder)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()?;
        let out = child.stdout.take().ok_or("it has an output")?;
        let lines = BufReader::new(out).lines();
        let mut process = Self { child, lines };
        match &*process.answer()? {
            "ready" => Ok(process),
            other => Err(format!("{}: {other}", arrangement.text()).into()),
        }
    }

    /// What it takes now.
    pub(crate) fn cost(&mut self) -> Result<Cost, Box<dyn Error>> {
        self.ask("cost")?;
        Ok(serde_json::from_str(&self.answer()?)?)
    }

    /// Since when readers see a volume's value of a round.
    pub(crate) fn applied(
        &mut self,
        volume: usize,
        round: u32,
    ) -> Result<SystemTime, Box<dyn Error>> {
        self.ask(&format!("{volume} {round}"))?;
        let since_epoch = Duration::from_nanos(self.answer()?.parse()?);
        Ok(SystemTime::UNIX_EPOCH + since_epoch)
    }

    fn ask(&mut self, line: &str) -> Result<(), Box<dyn Error>> {
        let input = self.child.stdin.as_mut().ok_or("it has an input")?;
        writeln!(input, "{line}")?;
        Ok(())
    }

    fn answer(&mut self) -> Result<String, Box<dyn Error>> {
        let line = self
            .lines
            .next()
            .ok_or("the process that follows has ended")?;
        Ok(line?)
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        drop(self.child.stdin.take());
        _ = self.child.wait();
    }
}

// === impl Cost ===

impl Cost {
    /// How often each thread has woken up since.
    pub(crate) fn woken_since(&self, before: &Self) -> Vec<u64> {
        let each = self.wake_ups.iter();
        each.map(|(id, now)| now - before.wake_ups.get(id).unwrap_or(&0))
            .collect()
    }

    /// That of this process.
    pub(crate) fn here() -> Self {
        let mut cost = Self::default();
        for task in fs::read_dir("/proc/self/task")
            .into_iter()
            .flatten()
            .flatten()
        {
            let read = |file| fs::read_to_string(task.path().join(file)).unwrap_or_default();
            cost.threads += 1;
            if read("comm").starts_with("retune") {
                let id = task.file_name().to_string_lossy().into_owned();
                let wake_ups = field(&read("status"), "voluntary_ctxt_switches:");
                cost.wake_ups.insert(id, wake_ups);
                cost.nanoseconds += field(&read("schedstat"), "");
            }
        }
        let descriptors = fs::read_dir("/proc/self/fd")
            .into_iter()
            .flatten()
            .flatten();
        for descriptor in descriptors {
            cost.descriptors += 1;
            let target = fs::read_link(descriptor.path()).unwrap_or_default();
            if target == Path::new("anon_inode:inotify") {
                cost.instances += 1;
                let info = Path::new("/proc/self/fdinfo").join(descriptor.file_name());
                let info = fs::read_to_string(info).unwrap_or_default();
                let watches = info.lines().filter(|line| line.starts_with("inotify wd:"));
                cost.watches += watches.count();
            }
        }
        let status = fs::read_to_string("/proc/self/status").unwrap_or_default();
        cost.kib = field(&status, "VmRSS:") as f64;
        cost
    }

    /// What there is more of it.
    pub(crate) fn beyond(self, before: &Self) -> Self {
        Self {
            threads: self.threads - before.threads,
            descriptors: self.descriptors - before.descriptors,
            kib: self.kib - before.kib,
            ..self
        }
    }
}

/// The number behind a name in a file of `/proc`.
fn field(status: &str, name: &str) -> u64 {
    let line = status.lines().find_map(|line| line.strip_prefix(name));
    let number = line.and_then(|rest| rest.split_whitespace().next());
    number.and_then(|number| number.parse().ok()).unwrap_or(0)
}
