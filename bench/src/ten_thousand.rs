//! Ten thousand keys, and the types that take them.

use std::error::Error;
use std::thread;

use retune::Retune;

/// As many as a volume of a ConfigMap may have in practice, of one MiB together.
pub const TEN_THOUSAND: usize = 10_000;

/// What a ConfigMap may hold.
const ALL_BYTES: usize = 1 << 20;

macro_rules! ten {
    ($name:ident of $of:ty: $($field:ident)*) => {
        /// Ten of them.
        #[derive(Debug, Retune)]
        pub struct $name {
            $(
                /// One of them.
                pub $field: $of,
            )*
        }
    };
}

ten!(Ten of String: d0 d1 d2 d3 d4 d5 d6 d7 d8 d9);
ten!(Hundred of Ten: c0 c1 c2 c3 c4 c5 c6 c7 c8 c9);
ten!(Thousand of Hundred: b0 b1 b2 b3 b4 b5 b6 b7 b8 b9);
ten!(TenThousand of Thousand: a0 a1 a2 a3 a4 a5 a6 a7 a8 a9);

/// The name of a key, which is that of a field of [`TenThousand`].
#[must_use]
pub fn key(i: usize) -> String {
    let digit = |place: usize| i / place % 10;
    let (a, b, c, d) = (digit(1000), digit(100), digit(10), digit(1));
    format!("a{a}-b{b}-c{c}-d{d}")
}

/// A value, such that all of them are one MiB.
#[must_use]
pub fn value(i: usize, round: usize) -> String {
    let mut text = format!("value {i} of round {round} ");
    while text.len() < ALL_BYTES / TEN_THOUSAND {
        text.push_str("and so on ");
    }
    text.truncate(ALL_BYTES / TEN_THOUSAND);
    text.trim_end().to_owned()
}

/// All of them.
#[must_use]
pub fn ten_thousand(round: usize) -> Vec<(String, String)> {
    let keys = 0..TEN_THOUSAND;
    keys.map(|i| (key(i), value(i, round))).collect()
}

/// Where a [`TenThousand`] fits on the stack: a quarter of a megabyte, which is moved many times where nothing is
/// optimised.
const WIDE_STACK: usize = 256 << 20;

/// Runs it on a thread of its own that has room for a [`TenThousand`].
///
/// # Errors
///
/// What it fails with; that no thread is to be had.
pub fn on_a_wide_stack(work: fn() -> Result<(), Box<dyn Error>>) -> Result<(), Box<dyn Error>> {
    let work = move || work().map_err(|error| error.to_string());
    let thread = thread::Builder::new().stack_size(WIDE_STACK).spawn(work)?;
    Ok(thread.join().map_err(|_| "it has panicked")??)
}
