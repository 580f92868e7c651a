//! What a child process does not inherit.

use std::collections::BTreeMap;
use std::ffi::{OsStr, OsString};
use std::process::Command;

use super::Env;
use super::variable::Meaning;
use crate::Retune;
use crate::flat::Flat;
use crate::node::Node;
use crate::origin::Origin;
use crate::schema::Way;

// === impl Env ===

impl Env {
    /// Takes every variable that gives a secret of `T` out of what a child process inherits, in whatever
    /// writing this source takes it: by its prefix, an alias, the field's own variable, nested or whole.
    /// Variables that were set on the command before count as well; one that is set afterwards is given to
    /// the child on purpose.
    ///
    /// A variable gives a secret if its field is a [`Secret`](crate::Secret) or holds one, if its text
    /// has a password in a URL, or if this source is [`secret`](Self::secret). What a type takes that
    /// tells no names, such as [`Serde`](crate::Serde), is scrubbed only of a secret source.
    ///
    /// `X_FILE` stays: it names a file and is no secret itself, and a child of the same user can read the
    /// file by any name. retune itself exports nothing: it never writes to the environment.
    ///
    /// Other programs' secrets are not known here; where the child needs little, `env_clear` and a list of
    /// what it needs is safer. For `tokio::process::Command` there is `as_std_mut`.
    ///
    /// ```
    /// use std::process::Command;
    ///
    /// use retune::{Retune, Secret, source::Env};
    ///
    /// #[derive(Retune)]
    /// struct Config {
    ///     message: String,
    ///     signing_key: Secret<String>,
    /// }
    ///
    /// # fn main() -> std::io::Result<()> {
    /// let mut command = Command::new("env");
    /// command.env("GREETER_SIGNING_KEY", "hunter2").env("GREETER_MESSAGE", "Hello");
    /// let output = Env::new("GREETER").scrub::<Config>(&mut command).output()?;
    /// let inherited = String::from_utf8_lossy(&output.stdout);
    /// assert!(inherited.contains("GREETER_MESSAGE") && !inherited.contains("SIGNING_KEY"));
    /// # Ok(())
    /// # }
    /// ```
    pub fn scrub<'c, T: Retune>(&self, command: &'c mut Command) -> &'c mut Command {
        let flat = Flat::new(T::SCHEMA);
        let own = self.variables.iter();
        let mut inherited: BTreeMap<OsString, OsString> = std::env::vars_os().collect();
        inherited.extend(own.map(|(name, value)| (name.into(), value.clone())));
        for (name, value) in command.get_envs() {
            inherited.insert(name.to_owned(), value.unwrap_or_default().to_owned());
        }
        for (name, value) in &inherited {
            if self.gives_secret(&flat, name, value) {
                command.env_remove(name);
            }
        }
        command
    }

    fn gives_secret(&self, flat: &Flat, name: &OsStr, value: &OsStr) -> bool {
        // No field has a name that is no text.
        let Some(name) = name.to_str() else {
            return false;
        };
        let field = match self.names.meaning(flat, name) {
            Meaning::Value(path) => flat.at(&path),
            // It is there, whether it is taken or not.
            Meaning::Withheld(found, Way::Env) => Some(found),
            Meaning::Withheld(..) | Meaning::File(_) | Meaning::Unknown => return false,
        };
        let text = Node::text(value.to_string_lossy(), Origin::Default);
        self.secrecy.is_said() || field.is_some_and(|field| field.secret) || text.holds_secret()
    }
}
