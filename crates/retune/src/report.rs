//! The report of what is wrong, for people and for programs.

mod excerpt;
mod json;
#[cfg(test)]
mod tests;

use std::collections::HashMap;

use annotate_snippets::{
    AnnotationKind, Group, Level, Origin as Arrow, Renderer, Snippet, normalize_untrusted_str,
};

use crate::origin::{Origin, Span};
use crate::problem::Problem;

/// In place of a secret's line. Whoever knows of no secret there reads why it is taken for one.
const NOT_SHOWN: &str = "the line is not shown: it may hold a secret, by its type or its source (as one that is \
                         mounted in memory; `not_secret()` says otherwise)";

/// The report for people: each problem with its place and the line in question marked, what stands in
/// one file together. No line of a secret is shown, and of other lines nothing but the value in question.
/// What is merely odd comes after it: a name that nothing answers to may be the one that is missing.
pub(crate) fn render(
    title: &str,
    problems: &[Problem],
    warnings: &[Problem],
    color: bool,
) -> String {
    let blocks = blocks(problems, Level::ERROR, color);
    let odd = self::blocks(warnings, Level::WARNING, color);
    let count = match problems.len() {
        1 => "1 problem".to_owned(),
        count => format!("{count} problems"),
    };
    let parts = [title.to_owned()].into_iter().chain(blocks).chain(odd);
    parts.chain([count]).collect::<Vec<_>>().join("\n\n")
}

/// What is merely odd alone.
#[cfg(feature = "check")]
pub(crate) fn warnings(warnings: &[Problem], color: bool) -> String {
    let blocks: Vec<_> = blocks(warnings, Level::WARNING, color).collect();
    blocks.join("\n\n")
}

/// The problems alone, for a log line that says the rest in fields of its own. Of many, the first
/// tell what is wrong; the status has all.
pub(crate) fn excerpts(problems: &[Problem]) -> String {
    const MOST: usize = 20;
    let more = problems.len().saturating_sub(MOST);
    let first = problems.get(..MOST).unwrap_or(problems);
    let more = (more > 0).then(|| format!("and {more} more, see the status"));
    let blocks = blocks(first, Level::ERROR, false).chain(more);
    blocks.collect::<Vec<_>>().join("\n\n")
}

// === impl Problem ===

impl Problem {
    /// The place for people, with the line in question and a mark under it; `None` for a value that was
    /// not written anywhere. Of the line, nothing but the value in question is shown, and of a secret's
    /// nothing at all.
    ///
    /// ```
    /// use retune::{Retune, source::Env};
    ///
    /// #[derive(Debug, Retune)]
    /// struct Config {
    ///     port: u16,
    /// }
    ///
    /// let env = Env::from_iter("GREETER", [("GREETER_PORT", "eighty")]);
    /// let error = Config::loader().env(env).once().unwrap_err();
    /// let excerpt = error.problems()[0].excerpt();
    /// assert_eq!(excerpt.as_deref(), Some("--> variable GREETER_PORT"));
    /// ```
    #[must_use]
    pub fn excerpt(&self) -> Option<String> {
        self.origin()?;
        let place = place(Group::with_level(Level::ERROR), self);
        Some(Renderer::plain().render(&[place]))
    }
}

fn blocks<'p>(
    problems: &'p [Problem],
    level: Level<'p>,
    color: bool,
) -> impl Iterator<Item = String> + 'p {
    let renderer = if color {
        Renderer::styled()
    } else {
        Renderer::plain()
    };
    in_order(problems)
        .into_iter()
        .map(move |problem| renderer.render(&[group(problem, level.clone())]))
}

/// The problems of each text together and in its order; texts, variables and flags as they came.
fn in_order(problems: &[Problem]) -> Vec<&Problem> {
    let mut texts = HashMap::new();
    let mut order: Vec<_> = problems
        .iter()
        .enumerate()
        .map(
            |(i, problem)| match problem.origin().and_then(Origin::span) {
                Some(span) => {
                    let first = *texts.entry(span.place().to_string()).or_insert(i);
                    (first, span.source().1.start, problem)
                }
                None => (i, 0, problem),
            },
        )
        .collect();
    order.sort_by_key(|(text, at, _)| (*text, *at));
    order.into_iter().map(|(_, _, problem)| problem).collect()
}

fn group<'p>(problem: &'p Problem, level: Level<'p>) -> Group<'p> {
    let title = match problem.path() {
        "" => problem.message().to_owned(),
        path => format!("`{path}`: {}", problem.message()),
    };
    let group = place(Group::with_title(level.primary_title(title)), problem);
    match problem.help() {
        // The renderer takes a message to be free of control characters.
        Some(help) => group.element(Level::HELP.message(normalize_untrusted_str(help))),
        None => group,
    }
}

/// A line as it stands in its file.
fn indented(line: &str, span: &Span) -> String {
    format!("{}{line}", " ".repeat(span.indentation()))
}

/// The group, and where the problem is.
fn place<'p>(mut group: Group<'p>, problem: &'p Problem) -> Group<'p> {
    match problem.origin() {
        None => {}
        Some(Origin::Text(span)) if problem.is_secret() => {
            let place = format!("{}:{}", span.file(), span.line());
            group = group
                .element(Arrow::path(place))
                .element(Level::NOTE.message(NOT_SHOWN));
        }
        Some(Origin::Text(span)) => {
            group = match excerpt::of(span, !problem.path().is_empty()) {
                Some((line, marked)) => group.element(
                    Snippet::source(indented(&line, span))
                        .path(span.file())
                        .line_start(span.line())
                        .annotation(AnnotationKind::Primary.span(
                            marked.start + span.indentation()..marked.end + span.indentation(),
                        )),
                ),
                None => group.element(Arrow::path(span.to_string())),
            };
        }
        Some(Origin::Env(variable)) => {
            group = group.element(Arrow::path(format!("variable {variable}")));
        }
        Some(Origin::Flag(flag)) => group = group.element(Arrow::path(format!("flag {flag}"))),
        Some(origin) => group = group.element(Arrow::path(origin.to_string())),
    }
    group
}
