//! A source that the program gives by a closure.

use std::collections::{BTreeMap, HashMap};
use std::error::Error;
use std::fmt;
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, OnceLock};
use std::time::{Duration, Instant};

use retune_mount::{Content, NoticedBy, Signal};

use super::about::About;
use super::{Context, Kind, Layer, Sealed, keys};
use crate::guard::guarded;
use crate::node::Node;
use crate::origin::{Origin, Place};
use crate::problem::Problem;
use crate::schema::Way;
use crate::scrub::scrubbed;

/// How long after the first failure the closure is called again; then after as long again, up to the slow poll's
/// interval.
const FIRST_RETRY: Duration = Duration::from_secs(1);

/// It is never called more often of itself.
const QUICKEST: Duration = Duration::from_millis(10);

/// A source of the program's own: a closure that gives keys as a mounted volume does. A key whose name
/// is that of a document (`config.yaml`) is parsed and merged, any other is one value, by its name.
///
/// The closure is called at the start, whenever a [`Hint`] says that something changed, at each
/// [interval](Self::poll_every) if there is one, some time after it failed, and by
/// [`Live::reload`](crate::Live::reload). What it gave last counts until then, whatever else is read
/// again. It runs on the thread that loads, and then on the reload thread, never on the one that watches:
/// it may block, and when it takes too long the status names it as stuck. Its error and its panic
/// leave the last good generation in place, as a file does that cannot be read.
///
/// ```
/// use std::convert::Infallible;
/// use std::sync::{Arc, Mutex};
///
/// use retune::{Retune, source};
///
/// #[derive(Debug, Retune)]
/// struct Config {
///     message: String,
/// }
///
/// # fn main() -> Result<(), retune::Error> {
/// let stored = Arc::new(Mutex::new("Hello World"));
/// let read = stored.clone();
/// let store = source::from_fn("store", move || {
///     Ok::<_, Infallible>([("message", *read.lock().unwrap())])
/// });
/// let hint = store.hint();
/// let config = Config::loader().source(store).watch()?;
///
/// *stored.lock().unwrap() = "Hello Grandma";
/// hint.changed(); // from any thread
/// # config.reload()?;
/// # assert_eq!(config.load().message, "Hello Grandma");
/// # Ok(())
/// # }
/// ```
///
/// With [`Live::set`](crate::Live::set) the program decides: the value is pushed, stands above all
/// sources, and whoever pushes it learns whether it was refused. A closure is asked: it stands where it
/// was added among the sources, what it gives is read together with all of them, and what is refused
/// is in the status.
pub struct Closure {
    name: String,
    read: Box<Read>,
    optional: bool,
    secret: bool,
    every: Option<Duration>,
    changed: Hint,
    last: Option<Result<Keys, String>>,
    /// The layer of the last keys, whose secrets no error shall repeat.
    shown: Option<Node>,
    failing_since: Option<Instant>,
    due: Option<Instant>,
}

type Read = dyn FnMut() -> Result<Keys, String> + Send;

/// Tells a [`Closure`]'s configuration that it would give something else now. To be called from any
/// thread, any number of times; it never blocks.
#[derive(Clone, Debug)]
pub struct Hint(Arc<Inner>);

#[derive(Debug, Default)]
struct Inner {
    pending: AtomicBool,
    signal: OnceLock<Signal>,
}

/// What a closure gives: keys with their contents, or nothing at all. Made from an array, a `Vec` or
/// a map of pairs, and from an `Option` of such.
#[derive(Clone)]
pub struct Keys(Option<Vec<(String, Content)>>);

/// Makes a source of a closure; `name` is what reports and `explain` call it.
///
/// An error is told with its causes. It should hold no secret: of those that the source gave last, none
/// is repeated; of others that cannot be known.
///
/// ```
/// use retune::source;
///
/// let store = source::from_fn("store", || {
///     let document = std::fs::read_to_string("/proc/sys/kernel/hostname")?;
///     Ok::<_, std::io::Error>([("app.yaml", format!("message: {document}"))])
/// });
/// ```
pub fn from_fn<F, K, E>(name: impl Into<String>, mut read: F) -> Closure
where
    F: FnMut() -> Result<K, E> + Send + 'static,
    K: Into<Keys>,
    E: Into<Box<dyn Error + Send + Sync>>,
{
    let read = move || read().map(Into::into).map_err(|error| told(&*error.into()));
    Closure {
        name: name.into(),
        read: Box::new(read),
        optional: false,
        secret: false,
        every: None,
        changed: Hint(Arc::default()),
        last: None,
        shown: None,
        failing_since: None,
        due: None,
    }
}

/// An error with its causes, those left out that it names itself.
fn told(error: &(dyn Error + 'static)) -> String {
    let mut told = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        let text = error.to_string();
        if !told.contains(&text) {
            told = format!("{told}: {text}");
        }
        cause = error.source();
    }
    told
}

// === impl Closure ===

impl Closure {
    /// A handle by which any thread says that something changed.
    #[must_use]
    pub fn hint(&self) -> Hint {
        self.changed.clone()
    }

    /// Calls the closure at this interval as well, for what cannot tell that it changed. At least
    /// 10 ms.
    #[must_use]
    pub fn poll_every(mut self, interval: Duration) -> Self {
        self.every = Some(interval.max(QUICKEST));
        self
    }

    /// May give `None`, which is nothing at all; by default that is a failure.
    #[must_use]
    pub fn optional(mut self) -> Self {
        self.optional = true;
        self
    }

    /// Redacts all values from this source wherever they would be shown.
    #[must_use]
    pub fn secret(mut self) -> Self {
        self.secret = true;
        self
    }

    /// Calls the closure if there is reason to; whether it was called.
    fn refresh(&mut self, context: &Context<'_>) -> bool {
        if let Some(signal) = context.signal {
            // Before the call: a change during it is not lost.
            _ = self.changed.0.signal.set(signal.clone());
        }
        let due = self.due.is_some_and(|due| due <= Instant::now());
        let hinted = self.changed.0.pending.swap(false, Ordering::AcqRel);
        if self.last.is_some() && !due && !hinted {
            return false;
        }
        let read = &mut self.read;
        let result = guarded(read).unwrap_or_else(|panic| Err(format!("it panicked: {panic}")));
        let wait = match &result {
            Ok(_) => {
                self.failing_since = None;
                self.every
            }
            Err(_) => {
                // As long again as it has failed for, however often it was hinted at meanwhile.
                let since = *self.failing_since.get_or_insert_with(Instant::now);
                let retry = FIRST_RETRY.max(since.elapsed());
                let slowest = self.every.unwrap_or(context.poll.0);
                Some(retry.min(slowest).max(QUICKEST))
            }
        };
        self.due = wait.and_then(|wait| Instant::now().checked_add(wait));
        self.last = Some(result);
        true
    }

    fn place(&self, given: &Keys, context: &Context<'_>, layer: &mut Layer) {
        let place = |key: &Path| Place::Source {
            name: self.name.clone(),
            key: key.to_owned(),
        };
        let keys = keys::Keys {
            whole: place(Path::new("")),
            place: &place,
            secret: self.secret,
            about: &About::default(),
        };
        let given = given.0.iter().flatten();
        let given = given.map(|(key, content)| (Path::new(key), content));
        keys.put(given, context, layer);
    }

    fn failed(&self, message: String, layer: &mut Layer) {
        layer.failed = true;
        let nothing = Node::null();
        let message = scrubbed(message, self.shown.as_ref().unwrap_or(&nothing));
        let problem = Problem::new("", format!("{}: {message}", self.name));
        layer.notes.problems.push(problem);
    }
}

impl fmt::Debug for Closure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Closure")
            .field("name", &self.name)
            .finish_non_exhaustive()
    }
}

impl Sealed for Closure {
    fn name(&self) -> String {
        format!("closure {}", self.name)
    }

    fn kind(&self) -> Kind {
        Kind::Closure
    }

    fn read(&mut self, context: &mut Context<'_>) -> Layer {
        let mut layer = Layer::new(Origin::Default, Some(Way::Closure), context);
        layer.secret = self.secret;
        layer.same = !self.refresh(context);
        layer.due = self.due;
        if layer.leave_out(context) {
            return layer;
        }
        match &self.last {
            Some(Ok(Keys(None))) if !self.optional => {
                let help = "it gave nothing; let it give keys, or mark the source `.optional()`";
                self.failed(help.to_owned(), &mut layer);
            }
            Some(Ok(keys)) => {
                self.place(keys, context, &mut layer);
                let mut shown: Vec<_> = layer.lower.clone();
                shown.push(layer.root.clone());
                let node = crate::node::NodeValue::List(shown);
                self.shown = Some(Node::new(node, Origin::Default));
            }
            Some(Err(error)) => self.failed(error.clone(), &mut layer),
            None => {}
        }
        layer
    }

    fn distrust(&mut self) {
        self.last = None;
    }
}

// === impl Hint ===

impl Hint {
    /// Has the closure called again, and what it gives applied. Before the configuration is loaded
    /// there is nothing to do.
    pub fn changed(&self) {
        // Not a mere store: either this sees the signal, or the call that is about to be made sees this.
        self.0.pending.swap(true, Ordering::AcqRel);
        if let Some(signal) = self.0.signal.get() {
            signal.notice(NoticedBy::Event);
        }
    }
}

// === impl Keys ===

impl Keys {
    fn from_pairs<K: Into<String>, V: Into<Vec<u8>>>(
        pairs: impl IntoIterator<Item = (K, V)>,
    ) -> Self {
        let pairs = pairs.into_iter();
        Self(Some(
            pairs
                .map(|(k, v)| (k.into(), Content::new(v.into())))
                .collect(),
        ))
    }
}

/// Without the contents, as any of them may be a secret.
impl fmt::Debug for Keys {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let keys = self.0.iter().flatten().map(|(key, _)| key);
        f.debug_set().entries(keys).finish()
    }
}

impl<K: Into<Keys>> From<Option<K>> for Keys {
    fn from(keys: Option<K>) -> Self {
        keys.map_or(Self(None), Into::into)
    }
}

impl<K: Into<String>, V: Into<Vec<u8>>, const N: usize> From<[(K, V); N]> for Keys {
    fn from(pairs: [(K, V); N]) -> Self {
        Self::from_pairs(pairs)
    }
}

impl<K: Into<String>, V: Into<Vec<u8>>> From<Vec<(K, V)>> for Keys {
    fn from(pairs: Vec<(K, V)>) -> Self {
        Self::from_pairs(pairs)
    }
}

impl<K: Into<String>, V: Into<Vec<u8>>> From<BTreeMap<K, V>> for Keys {
    fn from(pairs: BTreeMap<K, V>) -> Self {
        Self::from_pairs(pairs)
    }
}

/// In the order of the keys, so that the same map says the same each time.
impl<K: Into<String>, V: Into<Vec<u8>>, S> From<HashMap<K, V, S>> for Keys {
    fn from(pairs: HashMap<K, V, S>) -> Self {
        let mut keys = Self::from_pairs(pairs);
        let in_order =
            |(a, x): &(String, Content), (b, y): &(String, Content)| (a, &**x).cmp(&(b, &**y));
        keys.0.iter_mut().for_each(|pairs| pairs.sort_by(in_order));
        keys
    }
}
