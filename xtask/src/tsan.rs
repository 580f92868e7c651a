//! `cargo xtask tsan`: readers, subscribers and the watching engine under ThreadSanitizer.

use std::process::Command;

use crate::Result;
use crate::sh::{self, program, target_dir};

/// What is run: threads that meet, on real files. Without suppressions.
const TESTS: [&str; 2] = [
    "--package retune --lib --test readers --test subscribers --test lifecycle",
    "--package retune-mount --lib --test mechanics",
];

/// Runs them; says what was skipped where there is no nightly Rust with its sources.
///
/// # Errors
///
/// When one fails, or a race is found.
pub(crate) fn run() -> Result<Option<String>> {
    let host = sh::output(&mut program_of_nightly("rustc", "--print host-tuple"));
    let sources = sh::output(&mut program_of_nightly("rustc", "--print sysroot")).map(|sysroot| {
        std::path::Path::new(&sysroot)
            .join("lib/rustlib/src/rust/library/Cargo.lock")
            .exists()
    });
    let (Ok(host), Ok(true)) = (host, sources) else {
        return Ok(Some(
            "ThreadSanitizer: no nightly Rust with its sources is here (rustup toolchain install nightly \
             --component rust-src)"
                .to_owned(),
        ));
    };
    for tests in TESTS {
        // The standard library is built anew, as a race through it is seen only so.
        let line = format!("test --locked -Zbuild-std --target {host} {tests}");
        let mut test = program_of_nightly("cargo", &line);
        test.env("CARGO_TARGET_DIR", target_dir().join("tsan"))
            .env("RUSTFLAGS", "-Zsanitizer=thread")
            // Of a panic that a test wants: to find its lines takes longer than the test waits.
            .env("RUST_BACKTRACE", "0");
        sh::run(&mut test)?;
    }
    Ok(None)
}

fn program_of_nightly(name: &str, args: &str) -> Command {
    let mut command = program(name);
    // The toolchain that runs xtask itself must not be taken for the one that is asked for.
    command
        .env_remove("RUSTUP_TOOLCHAIN")
        .arg("+nightly")
        .args(args.split_whitespace());
    command
}
