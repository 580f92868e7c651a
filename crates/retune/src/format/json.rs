//! JSON (RFC 8259), strictly: one pass that keeps every place.

use std::borrow::Cow;
use std::collections::HashMap;
use std::sync::Arc;

use super::{DEEPEST, MOST_PROBLEMS, character, duplicate, too_deep};
use crate::node::{Entry, Node, NodeValue};
use crate::origin::Origin;
use crate::problem::Problem;

struct Parser<'a> {
    content: &'a str,
    base: &'a Origin,
    at: usize,
    /// Those that do not keep the rest from being read.
    problems: Vec<Problem>,
}

pub(super) fn read(content: &str, base: &Origin) -> Result<Option<Node>, Vec<Problem>> {
    let mut parser = Parser {
        content,
        base,
        at: 0,
        problems: Vec::new(),
    };
    parser.space();
    if parser.peek().is_none() {
        return Ok(None);
    }
    match parser.document() {
        Ok(node) if parser.problems.is_empty() => Ok(Some(node)),
        Ok(_) => Err(parser.problems),
        Err(problem) => {
            parser.problems.push(problem);
            Err(parser.problems)
        }
    }
}

// === impl Parser ===

impl<'a> Parser<'a> {
    fn document(&mut self) -> Result<Node, Problem> {
        let node = self.value(1)?;
        self.space();
        match self.peek() {
            None => Ok(node),
            Some(_) => Err(self.expected("the end of the document")),
        }
    }

    fn value(&mut self, depth: usize) -> Result<Node, Problem> {
        let start = self.at;
        let value = match self.peek() {
            Some(b'{') => self.map(depth)?,
            Some(b'[') => self.list(depth)?,
            Some(b'"') => {
                let text = self.string()?;
                let text = self.base.share(self.content, text);
                NodeValue::Text { text, quoted: true }
            }
            Some(b'-' | b'0'..=b'9') => self.number()?,
            Some(b'a'..=b'z') => self.word()?,
            _ => return Err(self.expected("a value")),
        };
        Ok(Node::new(value, self.base.part(start..self.at)))
    }

    fn map(&mut self, depth: usize) -> Result<NodeValue, Problem> {
        let mut entries = Vec::new();
        let mut keys: HashMap<Arc<str>, Origin> = HashMap::new();
        self.items(depth, b'}', "`,` or `}`", |parser| {
            let start = parser.at;
            if parser.peek() != Some(b'"') {
                return Err(parser.expected("a key in double quotes"));
            }
            let key: Arc<str> = parser.string()?.into();
            let key_origin = parser.base.part(start..parser.at);
            parser.space();
            if !parser.eat(b':') {
                return Err(parser.expected("`:`"));
            }
            parser.space();
            let node = parser.value(depth + 1)?;
            if let Some(first) = keys.get(&key) {
                if parser.problems.len() < MOST_PROBLEMS {
                    parser.problems.push(duplicate(&key, first, key_origin));
                }
            } else {
                keys.insert(key.clone(), key_origin.clone());
                entries.push(Entry {
                    key,
                    key_origin,
                    hidden: false,
                    node,
                });
            }
            Ok(())
        })?;
        Ok(NodeValue::Map(entries))
    }

    fn list(&mut self, depth: usize) -> Result<NodeValue, Problem> {
        let mut items = Vec::new();
        self.items(depth, b']', "`,` or `]`", |parser| {
            items.push(parser.value(depth + 1)?);
            Ok(())
        })?;
        Ok(NodeValue::List(items))
    }

    /// What stands between two brackets, separated by commas.
    fn items(
        &mut self,
        depth: usize,
        close: u8,
        next: &str,
        mut item: impl FnMut(&mut Self) -> Result<(), Problem>,
    ) -> Result<(), Problem> {
        if depth > DEEPEST {
            return Err(too_deep(self.base, character(self.content, self.at)));
        }
        self.at += 1;
        self.space();
        if self.eat(close) {
            return Ok(());
        }
        loop {
            item(self)?;
            self.space();
            if self.eat(close) {
                return Ok(());
            }
            let comma = self.at;
            if !self.eat(b',') {
                return Err(self.expected(next));
            }
            self.space();
            if self.peek() == Some(close) {
                return Err(self.problem(comma, "JSON allows no comma after the last item"));
            }
        }
    }

    fn string(&mut self) -> Result<Cow<'a, str>, Problem> {
        let open = self.at;
        self.at += 1;
        let mut text = Cow::Borrowed("");
        loop {
            let rest = self.rest();
            let plain = rest.find(['"', '\\', '\n', '\r']).unwrap_or(rest.len());
            let part = rest.get(..plain).unwrap_or_default();
            if let Some(control) = part.find(|c| c < ' ') {
                let message = "a control character in a string must be escaped";
                return Err(self.problem(self.at + control, message));
            }
            self.at += plain;
            match self.peek() {
                Some(b'"') => {
                    self.at += 1;
                    text += part;
                    return Ok(text);
                }
                Some(b'\\') => {
                    if let Cow::Borrowed(_) = text {
                        // With room for all of it: what grows leaves copies behind.
                        let length = super::quoted_length(rest, '"');
                        text = Cow::Owned(String::with_capacity(length));
                    }
                    let text = text.to_mut();
                    text.push_str(part);
                    text.push(self.escape()?);
                }
                _ => {
                    return Err(self
                        .problem(open, "the string is not closed before its line ends")
                        .with_help("a line break within a string is written `\\n`"));
                }
            }
        }
    }

    fn escape(&mut self) -> Result<char, Problem> {
        let start = self.at;
        let code = self.content.as_bytes().get(start + 1).copied();
        self.at += 2;
        let character = match code {
            Some(c @ (b'"' | b'\\' | b'/')) => Some(char::from(c)),
            Some(b'b') => Some('\u{8}'),
            Some(b'f') => Some('\u{c}'),
            Some(b'n') => Some('\n'),
            Some(b'r') => Some('\r'),
            Some(b't') => Some('\t'),
            Some(b'u') => self.unicode(),
            _ => None,
        };
        character.ok_or_else(|| self.problem(start, "an unknown or broken escape in a string"))
    }

    /// The digits after `\u`; characters beyond 16 bits are written as two such escapes.
    fn unicode(&mut self) -> Option<char> {
        let high = self.hex()?;
        if !(0xd800..0xdc00).contains(&high) {
            return char::from_u32(high);
        }
        self.at += self
            .content
            .get(self.at..)?
            .starts_with("\\u")
            .then_some(2)?;
        let low = self.hex()?.checked_sub(0xdc00)?;
        char::from_u32(0x1_0000 + ((high - 0xd800) << 10) + Some(low).filter(|low| *low < 0x400)?)
    }

    fn hex(&mut self) -> Option<u32> {
        let digits = self.content.get(self.at..self.at + 4)?;
        self.at += 4;
        let all = digits.bytes().all(|b| b.is_ascii_hexdigit());
        all.then(|| u32::from_str_radix(digits, 16).ok())?
    }

    /// A number, kept as it is written.
    fn number(&mut self) -> Result<NodeValue, Problem> {
        let start = self.at;
        self.eat(b'-');
        if !self.eat(b'0') && self.digits() == 0 {
            return Err(self.expected("a digit"));
        }
        if self.eat(b'.') && self.digits() == 0 {
            return Err(self.expected("a digit"));
        }
        if self.eat(b'e') || self.eat(b'E') {
            let _signed = self.eat(b'+') || self.eat(b'-');
            if self.digits() == 0 {
                return Err(self.expected("a digit"));
            }
        }
        if self.peek().is_some_and(|b| b.is_ascii_alphanumeric()) {
            return Err(self.problem(start, "not a number as JSON writes it"));
        }
        Ok(self.plain(start))
    }

    fn digits(&mut self) -> usize {
        let start = self.at;
        while self.peek().is_some_and(|b| b.is_ascii_digit()) {
            self.at += 1;
        }
        self.at - start
    }

    fn word(&mut self) -> Result<NodeValue, Problem> {
        let start = self.at;
        while self.peek().is_some_and(|b| b.is_ascii_alphanumeric()) {
            self.at += 1;
        }
        match self.content.get(start..self.at) {
            Some("null") => Ok(NodeValue::Null),
            Some("true" | "false") => Ok(self.plain(start)),
            _ => Err(self.problem(start, "text needs double quotes in JSON")),
        }
    }

    fn plain(&self, start: usize) -> NodeValue {
        let text = self.content.get(start..self.at).unwrap_or_default();
        NodeValue::Text {
            text: self.base.share(self.content, text.into()),
            quoted: false,
        }
    }

    fn space(&mut self) {
        while matches!(self.peek(), Some(b' ' | b'\t' | b'\n' | b'\r')) {
            self.at += 1;
        }
    }

    fn rest(&self) -> &'a str {
        self.content.get(self.at..).unwrap_or_default()
    }

    fn peek(&self) -> Option<u8> {
        self.content.as_bytes().get(self.at).copied()
    }

    fn eat(&mut self, byte: u8) -> bool {
        let found = self.peek() == Some(byte);
        self.at += usize::from(found);
        found
    }

    fn problem(&self, at: usize, message: &str) -> Problem {
        Problem::new("", message).at(self.base.part(character(self.content, at)))
    }

    fn expected(&self, what: &str) -> Problem {
        let Some(found) = self.peek() else {
            return self.problem(
                self.at,
                &format!("the document ends where {what} is expected"),
            );
        };
        let problem = self.problem(self.at, &format!("expected {what}"));
        match found {
            b'\'' => problem.with_help("JSON takes double quotes only"),
            b'/' | b'#' => problem.with_help("JSON has no comments"),
            _ => problem,
        }
    }
}
