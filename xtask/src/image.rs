//! `cargo xtask image EXAMPLE`: an example's static programs, and the image that holds them; and
//! `cargo xtask cluster-image`, the same with all that pods of the cluster tests run.

use std::fs;
use std::io::{BufRead, BufReader};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::mpsc::{self, RecvTimeoutError};
use std::thread;
use std::time::Duration;

use rustix::process::{Pid, Signal, kill_process_group};

use crate::packages::Package;
use crate::sh::{self, cargo, output, program, root, target_dir, works};
use crate::{Result, cluster, packages};

/// What to build.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// Folders below examples/ that hold programs and their Dockerfile; several are compiled together.
    #[arg(required = true, value_name = "EXAMPLE")]
    pub(crate) examples: Vec<String>,
    /// Name of the image, of one example; EXAMPLE:latest if not given.
    #[arg(long)]
    pub(crate) tag: Option<String>,
    /// Start each image once and wait for the first line of its programs.
    #[arg(long)]
    pub(crate) run_check: bool,
    /// Compile sooner, to larger and slower programs.
    #[arg(long)]
    pub(crate) quick: bool,
}

/// Where the programs are built for, and how.
struct Linking {
    target: String,
    /// `RUSTFLAGS`, where they are needed.
    flags: Option<&'static str>,
    words: &'static str,
}

/// What builds images here.
#[derive(Clone, Copy)]
enum Builder {
    Docker,
    Buildah,
    /// With plain copies for layers, where overlays cannot be had: inside another container.
    BuildahCopying,
}

/// How long a program in the image may take until its first line.
const PATIENCE: Duration = Duration::from_secs(180);

/// Builds the examples' programs, then the image of each.
///
/// # Errors
///
/// When there is no such example, a build fails, nothing here builds images, or (with
/// `run_check`) a program of an image does not start.
pub(crate) fn run(args: &Args) -> Result {
    if args.tag.is_some() && args.examples.len() > 1 {
        return Err("--tag is the name of one image".into());
    }
    let names: Vec<_> = args.examples.iter().map(String::as_str).collect();
    let folders = names.iter().map(|name| Path::new("examples").join(name));
    let dockerfiles = folders.map(|folder| dockerfile(&folder));
    let dockerfiles = dockerfiles.collect::<Result<Vec<_>>>()?;
    let packages = packages::named(&names)?;
    let built = compile(&packages, args.quick)?;
    for (package, dockerfile) in packages.iter().zip(&dockerfiles) {
        let tag = args.tag.clone();
        let tag = tag.unwrap_or_else(|| format!("{}:latest", package.name));
        let builder = make(&tag, std::slice::from_ref(package), &built, dockerfile)?;
        if args.run_check {
            for binary in &package.binaries {
                builder.check(&tag, binary)?;
            }
        }
    }
    Ok(())
}

/// Builds the image that the cluster tests need on a cluster which is not the test bed.
///
/// # Errors
///
/// When a build fails, or nothing here builds images.
pub(crate) fn run_for_cluster(tag: &str) -> Result {
    let packages = packages::named(&cluster::PACKAGES)?;
    let dockerfile = dockerfile(Path::new("crates/retune-testbed"))?;
    let built = compile(&packages, false)?;
    match make(tag, &packages, &built, &dockerfile)? {
        Builder::Docker => println!("for kind: kind load docker-image {tag}"),
        builder => {
            let mut push = builder.command("push");
            push.arg(tag).arg(format!("docker-archive:image.tar:{tag}"));
            println!("for kind: {}", sh::show(&push));
            println!("          kind load image-archive image.tar");
        }
    }
    println!("then: cargo xtask cluster-test --kubeconfig FILE --image {tag}");
    Ok(())
}

fn dockerfile(folder: &Path) -> Result<PathBuf> {
    let dockerfile = root().join(folder).join("Dockerfile");
    match dockerfile.is_file() {
        true => Ok(dockerfile),
        false => Err(format!("{} does not exist", dockerfile.display())),
    }
}

/// Builds an image of the packages' programs, which were built into that folder.
fn make(tag: &str, packages: &[Package], built: &Path, dockerfile: &Path) -> Result<Builder> {
    let context = gather(packages, built, dockerfile)?;
    let builder = Builder::choose()?;
    builder.build(tag, &context)?;
    println!("built {tag} with {}", builder.name());
    Ok(builder)
}

/// Whether programs can be compiled for `target` here.
pub(crate) fn has_target(target: &str) -> bool {
    let libraries = output(program("rustc").args(["--print", "target-libdir", "--target", target]));
    libraries.is_ok_and(|folder| Path::new(&folder).is_dir())
}

/// Compiles the packages' programs, linked statically; the folder that they are in.
fn compile(packages: &[Package], quick: bool) -> Result<PathBuf> {
    let Linking {
        target,
        flags,
        words,
    } = &Linking::choose();
    println!("linking statically with {words} for {target}");
    let mut build = cargo("build --locked --release --bins");
    for package in packages {
        build.args(["--package", &package.name]);
    }
    build.args(["--target", target]);
    if let Some(flags) = flags {
        build.env("RUSTFLAGS", flags);
    }
    build.envs(compiler_of_c(target));
    if quick {
        build.env("CARGO_PROFILE_RELEASE_LTO", "off");
        build.env("CARGO_PROFILE_RELEASE_CODEGEN_UNITS", "16");
    }
    sh::run(&mut build)?;
    Ok(target_dir().join(target).join("release"))
}

/// Puts the packages' programs beside the Dockerfile into a folder of their own.
fn gather(packages: &[Package], built: &Path, dockerfile: &Path) -> Result<PathBuf> {
    let names: Vec<_> = packages.iter().map(|package| &*package.name).collect();
    let context = target_dir().join("image").join(names.join("-"));
    let failed = |error: std::io::Error| format!("{}: {error}", context.display());
    if context.exists() {
        fs::remove_dir_all(&context).map_err(failed)?;
    }
    fs::create_dir_all(&context).map_err(failed)?;
    fs::copy(dockerfile, context.join("Dockerfile")).map_err(failed)?;
    for binary in packages.iter().flat_map(|package| &package.binaries) {
        fs::copy(built.join(binary), context.join(binary)).map_err(failed)?;
    }
    Ok(context)
}

/// What compiles C, such as ring's, where nothing is installed for musl: this machine's own compiler. ring's
/// calls no library but for what every libc has, so that the headers of another do; they must not
/// replace those calls by checked ones of glibc's alone.
fn compiler_of_c(target: &str) -> Vec<(String, &'static str)> {
    let machine = std::env::consts::ARCH;
    let own = [format!("{machine}-linux-musl-gcc"), "musl-gcc".to_owned()];
    let suffix = target.replace('-', "_");
    let chosen = std::env::var_os(format!("CC_{suffix}")).is_some();
    if chosen || !target.ends_with("-musl") || own.iter().any(|name| works(program(name).arg("-v")))
    {
        return Vec::new();
    }
    vec![
        (format!("CC_{suffix}"), "cc"),
        (format!("CFLAGS_{suffix}"), "-U_FORTIFY_SOURCE"),
    ]
}

// === impl Linking ===

impl Linking {
    /// musl where its target is installed or can be had, glibc otherwise.
    fn choose() -> Self {
        let machine = std::env::consts::ARCH;
        let musl = format!("{machine}-unknown-linux-musl");
        if has_target(&musl)
            || works(program("rustup").args(["target", "add", &musl])) && has_target(&musl)
        {
            return Self {
                target: musl,
                flags: None,
                words: "musl",
            };
        }
        Self {
            // Named, so that the flags do not reach build scripts and macros.
            target: format!("{machine}-unknown-linux-gnu"),
            flags: Some("-C target-feature=+crt-static"),
            words: "glibc (the musl target is not to be had)",
        }
    }
}

// === impl Builder ===

impl Builder {
    fn choose() -> Result<Self> {
        // Each is asked for something that it can only say when it works.
        [
            (Self::Docker, "info"),
            (Self::Buildah, "images"),
            (Self::BuildahCopying, "images"),
        ]
        .into_iter()
        .find(|(builder, question)| works(&mut builder.command(question)))
        .map(|(builder, _)| builder)
        .ok_or_else(|| "neither a docker daemon nor buildah is here to build an image".into())
    }

    fn name(self) -> &'static str {
        match self {
            Self::Docker => "docker",
            Self::Buildah | Self::BuildahCopying => "buildah",
        }
    }

    /// The program, with a subcommand.
    fn command(self, subcommand: &str) -> Command {
        let mut command = program(self.name());
        command.arg(subcommand);
        if let Self::BuildahCopying = self {
            command.env("STORAGE_DRIVER", "vfs");
        }
        command
    }

    fn build(self, tag: &str, context: &Path) -> Result {
        let mut build = self.command("build");
        if self.name() == "buildah" {
            build.args(["--isolation", "chroot"]);
        }
        sh::run(build.args(["--tag", tag]).arg(context))
    }

    /// Starts one program of the image and waits for its first line. One that ends with 2 has started
    /// as well, and says that nothing is mounted where it looks.
    fn check(self, tag: &str, binary: &str) -> Result {
        let entry = format!("/{binary}");
        let mut start = self.command("run");
        let container = if let Self::Docker = self {
            let name = format!("retune-check-{}-{binary}", std::process::id());
            start.args(["--rm", "--name", &name, "--entrypoint", &entry, tag]);
            name
        } else {
            let name = output(self.command("from").args(["--pull-never", tag]))?;
            start.args(["--isolation", "chroot", &name, "--", &entry]);
            name
        };
        let line = first_line(&mut start);
        // Gone already, if it ended by itself.
        let mut remove = self.command("rm");
        if let Self::Docker = self {
            remove.arg("--force");
        }
        works(remove.arg(&container));
        println!("{entry} in {tag}: {}", line?);
        Ok(())
    }
}

/// Runs it until it has written one line to its standard output, then ends it and all that it
/// started. What stands in the way, the program's own words too, goes to this terminal.
///
/// Both builders pass on how the program ended, and have other codes for their own failures.
fn first_line(command: &mut Command) -> Result<String> {
    let child = command
        .process_group(0)
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .spawn();
    let mut child = child.map_err(|error| format!("cannot start {command:?}: {error}"))?;
    let (sender, first) = mpsc::channel();
    if let Some(output) = child.stdout.take() {
        thread::spawn(move || {
            let line = BufReader::new(output).lines().next();
            line.map(|line| sender.send(line.unwrap_or_default()))
        });
    }
    let line = first.recv_timeout(PATIENCE);
    let _ = kill_process_group(Pid::from_child(&child), Signal::KILL);
    let ended = child.wait();
    match (line, ended) {
        (Ok(line), _) => Ok(line),
        (Err(RecvTimeoutError::Timeout), _) => {
            Err(format!("{command:?} wrote no line within {PATIENCE:?}"))
        }
        (Err(_), Ok(status)) if status.code() == Some(2) => {
            Ok("ended with 2, as nothing is mounted".to_owned())
        }
        (Err(_), ended) => Err(format!("{command:?} wrote nothing: {ended:?}")),
    }
}
