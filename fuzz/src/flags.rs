//! Command lines.

use retune::Retune;

use crate::every_shape::Every;
use crate::told::hold;

/// A command line, an argument a line.
pub fn flags(data: &[u8]) {
    let Ok(text) = std::str::from_utf8(data) else {
        return;
    };
    let arguments = ["fuzz"].into_iter().chain(text.lines());
    let loader = Every::loader().set("text", "a").set("key", "k");
    if let Err(error) = loader.args(arguments).once() {
        hold(&error);
    }
}
