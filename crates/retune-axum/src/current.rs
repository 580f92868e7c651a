//! One snapshot for a request.

use std::convert::Infallible;
use std::fmt;
use std::ops::Deref;

use axum::extract::{FromRef, FromRequestParts};
use axum::http::request::Parts;
use retune::{Live, Snapshot};

/// The configuration as it was when the request first asked for it.
///
/// Every extractor of one request sees the same generation, in middleware, handlers and other
/// extractors alike: a change while the request runs is for the next one. It dereferences to the
/// configuration; the number of its generation is `Snapshot::generation(&current.0)`.
///
/// The router's state is the [`Live`] itself, or gives one by [`FromRef`]. What a request has seen
/// is remembered by the type `T`: two configurations of one program are two types.
///
/// ```
/// use axum::{Router, extract::FromRef, routing::get};
/// use retune::Live;
/// use retune_axum::Current;
///
/// struct Config {
///     message: String,
/// }
///
/// #[derive(Clone)]
/// struct App {
///     config: Live<Config>,
/// }
///
/// impl FromRef<App> for Live<Config> {
///     fn from_ref(app: &App) -> Self {
///         app.config.clone()
///     }
/// }
///
/// async fn greet(config: Current<Config>) -> String {
///     config.message.clone()
/// }
///
/// let app = App { config: Live::fixed(Config { message: "hello".into() }) };
/// let router: Router = Router::new().route("/", get(greet)).with_state(app);
/// ```
pub struct Current<T>(pub Snapshot<T>);

/// A request's extensions want to be able to clone, whether or not `T` can.
struct Seen<T>(Snapshot<T>);

// === impl Current ===

impl<T, S> FromRequestParts<S> for Current<T>
where
    T: Send + Sync + 'static,
    Live<T>: FromRef<S>,
    S: Sync,
{
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Infallible> {
        if let Some(Seen(snapshot)) = parts.extensions.get() {
            return Ok(Self(Snapshot::clone(snapshot)));
        }
        let snapshot = Live::from_ref(state).load();
        parts.extensions.insert(Seen(snapshot.clone()));
        Ok(Self(snapshot))
    }
}

impl<T> Clone for Current<T> {
    fn clone(&self) -> Self {
        Self(self.0.clone())
    }
}

impl<T> Deref for Current<T> {
    type Target = T;

    fn deref(&self) -> &T {
        &self.0
    }
}

impl<T: fmt::Debug> fmt::Debug for Current<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Current").field(&self.0).finish()
    }
}

// === impl Seen ===

impl<T> Clone for Seen<T> {
    fn clone(&self) -> Self {
        Self(self.0.clone())
    }
}
