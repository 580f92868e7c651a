//! The test bed's Go program: built from `testbed/`, and kept outside the tree for the next time.

use std::collections::HashSet;
use std::fs;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::io::{BufRead, BufReader, Read};
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::sync::mpsc::{self, RecvTimeoutError};
use std::thread;
use std::time::{Duration, Instant};

use crate::Result;
use crate::sh::{self, output, program, root, show};

/// How often a build says how far it is.
const PROGRESS: Duration = Duration::from_secs(15);

/// How many built programs are kept: this one, and the one before.
const KEPT: usize = 2;

/// Gives the program, which is built if its sources, its modules or the compiler are new.
///
/// # Errors
///
/// When Go is missing or too old, or the build fails.
pub(crate) fn build() -> Result<PathBuf> {
    let sources = Sources::read(&folder())?;
    let go = go_version(&sources.go)?;
    let cache = cache()?;
    let kept = cache.join(sources.key(&go));
    let program = kept.join("testbed");
    if program.is_file() {
        println!("the test bed's program is there: {}", program.display());
        return Ok(program);
    }
    println!(
        "building the test bed (Kubernetes {}, {go}); the first time takes 5 to 10 minutes",
        sources.kubernetes
    );
    let failed = |error: std::io::Error| format!("{}: {error}", cache.display());
    // Made elsewhere and then renamed, so that nobody finds half a program.
    let unfinished = cache.join(format!("unfinished-{}", std::process::id()));
    fs::create_dir_all(&unfinished).map_err(failed)?;
    let built = compile(&sources, &unfinished.join("testbed"));
    // One that somebody else has built meanwhile is as good.
    let renamed = built.and_then(|()| match fs::rename(&unfinished, &kept) {
        Err(error) if !program.is_file() => Err(failed(error)),
        _ => Ok(()),
    });
    if unfinished.exists() {
        fs::remove_dir_all(&unfinished).map_err(failed)?;
    }
    renamed?;
    remove_old(&cache).map_err(failed)?;
    Ok(program)
}

/// Runs the program's own tests, once for what it was built of and what they are: without its build at hand, Go
/// compiles all of Kubernetes for them.
///
/// # Errors
///
/// When one fails.
pub(crate) fn test(built: &Path) -> Result {
    let mut tests = Vec::new();
    collect(&folder(), is_test, &mut tests)?;
    tests.sort();
    let passed = built.with_file_name(format!("tests-{}-passed", hash(&tests)));
    if passed.is_file() {
        println!("the test bed's own tests have passed");
        return Ok(());
    }
    // As it was built, or all of Kubernetes would be compiled again.
    let mut test = program("go");
    test.current_dir(folder()).env("CGO_ENABLED", "0");
    sh::run(test.args(["test", "-trimpath", "-buildvcs=false", "./..."]))?;
    fs::write(&passed, "").map_err(|error| format!("{}: {error}", passed.display()))
}

/// Whether a Go is here that can build the program.
///
/// # Errors
///
/// When Go is missing or too old.
pub(crate) fn check_go() -> Result {
    go_version(&Sources::read(&folder())?.go).map(drop)
}

fn folder() -> PathBuf {
    root().join("testbed")
}

/// Where built programs are kept, a folder for each key.
fn cache() -> Result<PathBuf> {
    let variable = |name| std::env::var_os(name).filter(|value| !value.is_empty());
    let cache = variable("XDG_CACHE_HOME").map(PathBuf::from);
    let cache = cache.or_else(|| variable("HOME").map(|home| Path::new(&home).join(".cache")));
    let cache = cache.ok_or("neither XDG_CACHE_HOME nor HOME is set, to keep the test bed in")?;
    Ok(cache.join("retune/testbed"))
}

/// The Go that builds in the folder of the test bed, such as `go1.26.8`.
fn go_version(needed: &str) -> Result<String> {
    let how = format!("the test bed is built with Go {needed} or newer: https://go.dev/dl");
    let version = output(
        program("go")
            .current_dir(folder())
            .args(["env", "GOVERSION"]),
    )
    .map_err(|error| format!("{how}\n  {error}"))?;
    match number(version.trim_start_matches("go")) < number(needed) {
        true => Err(format!("{how}\n  here is {version}")),
        false => Ok(version),
    }
}

/// The numbers of a version, which compare as they should.
fn number(version: &str) -> Vec<u32> {
    let numbers = version.split('.').map_while(|part| {
        // A release candidate is `1.26rc1`.
        let digits = part.find(|c: char| !c.is_ascii_digit());
        part.get(..digits.unwrap_or(part.len()))?.parse().ok()
    });
    numbers.collect()
}

fn compile(sources: &Sources, to: &Path) -> Result {
    let mut list = program("go");
    list.current_dir(folder()).args(["list", "-deps", "."]);
    list.env("CGO_ENABLED", "0");
    let packages = output(&mut list)?;
    let packages: HashSet<_> = packages.lines().map(str::to_owned).collect();

    let mut build = program("go");
    build.current_dir(folder()).env("CGO_ENABLED", "0");
    // Not stamped with the revision: git may refuse a checkout of another user's.
    build.args(["build", "-v", "-trimpath", "-buildvcs=false", "-ldflags"]);
    build.arg(sources.linker_flags()).arg("-o").arg(to).arg(".");
    println!("$ (cd testbed && {})", show(&build));
    let shown = "go build";
    let failed = |error: std::io::Error| format!("cannot run `{shown}`: {error}");
    let build = build.stdin(Stdio::null()).stderr(Stdio::piped());
    let mut child = build.spawn().map_err(failed)?;
    if let Some(stderr) = child.stderr.take() {
        follow(stderr, &packages);
    }
    let status = child.wait().map_err(failed)?;
    match status.success() {
        true => Ok(()),
        false => Err(format!("`{shown}` in testbed/ ended with {status}")),
    }
}

/// Counts the packages that the build names, shows how far it is, and whatever else it says.
fn follow(stderr: impl Read + Send + 'static, packages: &HashSet<String>) {
    let (sender, lines) = mpsc::channel();
    thread::spawn(move || {
        let lines = BufReader::new(stderr).lines();
        let mut lines = lines.map_while(std::result::Result::ok);
        lines.try_for_each(|line| sender.send(line))
    });
    let start = Instant::now();
    let mut next = start + PROGRESS;
    let mut compiled = 0;
    loop {
        match lines.recv_timeout(next.saturating_duration_since(Instant::now())) {
            Ok(line) if packages.contains(&line) => compiled += 1,
            Ok(line) => println!("{line}"),
            Err(RecvTimeoutError::Disconnected) => return,
            Err(RecvTimeoutError::Timeout) => {
                next += PROGRESS;
                println!(
                    "  {} s: {compiled} packages compiled, of {} at most",
                    start.elapsed().as_secs(),
                    packages.len()
                );
            }
        }
    }
}

/// Removes all but the newest.
fn remove_old(cache: &Path) -> std::io::Result<()> {
    let mut kept = Vec::new();
    for entry in fs::read_dir(cache)? {
        let entry = entry?;
        // A build that is under way has another name.
        if entry.file_name().to_string_lossy().starts_with("key-") {
            kept.push((entry.metadata()?.modified()?, entry.path()));
        }
    }
    kept.sort();
    for (_, old) in kept.iter().rev().skip(KEPT) {
        fs::remove_dir_all(old)?;
    }
    Ok(())
}

/// What the program is made of.
struct Sources {
    /// Every file's path and content, in order.
    files: Vec<(PathBuf, Vec<u8>)>,
    /// The Go that go.mod asks for.
    go: String,
    /// The version of Kubernetes, such as `1.37.0`.
    kubernetes: String,
}

// === impl Sources ===

impl Sources {
    fn read(folder: &Path) -> Result<Self> {
        let mut files = Vec::new();
        collect(folder, is_source, &mut files)?;
        files.sort();
        let go_mod = fs::read_to_string(folder.join("go.mod"))
            .map_err(|error| format!("testbed/go.mod: {error}"))?;
        let after = |start: &str| {
            let line = go_mod
                .lines()
                .find_map(|line| line.trim().strip_prefix(start));
            let word = line.and_then(|rest| rest.split_whitespace().next());
            word.map(str::to_owned)
                .ok_or_else(|| format!("testbed/go.mod has no line `{start}…`"))
        };
        Ok(Self {
            go: after("go ")?,
            kubernetes: after("k8s.io/kubernetes v")?,
            files,
        })
    }

    /// A name for the program that these sources and this compiler make.
    fn key(&self, go: &str) -> String {
        let hash = hash(&(&self.files, go, self.linker_flags()));
        format!("key-{hash}")
    }

    /// As Kubernetes' own build does it: without them its parts take themselves for version 0.0.0.
    fn linker_flags(&self) -> String {
        let version = &self.kubernetes;
        let (major, rest) = version.split_once('.').unwrap_or((version, "0"));
        let minor = rest.split('.').next().unwrap_or_default();
        let base = "k8s.io/component-base/version";
        format!(
            "-s -w -X {base}.gitVersion=v{version} -X {base}.gitMajor={major} \
             -X {base}.gitMinor={minor} -X k8s.io/client-go/pkg/version.gitVersion=v{version}"
        )
    }
}

/// Adds go.mod, go.sum and the sources below a folder, but not those of tests.
fn hash(of: &impl Hash) -> String {
    let mut hasher = DefaultHasher::new();
    of.hash(&mut hasher);
    format!("{:016x}", hasher.finish())
}

fn is_test(name: &str) -> bool {
    name.ends_with("_test.go")
}

fn is_source(name: &str) -> bool {
    ["go.mod", "go.sum"].contains(&name) || name.ends_with(".go") && !is_test(name)
}

/// Adds the files of a folder, and below, that are wanted by their names.
fn collect(
    folder: &Path,
    is_wanted: fn(&str) -> bool,
    files: &mut Vec<(PathBuf, Vec<u8>)>,
) -> Result {
    let failed = |error: std::io::Error| format!("{}: {error}", folder.display());
    for entry in fs::read_dir(folder).map_err(failed)? {
        let path = entry.map_err(failed)?.path();
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        if path.is_dir() {
            collect(&path, is_wanted, files)?;
        } else if is_wanted(&name) {
            let content = fs::read(&path).map_err(failed)?;
            // The same wherever the checkout is.
            let within = path.strip_prefix(root()).unwrap_or(&path);
            files.push((within.to_owned(), content));
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sources(content: &str) -> tempfile::TempDir {
        let folder = tempfile::tempdir().unwrap();
        let go_mod = "module testbed\n\ngo 1.26.0\n\nrequire (\n\tk8s.io/kubernetes v1.37.2\n)\n";
        fs::write(folder.path().join("go.mod"), go_mod).unwrap();
        fs::create_dir(folder.path().join("bed")).unwrap();
        fs::write(folder.path().join("bed/up.go"), content).unwrap();
        folder
    }

    #[test]
    fn versions_compare_by_their_numbers() {
        assert!(number("1.9.7") < number("1.26.0"));
        assert!(number("1.26.8") >= number("1.26.0"));
        assert!(number("1.26rc1") < number("1.26.0"));
    }

    #[test]
    fn versions_are_read_from_go_mod() {
        let folder = sources("package bed");
        let sources = Sources::read(folder.path()).unwrap();
        assert_eq!((&*sources.go, &*sources.kubernetes), ("1.26.0", "1.37.2"));
        let flags = sources.linker_flags();
        assert!(flags.contains("version.gitVersion=v1.37.2"), "{flags}");
        assert!(flags.contains("gitMajor=1 "), "{flags}");
        assert!(flags.contains("gitMinor=37 "), "{flags}");
    }

    #[test]
    fn the_key_changes_with_a_source_and_the_compiler_alone() {
        let folder = sources("package bed");
        let key = |go| Sources::read(folder.path()).unwrap().key(go);
        let before = key("go1.26.8");
        fs::write(folder.path().join("README.md"), "words").unwrap();
        fs::write(folder.path().join("bed/up_test.go"), "package bed").unwrap();
        assert_eq!(key("go1.26.8"), before);
        assert_ne!(key("go1.26.9"), before);
        fs::write(folder.path().join("bed/up.go"), "package bed // new").unwrap();
        assert_ne!(key("go1.26.8"), before);
    }

    #[test]
    fn only_the_newest_programs_are_kept() {
        let cache = tempfile::tempdir().unwrap();
        for name in ["key-a", "key-b", "key-c", "unfinished-7"] {
            fs::create_dir(cache.path().join(name)).unwrap();
            thread::sleep(Duration::from_millis(20));
        }
        remove_old(cache.path()).unwrap();
        let names = fs::read_dir(cache.path()).unwrap();
        let mut names: Vec<_> = names.map(|entry| entry.unwrap().file_name()).collect();
        names.sort();
        assert_eq!(names, ["key-b", "key-c", "unfinished-7"]);
    }
}
