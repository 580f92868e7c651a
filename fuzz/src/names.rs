//! Names in any writing.

use std::convert::Infallible;
use std::sync::LazyLock;

use retune::{Live, Retune, source};

use crate::every_shape::Every;
use crate::told::hold;

static LIVE: LazyLock<Live<Every>> = LazyLock::new(|| {
    let loader = Every::loader().set("text", "a").set("key", "k");
    loader.watch().expect("it is good")
});

/// Any text as a name; and a name of a value, written as the bytes after the first say.
pub fn names(data: &[u8]) {
    let Some((which, how)) = data.split_first() else {
        return;
    };
    let all = LIVE.explain_all().into_iter().map(|told| told.path);
    // Outside it is called otherwise, in all its writings.
    let paths: Vec<_> = all.filter(|path| path != "large").collect();
    let path = &paths[usize::from(*which) % paths.len()];
    let written = respelt(path, how);
    let found = LIVE.explain(&written).map(|explanation| explanation.path);
    assert_eq!(
        found.as_ref(),
        Some(path),
        "{written:?} is another writing of {path}"
    );
    let Ok(text) = std::str::from_utf8(how) else {
        return;
    };
    if LIVE.explain(text).is_none()
        && let Some(nearest) = LIVE.nearest(text)
    {
        assert!(LIVE.explain(&nearest).is_some(), "{nearest:?} is no name");
    }
    // As the key of a volume, where it may be the name of a document as well.
    let key = text.to_owned();
    let closure = source::from_fn("fuzz", move || Ok::<_, Infallible>([(key.clone(), "{}")]));
    let loader = Every::loader().set("text", "a").set("key", "k");
    if let Err(error) = loader.set(text, "x").source(closure).strict().once() {
        hold(&error);
    }
}

/// The same letters and digits: each in either case, and with whatever else between them.
fn respelt(path: &str, how: &[u8]) -> String {
    let mut how = how.iter().chain(std::iter::repeat(&0));
    let mut written = String::new();
    for letter in path.chars() {
        let how = how.next().copied().unwrap_or_default();
        let between = ["", "-", "_", ".", ""][usize::from(how >> 1) % 5];
        if !written.is_empty() {
            written.push_str(between);
        }
        if how & 1 == 1 {
            written.extend(letter.to_uppercase());
        } else {
            written.push(letter);
        }
    }
    written
}
