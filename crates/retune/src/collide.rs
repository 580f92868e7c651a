//! Refuses, at compile time, two fields that answer to one name outside.
//!
//! Within a struct the macro sees that itself. Across nesting only the finished tables can tell:
//! `db.host_name` and `db_host.name` are both `DB_HOST_NAME`. All names are hashed as if written
//! flat, and sorted: comparing each with each would reach the compiler's limit on evaluation at
//! some 300 fields.

use crate::name::{HASH_START, hash};
use crate::rotating::{CURRENT, PREVIOUS};
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
        let shape = field.shape.current();
        let nested = match structure(shape) {
            Some(nested) => count_names(nested),
            None => 0,
        };
        let names = match field.shape.rotating() {
            // Itself, and what is `current` and `previous` in it.
            Some(_) => 3 * (1 + nested),
            None => 1 + nested,
        };
        count += (1 + field.aliases.len()) * names;
        i += 1;
    }
    count
}

/// Panics, in a constant and so at compile time, when two of a schema's `N` names are one.
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
        let nested = structure(field.shape.current());
        if let Some(nested) = nested {
            self.collect(nested, Some(index), hash);
        }
        if field.shape.rotating().is_some() {
            self.add_part(CURRENT, nested, index, hash);
            self.add_part(PREVIOUS, nested, index, hash);
        }
    }

    /// What is current of a pair, or was before it.
    const fn add_part(
        &mut self,
        part: &'static str,
        nested: Option<&'static Schema>,
        parent: usize,
        above: u64,
    ) {
        let hash = hash(above, part);
        let index = self.length;
        self.all[index] = Name {
            hash,
            field: part,
            written: part,
            parent: Some(parent),
        };
        self.length += 1;
        if let Some(nested) = nested {
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
pub(crate) struct Message {
    bytes: [u8; 1024],
    length: usize,
}

// === impl Message ===

impl Message {
    pub(crate) const fn new() -> Self {
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

    pub(crate) const fn add(&mut self, text: &str) {
        let bytes = text.as_bytes();
        let mut i = 0;
        while i < bytes.len() {
            self.push(bytes[i]);
            i += 1;
        }
    }

    pub(crate) const fn text(&self) -> &str {
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Retune;

    macro_rules! group {
        ($($field:ident)*) => {
            #[allow(dead_code)]
            #[derive(Retune)]
            struct Group {
                $($field: Option<u16>,)*
            }
        };
    }

    group! {
        a0 a1 a2 a3 a4 a5 a6 a7 a8 a9 b0 b1 b2 b3 b4 b5 b6 b7 b8 b9
        c0 c1 c2 c3 c4 c5 c6 c7 c8 c9 d0 d1 d2 d3 d4 d5 d6 d7 d8 d9
        e0 e1 e2 e3 e4 e5 e6 e7 e8 e9 f0 f1 f2 f3 f4 f5 f6 f7 f8 f9
        g0 g1 g2 g3 g4 g5 g6 g7 g8 g9 h0 h1 h2 h3 h4 h5 h6 h7 h8 h9
        i0 i1 i2 i3 i4 i5 i6 i7 i8 i9 j0 j1 j2 j3 j4 j5 j6 j7 j8 j9
    }

    #[allow(dead_code)]
    #[derive(Retune)]
    struct Many {
        the_first_of_the_groups_of_fields: Group,
        the_second_of_the_groups_of_fields: Box<Group>,
        #[retune(alias = "the_other_name_of_the_third_group")]
        the_third_of_the_groups_of_fields: Option<Group>,
        the_fourth_of_the_groups_of_fields: Group,
        // Not looked into: their keys are no names of fields.
        more: Vec<Group>,
        and_more: std::collections::BTreeMap<String, Group>,
    }

    // That this compiles is the test: the compiler limits how long a constant may take.
    #[test]
    fn five_hundred_names_are_no_problem() {
        assert_eq!(count_names(Many::SCHEMA), 5 * 101 + 2);
    }

    fn refusal<const N: usize>(fields: &'static [Field]) -> String {
        let schema: &'static Schema = Box::leak(Box::new(Schema::new("Test", "", fields)));
        let panic = std::panic::catch_unwind(|| refuse_collisions::<N>(schema)).unwrap_err();
        panic.downcast_ref::<String>().cloned().unwrap_or_default()
    }

    const LEAF: Shape = Shape::Text(crate::grammar::Grammar::Text);

    #[test]
    fn d17_names_that_are_one_flat_name_are_told_by_their_paths() {
        const DB: &Schema = &Schema::new("Db", "", &[Field::new("host_name", "", LEAF)]);
        const FIELDS: &[Field] = &[
            Field::new("db", "", Shape::Optional(&Shape::Struct(DB))),
            Field::new("z", "", LEAF),
            Field::new("port", "", LEAF).outside("db-HostName"),
        ];
        assert_eq!(
            refusal::<4>(FIELDS),
            "`db.host_name` and `port (db-HostName)` are both `DB_HOST_NAME` outside; rename one \
             with `#[retune(rename = \"…\")]`"
        );
    }

    #[test]
    fn a_file_beside_its_value_is_no_collision() {
        const FIELDS: &[Field] = &[
            Field::new("cert", "", LEAF),
            Field::new("cert_file", "", LEAF),
        ];
        const SCHEMA: &Schema = &Schema::new("Tls", "", FIELDS);
        refuse_collisions::<2>(SCHEMA);
    }

    #[test]
    fn equal_hashes_of_different_letters_are_no_collision() {
        let name = |written| Name {
            hash: 7,
            field: written,
            written,
            parent: None,
        };
        let names = Names {
            all: [name("one"), name("two")],
            length: 2,
        };
        assert!(!names.same_letters(0, 1));
        let names = Names {
            all: [name("one_1"), name("ONE-1")],
            length: 2,
        };
        assert!(names.same_letters(0, 1));
    }

    #[test]
    fn names_are_sorted_by_hash() {
        let name = |hash| Name {
            hash,
            field: "",
            written: "",
            parent: None,
        };
        let hashes = [5, 3, 9, 1, 3, 8, 2, 7, 0, 6, 4];
        let names = Names {
            all: hashes.map(name),
            length: hashes.len(),
        };
        let sorted = names.sorted().map(|index| hashes[index]);
        assert_eq!(sorted, [0, 1, 2, 3, 3, 4, 5, 6, 7, 8, 9]);
    }
}
