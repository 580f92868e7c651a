//! Environment variables that follow mounted volumes.

use std::collections::BTreeMap;
use std::error::Error as StdError;
use std::ffi::{OsStr, OsString};
use std::fmt;
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::process::Command;
use std::sync::Arc;

use crate::Retune;
use crate::decode::{Decoder, Value, Variables};
use crate::error::Error;
use crate::live::Live;
use crate::loader::Loader;
use crate::node::{Node, NodeValue};
use crate::origin::Origin;
use crate::password;
use crate::schema::{Schema, Shape};
use crate::secret::REDACTED;
use crate::source::Mount;

/// Environment variables at one moment: those of the process, under the keys of mounted volumes.
///
/// A container that takes a ConfigMap by `envFrom` keeps what it said when the container started. With
/// the same ConfigMap mounted, `Live<EnvView>` gives the same names as they are now. The process's own
/// environment is read once, when the [`loader`](Retune::loader) is made, and never written.
///
/// ```
/// use retune::EnvView;
///
/// # fn main() -> Result<(), retune::Error> {
/// # let volume = tempfile::tempdir().unwrap();
/// # std::fs::write(volume.path().join("KEY1"), "VAL1\n").unwrap();
/// # let mounted = volume.path();
/// let env = EnvView::watch(mounted)?; // such as "/config"
/// assert_eq!(env.get("KEY1").as_deref(), Some("VAL1"));
///
/// // Several names of one moment:
/// let now = env.load();
/// let home = now.get("HOME");
/// for name in now.mounted() {
///     println!("{name} = {:?}", now.get(name));
/// }
///
/// // A child process sees just this.
/// let mut child = std::process::Command::new("sh");
/// now.apply(&mut child);
/// # _ = home;
/// # Ok(())
/// # }
/// ```
///
/// # Names and values
///
/// - A key is the variable of its name. It may be any name, such as `log-level` or `config.yaml`; only
///   those that shells can name are given to a child. No key is parsed as a document.
/// - A value is what the key holds, but for one final newline. The empty value is a value.
/// - A key that is removed gives way to what the process's environment has by that name, if anything:
///   with `envFrom`, its value when the container started. Losing all keys is a fault, and changes
///   nothing but the status.
/// - Of several mounts the one that was added last wins. Two keys of one volume are never of two of
///   its versions.
///
/// # What is shown
///
/// Mounted keys are configuration: the status, `explain` and `Debug` show them, unless the mount is
/// marked [`secret`](Mount::secret). The process's own variables are shown nowhere, not even by name.
///
/// # Several mounts
///
/// ```no_run
/// use retune::{EnvView, Retune, source::Mount};
///
/// # fn main() -> Result<(), retune::Error> {
/// let env = EnvView::loader()
///     .mount("/config")
///     .mount(Mount::new("/overrides").optional())
///     .watch()?;
/// # Ok(())
/// # }
/// ```
#[derive(Clone)]
pub struct EnvView {
    inherited: Arc<Variables>,
    mounted: BTreeMap<String, Mounted>,
}

/// Why a variable cannot be had as text. It holds the name, and never the value.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum VarError {
    /// Neither a volume nor the process's environment has it.
    NotPresent {
        /// The variable.
        name: String,
    },
    /// It is there, and is not UTF-8.
    NotUnicode {
        /// The variable.
        name: String,
    },
}

/// The value of a mounted key.
#[derive(Clone)]
struct Mounted {
    value: OsString,
    origin: Origin,
    secret: bool,
}

/// Bytes, so that no rule for text changes them.
const SHAPE: Shape = Shape::Bytes;

// === impl EnvView ===

impl EnvView {
    /// Follows one volume that must be mounted.
    ///
    /// # Errors
    ///
    /// As of [`Loader::watch`]: the volume is not there, or cannot be read.
    pub fn watch(mount: impl Into<Mount>) -> Result<Live<Self>, Error> {
        Self::loader().mount(mount).watch()
    }

    /// Names the mounts above variables that are given by code, in place of the process's.
    ///
    /// ```
    /// use retune::EnvView;
    ///
    /// # fn main() -> Result<(), retune::Error> {
    /// let env = EnvView::over([("KEY1", "VAL1")]).once()?;
    /// assert_eq!(env.get("KEY1"), Some("VAL1"));
    /// # Ok(())
    /// # }
    /// ```
    pub fn over<K: Into<OsString>, V: Into<OsString>>(
        variables: impl IntoIterator<Item = (K, V)>,
    ) -> Loader<Self> {
        let variables = variables.into_iter();
        let variables = variables.map(|(name, value)| (name.into(), value.into()));
        Loader::new().inheriting(variables.collect())
    }

    /// The value of a variable; `None` if there is none, or none that is UTF-8.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<&str> {
        self.get_os(name)?.to_str()
    }

    /// The value of a variable, whatever its bytes.
    #[must_use]
    pub fn get_os(&self, name: impl AsRef<OsStr>) -> Option<&OsStr> {
        let name = name.as_ref();
        let mounted = name.to_str().and_then(|name| self.mounted.get(name));
        let mounted = mounted.map(|mounted| &*mounted.value);
        mounted.or_else(|| self.inherited(name))
    }

    /// The value of a variable, as [`std::env::var`] gives it.
    ///
    /// # Errors
    ///
    /// There is no such variable, or it is not UTF-8.
    pub fn var(&self, name: &str) -> Result<&str, VarError> {
        let name_of = || name.to_owned();
        let value = self.get_os(name);
        let value = value.ok_or_else(|| VarError::NotPresent { name: name_of() })?;
        let text = value.to_str();
        text.ok_or_else(|| VarError::NotUnicode { name: name_of() })
    }

    /// What the process's environment gave, whatever is mounted.
    #[must_use]
    pub fn inherited(&self, name: impl AsRef<OsStr>) -> Option<&OsStr> {
        self.inherited.get(name.as_ref()).map(OsString::as_os_str)
    }

    /// Whether a volume has a key of this name.
    #[must_use]
    pub fn is_mounted(&self, name: &str) -> bool {
        self.mounted.contains_key(name)
    }

    /// The names of the mounted keys, in order.
    pub fn mounted(&self) -> impl Iterator<Item = &str> {
        self.mounted.keys().map(String::as_str)
    }

    /// Where a variable's value was written when it came.
    #[must_use]
    pub fn origin(&self, name: &str) -> Option<Origin> {
        let mounted = self.mounted.get(name).map(|mounted| mounted.origin.clone());
        mounted.or_else(|| self.inherited(name).map(|_| Origin::Env(name.into())))
    }

    /// All names, in order.
    pub fn names(&self) -> impl Iterator<Item = &OsStr> {
        self.iter().map(|(name, _)| name)
    }

    /// All variables, in the order of their names.
    pub fn iter(&self) -> impl Iterator<Item = (&OsStr, &OsStr)> {
        let inherited = self.inherited.iter();
        let inherited = inherited.map(|(name, value)| (name.as_os_str(), value.as_os_str()));
        let mounted = self.mounted.iter();
        let mounted = mounted.map(|(name, mounted)| (OsStr::new(name), mounted.value.as_os_str()));
        let all: BTreeMap<_, _> = inherited.chain(mounted).collect();
        all.into_iter()
    }

    /// What a child process is to see, for [`Command::envs`] after [`Command::env_clear`]: all
    /// variables but mounted ones that a child cannot have, as their name is none that shells know
    /// (letters, digits and `_`, no digit first) or their value holds a zero byte.
    pub fn envs(&self) -> impl Iterator<Item = (&OsStr, &OsStr)> {
        self.iter().filter(|(name, value)| {
            let mounted = name.to_str().filter(|name| self.is_mounted(name));
            mounted.is_none_or(|name| is_variable(name) && !value.as_bytes().contains(&0))
        })
    }

    /// Makes these the environment of a child process, instead of the process's own and of what was
    /// set for the child before; what is set after it is added.
    pub fn apply(&self, command: &mut Command) {
        command.env_clear().envs(self.envs());
    }
}

/// Whether a shell can name it.
fn is_variable(name: &str) -> bool {
    let letter = |byte: u8| byte.is_ascii_alphabetic() || byte == b'_';
    let mut bytes = name.bytes();
    bytes.next().is_some_and(letter) && bytes.all(|byte| letter(byte) || byte.is_ascii_digit())
}

/// For one name at a time; [`load`](Self::load) gives several names of one moment.
impl Live<EnvView> {
    /// The value of a variable now; `None` if there is none, or none that is UTF-8.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<String> {
        self.with(|env| env.get(name).map(str::to_owned))
    }

    /// The value of a variable now, as [`std::env::var`] gives it.
    ///
    /// # Errors
    ///
    /// There is no such variable, or it is not UTF-8.
    pub fn var(&self, name: &str) -> Result<String, VarError> {
        self.with(|env| env.var(name).map(str::to_owned))
    }
}

impl Value for EnvView {
    const SHAPE: Shape = Shape::Map(&SHAPE);

    fn decode(node: &Node, decoder: &mut Decoder) -> Option<Self> {
        decoder.structure(node, Self::SCHEMA)?;
        let mounted = decoder.entries(node, Mounted::decode)?;
        Some(Self {
            inherited: decoder.inherited(),
            mounted: mounted.into_iter().collect(),
        })
    }
}

impl Retune for EnvView {
    const SCHEMA: &'static Schema = &Schema::new("EnvView", "", &[]).open(&SHAPE);

    fn loader() -> Loader<Self> {
        Self::over(std::env::vars_os())
    }
}

/// Mounted keys alone: the process's environment may hold secrets.
impl fmt::Debug for EnvView {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("EnvView")
            .field("mounted", &self.mounted)
            .finish_non_exhaustive()
    }
}

// === impl Mounted ===

impl Mounted {
    fn decode(node: &Node, decoder: &mut Decoder) -> Option<Self> {
        let value = match &node.value {
            NodeValue::Text { text, .. } => OsString::from(&**text),
            NodeValue::File(bytes) => OsString::from_vec(bytes.to_vec()),
            _ => {
                decoder.mismatch(node, "the value of a variable", None);
                return None;
            }
        };
        Some(Self {
            value,
            origin: node.origin.clone(),
            secret: node.secret,
        })
    }
}

impl fmt::Debug for Mounted {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.secret {
            true => f.write_str(REDACTED),
            false => match self.value.to_str() {
                Some(text) => password::masked(text).fmt(f),
                None => self.value.fmt(f),
            },
        }
    }
}

// === impl VarError ===

impl fmt::Display for VarError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NotPresent { name } => write!(f, "there is no variable `{name}`"),
            Self::NotUnicode { name } => write!(f, "the variable `{name}` is not UTF-8"),
        }
    }
}

impl StdError for VarError {}
