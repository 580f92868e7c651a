//! The derive macro of retune. Use it through `retune`, which re-exports it.
#![forbid(unsafe_code)]

mod attrs;
mod enums;
mod fields;
mod names;
mod overlap;
mod range;
mod structs;
mod types;

use proc_macro::TokenStream;
use syn::{Data, DeriveInput, Error, parse_macro_input};

/// Makes a struct a configuration, or a struct or enum a part of one.
///
/// ```
/// use std::time::Duration;
///
/// use retune::{Retune, Secret};
///
/// /// What the greeter can change while it runs.
/// #[derive(Debug, Retune)]
/// struct Config {
///     /// Text that `GET /` answers with.
///     #[retune(default = "Hello World")]
///     message: String,
///     /// How long an upstream call may take.
///     #[retune(default = "30s", validate = at_most_a_minute)]
///     timeout: Duration,
///     #[retune(default = 8080, alias = "listen-port", deprecated = "http-port")]
///     port: u16,
///     /// Key that signs tokens.
///     signing_key: Option<Secret<String>>,
///     #[retune(default = "none")]
///     sessions: Sessions,
///     database: Database,
/// }
///
/// #[derive(Debug, Retune)]
/// struct Database {
///     #[retune(default = "localhost")]
///     host: String,
///     #[retune(from_str, expects = "a client's name", default = "app".to_owned())]
///     user: String,
/// }
///
/// #[derive(Debug, PartialEq, Retune)]
/// enum Sessions {
///     None,
///     File { path: std::path::PathBuf },
/// }
///
/// fn at_most_a_minute(timeout: &Duration) -> Result<(), &'static str> {
///     if *timeout <= Duration::from_secs(60) { Ok(()) } else { Err("longer than a minute") }
/// }
///
/// # fn main() -> Result<(), retune::Error> {
/// let config = Config::loader()
///     .set("database.host", "db-1")
///     .set("sessions", "{file: {path: /tmp}}")
///     .set("timeout", "1m")
///     .once()?;
/// assert_eq!((&*config.message, &*config.database.host), ("Hello World", "db-1"));
/// assert_eq!(config.sessions, Sessions::File { path: "/tmp".into() });
///
/// let error = Config::loader().set("timeout", "90s").set("port", "x").once().unwrap_err();
/// assert_eq!(error.problems().len(), 2); // all that is wrong, at once
/// # Ok(())
/// # }
/// ```
///
/// # Structs
///
/// A struct has named fields. Doc comments are the help. A field whose type derives `Retune` is
/// nested: `database.host` in a path, `DATABASE_HOST` in a variable. A field must be given unless it has
/// a default, is an `Option`, or is a struct whose fields need not be given. An `Option` of a struct is
/// there when any of the struct's keys is.
///
/// Names are compared by their letters and digits alone: the field `new_ui` is `newUI`, `new-ui` and
/// `NEW_UI` outside. Two fields that would be one name outside, nested ones too, do not compile.
///
/// | on a field | |
/// |---|---|
/// | `default` | what nothing gives is `Default::default()`; of a struct, that of the struct and not the defaults of its fields |
/// | `default = "30s"`, `8080`, `-0.5`, `true` | a text, decoded like any other; numbers and bools need no quotes |
/// | `default = expression` | any other expression of the field's type, evaluated when needed |
/// | `rename = "newUI"` | its name outside, in place of its name in code |
/// | `alias = "name"` | one more name; repeatable |
/// | `deprecated = "name"` | one more name, whose use is a warning; repeatable |
/// | `env = "LOG_LEVEL"` | the variable that sets it, whatever the prefix |
/// | `range = 1..=100`, `0.0..1.0`, `1..` | the numbers that it takes, also within `Option`, lists and maps |
/// | `validate = function` | `Fn(&T) -> Result<(), impl Display>`; of an `Option<T>`, sees the `T` that is there, of a `Rotating<T>` each of the two; repeatable |
/// | `from_str` | by the type's `FromStr`, also within `Option`, `Vec`, `Secret` and `Rotating` |
/// | `serde` | by the type's `Deserialize`, also within `Option`, `Vec`, `Secret` and `Rotating`; the highest source wins whole |
/// | `expects = "a URL"` | with `from_str` or `serde`: what reports and help say that it takes |
/// | `raw` | text from a file keeps its final newline |
/// | `restart` | a change takes effect on restart: until then readers keep the running value, and the status lists the change as pending |
/// | `overlap = "10m"`, `"until told"` | of a `Rotating`: how long the value that a change replaces is taken beside the new one |
/// | `separator = ';'` | what stands between the items of a list or map that is written as a text, in place of the loader's |
/// | `allow_flag` | a flag gives it although it is a `Secret`; by default a command line with one is refused, as everybody on the machine can read the arguments of a process. On a field that is a struct, it is about all of its fields |
/// | `not_from(env, flags)` | ways in which it is not taken: `file`, `mount`, `closure`, `env`, `env_file`, `flags`. A value that is given so all the same is ignored, with a warning; a flag does not exist. On a field that is a struct, it is about all of its fields |
///
/// | on a struct | |
/// |---|---|
/// | `validate = function` | `Fn(&Self) -> Result<(), impl Display>`, once every field has passed; repeatable |
/// | `wipe` | a `Secret` of it is overwritten in memory when it is dropped, its `serde` and `from_str` fields excepted (enums, too). The compiler takes that for a use of each field, and no longer tells of those that nobody reads |
/// | `crate = path` | where `retune` is, for crates that re-export it (enums, too) |
///
/// What a check says of a secret is struck from its message, or the message withheld where the check
/// cannot know (a plain field that a secret source gives).
///
/// `restart` on a nested struct, a list, a map or an enum is about the whole of it. It cannot be on a
/// field of their items, values or variants, which come and go: that does not compile. A struct in an
/// `Option` may have such fields; while it is not there, nothing of it runs that could be kept.
///
/// # Enums
///
/// A variant is written as its name (`read-only` for `ReadOnly`, in any case of writing), or, if it holds
/// one value or named fields, as a map with its name as the one key: `sessions: {file: {path: /tmp}}`.
/// Variants take `rename`, `alias` and `deprecated`; named fields in a variant take what fields of
/// structs take, a lone value `from_str`, `serde` and `expects`.
///
/// # Values
///
/// | type | is written |
/// |---|---|
/// | `String`, `Box<str>`, `Arc<str>`, `char` | as it is; a file loses one final newline |
/// | `bool` | `true`, `yes`, `on`, `1`, `false`, `no`, `off`, `0`, in any case |
/// | integers, `NonZero…` | `42`, `+5`, `-1_000`, `0xff`, `0o644`, `0b101`; a leading zero is not octal |
/// | `f32`, `f64` | `0.5`, `1e6`; neither infinite nor `nan` |
/// | `Duration` | `1h30m`, `250ms`, `1.5s`; units `ns us ms s m h d w`, from long to short; a bare number but `0` is refused |
/// | `ByteSize` | `64MiB`, `10MB`, `1.5Gi`, `512` |
/// | `SocketAddr`, `IpAddr`, their `V4` and `V6` | `127.0.0.1:8080`, `::1`; no host names |
/// | `PathBuf`, `OsString` | any text without a NUL |
/// | `url::Url` (feature `url`) | `https://example.org/path`, with its scheme |
/// | `regex::Regex` (feature `regex`) | `^v[0-9]+$`; in a list, quoted within brackets: `['a{1,2}']` |
/// | `Vec<u8>` | any bytes, exactly |
/// | `Vec`, `BTreeSet`, `HashSet` | `a, b` (see `separator`), `[a, b]`, or a document's list |
/// | `BTreeMap<String, _>`, `HashMap<String, _>` | `a=1, b=2`, `{a: 1}`, or a document's map; keys keep their case |
/// | `Option`, `Box`, `Arc`, `Secret` | as what they hold |
/// | `Rotating` | as what it holds, or `{current: …, previous: …}` in a document |
///
/// A number may be quoted in its document. Blanks around numbers, bools, durations, sizes, addresses, URLs
/// and names of variants do not count.
#[proc_macro_derive(Retune, attributes(retune))]
pub fn derive_retune(input: TokenStream) -> TokenStream {
    let input = parse_macro_input!(input as DeriveInput);
    expand(&input)
        .unwrap_or_else(|error| error.into_compile_error())
        .into()
}

fn expand(input: &DeriveInput) -> syn::Result<proc_macro2::TokenStream> {
    if !input.generics.params.is_empty() {
        return Err(Error::new_spanned(
            &input.generics,
            "a configuration has no type parameters or lifetimes: write the types out",
        ));
    }
    match &input.data {
        Data::Struct(data) => structs::expand(input, &data.fields),
        Data::Enum(data) => enums::expand(input, data),
        Data::Union(data) => Err(Error::new_spanned(
            data.union_token,
            "`Retune` is for structs and enums",
        )),
    }
}
