//! What is told of a configuration that is refused.

use std::fmt::Debug;

use retune::{Error, Place, Problem};

/// Two secrets of different length. What is told of one must be what is told of the other.
pub(crate) const SECRETS: [&str; 2] = ["Zq7\u{b5}-first", "Jx4-and the second one"];

/// Holds a refusal to what every refusal must be like.
pub(crate) fn hold(error: &Error) {
    assert!(!error.report(true).is_empty());
    assert!(!error.report(false).is_empty());
    for problem in error.problems() {
        hold_problem(problem);
    }
}

pub(crate) fn hold_problem(problem: &Problem) {
    assert!(!problem.message().is_empty(), "{problem:?}");
    let Some(span) = problem.origin().and_then(|origin| origin.span()) else {
        return;
    };
    assert!(span.line() > 0 && span.column() > 0);
    // In a manifest, columns are counted from its own lines.
    if !matches!(span.place(), Place::Object { .. }) {
        let (text, range) = span.in_text();
        assert!(
            text.get(range.clone()).is_some(),
            "the place of a problem lies in the text: {range:?} of {}, {problem:?}",
            text.len()
        );
    }
}

/// Holds what is told to be the same whatever the secret is; of its length nothing is told either.
///
/// `tell` is given a secret of the right type, and one that no type but text takes.
pub(crate) fn tells_no_secret<T: Debug>(
    input: &[u8],
    tell: impl Fn(&str, &str) -> Result<T, Error>,
) {
    let has = |secret: &str| {
        // Also in part: what a secret begins with may be struck out where others wrote it.
        let part = &secret.as_bytes()[..3];
        input.windows(part.len()).any(|there| there == part)
    };
    if SECRETS.into_iter().any(has) {
        return;
    }
    let [first, second] = SECRETS.map(|secret| match tell(secret, secret) {
        Ok(value) => format!("{value:?}"),
        Err(error) => {
            let problems = error.problems().iter();
            let lines: Vec<_> = problems.map(|problem| problem.to_string()).collect();
            format!(
                "{}\n{}\n{:?}",
                error.report(false),
                lines.join("\n"),
                error.problems()
            )
        }
    });
    assert_eq!(first, second, "what is told depends on a secret");
    for secret in SECRETS {
        assert!(!first.contains(secret), "a secret is told: {first}");
    }
}
