//! `cargo demo`.

use crate::Result;

pub(crate) fn run() -> Result {
    Err("the demo is not built yet".into())
}
