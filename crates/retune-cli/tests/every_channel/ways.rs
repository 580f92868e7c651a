//! A configuration that is given in every way there is, with marked secrets.

use std::collections::BTreeMap;
use std::convert::Infallible;
use std::fs;
use std::path::{Path, PathBuf};
use std::str::FromStr;

use retune::source::{self, Env, File, Mount};
use retune::{Loader, Retune, Secret};
use retune_mount::Publisher;

use super::marks::Marks;

#[derive(Debug, serde::Serialize, Retune)]
pub(crate) struct All {
    /// A control: it is shown.
    #[retune(default = "none")]
    message: String,
    #[retune(default = "Vq3xZt8LmW0pRk5y", validate = quotes)]
    single: Secret<String>,
    from_yaml: Secret<String>,
    from_toml: Secret<String>,
    from_json: Secret<String>,
    from_dotenv: Secret<String>,
    variable: Secret<String>,
    named_file: Secret<String>,
    closure: Secret<String>,
    code: Secret<String>,
    #[retune(allow_flag)]
    flag: Secret<String>,
    bytes: Secret<Vec<u8>>,
    number: Secret<u64>,
    list: Secret<Vec<String>>,
    map: Secret<BTreeMap<String, String>>,
    list_of: Vec<Secret<String>>,
    map_of: BTreeMap<String, Secret<String>>,
    login: Secret<Login>,
    #[retune(serde)]
    leaf: Secret<Leaf>,
    #[retune(from_str)]
    parsed: Secret<Parsed>,
    #[retune(restart)]
    fixed: Secret<String>,
    #[serde(skip)]
    #[expect(dead_code, reason = "it is only read in")]
    plain: Plain,
}

/// Types that know nothing of secrets: their `Debug` shows what they are given.
#[derive(Retune)]
pub(crate) struct Plain {
    #[retune(default = "postgres://u:Vq3xZt8LmW0pRk5y@h/db")]
    _url: String,
    _parsed_url: url::Url,
    _text: String,
    _map: BTreeMap<String, String>,
    #[retune(default = "{}", restart)]
    _fixed: BTreeMap<String, String>,
}

#[derive(Debug, serde::Serialize, Retune)]
pub(crate) struct Login {
    user: String,
    #[retune(default = "Vq3xZt8LmW0pRk5y")]
    password: String,
}

#[derive(Debug, serde::Serialize, serde::Deserialize)]
pub(crate) struct Leaf {
    kind: String,
    #[serde(default)]
    of: Option<Kind>,
}

#[derive(Debug, serde::Serialize, serde::Deserialize)]
enum Kind {
    One,
}

#[derive(Debug, serde::Serialize)]
pub(crate) struct Parsed(String);

impl std::fmt::Debug for Plain {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Plain")
    }
}

impl FromStr for Parsed {
    type Err = String;

    /// Quotes its input, as parsers do.
    fn from_str(text: &str) -> Result<Self, String> {
        match text.starts_with("bad") {
            true => Err(format!("unexpected {text:?} in {text}")),
            false => Ok(Self(text.to_owned())),
        }
    }
}

fn quotes(secret: &Secret<String>) -> Result<(), String> {
    let secret = secret.expose();
    assert!(!secret.starts_with("panic"), "{secret} and {secret:?}");
    match secret.starts_with("bad") {
        true => Err(format!("{secret} and {secret:?}")),
        false => Ok(()),
    }
}

/// Where the sources lie.
pub(crate) struct Ways {
    dir: PathBuf,
    volume: Publisher,
    secret: Publisher,
}

// === impl Ways ===

impl Ways {
    pub(crate) fn new(dir: &Path, marks: &Marks) -> Self {
        let publisher = |name| Publisher::create(dir.join(name)).expect("a volume");
        let ways = Self {
            dir: dir.to_owned(),
            volume: publisher("volume"),
            secret: publisher("secret"),
        };
        ways.write(marks, &[]);
        ways
    }

    /// Writes all files, with some keys of the volume replaced.
    pub(crate) fn write(&self, marks: &Marks, other: &[(&str, String)]) {
        let Marks {
            word,
            hard,
            plain,
            number,
        } = marks;
        let quoted = serde_json::to_string(hard).expect("JSON");
        let hidden = serde_json::to_string(plain).expect("JSON");
        // Below the keys of a map as well.
        let document = |extra: &str| format!("{{{extra}}}");
        let files = [
            (
                "a.yaml",
                format!("message: plain-control\nfrom-yaml: {quoted}\n"),
            ),
            ("b.toml", format!("from-toml = '''{word}'''\n")),
            ("c.json", document(&format!("\"fromJson\": {quoted}"))),
            ("d.env", format!("FROM_DOTENV='{word}'\n")),
        ];
        for (name, content) in files {
            fs::write(self.dir.join(name), content).expect("written");
        }
        fs::write(self.dir.join("named"), hard).expect("written");
        let mut keys = BTreeMap::from([
            ("single".to_owned(), hard.clone()),
            ("bytes".to_owned(), format!("{hard}\n")),
            ("number".to_owned(), number.to_string()),
            ("list".to_owned(), format!("[{quoted}, {word}]")),
            ("map".to_owned(), document(&format!("\"{word}\": {quoted}"))),
            ("list-of".to_owned(), format!("[{quoted}, {word}]")),
            (
                "map-of".to_owned(),
                document(&format!("\"name\": {quoted}")),
            ),
            ("login".to_owned(), document(&format!("\"user\": {quoted}"))),
            ("leaf".to_owned(), document(&format!("\"kind\": {quoted}"))),
            ("parsed".to_owned(), word.clone()),
            ("fixed".to_owned(), word.clone()),
            (
                "plain.-url".to_owned(),
                format!("postgres://u:{plain}@h/db"),
            ),
            (
                "plain.-parsed-url".to_owned(),
                format!("https://u:{plain}@h/"),
            ),
        ]);
        for (key, text) in other {
            keys.insert((*key).to_owned(), text.clone());
        }
        self.volume.publish(keys).expect("published");
        let document = format!(
            "plain: {{-map: {{{hidden}: {hidden}}}, -fixed: {{{hidden}: {hidden}}}}}\n{hidden}: 1\n"
        );
        let secret = [("plain.-text", plain.clone()), ("config.yaml", document)];
        self.secret.publish(secret).expect("published");
    }

    pub(crate) fn loader(&self, marks: &Marks) -> Loader<All> {
        let at = |name: &str| self.dir.join(name);
        let (word, hard) = (marks.word.clone(), marks.hard.clone());
        let closure = source::from_fn("store", move || {
            Ok::<_, Infallible>([("closure", hard.clone())])
        });
        All::loader()
            .file(at("a.yaml"))
            .file(at("b.toml"))
            .file(at("c.json"))
            .file(File::new(at("d.env")))
            .mount(Mount::new(at("volume")).not_secret())
            .mount(Mount::new(at("secret")).secret())
            .source(closure)
            .env(self.env(marks))
            .args(["app", &format!("--flag={word}")])
            .set("code", &marks.hard)
            .warn_world_readable()
    }

    pub(crate) fn env(&self, marks: &Marks) -> Env {
        let file = self.dir.join("named").display().to_string();
        let variables = [
            ("APP_VARIABLE", marks.hard.clone()),
            ("APP_NAMED_FILE_FILE", file),
            ("APP_OTHER", "x".to_owned()),
        ];
        Env::from_iter("APP", variables)
    }
}
