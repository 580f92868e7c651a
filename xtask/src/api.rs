//! `cargo xtask api`: the public API of the libraries, held against the listings in `docs/api`.
//!
//! A line is an item, or that a type implements a trait. Left out is what follows from the rest: the methods
//! of an implementation, and that a type is `Send` or `Sync`; that it is not is a line.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;
use std::process::Command;

use crate::packages::{self, Published};
use crate::sh::{self, target_dir};
use crate::{Result, nightly};

const LISTINGS: &str = "docs/api";

/// The version that CI installs: another one may write the same item in another way.
const TOOL: &str = "cargo-public-api@0.52.0";

#[derive(Debug, Default, clap::Args)]
pub(crate) struct Args {
    /// Takes the API as it is now for the one that is meant: writes docs/api.
    #[arg(long)]
    bless: bool,
}

/// How a listing differs from the one that is committed.
#[derive(Debug, PartialEq, Eq)]
struct Difference<'a> {
    gone: Vec<&'a str>,
    new: Vec<&'a str>,
}

/// Compares the public API of each library, with all its features, with its listing; says what was
/// skipped where this machine cannot list it.
///
/// # Errors
///
/// When a listing is another one, or the API cannot be listed.
pub(crate) fn run(args: &Args) -> Result<Option<String>> {
    if let Some(skipped) = nightly::missing("the public API") {
        return Ok(Some(skipped));
    }
    if !sh::works(&mut public_api("--version")) {
        let why = format!("the public API: cargo install --locked {TOOL}");
        return Ok(Some(why));
    }
    let mut changed = Vec::new();
    for Published { name, .. } in packages::published()?.iter().filter(|p| p.is_library) {
        let listing = list(name)?;
        let path = format!("{LISTINGS}/{name}.txt");
        let committed = fs::read_to_string(sh::root().join(&path)).unwrap_or_default();
        let lines = listing.lines().count();
        if listing == committed {
            println!("{name}: {lines} lines, as in {path}");
            continue;
        }
        let Difference { gone, new } = Difference::between(&committed, &listing);
        println!(
            "{name}: {lines} lines, {} gone, {} new",
            gone.len(),
            new.len()
        );
        gone.iter().for_each(|line| println!("  - {line}"));
        new.iter().for_each(|line| println!("  + {line}"));
        if args.bless {
            write(&sh::root().join(&path), &listing)?;
            println!("{path} is written");
        } else {
            changed.push(path);
        }
    }
    match changed.is_empty() {
        true => Ok(None),
        false => Err(format!(
            "the public API is not what {} say: a line that is gone breaks programs that use it. If that is meant, \
             `cargo xtask api --bless`, commit the listings, and tell it in CHANGELOG.md",
            changed.join(", ")
        )),
    }
}

fn write(path: &Path, listing: &str) -> Result {
    let failed = |error| format!("{}: {error}", path.display());
    fs::create_dir_all(path.parent().unwrap_or(path)).map_err(failed)?;
    fs::write(path, listing).map_err(failed)
}

fn list(package: &str) -> Result<String> {
    let mut command = public_api("--all-features --simplified");
    command.args(["--package", package, "--target-dir"]);
    println!("$ {}", sh::show(&command));
    let listing = sh::output(command.arg(target_dir().join("nightly")))?;
    Ok(told(&listing))
}

fn public_api(args: &str) -> Command {
    let mut command = nightly::cargo("public-api");
    command.args(args.split(' '));
    // The listing is what the tool prints, whatever this terminal is.
    command.env("CARGO_TERM_COLOR", "never");
    command
}

/// The lines that tell something, each once and in order.
fn told(listing: &str) -> String {
    let mut lines = BTreeSet::new();
    let mut within = String::new();
    for line in listing.lines() {
        if let Some(header) = line
            .strip_prefix("impl")
            .filter(|rest| rest.contains(" for "))
        {
            within = implementor(header);
            if !tells(header) {
                continue;
            }
        } else if !within.is_empty() && is_item_of(line, &within) {
            // An associated type is the implementation's own choice.
            if !line.starts_with("pub type ") {
                continue;
            }
        }
        lines.insert(line);
    }
    lines
        .into_iter()
        .fold(String::new(), |all, line| all + line + "\n")
}

/// The type of `impl<T> Trait for Type<T> where …`.
fn implementor(header: &str) -> String {
    let (_, implementor) = header.split_once(" for ").unwrap_or_default();
    let end = implementor.find(" where ").unwrap_or(implementor.len());
    format!(" {}::", &implementor[..end])
}

fn is_item_of(line: &str, implementor: &str) -> bool {
    line.starts_with("pub ") && line.contains(implementor)
}

/// Whether a program could tell: not by a mark of the compiler's own, nor by what nearly every type is.
fn tells(header: &str) -> bool {
    const NEVER: [&str; 6] = [
        "::Drop for ",
        "::Freeze for ",
        "::StructuralPartialEq for ",
        "::Unpin for ",
        "UnsafeUnpin for ",
        "UnwindSafe for ",
    ];
    const UNLESS_NOT: [&str; 2] = [" core::marker::Send for ", " core::marker::Sync for "];
    let is_one_of = |names: &[&str]| names.iter().any(|name| header.contains(name));
    !is_one_of(&NEVER) && !is_one_of(&UNLESS_NOT)
}

// === impl Difference ===

impl<'a> Difference<'a> {
    fn between(before: &'a str, after: &'a str) -> Self {
        let (old, new): (BTreeSet<_>, BTreeSet<_>) =
            (before.lines().collect(), after.lines().collect());
        Self {
            gone: old.difference(&new).copied().collect(),
            new: new.difference(&old).copied().collect(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_follows_from_the_rest_is_left_out() {
        let listing = "\
pub struct x::A<T>
impl<T> x::A<T>
pub fn x::A<T>::new() -> Self
impl<T: core::clone::Clone> core::clone::Clone for x::A<T> where T: y::B
pub fn x::A<T>::clone(&self) -> Self
impl<T> core::ops::deref::Deref for x::A<T>
pub type x::A<T>::Target = T
pub fn x::A<T>::deref(&self) -> &T
impl<T> core::marker::Send for x::A<T>
impl<T> !core::marker::Sync for x::A<T>
impl<T> core::marker::Unpin for x::A<T>
impl<T> !core::panic::unwind_safe::UnwindSafe for x::A<T>
pub fn x::free()
";
        let expected = "\
impl<T: core::clone::Clone> core::clone::Clone for x::A<T> where T: y::B
impl<T> !core::marker::Sync for x::A<T>
impl<T> core::ops::deref::Deref for x::A<T>
impl<T> x::A<T>
pub fn x::A<T>::new() -> Self
pub fn x::free()
pub struct x::A<T>
pub type x::A<T>::Target = T
";
        assert_eq!(told(listing), expected);
    }

    #[test]
    fn a_difference_is_what_is_gone_and_what_is_new() {
        let difference = Difference::between("a\nb\nc\n", "a\nc\nd\n");
        let expected = Difference {
            gone: vec!["b"],
            new: vec!["d"],
        };
        assert_eq!(difference, expected);
    }
}
