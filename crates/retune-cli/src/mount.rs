//! `retune mount`: volumes as a kubelet makes them, without a cluster.

mod apply;
mod edit;
mod secrecy;
mod show;
mod target;
mod watch;

use clap::Subcommand;

use crate::failure::Result;

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Sets keys of a volume, all in one generation; the other keys stay.
    ///
    /// A volume that does not exist is made.
    Set(edit::SetArgs),
    /// Removes keys of a volume, all in one generation.
    Rm(edit::RmArgs),
    /// Makes a volume hold what a ConfigMap or Secret says, and nothing else.
    Apply(apply::Args),
    /// Shows the keys of a volume, directory or file; a Secret's values are masked.
    ///
    /// What counts as a Secret: a file system in memory, where a cluster mounts them, and files
    /// that not everybody may read, as `apply` makes them. In doubt values are masked.
    Show(show::Args),
    /// Follows a volume, directory or file: one line a generation, never a value.
    ///
    /// Runs until it is interrupted. What hinders it is said on the standard error.
    Watch(watch::Args),
}

// === impl Command ===

impl Command {
    pub(crate) fn run(self) -> Result {
        match self {
            Self::Set(args) => edit::set(&args),
            Self::Rm(args) => edit::rm(&args),
            Self::Apply(args) => apply::run(&args),
            Self::Show(args) => show::run(&args),
            Self::Watch(args) => watch::run(&args),
        }
    }
}
