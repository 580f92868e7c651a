//! `retune check`.

use std::io::{self, IsTerminal, Write};
use std::path::PathBuf;

use retune::InManifest;
use retune::check::{Check, Verdict, Volume};

use crate::failure::{Failure, Result, tell};
use crate::manifest::{self, Kind, Object};
use crate::places::Lines;

/// Says of a manifest, before it is applied, what the running program would say.
///
/// The values of its ConfigMaps and Secrets are read, merged and decoded as the program does it with
/// volumes of them. Several are layers, the later ones above, in the order of the files and of the
/// objects in them; other kinds are left aside. Unknown and deprecated names are problems, unless
/// --lenient. What the program checks by code of its own cannot be checked here, and is listed. No
/// value of a Secret is shown.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Exit codes: 0 the program would take it, 1 the program would refuse it, 2 wrong usage, or a manifest
or schema that cannot be read.

The schema is what `Retune::json_schema` gives, in most programs by an argument of theirs:
  greeter schema > schema.json
  kubectl kustomize . | retune check -f - --schema schema.json --given token")]
pub(crate) struct Args {
    /// A manifest, YAML or JSON; `-` is the standard input. Repeatable.
    #[arg(short, long, value_name = "MANIFEST", required = true)]
    filename: Vec<PathBuf>,
    /// The program's JSON Schema.
    #[arg(long, value_name = "FILE")]
    schema: PathBuf,
    /// This object alone: `greeter` or `secret/greeter`.
    #[arg(long)]
    name: Option<String>,
    /// Something else gives this value, so that it may be missing: the environment, a flag, another
    /// file. Any writing of its path will do. Repeatable.
    #[arg(long, value_name = "NAME")]
    given: Vec<String>,
    /// The prefix of the program's variables, for reports to name them.
    #[arg(long, value_name = "PREFIX")]
    env_prefix: Option<String>,
    /// The key by which the program tells whether volumes belong together, if it does: it is no value.
    #[arg(long, value_name = "KEY")]
    revision: Option<PathBuf>,
    /// What stands between the items of a text, where the program chose another than `,`.
    #[arg(long, value_name = "CHARACTER", default_value_t = ',')]
    separator: char,
    /// Unknown and deprecated names are warnings, as in a program without `strict`.
    #[arg(long)]
    lenient: bool,
    /// Prints one JSON object: `ok`, `problems` and `warnings` (each `path`, `message`, `help`,
    /// `origin`), `unchecked` (each `path`, `why`).
    #[arg(long)]
    json: bool,
}

/// Checks, and says what was found.
pub(crate) fn run(args: &Args) -> Result {
    let check = prepared(args).map_err(Failure::unusable)?;
    let (titles, volumes) = volumes(args).map_err(Failure::unusable)?;
    let verdict = volumes.into_iter().fold(check, Check::volume).run();
    if args.json {
        let json = serde_json::to_string(&verdict).map_err(Failure::at("cannot write JSON"))?;
        writeln!(io::stdout(), "{json}")?;
    } else {
        report(&verdict, &titles.join(", "))?;
    }
    match verdict.is_good() {
        true => Ok(()),
        false => Err(Failure::Refused),
    }
}

/// The check without its values.
fn prepared(args: &Args) -> Result<Check> {
    let place = args.schema.display();
    let text = std::fs::read_to_string(&args.schema).map_err(Failure::at(place))?;
    let mut check = Check::new(&args.schema, &text).map_err(told)?;
    if args.lenient {
        check = check.lenient();
    }
    if let Some(prefix) = &args.env_prefix {
        check = check.env_prefix(prefix);
    }
    check = check.separator(args.separator);
    if let Some(key) = &args.revision {
        check = check.revision(key);
    }
    for name in &args.given {
        check = check.given(name).map_err(|error| {
            let message = told(error);
            message.within(format!("--given {name}"))
        })?;
    }
    Ok(check)
}

fn told(error: retune::Error) -> Failure {
    let problems: Vec<_> = error.problems().iter().map(ToString::to_string).collect();
    Failure::new(problems.join("; "))
}

/// The objects that are to be checked: their names, and their keys.
fn volumes(args: &Args) -> Result<(Vec<String>, Vec<Volume>)> {
    let mut objects = Vec::new();
    let mut manifests = Vec::new();
    for filename in &args.filename {
        let (text, place) = manifest::read_text(filename)?;
        let found = manifest::objects(&text).map_err(|failure| failure.within(&place))?;
        objects.extend(found.into_iter().map(|object| (manifests.len(), object)));
        manifests.push((place, text));
    }
    let places: Vec<_> = manifests.iter().map(|(place, _)| place.as_str()).collect();
    let places = places.join(", ");
    let chosen = match &args.name {
        Some(name) => manifest::chosen(objects.iter().map(|(_, object)| object), Some(name))
            .map(|chosen| vec![chosen])
            .map_err(|failure| failure.within(&places))?,
        None => (0..objects.len()).collect(),
    };
    if chosen.is_empty() {
        let message = format!("{places}: holds neither a ConfigMap nor a Secret");
        return Err(Failure::new(message));
    }
    let mut lines: Vec<_> = manifests.iter().map(|(_, text)| Lines::new(text)).collect();
    let mut titles = Vec::new();
    let mut volumes = Vec::new();
    for (i, (manifest, object)) in objects.iter().enumerate() {
        let (Some((place, _)), Some(lines)) = (manifests.get(*manifest), lines.get_mut(*manifest))
        else {
            continue;
        };
        // One that is not chosen has its lines, too.
        let volume = volume(object, place, lines);
        if chosen.contains(&i) {
            titles.push(object.title());
            volumes.push(volume?);
        }
    }
    Ok((titles, volumes))
}

fn volume(object: &Object, manifest: &str, lines: &mut Lines<'_>) -> Result<Volume> {
    let volume = Volume::new(object.title());
    let volume = match object.kind {
        Kind::Secret => volume.secret(),
        Kind::ConfigMap => volume,
    };
    let keys = object.keys()?.into_iter();
    Ok(keys.fold(volume, |volume, (key, bytes)| {
        let text = std::str::from_utf8(&bytes).ok();
        match text.and_then(|text| lines.find(&key, text)) {
            Some((lines, columns)) => {
                volume.key_in(key, bytes, InManifest::new(manifest, lines, columns))
            }
            None => volume.key(key, bytes),
        }
    }))
}

/// What was found, for people: what is wrong or odd on the standard error.
fn report(verdict: &Verdict, titles: &str) -> Result {
    let color = io::stderr().is_terminal() && std::env::var_os("NO_COLOR").is_none();
    let report = verdict.report(color);
    if !report.is_empty() {
        tell(report);
    }
    let unchecked = verdict.unchecked().iter().map(|unchecked| {
        let (path, why) = (&unchecked.path, &unchecked.why);
        match path.is_empty() {
            true => format!("\n  all of it: {why}"),
            false => format!("\n  `{path}`: {why}"),
        }
    });
    let unchecked: String = unchecked.collect();
    let note = match unchecked.is_empty() {
        true => String::new(),
        false => format!("\nnot checked here:{unchecked}"),
    };
    if verdict.is_good() {
        writeln!(io::stdout(), "{titles}: good{note}")?;
    } else if !note.is_empty() {
        tell(note);
    }
    Ok(())
}
