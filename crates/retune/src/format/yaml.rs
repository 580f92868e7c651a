//! YAML 1.2, from the parser's events; scalars stay text.

mod map;

use std::borrow::Cow;
use std::collections::HashMap;
use std::ops::Range;

use granit_parser::{ErrorKind, Event, Parser, ScalarStyle, ScanError, Tag};

use self::map::Map;
use super::{DEEPEST, MOST_PROBLEMS, character, too_deep};
use crate::node::{Node, NodeValue};
use crate::origin::Origin;
use crate::problem::Problem;

/// How many values aliases may repeat in one document. What a document writes out is bounded by its
/// own size; what it repeats is not.
const MOST_REPEATED: usize = 100_000;

struct Builder<'a> {
    content: &'a str,
    base: &'a Origin,
    /// The lists and maps that are open, the innermost last.
    open: Vec<Open>,
    root: Option<Node>,
    anchors: HashMap<usize, Anchored>,
    repeated: usize,
    problems: Vec<Problem>,
}

/// A list or map whose end has not come yet.
struct Open {
    content: Content,
    anchor: usize,
    brackets: bool,
    /// Its place so far: a block ends where its last value does.
    range: Range<usize>,
}

enum Content {
    List(Vec<Node>),
    Map(Map),
}

/// A node that aliases may repeat.
struct Anchored {
    node: Node,
    /// Values in it, itself counted.
    size: usize,
    /// Levels of lists and maps in it.
    height: usize,
}

pub(super) fn read(content: &str, base: &Origin) -> Result<Option<Node>, Vec<Problem>> {
    let mut builder = Builder {
        content,
        base,
        open: Vec::new(),
        root: None,
        anchors: HashMap::new(),
        repeated: 0,
        problems: Vec::new(),
    };
    if let Err(problem) = builder.build() {
        builder.problems.push(problem);
    }
    if builder.problems.is_empty() {
        Ok(builder.root)
    } else {
        Err(builder.problems)
    }
}

// === impl Builder ===

impl Builder<'_> {
    fn build(&mut self) -> Result<(), Problem> {
        let options = granit_parser::options! {
            flow_nesting_limit: DEEPEST,
            block_nesting_limit: DEEPEST,
        };
        let mut documents = 0;
        for event in Parser::new_from_str_with_options(self.content, options) {
            let (event, span) = event.map_err(|error| self.syntax(&error))?;
            let range = self.within(span.byte_range().unwrap_or_default());
            match event {
                Event::DocumentStart(..) => {
                    documents += 1;
                    if documents > 1 {
                        return Err(self
                            .problem(range, "a second document begins here")
                            .with_help("one file or key holds one document: remove this `---`"));
                    }
                }
                Event::Scalar(text, style, anchor, tag) => {
                    self.scalar(text, style, anchor, tag.as_deref(), range)?;
                }
                Event::SequenceStart(_, anchor, tag) => {
                    self.start(Content::List(Vec::new()), anchor, tag.as_deref(), range)?;
                }
                Event::MappingStart(_, anchor, tag) => {
                    self.start(Content::Map(Map::default()), anchor, tag.as_deref(), range)?;
                }
                Event::SequenceEnd | Event::MappingEnd => self.end(range)?,
                Event::Alias(anchor) => self.alias(anchor, range)?,
                _ => {}
            }
            if self.problems.len() >= MOST_PROBLEMS {
                break;
            }
        }
        Ok(())
    }

    fn scalar(
        &mut self,
        text: Cow<'_, str>,
        style: ScalarStyle,
        anchor: usize,
        tag: Option<&Tag>,
        mut range: Range<usize>,
    ) -> Result<(), Problem> {
        // The parser says `~` for a value that is not there.
        let text = if range.is_empty() && style == ScalarStyle::Plain {
            Cow::Borrowed("")
        } else {
            text
        };
        if matches!(style, ScalarStyle::Literal | ScalarStyle::Folded) {
            let block = self.content.get(range.clone()).unwrap_or_default();
            range.end = range.start + block.trim_end().len();
        }
        let plain = style == ScalarStyle::Plain;
        let (quoted, null) = match self.core_tag(tag, &range) {
            Some("str") => (true, false),
            Some("null") => (false, true),
            Some("bool" | "int" | "float") => (false, false),
            _ => (
                !plain,
                plain && matches!(&*text, "" | "~" | "null" | "Null" | "NULL"),
            ),
        };
        let value = if null {
            NodeValue::Null
        } else {
            NodeValue::Text {
                text: self.base.share(self.content, text),
                quoted,
            }
        };
        if self.open.is_empty() && null && range.is_empty() {
            return Ok(());
        }
        let node = Node::new(value, self.base.part(range.clone()));
        self.complete(node, anchor, range)
    }

    /// The name of a tag of YAML's own; any other is a problem.
    fn core_tag<'t>(&mut self, tag: Option<&'t Tag>, range: &Range<usize>) -> Option<&'t str> {
        let tag = tag?;
        // A lone `!` says "not a plain scalar's guess", which is text.
        if tag.handle().is_empty() && tag.suffix() == "!" {
            return Some("str");
        }
        if tag.core_suffix().is_none() {
            let problem = self
                .problem(range.clone(), "a tag that is not one of YAML's own")
                .with_help("remove the `!…` before the value: the program's type says what it is");
            self.problems.push(problem);
        }
        tag.core_suffix()
    }

    fn start(
        &mut self,
        content: Content,
        anchor: usize,
        tag: Option<&Tag>,
        mut range: Range<usize>,
    ) -> Result<(), Problem> {
        self.core_tag(tag, &range);
        if self.open.len() >= DEEPEST {
            return Err(too_deep(self.base, range));
        }
        // A block, and the one pair of `[a: 1]`, begin without a sign of their own.
        let brackets = !range.is_empty();
        let in_map = matches!(
            self.open.last(),
            Some(Open {
                content: Content::Map(_),
                ..
            })
        );
        if matches!(content, Content::List(_)) && in_map && !brackets {
            // A list no deeper than its key begins, for the parser, with its first item.
            let before = self
                .content
                .get(..range.start)
                .unwrap_or_default()
                .trim_end_matches(' ');
            range.start = before.strip_suffix('-').map_or(range.start, str::len);
        }
        self.open.push(Open {
            content,
            anchor,
            brackets,
            range,
        });
        Ok(())
    }

    fn end(&mut self, close: Range<usize>) -> Result<(), Problem> {
        let Some(open) = self.open.pop() else {
            return Ok(());
        };
        let mut range = open.range;
        // Only a bracket has a place of its own; a block's end lies somewhere behind it.
        if open.brackets {
            range.end = close.end;
        }
        let value = match open.content {
            Content::List(items) => NodeValue::List(items),
            Content::Map(map) => NodeValue::Map(map.finish()),
        };
        let node = Node::new(value, self.base.part(range.clone()));
        self.complete(node, open.anchor, range)
    }

    fn alias(&mut self, anchor: usize, range: Range<usize>) -> Result<(), Problem> {
        let Some(anchored) = self.anchors.get(&anchor) else {
            return Err(self.problem(range, "an alias of the list or map that it is part of"));
        };
        if self.open.len() + anchored.height > DEEPEST {
            return Err(too_deep(self.base, range));
        }
        // The value keeps the place where it is written. Texts are shared, not copied.
        let (size, node) = (anchored.size, anchored.node.clone());
        self.repeat(size, &range)?;
        self.complete(node, 0, range)
    }

    /// Counts values that are about to be repeated.
    fn repeat(&mut self, size: usize, range: &Range<usize>) -> Result<(), Problem> {
        self.repeated += size;
        if self.repeated <= MOST_REPEATED {
            return Ok(());
        }
        let message = format!("anchors and aliases repeat more than {MOST_REPEATED} values");
        Err(self.problem(range.clone(), &message))
    }

    /// Puts a finished value where it belongs.
    fn complete(&mut self, node: Node, anchor: usize, range: Range<usize>) -> Result<(), Problem> {
        if anchor != 0 {
            let (size, height) = measure(&node);
            // The copy counts too: anchors around anchors keep the same values many times over.
            self.repeat(size, &range)?;
            self.anchors.insert(
                anchor,
                Anchored {
                    node: node.clone(),
                    size,
                    height,
                },
            );
        }
        let Some(open) = self.open.last_mut() else {
            self.root = Some(node);
            return Ok(());
        };
        open.range.end = open.range.end.max(range.end);
        let map = match &mut open.content {
            Content::List(items) => {
                items.push(node);
                return Ok(());
            }
            Content::Map(map) => map,
        };
        let source = self.content.get(range.clone()).unwrap_or_default();
        let done = map.take(node, source, self.base.part(range));
        self.problems.extend(done.err());
        Ok(())
    }

    fn problem(&self, range: Range<usize>, message: &str) -> Problem {
        Problem::new("", message).at(self.base.part(range))
    }

    fn within(&self, range: Range<usize>) -> Range<usize> {
        let end = range.end.min(self.content.len());
        range.start.min(end)..end
    }

    fn syntax(&self, error: &ScanError) -> Problem {
        let at = error
            .marker()
            .byte_offset()
            .unwrap_or_default()
            .min(self.content.len());
        let range = character(self.content, at);
        let (message, help) = match error.kind() {
            ErrorKind::RecursionLimitExceeded => return too_deep(self.base, range),
            ErrorKind::MappingValueNotAllowed | ErrorKind::InvalidColonPlacement => (
                "a `:` that cannot stand here".to_owned(),
                "quote a text that holds `: `, and indent the keys of one map alike",
            ),
            ErrorKind::SimpleKeyExpected => (
                "expected `key: value`, found no `:`".to_owned(),
                "a `:` and a space stand between a key and its value",
            ),
            ErrorKind::UnexpectedCharacter { .. } => (
                "text cannot begin with this character".to_owned(),
                "put the text in quotes",
            ),
            ErrorKind::UnknownAnchor => (
                "an alias of something that is named nowhere above it".to_owned(),
                "quote a text that begins with `*`; an alias needs an `&name` before it",
            ),
            ErrorKind::TabNotAllowed
            | ErrorKind::TabInBlockIndentation
            | ErrorKind::TabInIndentation => (
                "a tab in the indentation".to_owned(),
                "YAML is indented with spaces",
            ),
            ErrorKind::UnclosedQuotedScalar | ErrorKind::InvalidQuotedScalarIndent => (
                "a quoted text that is not closed".to_owned(),
                "look for the missing quote",
            ),
            // Of these messages none holds more of the text than a bracket.
            kind => (kind.to_string(), ""),
        };
        let problem = Problem::new("", message).at(self.base.part(range));
        if help.is_empty() {
            problem
        } else {
            problem.with_help(help)
        }
    }
}

/// Values in a node, itself counted, and levels of lists and maps in it.
fn measure(node: &Node) -> (usize, usize) {
    let children: &mut dyn Iterator<Item = &Node> = match &node.value {
        NodeValue::List(items) => &mut items.iter(),
        NodeValue::Map(entries) => &mut entries.iter().map(|entry| &entry.node),
        _ => return (1, 0),
    };
    children
        .map(measure)
        .fold((1, 1), |(size, height), (s, h)| {
            (size + s, height.max(h + 1))
        })
}
