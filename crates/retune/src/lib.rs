//! Changes a running service's configuration and secrets without restarting it.
//!
//! A configuration is a struct with `#[derive(Retune)]`. Its [`Loader`] names the sources, from the
//! lowest to the highest; what none of them gives is the type's default.
//!
//! ```
//! use retune::{Retune, source::Env};
//!
//! #[derive(Debug, Retune)]
//! struct Config {
//!     /// Text that `GET /` answers with.
//!     #[retune(default = "Hello World")]
//!     message: String,
//!     #[retune(default = 8080)]
//!     port: u16,
//! }
//!
//! # fn main() -> Result<(), retune::Error> {
//! # let volume = tempfile::tempdir().unwrap();
//! # std::fs::write(volume.path().join("message"), "Hello Grandma\n").unwrap();
//! # let mounted = volume.path();
//! let config = Config::loader()
//!     .mount(mounted) // such as "/etc/greeter"
//!     .env(Env::from_iter("GREETER", [("GREETER_PORT", "9090")]))
//!     .watch()?;
//!
//! assert_eq!(config.with(|c| c.message.len()), 13);
//! assert_eq!(config.load().port, 9090);
//! # Ok(())
//! # }
//! ```
//!
//! # Reading
//!
//! [`Live`] is the configuration while it changes: cheap to clone, readable from any thread.
//!
//! | | for | what it costs |
//! |---|---|---|
//! | [`Live::with`] | any handler | two or three nanoseconds |
//! | [`Live::load`] | holding one generation: a request, an `.await` | a reference count |
//! | [`Live::reader`] | a loop of one's own | a load and a comparison |
//!
//! A reader sees one whole generation: all values of all sources as they were at one moment,
//! validated together. Two volumes change at two moments: what belongs together goes into one, or
//! carries a [revision](source::Mount::revision).
//!
//! # Following
//!
//! [`Live::subscribe`] and [`View::subscribe`] call back, [`Live::changes`] blocks, [`Live::stream`]
//! is for async runtimes. All of them give what holds now first, then the latest, in order. A
//! [`Live::gate`] may refuse a candidate before anybody sees it.
//!
//! # What only a restart changes
//!
//! An address that is listened on, or the size of a pool made once, is read when the program starts. A
//! field with `#[retune(restart)]` says so: a change of it is reported, not applied. Readers keep the
//! running value, and the other fields of the same edit apply;
//! [`Status::pending_restart`](status::Status::pending_restart) lists what waits, until a restart takes
//! it or a revert takes it back. An update has to be good twice: with the running values, as
//! it is to run now, and as it stands, as a process that starts now has to run it.
//!
//! ```
//! # use retune::Retune;
//! #[derive(Debug, Retune)]
//! struct Config {
//!     #[retune(default = "0.0.0.0:8080", restart)]
//!     listen: std::net::SocketAddr,
//!     #[retune(default = 100)]
//!     limit: u32,
//! }
//!
//! # fn main() -> Result<(), retune::Error> {
//! # let volume = tempfile::tempdir().unwrap();
//! # let write = |key, text: &str| std::fs::write(volume.path().join(key), text).unwrap();
//! # write("limit", "100");
//! let config = Config::loader().mount(volume.path()).watch()?;
//! // Then somebody changes both `listen` and `limit`.
//! # write("listen", "0.0.0.0:9090");
//! # write("limit", "200");
//! # config.reload()?;
//! assert_eq!(config.with(|c| (c.listen.port(), c.limit)), (8080, 200));
//! let pending = &config.status().pending_restart[0];
//! assert_eq!(pending.path, "listen");
//! assert_eq!(pending.old.as_deref(), Some("0.0.0.0:8080"));
//! assert_eq!(pending.new.as_deref(), Some("0.0.0.0:9090"));
//! # Ok(())
//! # }
//! ```
//!
//! # When something is wrong
//!
//! At the start [`Loader::watch`] gives an [`Error`] with everything that is wrong. Later, a bad
//! update changes the [`Status`](status::Status) and nothing else: the last good generation serves on
//! until a good observation clears the problem, also when the edit is simply reverted.
//!
//! # Names
//!
//! `log_level` in code is `log-level`, `logLevel`, `LOG_LEVEL` or `log.level` outside: names are
//! compared by their letters and digits. Nested names written flat are the same: `db.host_name` is
//! `DB_HOST_NAME`. Two fields that would be one outside are a compile error.
//!
//! # Text
//!
//! A file that is one value loses one final newline (`#[retune(raw)]` keeps it); bytes are exact. An
//! empty value is not an absent one ([`Env::empty_is_unset`](source::Env::empty_is_unset) is for those
//! who want it so). `a, b` is a list, `a=1, b=2` a map, and both take brackets as in YAML and JSON;
//! [`Loader::separator`] chooses another character than the comma. `null` in a document clears what
//! lower sources gave.
//!
//! # Secrets
//!
//! A [`Secret`] is shown nowhere, and neither is the password in a URL (`postgres://u:[redacted]@h`),
//! whatever the field's type. A field's own `Debug` is the program's: wrap what must not be in it.
//!
//! A [`Token`] is a secret that says when it expires, and any type of the program's own
//! [may](Decoder::valid): what has expired, or is not valid yet, is refused like any other bad value.
//! What expires while it runs serves on and degrades the status, which lists every
//! [expiry](status::Status::expiries) and [how old](status::Status::secrets) every secret is.
//!
//! A key or password that is replaced while what was made with the one before is still under way is a
//! [`Rotating`]: the value before is taken as well, for a time or until told, and the two are one value of
//! one generation.
//!
//! Keys that sign are a [`KeySet`], so that old and new overlap: who checks takes both, and a [`Signer`] holds a
//! new key back until all who check have it.
//!
//! # Without the derive
//!
//! [`Serde<T>`](Serde) is a whole type by its own `Deserialize`. [`EnvView`] is environment variables by
//! any name, those of the process under mounted keys, for code and for child processes.
//!
//! # Log
//!
//! Through `tracing`: `info` for each new generation, for volumes that wait for one another and for a
//! problem that is over, `warn` for a refused update, for what waits for a restart and for what is odd,
//! `error` for panics of callbacks, `debug` for observations that changed nothing.
//!
//! With the feature `tracing-subscriber` which events are logged is a value as well: see `LogFilter`.
//!
//! # Features
//!
//! `yaml` and `json` (both on) and `toml` for documents (`.env` needs none), `clap` for flags,
//! `url` and `regex` for fields of the types `url::Url` and `regex::Regex`, `tracing-subscriber` for a
//! log filter that follows the configuration, `check` for checks without the program.
#![forbid(unsafe_code)]
// Which feature an item needs is shown where docs.rs builds this.
#![cfg_attr(docsrs, feature(doc_cfg))]

// The derive's output says `::retune`, in the tests of this crate too.
#[cfg(test)]
extern crate self as retune;

mod bind;
mod change;
#[cfg(feature = "check")]
pub mod check;
mod collide;
mod decode;
mod env_view;
mod error;
mod explain;
mod fingerprint;
mod flat;
mod format;
mod generation;
mod grammar;
mod guard;
mod ignored;
mod jitter;
mod json;
mod json_schema;
mod jwt;
mod keys;
mod last_good;
mod live;
mod loader;
#[cfg(feature = "tracing-subscriber")]
mod log_filter;
mod merge;
mod name;
mod node;
mod origin;
mod overlap;
mod password;
mod path;
mod pipeline;
mod problem;
mod range;
mod reload;
mod report;
mod restart;
mod rotating;
mod schema;
mod scrub;
mod secret;
mod serde;
mod shared_text;
pub mod source;
mod start_values;
pub mod status;
mod text;
mod time;
mod validity;
mod values;

pub use self::serde::Serde;
pub use decode::{Decoder, Value};
pub use env_view::{EnvView, VarError};
pub use error::{Error, OrExit};
pub use explain::{Explanation, Given};
pub use generation::{Change, Snapshot};
pub use ignored::Ignored;
pub use jitter::Jitter;
pub use keys::{KeySet, KeyStatus, SignedBy, Signer, SignerStatus};
pub use live::{ChangeStream, Changes, Gate, Live, Reader, Setter, Subscription, View};
pub use loader::Loader;
#[cfg(feature = "tracing-subscriber")]
pub use log_filter::{LogFilter, LogHandle};
pub use node::Node;
pub use origin::{InManifest, Origin, Place, Span};
pub use problem::Problem;
pub use retune_derive::Retune;
pub use retune_mount::Limits;
pub use rotating::Rotating;
pub use secret::Secret;
pub use values::{ByteSize, Token};
#[doc(no_inline)]
pub use zeroize::Zeroize;

/// What a type looks like from outside, as the derive describes it.
pub mod shape {
    pub use crate::grammar::{Floats, Grammar, Integer, Integers, NumberRange, RangeEnd};
    pub use crate::schema::{Alias, Default, Field, Overlap, Schema, Shape, Variant, Way};
}

/// A configuration: a struct with `#[derive(Retune)]`.
pub trait Retune: Value + Send + Sync + 'static {
    /// Its fields, as the derive describes them.
    const SCHEMA: &'static shape::Schema;

    /// Names the sources to load it from.
    fn loader() -> Loader<Self> {
        Loader::new()
    }

    /// The JSON Schema (draft 2020-12) of a document of this type: for editors, and for
    /// `retune check`, which says of a manifest what this program would say of it.
    ///
    /// It has docs, defaults, names to choose from and ranges, and calls nothing wrong that the
    /// program takes: values in quotes, names in any writing, a list as one text. A name that no field
    /// has is marked as deprecated, since the program ignores it, too. Nothing is required but within
    /// the items of lists, since another document, the environment or a flag may give it. Defaults of
    /// secrets are left out.
    ///
    /// A hidden argument is the usual way to get it from a program:
    ///
    /// ```
    /// use retune::Retune;
    ///
    /// /// What the greeter can change while it runs.
    /// #[derive(Debug, Retune)]
    /// struct Config {
    ///     /// Text that `GET /` answers with.
    ///     #[retune(default = "Hello World")]
    ///     message: String,
    ///     #[retune(default = 8080, range = 1024..)]
    ///     port: u16,
    /// }
    ///
    /// // greeter schema > schema.json
    /// if std::env::args().nth(1).as_deref() == Some("schema") {
    ///     print!("{}", Config::json_schema());
    ///     return;
    /// }
    /// assert!(Config::json_schema().contains("Text that `GET /` answers with."));
    /// ```
    ///
    /// and a first line such as this makes an editor use it:
    ///
    /// ```yaml
    /// # yaml-language-server: $schema=schema.json
    /// message: Hello Grandma
    /// ```
    #[must_use]
    fn json_schema() -> String {
        json_schema::of(Self::SCHEMA)
    }

    /// Adds a flag for each value to the program's own clap command, with its docs and default.
    /// Give what the command parsed to [`Loader::flags`]. Secrets, and what may hold one, have no
    /// flag: a command line is for everybody to read.
    #[cfg(feature = "clap")]
    fn augment(command: clap::Command) -> clap::Command {
        Self::augment_with(command, &source::FlagNames::new())
    }

    /// The same, and the help names the variables as well, for programs that read the environment
    /// with this prefix.
    #[cfg(feature = "clap")]
    fn augment_with_env(command: clap::Command, prefix: &str) -> clap::Command {
        Self::augment_with(command, &source::FlagNames::new().env(prefix))
    }

    /// The same with flags of other names: see [`FlagNames`](source::FlagNames).
    #[cfg(feature = "clap")]
    fn augment_with(command: clap::Command, names: &source::FlagNames) -> clap::Command {
        names.augment(command, Self::SCHEMA)
    }
}

/// The README's code compiles.
#[cfg(doctest)]
#[doc = include_str!("../../../README.md")]
struct Readme;

/// The guide's code compiles; other pages are read by `retune-axum`.
#[cfg(doctest)]
#[doc = include_str!("../../../docs/secrets.md")]
struct Secrets;

/// The same.
#[cfg(doctest)]
#[doc = include_str!("../../../docs/replicas.md")]
struct Replicas;

/// What the derive's output names; not for people.
#[doc(hidden)]
pub mod __private {
    pub use crate::collide::{count_names, refuse_collisions};
    pub use crate::overlap::refuse_lost_overlaps;
    pub use crate::range::refuse_range;
    pub use crate::restart::refuse_lost_restarts;
    pub use crate::values::{by_serde, content, is_secret, optional, rotating, secret};
}
