//! What a process holds of the library.

use std::fs;

/// Of the library, in this process, now.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Kept {
    /// Names of threads.
    pub threads: Vec<String>,
    /// What descriptors are of: everything but the test's own pipes and files.
    pub descriptors: Vec<String>,
    /// inotify watches.
    pub watches: usize,
}

impl Kept {
    pub fn now() -> Self {
        let tasks = fs::read_dir("/proc/self/task").unwrap();
        // A thread may end while it is looked at.
        let names =
            tasks.filter_map(|task| fs::read_to_string(task.unwrap().path().join("comm")).ok());
        let mut threads: Vec<_> = names.filter(|name| name.starts_with("retune")).collect();
        threads.sort();
        let mut descriptors = Vec::new();
        let mut watches = 0;
        for entry in fs::read_dir("/proc/self/fd").unwrap() {
            let entry = entry.unwrap().path();
            let Ok(target) = fs::read_link(&entry) else {
                continue;
            };
            let target = target.to_string_lossy().into_owned();
            if target.contains("inotify") {
                let fd = entry.file_name().unwrap().to_str().unwrap();
                let info = fs::read_to_string(format!("/proc/self/fdinfo/{fd}"));
                watches += info.unwrap_or_default().matches("inotify wd:").count();
            }
            if !target.starts_with("pipe:") && !target.starts_with("/proc/") {
                descriptors.push(target);
            }
        }
        descriptors.sort();
        Self {
            threads,
            descriptors,
            watches,
        }
    }
}
