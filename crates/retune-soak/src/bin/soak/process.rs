//! The soaked process from outside.

use std::fs;
use std::path::PathBuf;

use retune_soak::record::Process;
use rustix::process::{Pid, Signal, kill_process};

/// A process that is looked at.
#[derive(Debug)]
pub(crate) struct Observed {
    pid: Pid,
    proc: PathBuf,
}

// === impl Observed ===

impl Observed {
    pub(crate) fn new(child: &std::process::Child) -> Self {
        Self {
            pid: Pid::from_child(child),
            proc: PathBuf::from(format!("/proc/{}", child.id())),
        }
    }

    pub(crate) fn look(&self) -> Result<Process, String> {
        let rollup = self.read("smaps_rollup")?;
        let status = self.read("status")?;
        let mut process = Process {
            rss: number(&rollup, "Rss:") * 1024,
            pss: number(&rollup, "Pss:") * 1024,
            threads: number(&status, "Threads:"),
            ..Process::default()
        };
        let dir = self.proc.join("fdinfo");
        let failed = |error: std::io::Error| format!("{}: {error}", dir.display());
        for entry in fs::read_dir(&dir).map_err(failed)? {
            let path = entry.map_err(failed)?.path();
            // Closed meanwhile, maybe.
            let Ok(info) = fs::read_to_string(&path) else {
                continue;
            };
            process.descriptors += 1;
            let watches = info
                .lines()
                .filter(|line| line.starts_with("inotify wd:"))
                .count();
            process.watches += watches as u64;
            let name = path.file_name().unwrap_or_default();
            let link = fs::read_link(self.proc.join("fd").join(name)).unwrap_or_default();
            process.instances += u64::from(link.as_os_str() == "anon_inode:inotify");
        }
        Ok(process)
    }

    /// Nothing in it runs until [`go_on`](Self::go_on).
    pub(crate) fn stop(&self) {
        _ = kill_process(self.pid, Signal::STOP);
    }

    pub(crate) fn go_on(&self) {
        _ = kill_process(self.pid, Signal::CONT);
    }

    fn read(&self, name: &str) -> Result<String, String> {
        let path = self.proc.join(name);
        fs::read_to_string(&path).map_err(|error| format!("{}: {error}", path.display()))
    }
}

/// The number after a label.
fn number(text: &str, label: &str) -> u64 {
    let line = text.lines().find_map(|line| line.strip_prefix(label));
    let word = line.and_then(|line| line.split_whitespace().next());
    word.and_then(|word| word.parse().ok()).unwrap_or(0)
}
