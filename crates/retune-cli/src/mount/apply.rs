//! `retune mount apply`.

use std::path::PathBuf;

use super::target::{Target, TargetArgs};
use crate::failure::Result;
use crate::manifest::{self, Kind};

#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    #[command(flatten)]
    target: TargetArgs,
    /// The manifest, YAML or JSON; `-` is the standard input. Objects of other kinds in it are
    /// left aside. A Secret's files are made readable by their owner only: by that `show` knows
    /// that their values are to be masked.
    #[arg(short, long, value_name = "MANIFEST")]
    filename: PathBuf,
    /// Which of several objects: `greeter` or `secret/greeter`.
    #[arg(long)]
    name: Option<String>,
}

/// Publishes what the manifest's ConfigMap or Secret holds.
pub(crate) fn run(args: &Args) -> Result {
    let (text, place) = manifest::read_text(&args.filename)?;
    let object = manifest::objects(&text)
        .and_then(|objects| manifest::pick(objects, args.name.as_deref()))
        .and_then(|object| Ok((object.kind, object.keys()?)));
    let (kind, keys) = object.map_err(|failure| failure.within(&place))?;
    let mut target = Target::make(&args.target)?;
    target.secret(kind == Kind::Secret);
    target.publish(
        &keys
            .into_iter()
            .map(|(key, bytes)| (key.into(), bytes))
            .collect(),
    )
}
