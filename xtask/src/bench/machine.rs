//! Where something was measured, in words.

use std::fmt;
use std::{fs, thread};

use crate::Result;
use crate::sh::{cargo, output, program};

/// This machine, and what compiles here.
pub(super) struct Machine {
    cores: usize,
    processor: String,
    /// The first two numbers: what else is there tells of the machine.
    kernel: String,
    rust: String,
}

// === impl Machine ===

impl Machine {
    /// # Errors
    ///
    /// When it does not tell what it is.
    pub(super) fn here() -> Result<Self> {
        let kernel = output(program("uname").arg("-r"))?;
        let kernel: Vec<_> = kernel.splitn(3, '.').take(2).collect();
        let rust = output(program("rustc").arg("--version"))?;
        let processors = fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
        let model = processors
            .lines()
            .find_map(|line| line.strip_prefix("model name")?.split_once(": "));
        Ok(Self {
            cores: thread::available_parallelism().map_or(1, |cores| cores.get()),
            processor: model
                .map_or("a processor without a name", |(_, name)| name)
                .to_owned(),
            kernel: kernel.join("."),
            rust: rust.split(' ').nth(1).unwrap_or_default().to_owned(),
        })
    }

    /// Today's.
    ///
    /// # Errors
    ///
    /// When there is no `date`.
    pub(super) fn date(&self) -> Result<String> {
        output(program("date").args(["-u", "+%F"]))
    }

    /// Gives those that `bench/` depends on their version: `tokio` becomes `tokio 1.54.1`.
    ///
    /// # Errors
    ///
    /// When cargo cannot tell.
    pub(super) fn name_versions(&self, contenders: &mut [String]) -> Result {
        let tree = "tree --locked --manifest-path bench/Cargo.toml --workspace --depth 1 \
                    --edges normal --prefix none --format {p}";
        let tree = output(&mut cargo(tree))?;
        let version = |name: &str| {
            tree.lines().find_map(|line| {
                let (found, rest) = line.split_once(" v")?;
                let version = rest.split(' ').next()?;
                (found == name).then_some(version)
            })
        };
        for contender in contenders {
            if let Some(version) = version(contender) {
                contender.push(' ');
                contender.push_str(version);
            }
        }
        Ok(())
    }
}

impl fmt::Display for Machine {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            cores,
            processor,
            kernel,
            rust,
        } = self;
        write!(
            f,
            "{cores} cores of {processor}, Linux {kernel}, Rust {rust}"
        )
    }
}
