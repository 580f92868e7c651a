//! Running other programs: each is printed before it runs, and a failure is a sentence.

use std::io::{BufRead, BufReader, Read};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::LazyLock;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process, kill_process_group};

use crate::Result;

/// The repository.
pub(crate) fn root() -> &'static Path {
    // As `cargo run` says it: a checkout that shares its target folder with another may run what
    // was compiled there.
    static ROOT: LazyLock<PathBuf> = LazyLock::new(|| {
        let here = std::env::var_os("CARGO_MANIFEST_DIR");
        let here = here.map_or_else(|| env!("CARGO_MANIFEST_DIR").into(), PathBuf::from);
        here.parent().map(Path::to_owned).unwrap_or(here)
    });
    &ROOT
}

/// Where cargo builds to.
pub(crate) fn target_dir() -> PathBuf {
    // Relative to the repository, where every command of this file runs.
    root().join(std::env::var_os("CARGO_TARGET_DIR").unwrap_or_else(|| "target".into()))
}

/// A program to run in the repository.
pub(crate) fn program(name: &str) -> Command {
    let mut command = Command::new(name);
    command.current_dir(root());
    command
}

/// The cargo that runs this task, on the lock file as it is.
pub(crate) fn cargo(line: &str) -> Command {
    let mut command = program(&std::env::var("CARGO").unwrap_or_else(|_| "cargo".into()));
    command.args(line.split_whitespace());
    // What it told this task of itself is not for another cargo: build scripts that look at it, such as ring's,
    // would run again whenever who calls has changed, and all that needs them be built again.
    for (name, _) in std::env::vars_os() {
        let of_this_task = name.to_str().is_some_and(|name| {
            name.starts_with("CARGO_PKG_") || name.starts_with("CARGO_MANIFEST_")
        });
        if of_this_task {
            command.env_remove(name);
        }
    }
    command
}

/// Runs to the end, with this terminal as its output.
///
/// # Errors
///
/// When it cannot be started or ends with anything but 0.
pub(crate) fn run(command: &mut Command) -> Result {
    let shown = show(command);
    println!("$ {shown}");
    let status = command
        .status()
        .map_err(|error| format!("cannot start `{shown}`: {error}"))?;
    if status.success() {
        Ok(())
    } else {
        Err(format!("`{shown}` ended with {status}"))
    }
}

/// As [`run`], but ends it, and all that it started, once `enough` is set. It reads no input. Where something runs
/// beside it, `mark` is what each line of its output begins with.
///
/// # Errors
///
/// As [`run`], also when it was ended.
pub(crate) fn run_until(command: &mut Command, mark: &str, enough: &AtomicBool) -> Result {
    let shown = show(command);
    println!("{mark}$ {shown}");
    let failed = |error: std::io::Error| format!("cannot run `{shown}`: {error}");
    let command = command.stdin(Stdio::null()).process_group(0);
    if !mark.is_empty() {
        command.stdout(Stdio::piped()).stderr(Stdio::piped());
    }
    let mut child = command.spawn().map_err(failed)?;
    let (stdout, stderr) = (child.stdout.take(), child.stderr.take());
    thread::scope(|scope| {
        scope.spawn(|| show_marked(stdout, mark));
        scope.spawn(|| show_marked(stderr, mark));
        loop {
            match child.try_wait().map_err(failed)? {
                Some(status) if status.success() => return Ok(()),
                Some(status) => return Err(format!("`{shown}` ended with {status}")),
                None if enough.load(Ordering::Relaxed) => {
                    _ = kill_process_group(Pid::from_child(&child), Signal::TERM);
                    child.wait().map_err(failed)?;
                    return Err(format!("`{shown}` was interrupted"));
                }
                None => thread::sleep(Duration::from_millis(50)),
            }
        }
    })
}

/// Shows lines as they come, to the end: who writes them would wait for a reader.
fn show_marked(output: Option<impl Read>, mark: &str) {
    let lines = output.map(|output| BufReader::new(output).split(b'\n'));
    for line in lines.into_iter().flatten().map_while(|line| line.ok()) {
        println!("{mark}{}", String::from_utf8_lossy(&line));
    }
}

/// Runs quietly and returns what it wrote to its standard output.
///
/// # Errors
///
/// As [`run`], with the end of what it wrote to its standard error.
pub(crate) fn output(command: &mut Command) -> Result<String> {
    let shown = show(command);
    let output = command
        .stdin(Stdio::null())
        .output()
        .map_err(|error| format!("cannot start `{shown}`: {error}"))?;
    if !output.status.success() {
        let said = String::from_utf8_lossy(&output.stderr);
        return Err(format!(
            "`{shown}` ended with {}: {}",
            output.status,
            said.trim()
        ));
    }
    Ok(String::from_utf8_lossy(&output.stdout)
        .trim_end()
        .to_owned())
}

/// Whether it starts and ends with 0; prints nothing.
pub(crate) fn works(command: &mut Command) -> bool {
    let quiet = command
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null());
    quiet.status().is_ok_and(|status| status.success())
}

/// Asks a process to end as Kubernetes does, and waits until it has; after that it is killed.
///
/// # Errors
///
/// When it ends with anything but 0, or had to be killed.
pub(crate) fn terminate(child: &mut Child, name: &str, patience: Duration) -> Result {
    _ = kill_process(Pid::from_child(child), Signal::TERM);
    wait(child, name, patience).map_err(|error| format!("after SIGTERM, {error}"))
}

/// Waits until a process has ended well by itself; ends it if it does not.
///
/// # Errors
///
/// When it ends otherwise, or has to be killed.
pub(crate) fn wait(child: &mut Child, name: &str, patience: Duration) -> Result {
    let failed = |error: std::io::Error| format!("{name}: {error}");
    let until = Instant::now() + patience;
    while Instant::now() < until {
        match child.try_wait().map_err(failed)? {
            Some(status) if status.success() => return Ok(()),
            Some(status) => return Err(format!("{name} ended with {status}")),
            None => thread::sleep(Duration::from_millis(10)),
        }
    }
    _ = child.kill();
    _ = child.wait();
    Err(format!("{name} was still there after {patience:?}"))
}

/// The command as one would type it, with the environment that it adds.
pub(crate) fn show(command: &Command) -> String {
    let environment = command
        .get_envs()
        .filter_map(|(name, value)| Some((name, value?)))
        .map(|(name, value)| format!("{}={}", name.display(), quote(&value.to_string_lossy())));
    let program = Path::new(command.get_program())
        .file_name()
        .unwrap_or(command.get_program());
    let arguments = command
        .get_args()
        .map(|argument| quote(&argument.to_string_lossy()));
    environment
        .chain([program.display().to_string()])
        .chain(arguments)
        .collect::<Vec<_>>()
        .join(" ")
}

fn quote(word: &str) -> String {
    if word.contains([' ', '"', '$', '*']) {
        format!("'{word}'")
    } else {
        word.to_owned()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn another_cargo_is_not_told_which_package_this_is() {
        for name in ["CARGO_PKG_NAME", "CARGO_MANIFEST_DIR"] {
            assert!(std::env::var_os(name).is_some(), "cargo runs this test");
            let cargo = cargo("--version");
            let mut told = cargo.get_envs();
            assert!(told.any(|(other, value)| other == name && value.is_none()));
        }
    }
}
