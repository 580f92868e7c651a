//! Text, characters and paths.

use std::ffi::OsString;
use std::path::PathBuf;
use std::sync::Arc;

use crate::decode::{Decoder, Value};
use crate::node::Node;
use crate::schema::Shape;

// === impl String, Box<str>, Arc<str> ===

macro_rules! text {
    ($($ty:ty),*) => {$(
        /// Any text, as it is.
        impl Value for $ty {
            const SHAPE: Shape = Shape::Text("text");

            fn decode(node: &Node, decoder: &mut Decoder) -> Option<Self> {
                Some(decoder.text(node, "text")?.into())
            }
        }
    )*};
}

text!(String, Box<str>, Arc<str>);

// === impl char ===

/// One character.
impl Value for char {
    const SHAPE: Shape = Shape::Text("one character");

    fn decode(node: &Node, decoder: &mut Decoder) -> Option<Self> {
        decoder.parsed(node, "one character", |text| {
            let mut chars = text.chars();
            match (chars.next(), chars.next()) {
                (Some(char), None) => Ok(char),
                _ => Err(""),
            }
        })
    }
}

// === impl PathBuf, OsString ===

macro_rules! system_text {
    ($($ty:ty: $expects:literal),*) => {$(
        /// Any text without a NUL, which no system call would take.
        impl Value for $ty {
            const SHAPE: Shape = Shape::Text($expects);

            fn decode(node: &Node, decoder: &mut Decoder) -> Option<Self> {
                decoder.parsed(node, $expects, |text| match text.find('\0') {
                    Some(at) => Err(format!("a NUL byte at {at}")),
                    None => Ok(text.into()),
                })
            }
        }
    )*};
}

system_text!(PathBuf: "a path", OsString: "text without NUL bytes");
