//! Refuses, at compile time, two fields that answer to one name outside.
//!
//! Within a struct the macro sees that itself. Across nesting only the finished tables can tell:
//! `db.host_name` and `db_host.name` are both `DB_HOST_NAME`. All names are hashed as if written
//! flat, and sorted: comparing each with each would reach the compiler's limit on evaluation at
//! some 300 fields.

use crate::name::{HASH_START, hash};
use crate::schema::{Field, Schema, Shape};

/// One name of one field, with the names above it.
#[derive(Clone, Copy)]
struct Name {
    hash: u64,
    /// The field, for the message; its name or alias that is meant here.
    field: &'static str,
    written: &'static str,
    /// Index of the name of the struct that holds the field.
    parent: Option<usize>,
}

/// All names of a schema.
struct Names<const N: usize> {
    all: [Name; N],
    length: usize,
}

/// How many names there are, aliases of nested structs multiplied.
#[must_use]
pub const fn count_names(schema: &'static Schema) -> usize {
    let mut count = 0;
    let mut i = 0;
    while i < schema.fields.len() {
        let field = &schema.fields[i];
        let nested = match structure(&field.shape) {
            Some(nested) => count_names(nested),
            None => 0,
        };
        count += (1 + field.aliases.len()) * (1 + nested);
        i += 1;
    }
    count
}

/// Panics, in a constant and so at compile time, when two of a schema's `N` names are one.
#[allow(clippy::panic)]
pub const fn refuse_collisions<const N: usize>(schema: &'static Schema) {
    let empty = Name {
        hash: 0,
        field: "",
        written: "",
        parent: None,
    };
    let mut names = Names {
        all: [empty; N],
        length: 0,
    };
    names.collect(schema, None, HASH_START);
    let order = names.sorted();
    let mut start = 0;
    while start < N {
        // Equal hashes are compared letter by letter; there are hardly ever more than two.
        let mut other = start + 1;
        while other < N && names.all[order[start]].hash == names.all[order[other]].hash {
            if names.same_letters(order[start], order[other]) {
                let message = names.message(order[start], order[other]);
                panic!("{}", message.text());
            }
            other += 1;
        }
        start += 1;
    }
}

const fn structure(shape: &Shape) -> Option<&'static Schema> {
    match shape.inner() {
        Shape::Struct(schema) => Some(schema),
        _ => None,
    }
}

// === impl Names ===

impl<const N: usize> Names<N> {
    const fn collect(&mut self, schema: &'static Schema, parent: Option<usize>, above: u64) {
        let mut i = 0;
        while i < schema.fields.len() {
            let field = &schema.fields[i];
            self.add(field, field.outside, parent, above);
            let mut a = 0;
            while a < field.aliases.len() {
                self.add(field, field.aliases[a].name, parent, above);
                a += 1;
            }
            i += 1;
        }
    }

    const fn add(
        &mut self,
        field: &'static Field,
        written: &'static str,
        parent: Option<usize>,
        above: u64,
    ) {
        let hash = hash(above, written);
        let index = self.length;
        self.all[index] = Name {
            hash,
            field: field.name,
            written,
            parent,
        };
        self.length += 1;
        if let Some(nested) = structure(&field.shape) {
            self.collect(nested, Some(index), hash);
        }
    }

    /// Indices in the order of their hashes, by a merge sort from the bottom up.
    const fn sorted(&self) -> [usize; N] {
        let mut order = [0; N];
        let mut i = 0;
        while i < N {
            order[i] = i;
            i += 1;
        }
        let mut width = 1;
        while width < N {
            let mut merged = [0; N];
            let mut start = 0;
            while start < N {
                let middle = min(start + width, N);
                let end = min(start + 2 * width, N);
                let (mut left, mut right, mut to) = (start, middle, start);
                while to < end {
                    let take_left = left < middle
                        && (right >= end
                            || self.all[order[left]].hash <= self.all[order[right]].hash);
                    if take_left {
                        merged[to] = order[left];
                        left += 1;
                    } else {
                        merged[to] = order[right];
                        right += 1;
                    }
                    to += 1;
                }
                start = end;
            }
            order = merged;
            width *= 2;
        }
        order
    }

    const fn same_letters(&self, a: usize, b: usize) -> bool {
        let (a, b) = (self.letters(a), self.letters(b));
        if a.length != b.length {
            return false;
        }
        let mut i = 0;
        while i < a.length {
            if a.bytes[i] != b.bytes[i] {
                return false;
            }
            i += 1;
        }
        true
    }

    /// A whole name as it is compared.
    const fn letters(&self, index: usize) -> Message {
        let mut message = match self.all[index].parent {
            Some(parent) => self.letters(parent),
            None => Message::new(),
        };
        let written = self.all[index].written.as_bytes();
        let mut i = 0;
        while i < written.len() {
            if !matches!(written[i], b'_' | b'-' | b'.' | b' ') {
                message.push(written[i].to_ascii_lowercase());
            }
            i += 1;
        }
        message
    }

    const fn message(&self, a: usize, b: usize) -> Message {
        let (first, second) = if a < b { (a, b) } else { (b, a) };
        let mut message = Message::new();
        message.add("`");
        self.add_path(&mut message, first);
        message.add("` and `");
        self.add_path(&mut message, second);
        message.add("` are both `");
        self.add_variable(&mut message, first);
        message.add("` outside; rename one with `#[retune(rename = \"…\")]`");
        message
    }

    /// The path in code, each alias that plays a part in parentheses.
    const fn add_path(&self, message: &mut Message, index: usize) {
        let name = &self.all[index];
        if let Some(parent) = name.parent {
            self.add_path(message, parent);
            message.add(".");
        }
        message.add(name.field);
        if !equal(name.field, name.written) {
            message.add(" (");
            message.add(name.written);
            message.add(")");
        }
    }

    const fn add_variable(&self, message: &mut Message, index: usize) {
        if let Some(parent) = self.all[index].parent {
            self.add_variable(message, parent);
            message.add("_");
        }
        let written = self.all[index].written.as_bytes();
        let mut i = 0;
        while i < written.len() {
            let byte = written[i];
            message.push(match byte {
                b'-' | b'.' | b' ' => b'_',
                _ => byte.to_ascii_uppercase(),
            });
            i += 1;
        }
    }
}

/// A text that a constant can build. What does not fit is left off.
struct Message {
    bytes: [u8; 1024],
    length: usize,
}

// === impl Message ===

impl Message {
    const fn new() -> Self {
        Self {
            bytes: [0; 1024],
            length: 0,
        }
    }

    const fn push(&mut self, byte: u8) {
        if self.length < self.bytes.len() {
            self.bytes[self.length] = byte;
            self.length += 1;
        }
    }

    const fn add(&mut self, text: &str) {
        let bytes = text.as_bytes();
        let mut i = 0;
        while i < bytes.len() {
            self.push(bytes[i]);
            i += 1;
        }
    }

    const fn text(&self) -> &str {
        match std::str::from_utf8(self.bytes.split_at(self.length).0) {
            Ok(text) => text,
            Err(_) => "two fields have one name outside",
        }
    }
}

const fn equal(a: &str, b: &str) -> bool {
    let (a, b) = (a.as_bytes(), b.as_bytes());
    if a.len() != b.len() {
        return false;
    }
    let mut i = 0;
    while i < a.len() {
        if a[i] != b[i] {
            return false;
        }
        i += 1;
    }
    true
}

const fn min(a: usize, b: usize) -> usize {
    if a < b { a } else { b }
}
