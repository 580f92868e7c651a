//! Text, characters and paths.

use std::ffi::OsString;
use std::path::PathBuf;
use std::sync::Arc;

use zeroize::Zeroize;

use crate::decode::{Decoder, Value};
use crate::grammar::Grammar;
use crate::node::Node;
use crate::schema::Shape;

// === impl String, Box<str>, Arc<str> ===

macro_rules! text {
    ($($ty:ty, $wipes:literal, $wipe:expr;)*) => {$(
        /// Any text, as it is.
        impl Value for $ty {
            const SHAPE: Shape = Shape::Text(Grammar::Text);
            const WIPES: bool = $wipes;

            fn decode(node: &Node, decoder: &mut Decoder) -> Option<Self> {
                Some(decoder.text(node, &Grammar::Text.expects())?.into())
            }

            fn wipe(&mut self) {
                $wipe(self);
            }
        }
    )*};
}

text! {
    String, true, String::zeroize;
    Box<str>, true, |text: &mut Self| text.as_mut().zeroize();
    // Others may hold it.
    Arc<str>, false, |text: &mut Self| Self::get_mut(text).into_iter().for_each(str::zeroize);
}

// === impl char ===

/// One character.
impl Value for char {
    const SHAPE: Shape = Shape::Text(Grammar::Char);

    fn decode(node: &Node, decoder: &mut Decoder) -> Option<Self> {
        decoder.written(node, &Grammar::Char, |text| {
            let mut chars = text.chars();
            match (chars.next(), chars.next()) {
                (Some(char), None) => Ok(char),
                _ => Err(""),
            }
        })
    }

    fn wipe(&mut self) {
        self.zeroize();
    }
}

// === impl PathBuf, OsString ===

macro_rules! system_text {
    ($($ty:ty: $grammar:expr),*) => {$(
        /// Any text without a NUL, which no system call would take.
        impl Value for $ty {
            const SHAPE: Shape = Shape::Text($grammar);
            const WIPES: bool = true;

            fn decode(node: &Node, decoder: &mut Decoder) -> Option<Self> {
                decoder.written(node, &$grammar, |text| match text.find('\0') {
                    Some(at) => Err(format!("a NUL byte at {at}")),
                    None => Ok(text.into()),
                })
            }

            fn wipe(&mut self) {
                // The same buffer, by other names.
                let text = OsString::from(std::mem::take(self));
                text.into_encoded_bytes().zeroize();
            }
        }
    )*};
}

system_text!(PathBuf: Grammar::FilePath, OsString: Grammar::NoNul);

#[cfg(test)]
mod tests {
    use super::super::testing::{decode, env, file, list, refusal, scalar};
    use super::*;

    fn text(node: Node) -> String {
        decode(node).unwrap()
    }

    #[test]
    fn d1_a_file_loses_one_final_newline() {
        assert_eq!(text(file("info\n")), "info");
        assert_eq!(text(file("info")), "info");
        assert_eq!(text(file("info\n\n")), "info\n");
        assert_eq!(text(file(" info \n")), " info ");
        assert_eq!(decode::<char>(file(",\n")).unwrap(), ',');
        assert_eq!(
            decode::<PathBuf>(file("/etc/app\n")).unwrap(),
            PathBuf::from("/etc/app")
        );
    }

    #[test]
    fn d1_a_newline_from_elsewhere_stays() {
        assert_eq!(text(env("info\n")), "info\n");
        assert_eq!(text(scalar("info\n", true)), "info\n");
    }

    #[test]
    fn d3_a_byte_order_mark_and_crlf_are_no_text() {
        assert_eq!(text(file("\u{feff}one\r\ntwo\r\n")), "one\ntwo");
        let bytes: Vec<u8> = decode(file("\u{feff}one\r\n")).unwrap();
        assert_eq!(bytes, "\u{feff}one\r\n".as_bytes());
    }

    #[test]
    fn d4_invalid_utf8_is_refused_with_its_place() {
        let refusal = refusal::<String>(file(b"ab\xff\xfe"));
        assert!(
            refusal.starts_with("/etc/app/x:1:1: not UTF-8 at byte 2"),
            "{refusal}"
        );
        assert!(refusal.contains("`Vec<u8>`"), "{refusal}");
    }

    #[test]
    fn d5_a_nul_byte_is_text_but_no_path_and_no_argument() {
        assert_eq!(text(file("a\0b")), "a\0b");
        assert!(refusal::<PathBuf>(file("/etc\0/app")).contains("a NUL byte at 4"));
        assert!(refusal::<OsString>(env("a\0")).contains("a NUL byte at 1"));
    }

    #[test]
    fn d6_an_empty_value_is_a_value() {
        assert_eq!(text(env("")), "");
        assert_eq!(text(file("\n")), "");
        assert_eq!(
            decode::<Option<String>>(env("")).unwrap(),
            Some(String::new())
        );
        assert!(refusal::<Option<u16>>(env("")).contains("found \"\""));
    }

    #[test]
    fn d12_text_that_looks_like_something_else_stays_text() {
        for plain in [
            "no",
            "on",
            "1e3",
            "012",
            "~",
            "null",
            "0x10",
            "2026-11-20",
            "1.10",
        ] {
            assert_eq!(text(scalar(plain, false)), plain);
            assert_eq!(text(env(plain)), plain);
        }
    }

    #[test]
    fn a_character_is_one_character() {
        assert_eq!(decode::<char>(env("µ")).unwrap(), 'µ');
        for wrong in ["", "ab"] {
            assert!(refusal::<char>(env(wrong)).contains("expected one character"));
        }
    }

    #[test]
    fn other_shapes_are_no_text() {
        assert!(refusal::<String>(list([])).contains("expected text, found a list"));
        assert_eq!(&*decode::<Box<str>>(env("a")).unwrap(), "a");
        assert_eq!(&*decode::<Arc<str>>(env("a")).unwrap(), "a");
    }
}
