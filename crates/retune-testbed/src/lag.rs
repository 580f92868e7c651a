//! The lag of an edit, hop by hop: from the write to the API server until a program in a pod has
//! applied it. `cargo xtask bench lag` measures it on test beds, the example `lag` on any cluster.

mod history;
mod measure;
mod quantiles;

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

pub use measure::measure;
pub use quantiles::Quantiles;

/// What is varied: `60s`, or `60s+nudge`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Setting {
    /// The sync frequency of the kubelets, in seconds. It is not set by the measurement, which has
    /// to know it.
    pub sync: u32,
    /// Whether the pods are annotated right after each edit, which makes their kubelets sync them.
    pub nudged: bool,
}

/// What is to be measured.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Plan {
    /// Where.
    pub setting: Setting,
    /// How many pods mount the ConfigMap.
    pub pods: u32,
    /// How often it is edited.
    pub edits: u32,
}

/// A cluster that was measured on, as its first node tells of itself.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Place {
    /// Version of the API server, such as `v1.37.0`.
    pub kubernetes: String,
    /// Version of the kernel.
    pub kernel: String,
    /// The cores that all nodes share; `None` where they are not of this machine.
    pub cores: Option<usize>,
    /// Number of nodes.
    pub nodes: usize,
}

/// One edit of the ConfigMap, in nanoseconds since 1970.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Edit {
    /// Right before the request was sent.
    pub sent: u64,
    /// When the API server had answered.
    pub returned: u64,
    /// When `kubectl annotate` had ended, which was started at once.
    pub annotated: Option<u64>,
}

/// What came of one edit in one pod, in nanoseconds since 1970.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Sample {
    /// The pod's name.
    pub pod: String,
    /// The number of the edit, from 1.
    pub edit: usize,
    written: u64,
    published: u64,
    noticed: u64,
    swapped: u64,
    applied: u64,
}

/// A moment of an edit's way.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Moment {
    /// Right before it is sent to the API server.
    Written,
    /// The kubelet has renamed `..data`: a time of the file system, which counts in ticks.
    Published,
    /// retune has noticed it.
    Noticed,
    /// Readers see it.
    Swapped,
    /// The program's subscriber has returned.
    Applied,
}

/// What was measured.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Run {
    /// What was to be measured.
    pub plan: Plan,
    /// Where it was measured.
    pub place: Place,
    /// The edits, in their order.
    pub edits: Vec<Edit>,
    /// One for each pod and edit.
    pub samples: Vec<Sample>,
}

// === impl Setting ===

impl fmt::Display for Setting {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let nudge = if self.nudged { "+nudge" } else { "" };
        write!(f, "{}s{nudge}", self.sync)
    }
}

impl FromStr for Setting {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let (sync, nudged) = match text.strip_suffix("+nudge") {
            Some(sync) => (sync, true),
            None => (text, false),
        };
        let seconds = sync
            .strip_suffix('s')
            .and_then(|seconds| seconds.parse().ok());
        match seconds {
            Some(sync) if sync > 0 => Ok(Self { sync, nudged }),
            _ => Err("expected whole seconds, such as `60s` or `60s+nudge`".to_owned()),
        }
    }
}

// === impl Sample ===

impl Sample {
    fn at(&self, moment: Moment) -> u64 {
        match moment {
            Moment::Written => self.written,
            Moment::Published => self.published,
            Moment::Noticed => self.noticed,
            Moment::Swapped => self.swapped,
            Moment::Applied => self.applied,
        }
    }

    /// The seconds from one moment to another.
    pub fn seconds(&self, from: Moment, to: Moment) -> f64 {
        seconds(self.at(from), self.at(to))
    }
}

// === impl Run ===

impl Run {
    /// How long it took from one moment to another, over all samples.
    pub fn quantiles(&self, from: Moment, to: Moment) -> Option<Quantiles> {
        Quantiles::of(self.samples.iter().map(|sample| sample.seconds(from, to)))
    }

    /// How long the API server took to answer.
    pub fn writing(&self) -> Option<Quantiles> {
        let edits = self.edits.iter();
        Quantiles::of(edits.map(|edit| seconds(edit.sent, edit.returned)))
    }

    /// How long `kubectl annotate` took; `None` where nothing was annotated.
    pub fn annotating(&self) -> Option<Quantiles> {
        let edits = self.edits.iter();
        Quantiles::of(edits.filter_map(|edit| Some(seconds(edit.returned, edit.annotated?))))
    }
}

fn seconds(from: u64, to: u64) -> f64 {
    // Of two close times: exact to the nanosecond, whichever is the earlier.
    to.wrapping_sub(from).cast_signed() as f64 / 1e9
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_setting_is_read_as_it_is_shown() {
        for text in ["60s", "60s+nudge", "1s"] {
            assert_eq!(text.parse::<Setting>().unwrap().to_string(), text);
        }
        for wrong in ["", "60", "0s", "1.5s", "60s+", "s+nudge"] {
            wrong.parse::<Setting>().unwrap_err();
        }
    }

    #[test]
    fn a_time_that_comes_too_early_is_negative() {
        assert_eq!(seconds(1_000, 3_000), 2e-6);
        assert_eq!(seconds(3_000, 1_000), -2e-6);
    }
}
