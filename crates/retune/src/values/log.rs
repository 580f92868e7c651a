//! Which events are logged: what `RUST_LOG` takes, without what would silence the log when it is a slip.

use tracing::level_filters::LevelFilter;

use crate::decode::Decoder;
use crate::grammar::Grammar;
use crate::name;
use crate::node::Node;

const LEVELS: [&str; 6] = ["trace", "debug", "info", "warn", "error", "off"];

/// A level, for the events of one target or for all others.
pub(crate) type Directive = (Option<String>, LevelFilter);

pub(crate) fn decode(node: &Node, decoder: &mut Decoder) -> Option<Vec<Directive>> {
    let expects = Grammar::LogDirectives.expects();
    let text = decoder.text(node, &expects)?;
    parse(&text)
        .map_err(|help| decoder.mismatch(node, &expects, Some(help).filter(|_| !node.secret)))
        .ok()
}

/// The directives of a text, in its order. A word alone is a level: `warning`, taken as a target, would end
/// the log without a word. The error is what to write instead.
pub(crate) fn parse(text: &str) -> Result<Vec<Directive>, String> {
    let directives: Vec<_> = text
        .split(',')
        .map(str::trim)
        .filter(|directive| !directive.is_empty())
        .map(directive)
        .collect::<Result<_, _>>()?;
    if directives.is_empty() {
        return Err("`off` is to log nothing".to_owned());
    }
    Ok(directives)
}

fn directive(text: &str) -> Result<Directive, String> {
    if text.contains(['[', '{']) {
        return Err(format!(
            "`{text}`: spans and fields cannot be chosen, only targets"
        ));
    }
    let Some((target, name)) = text.split_once('=') else {
        return match level(text) {
            Some(level) => Ok((None, level)),
            None => Err(match name::nearest(text, LEVELS) {
                Some(nearest) => format!("did you mean `{nearest}`?"),
                None => format!("`{text}` is no level; a target has one: `{text}=debug`"),
            }),
        };
    };
    let (target, name) = (target.trim(), name.trim());
    if target.is_empty() {
        return Err(format!("`{text}` names no target"));
    }
    match level(name) {
        Some(level) => Ok((Some(target.to_owned()), level)),
        None => Err(match name::nearest(name, LEVELS) {
            Some(nearest) => format!("did you mean `{target}={nearest}`?"),
            None => format!("`{name}` is none of {}", LEVELS.join(", ")),
        }),
    }
}

/// A level by its name, or its number as in `RUST_LOG`.
fn level(name: &str) -> Option<LevelFilter> {
    name.parse().ok().filter(|_| !name.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn levels_stand_for_everything_or_for_a_target() {
        let all = |level| (None, level);
        let of = |target: &str, level| (Some(target.to_owned()), level);
        for (text, directives) in [
            ("info", vec![all(LevelFilter::INFO)]),
            (" WARN ", vec![all(LevelFilter::WARN)]),
            ("off", vec![all(LevelFilter::OFF)]),
            ("3", vec![all(LevelFilter::INFO)]),
            ("info,", vec![all(LevelFilter::INFO)]),
            (
                "a::b=trace, error",
                vec![of("a::b", LevelFilter::TRACE), all(LevelFilter::ERROR)],
            ),
        ] {
            assert_eq!(parse(text).unwrap(), directives, "{text}");
        }
    }

    #[test]
    fn what_would_silence_the_log_unasked_is_refused_with_what_to_write() {
        for (text, reason) in [
            ("", "`off`"),
            (" , ", "`off`"),
            ("wran", "did you mean `warn`?"),
            ("verbose", "`verbose` is no level"),
            ("my_crate", "`my_crate=debug`"),
            ("info,my_crate=", "none of trace, debug"),
            ("info,my_crate=inof", "did you mean `my_crate=info`?"),
            ("=info", "no target"),
            ("a=b=info", "did you mean `a=info`?"),
            ("a[span]=info", "spans and fields"),
            ("[{id=1}]=trace", "spans and fields"),
        ] {
            let refusal = parse(text).unwrap_err();
            assert!(refusal.contains(reason), "{text}: {refusal}");
        }
    }
}
