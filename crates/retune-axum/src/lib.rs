//! Status of a retune configuration over HTTP: JSON and Prometheus metrics; and one snapshot of it
//! for each request.
//!
//! ```
//! use axum::{Router, routing::get};
//! use retune::{Retune, source::Env};
//! use retune_axum::Current;
//!
//! #[derive(Debug, Retune)]
//! struct Config {
//!     /// Text that `GET /` answers with.
//!     #[retune(default = "Hello World")]
//!     message: String,
//! }
//!
//! /// Sees one generation, whatever changes while the request runs.
//! async fn greet(config: Current<Config>) -> String {
//!     config.message.clone()
//! }
//!
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let config = Config::loader().env(Env::new("GREETER")).watch()?;
//!
//! let app: Router = Router::new()
//!     .route("/", get(greet))
//!     .with_state(config.clone())
//!     .merge(retune_axum::metrics(config.clone()));
//! // As usual: axum::serve(listener, app).await
//!
//! let status = retune_axum::serve("127.0.0.1:0", retune_axum::configz(config))?;
//! println!("http://{}/configz", status.address());
//! # drop(app);
//! # Ok(())
//! # }
//! ```
//!
//! # Pages
//!
//! - [`configz`]: `GET /configz`, the status as JSON: health and its reasons, the generation and its
//!   times, the sources and how each is followed, the last refusal, what waits for a restart, the last
//!   16 generations with the paths that each changed, and every value with its origin and what it overrode.
//!   `GET /configz?path=logLevel` explains one value. Secrets are redacted.
//! - [`metrics`]: `GET /metrics`, for programs that have no registry of their own; for the others
//!   there is [`collector`](collector()).
//! - [`router`]: both, to merge or to nest in a program's own router.
//! - [`serve`]: on an address of their own, with or without an async runtime in the program.
//!
//! # Metrics
//!
//! | name | what |
//! |---|---|
//! | `retune_generation` | number of the generation that readers see |
//! | `retune_config_info{hash}` | hash of its values, secrets aside: equal in replicas that run the same |
//! | `retune_last_reload_success` | 0 while an update is refused, 1 again when it is mended or reverted |
//! | `retune_last_success_timestamp_seconds` | when an observation was good last |
//! | `retune_reloads_total{result}` | observations: `applied`, `unchanged`, `rejected` |
//! | `retune_rejected_total{reason}` | refusals: `source`, `invalid`, `gate`, `revision` |
//! | `retune_noticed_total{by}` | observations made upon an `event` or a `poll` |
//! | `retune_propagation_seconds` | histogram: from the publish to the moment when readers saw it |
//! | `retune_propagation_applied_seconds` | the same, to the return of the last subscriber |
//! | `retune_degraded` | 1 if an update is refused, a volume is orphaned, a value has expired or something is stuck |
//! | `retune_expires_timestamp_seconds{path}` | when a value [expires](retune::Decoder::valid): a certificate, a token |
//! | `retune_valid_from_timestamp_seconds{path}` | from when it is valid, where it tells that |
//! | `retune_secret_changed_timestamp_seconds{path}` | [since when](retune::status::SecretStatus::changed) a secret is what it is |
//! | `retune_warnings` | what is odd but not wrong |
//! | `retune_pending_restart` | values that are changed and take effect on restart |
//! | `retune_overlap_ends_timestamp_seconds{path}` | there as long as the value before is taken as well, of a [`Rotating`](retune::Rotating): when that ends, `+Inf` if not by itself |
//! | `retune_waiting_seconds` | for how long volumes that belong together have been of different [revisions](retune::source::Mount::revision) |
//! | `retune_watch_mode{path,mode}` | 1 for the mode of a path: `events`, `polling`, `missing`, `orphaned`, `subpath`, `unread` |
//! | `retune_heartbeat_expires_timestamp_seconds{path}` | when a volume's [heartbeat](retune::source::Mount::heartbeat) expires; `orphaned` half a minute later |
//! | `retune_stuck_seconds` | for how long a reload has been stuck |
//! | `retune_subscribers_late` | subscribers that have not returned in time |
//! | `retune_subscriber_panics_total` | panics of subscribers, caught |
//! | `retune_event_overflows_total` | how often the kernel's queue of events was full, so that all was looked at again |
//! | `retune_watcher_panics_total` | panics of the thread that watches, which goes on |
//! | `retune_generations_held` | old generations that somebody still holds |
//! | `retune_generations_held_oldest_seconds` | since when the oldest of them has been replaced |
//!
//! The histograms count every change once, however rare the scrapes. A change whose publish time
//! nobody knows (plain files, values set by code) is not in them, and neither is the start. All
//! replicas run the same when `count by (hash) (retune_config_info)` has one line; an update is
//! refused somewhere when `min(retune_last_reload_success)` is 0.
//!
//! # Readiness
//!
//! A refused update is degraded, and still ready: the last good generation serves on. A readiness
//! probe that failed then would take every replica out of service at once, for a typing error that
//! harms nobody. So alert on `retune_degraded`, and leave it out of probes; a process that runs has
//! a configuration, as [`watch`](retune::Loader::watch) gives none before there is one. `/configz`
//! itself answers 200 whatever the health is.
#![forbid(unsafe_code)]

mod collector;
mod current;
mod pages;
mod server;

pub use collector::collector;
pub use current::Current;
pub use pages::{configz, metrics, router};
pub use server::{Server, serve};

/// The guide's code compiles.
#[cfg(doctest)]
mod guide {
    #[doc = include_str!("../../../docs/coming-from-env-from.md")]
    struct EnvFrom;

    #[doc = include_str!("../../../docs/coming-from-fsnotify.md")]
    struct Fsnotify;

    #[doc = include_str!("../../../docs/coming-from-konfig.md")]
    struct Konfig;

    #[doc = include_str!("../../../docs/coming-from-restarts.md")]
    struct Restarts;
}
