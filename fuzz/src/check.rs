//! `retune check` against the program that it speaks for.

use std::collections::BTreeMap;
use std::convert::Infallible;
use std::sync::LazyLock;

use retune::check::{Check, Verdict, Volume};
use retune::{Problem, Retune, source};

use crate::every_shape::Every;
use crate::told::hold_problem;

type Keys = BTreeMap<String, Vec<u8>>;

/// The keys of a volume: blocks between lines of `---`, each the name of a key, a line end, and its content.
pub fn check(data: &[u8]) {
    let Ok(text) = std::str::from_utf8(data) else {
        return;
    };
    let strict = text.len() % 2 == 0;
    let keys: Keys = text
        .split("\n---\n")
        .filter_map(|block| block.split_once('\n'))
        .filter(|(key, _)| is_key(key))
        .map(|(key, content)| (key.to_owned(), content.as_bytes().to_vec()))
        .collect();
    let verdict = by_check(&keys, strict);
    assert!(
        verdict.is_good() || !verdict.report(false).is_empty(),
        "refused without a word"
    );
    verdict.problems().iter().for_each(hold_problem);
    verdict.warnings().iter().for_each(hold_problem);
    // A closure gives what no mount may: of that the two say different things. And some only the program tells.
    let open = |path: &str| {
        let unchecked = verdict.unchecked().iter();
        let mut paths = unchecked.map(|unchecked| &*unchecked.path);
        path == "path"
            || paths.any(|unseen| {
                let rest = path.strip_prefix(unseen);
                !unseen.is_empty()
                    && rest.is_some_and(|rest| rest.is_empty() || rest.starts_with(['.', '[']))
            })
    };
    let told = |problems: &[Problem]| -> Vec<String> {
        let seen = problems.iter().filter(|problem| !open(problem.path()));
        seen.map(told).collect()
    };
    let (by_check, by_program) = (verdict.problems(), by_program(&keys, strict));
    assert_eq!(
        told(by_check),
        told(&by_program),
        "check and program differ"
    );
}

fn by_program(keys: &Keys, strict: bool) -> Vec<Problem> {
    let keys = keys.clone();
    let closure = source::from_fn("ConfigMap/x", move || Ok::<_, Infallible>(keys.clone()));
    let loader = Every::loader().source(closure);
    let loader = if strict { loader.strict() } else { loader };
    let error = loader.once().map(drop).err();
    error.map_or_else(Vec::new, |error| error.problems().to_vec())
}

fn by_check(keys: &Keys, strict: bool) -> Verdict {
    // Made once: it keeps the schema for as long as the process runs.
    static CHECK: LazyLock<Check> = LazyLock::new(|| {
        Check::new("schema.json", &Every::json_schema()).expect("the derive made it")
    });
    let check = CHECK.clone();
    let check = if strict { check } else { check.lenient() };
    let volume = keys
        .iter()
        .fold(Volume::new("ConfigMap/x"), |volume, (key, bytes)| {
            volume.key(key, bytes.clone())
        });
    check.volume(volume).run()
}

/// Without the help: what is missing can be given in the one way, or in the other.
fn told(problem: &Problem) -> String {
    let (path, message, secret) = (problem.path(), problem.message(), problem.is_secret());
    let origin = problem.origin().filter(|_| !secret);
    let origin = origin.map(ToString::to_string).unwrap_or_default();
    let told = format!("{origin}: `{path}`: {message} {secret}");
    // As the two write a key's place; so it may stand in the keys, too.
    told.replace("ConfigMap/x/", "ConfigMap/x ")
}

fn is_key(key: &str) -> bool {
    let allowed = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.');
    !key.is_empty() && key.chars().all(allowed) && key != "." && !key.starts_with("..")
}
