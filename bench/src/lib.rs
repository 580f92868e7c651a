//! What the tables share. Each of `src/bin` measures one: it tells people on its standard error how
//! far it is, and writes one JSON document to its standard output, a [`Table`]. `cargo xtask bench`
//! runs them and writes `docs/performance.md` from what they say.
//!
//! With `--quick` everything runs, but so shortly that the figures mean nothing.

use std::path::{Path, PathBuf};

mod files;
mod memory;
mod read;
mod rounds;
mod series;
mod stats;
mod table;
mod ten_thousand;

pub use files::read_files;
pub use memory::{Memory, publish};
pub use read::{Clock, Contender, Way};
pub use rounds::Rounds;
pub use series::{Bar, Group, Series};
pub use stats::{median, quantile, ratios};
pub use table::{Check, Table};
pub use ten_thousand::{TEN_THOUSAND, TenThousand, key, on_a_wide_stack, ten_thousand, value};

/// Whether it is to be over in seconds.
#[must_use]
pub fn quick() -> bool {
    std::env::args().any(|arg| arg == "--quick")
}

/// Tells people how far it is.
pub fn say(what: impl std::fmt::Display) {
    eprintln!("{what}");
}

/// A program of `bench/go`, where Go is there and has built it.
#[must_use]
pub fn go_program(name: &str) -> Option<PathBuf> {
    let program = Path::new(&std::env::var_os("RETUNE_BENCH_GO")?).join(name);
    program.is_file().then_some(program)
}
