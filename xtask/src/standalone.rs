//! `cargo xtask standalone`: each example in an empty crate of its own, as somebody has it who copies
//! its `src` and the dependency lines of its README, and nothing else of this repository.
//!
//! The lines name the repository by its address. Here git is told to find that on this machine, so
//! that what is built is the last commit.

use std::fs;
use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Duration;

use crate::packages::{self, Package};
use crate::{Result, sh};

/// Where the examples' dependency lines say that retune is.
const REPOSITORY: &str = "https://github.com/retune-rs/retune";

/// How long a program may take to end.
const PATIENCE: Duration = Duration::from_secs(10);

/// One program of an example, and how it shows that it runs.
struct Play {
    example: &'static str,
    program: &'static str,
    /// What it reads, by path below its working directory.
    files: &'static [(&'static str, &'static str)],
    /// What makes the rest of that, run there: words, with one blank between two.
    prepared_by: &'static [&'static str],
    environment: &'static [(&'static str, &'static str)],
    /// Part of a line that it prints.
    prints: &'static str,
    /// It is not a service, but ends by itself.
    ends: bool,
}

/// A certificate that no authority has issued.
const SELF_SIGNED: &str = "openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 1 \
                           -subj /CN=localhost -keyout tls/tls.key -out tls/tls.crt";

const PLAYS: &[Play] = &[
    Play {
        example: "env-vars",
        program: "env-vars",
        files: &[("config/KEY1", "VAL1"), ("config/KEY2", "VAL2")],
        prepared_by: &[],
        environment: &[("CONFIG_DIR", "config"), ("LISTEN", "127.0.0.1:0")],
        prints: "Listening on 127.0.0.1:",
        ends: false,
    },
    Play {
        example: "feature-flags",
        program: "feature-flags",
        files: &[("config/config.yaml", "featureFlags: {newUI: false}\n")],
        prepared_by: &[],
        environment: &[("CONFIG_DIR", "config"), ("LISTEN", "127.0.0.1:0")],
        prints: "Listening on '127.0.0.1:",
        ends: false,
    },
    Play {
        example: "greeter",
        program: "greeter",
        files: &[(
            "config/configmap-microservice-demo.yaml",
            "message: Hello World\n",
        )],
        prepared_by: &[],
        environment: &[("CONFIG_DIR", "config"), ("GREETER_LISTEN", "127.0.0.1:0")],
        prints: "Listening on '127.0.0.1:",
        ends: false,
    },
    Play {
        example: "jwt-rotation",
        program: "auth",
        files: &[("keys/jwt.keys.2026-11-21", "a key that nobody knows")],
        prepared_by: &[],
        environment: &[("KEYS_DIR", "keys"), ("LISTEN", "127.0.0.1:0")],
        prints: "auth on 127.0.0.1:",
        ends: false,
    },
    Play {
        example: "jwt-rotation",
        program: "api",
        files: &[("keys/jwt.keys.2026-11-21", "a key that nobody knows")],
        prepared_by: &[],
        environment: &[("KEYS_DIR", "keys"), ("LISTEN", "127.0.0.1:0")],
        prints: "api on 127.0.0.1:",
        ends: false,
    },
    Play {
        example: "jwt-rotation",
        program: "visitor",
        files: &[],
        prepared_by: &[],
        environment: &[("LISTEN", "127.0.0.1:0")],
        prints: "visitor on 127.0.0.1:",
        ends: false,
    },
    Play {
        example: "jwt-rotation",
        program: "one-key",
        files: &[("keys/signing-key", "a key that nobody knows")],
        prepared_by: &[],
        environment: &[("KEYS_DIR", "keys"), ("LISTEN", "127.0.0.1:0")],
        prints: "one-key on 127.0.0.1:",
        ends: false,
    },
    Play {
        example: "log-level",
        program: "server",
        files: &[("configs/log-level", "info")],
        prepared_by: &[],
        environment: &[
            ("LOG_LEVEL_FILE", "configs/log-level"),
            ("LISTEN", "127.0.0.1:0"),
        ],
        prints: "starting http server",
        ends: false,
    },
    Play {
        example: "log-level",
        program: "client",
        files: &[("configs/log-level", "info")],
        prepared_by: &[],
        environment: &[
            ("LOG_LEVEL_FILE", "configs/log-level"),
            ("LISTEN", "127.0.0.1:0"),
        ],
        prints: "start sending requests",
        ends: false,
    },
    Play {
        example: "options",
        program: "options",
        files: &[("endpoints", "service-1:8080,service-2:8080,service-3:8080")],
        prepared_by: &[],
        environment: &[("LOG_LEVEL", "info"), ("ENDPOINTS_FILE", "endpoints")],
        prints: "[service-1:8080, service-2:8080, service-3:8080]",
        ends: true,
    },
    Play {
        example: "options",
        program: "token",
        files: &[(
            "container/secrets/example-secret/auth-token",
            "super-strong-secret",
        )],
        prepared_by: &[],
        environment: &[
            ("TELEPRESENCE_ROOT", "container"),
            ("AUTH_TOKEN_FILE", "/secrets/example-secret/auth-token"),
            ("LISTEN", "127.0.0.1:0"),
        ],
        prints: "has a token: [redacted]",
        ends: false,
    },
    // Without a database it waits for one, and says so.
    Play {
        example: "postgres-rotation",
        program: "postgres-rotation",
        files: &[
            ("database/username", "app"),
            ("database/password", "secret"),
        ],
        prepared_by: &[],
        environment: &[
            ("DATABASE_URL", "postgres://127.0.0.1:9/app"),
            ("DATABASE_USERNAME_FILE", "database/username"),
            ("DATABASE_PASSWORD_FILE", "database/password"),
            ("LISTEN", "127.0.0.1:0"),
        ],
        prints: "not taken by the database, tried again",
        ends: false,
    },
    Play {
        example: "tls-rotation",
        program: "tls-server",
        files: &[],
        prepared_by: &["mkdir tls", SELF_SIGNED],
        environment: &[
            ("TLS_DIR", "tls"),
            ("HTTPS_LISTEN", "127.0.0.1:0"),
            ("HTTPS_STATUS", "127.0.0.1:0"),
        ],
        prints: "(CN=localhost) until ",
        ends: false,
    },
    Play {
        example: "tls-rotation",
        program: "tls-client",
        files: &[],
        prepared_by: &["mkdir ca", "cp tls/tls.crt ca/ca.crt"],
        // With what was made for the server. Nobody answers there.
        environment: &[("CA_DIR", "ca"), ("ASK_SERVER", "localhost:1")],
        prints: "not there yet: Connection refused",
        ends: false,
    },
];

/// Builds and plays the examples named, or all of them.
///
/// # Errors
///
/// When one does not build, or does not run as it should; when one has no play or no lines.
pub(crate) fn run(names: &[String]) -> Result {
    let all = packages::examples()?;
    let unknown = |name: &&String| all.iter().all(|example| example.name != **name);
    if let Some(unknown) = names.iter().find(unknown) {
        return Err(format!("no example is called {unknown}"));
    }
    if !sh::output(sh::program("git").args(["status", "--porcelain"]))?.is_empty() {
        println!("note: the last commit is built, without what has changed since");
    }
    for example in &all {
        if names.is_empty() || names.contains(&example.name) {
            play(example).map_err(|error| format!("{}: {error}", example.name))?;
        }
    }
    Ok(())
}

fn play(
    Package {
        name: example,
        binaries,
        ..
    }: &Package,
) -> Result {
    let own = sh::root().join("examples").join(example);
    let plays: Vec<_> = PLAYS
        .iter()
        .filter(|play| play.example == example)
        .collect();
    if let Some(program) = binaries
        .iter()
        .find(|name| plays.iter().all(|play| play.program != **name))
    {
        return Err(format!(
            "no play in xtask/src/standalone.rs shows that `{program}` runs"
        ));
    }
    let empty = tempfile::tempdir().map_err(|error| format!("no temporary directory: {error}"))?;
    let readme = own.join("README.md");
    let text = fs::read_to_string(&readme).map_err(at(&readme))?;
    let lines = dependencies(&text).ok_or("its README has no block with [dependencies]")?;
    write(&empty.path().join("Cargo.toml"), &manifest(example, lines))?;
    copy(&own.join("src"), &empty.path().join("src"))?;
    // The versions of this repository's own lock file, so that nobody's release breaks this.
    let lock = sh::root().join("Cargo.lock");
    fs::copy(&lock, empty.path().join("Cargo.lock")).map_err(at(&lock))?;
    let built = sh::target_dir().join("standalone");
    let mut build = Command::new(std::env::var("CARGO").unwrap_or_else(|_| "cargo".into()));
    build
        .current_dir(empty.path())
        .arg("build")
        .env("CARGO_TARGET_DIR", &built)
        .env("CARGO_PROFILE_DEV_DEBUG", "false")
        .env("CARGO_NET_GIT_FETCH_WITH_CLI", "true")
        .env("GIT_CONFIG_COUNT", "1")
        .env(
            "GIT_CONFIG_KEY_0",
            format!("url.file://{}.insteadOf", sh::root().display()),
        )
        .env("GIT_CONFIG_VALUE_0", REPOSITORY);
    sh::run(&mut build)?;
    plays
        .iter()
        .try_for_each(|play| play.run(&built.join("debug"), empty.path()))
}

fn manifest(name: &str, dependencies: &str) -> String {
    format!(
        "[package]\nname = \"{name}\"\nversion = \"0.0.0\"\nedition = \"2024\"\n\n{dependencies}"
    )
}

/// The block of a README that a `Cargo.toml` takes.
fn dependencies(readme: &str) -> Option<&str> {
    let (_, block) = readme
        .split_once("```toml\n[dependencies]\n")
        .map(|(before, _)| readme.split_at(before.len() + "```toml\n".len()))?;
    block.split_once("```").map(|(block, _)| block)
}

fn copy(from: &Path, to: &Path) -> Result {
    for entry in fs::read_dir(from).map_err(at(from))? {
        let entry = entry.map_err(at(from))?;
        let (from, to) = (entry.path(), to.join(entry.file_name()));
        if from.is_dir() {
            copy(&from, &to)?;
        } else {
            write(&to, &fs::read_to_string(&from).map_err(at(&from))?)?;
        }
    }
    Ok(())
}

/// Writes a file, and makes the folders that it lies in.
fn write(path: &Path, text: &str) -> Result {
    let folder = path.parent().unwrap_or(path);
    fs::create_dir_all(folder).map_err(at(folder))?;
    fs::write(path, text).map_err(at(path))
}

fn at(path: &Path) -> impl FnOnce(std::io::Error) -> String {
    move |error| format!("{}: {error}", path.display())
}

// === impl Play ===

impl Play {
    /// Starts the program, waits for its line, and ends it as Kubernetes does, or lets it end.
    fn run(&self, programs: &Path, dir: &Path) -> Result {
        let Self {
            program, prints, ..
        } = self;
        for (path, text) in self.files {
            write(&dir.join(path), text)?;
        }
        for line in self.prepared_by {
            let mut words = line.split(' ');
            let mut command = sh::program(words.next().unwrap_or_default());
            sh::run(command.current_dir(dir).args(words))?;
        }
        let mut command = Command::new(programs.join(program));
        command
            .current_dir(dir)
            .envs(self.environment.iter().copied())
            .stdin(Stdio::null())
            .stdout(Stdio::piped());
        println!("$ {}", sh::show(&command));
        let mut child = command
            .spawn()
            .map_err(|error| format!("cannot start {program}: {error}"))?;
        let output = child.stdout.take().map(BufReader::new);
        let mut lines = output
            .into_iter()
            .flat_map(BufRead::lines)
            .map_while(|line| line.ok());
        let found = lines.find(|line| line.contains(prints));
        // What it prints later must find a reader.
        std::thread::spawn(move || lines.for_each(drop));
        let ended = match self.ends {
            true => sh::wait(&mut child, program, PATIENCE),
            false => sh::terminate(&mut child, program, PATIENCE),
        };
        match found {
            Some(line) => println!("{line}"),
            None => {
                return Err(format!(
                    "{program} ended without printing `{prints}`: {ended:?}"
                ));
            }
        }
        ended
    }
}
