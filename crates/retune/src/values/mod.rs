//! Values of `std` and of retune: how each is written as text or in a document.
//!
//! Text is taken as it is for text, paths, regular expressions and bytes. Everything else is trimmed of blanks first. A
//! scalar may be quoted in its document, also where it is a number: values that went through a
//! template or a variable often are.

mod bool;
mod choice;
mod collections;
mod duration;
mod float;
mod integer;
#[cfg(any(feature = "check", feature = "tracing-subscriber"))]
pub(crate) mod log;
mod net;
#[cfg(feature = "regex")]
mod regex;
mod rotating;
mod serde;
mod size;
mod string;
mod token;
#[cfg(feature = "url")]
mod url;
mod wrappers;

#[cfg(test)]
mod derived;

#[cfg(test)]
pub(crate) mod testing;

pub(crate) use self::bool::parse as bool_of;
pub use self::rotating::rotating;
pub use self::serde::by_serde;
pub(crate) use self::serde::deserialize;
pub use self::size::ByteSize;
pub use self::token::Token;
pub use self::wrappers::{content, is_secret, optional, secret};
