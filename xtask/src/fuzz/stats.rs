//! What libFuzzer says of a run.

use std::fmt;
use std::time::Duration;

use crate::Result;

/// What a run has done.
#[derive(Debug, PartialEq)]
pub(crate) struct Stats {
    runs: u64,
    seconds: f64,
    /// Edges of the code that were passed.
    coverage: u64,
    /// Inputs that are kept, each for what only it reaches.
    corpus: u64,
}

// === impl Stats ===

impl Stats {
    pub(crate) const HEAD: &str = "      runs    runs/s  coverage    corpus";

    /// Reads it from the lines of a whole run.
    ///
    /// # Errors
    ///
    /// When it says nothing of the kind.
    pub(crate) fn read(told: &str, took: Duration) -> Result<Self> {
        // `#2097152	DONE   cov: 911 ft: 2871 corp: 402/11Kb lim: 4096 exec/s: 524288 rss: 62Mb`
        let done = told.lines().rfind(|line| line.contains("DONE"));
        let read = done.and_then(|line| {
            let after = |name: &str| line.split_once(name)?.1.split_whitespace().next();
            let corpus = after("corp: ")?.split('/').next()?;
            Some(Self {
                runs: line
                    .strip_prefix('#')?
                    .split_whitespace()
                    .next()?
                    .parse()
                    .ok()?,
                seconds: took.as_secs_f64(),
                coverage: after("cov: ")?.parse().ok()?,
                corpus: corpus.parse().ok()?,
            })
        });
        read.ok_or_else(|| "it does not say what it has done".to_owned())
    }
}

impl fmt::Display for Stats {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        #[allow(clippy::cast_precision_loss, reason = "for people")]
        let speed = self.runs as f64 / self.seconds;
        let Self {
            runs,
            coverage,
            corpus,
            ..
        } = self;
        write!(f, "{runs:>10}{speed:>10.0}{coverage:>10}{corpus:>10}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_line_of_a_run_is_read() {
        let told = "#2\tINITED cov: 1 ft: 1 corp: 1/1b exec/s: 0 rss: 30Mb\n\
                    #600\tDONE   cov: 911 ft: 2871 corp: 402/11Kb lim: 4096 exec/s: 60 rss: 62Mb\n\
                    Done 600 runs in 11 second(s)\n";
        let stats = Stats::read(told, Duration::from_secs(10)).unwrap();
        assert_eq!(
            stats.to_string(),
            format!("{:>10}{:>10}{:>10}{:>10}", 600, 60, 911, 402)
        );
        assert!(Stats::read("#2\tINITED", Duration::from_secs(1)).is_err());
    }
}
