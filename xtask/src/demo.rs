//! `cargo demo`: two servers and two clients follow their volumes, for everybody to see.
//!
//! Everything that is claimed here is checked, and what is not so within [`PATIENCE`] ends the demo
//! as a failure. Whatever its end, no process and no file stays behind.

mod lag;
mod process;
mod screen;
mod stage;

use std::path::Path;
use std::time::{Duration, Instant};

use crate::Result;
use crate::sh::{self, cargo};
use process::Entry;
use screen::{Line, Style};
use stage::Stage;

/// How long anything may take that is claimed to happen.
const PATIENCE: Duration = Duration::from_secs(15);

/// How long it must be silent to be called so. Each client calls its server every second.
const SILENCE: Duration = Duration::from_millis(2500);

/// How long what has happened at once may take to arrive here.
const GRACE: Duration = Duration::from_secs(1);

/// What a server logs for a request, and a client for its answer.
const REQUESTS: [&str; 2] = ["new request received", "response received from server"];

/// Shows it; `svg` is where to leave a picture of what was printed.
///
/// # Errors
///
/// When the example does not build, or something that is claimed did not happen.
pub(crate) fn run(svg: Option<&Path>) -> Result {
    sh::run(&mut cargo("build --package log-level --bins"))?;
    println!();
    let mut stage = Stage::new()?;
    start(&mut stage)?;
    silence(&mut stage)?;
    level_to_info(&mut stage)?;
    level_to_warn(&mut stage)?;
    bad_edit(&mut stage)?;
    revert(&mut stage)?;
    end(&mut stage)?;
    svg.map_or(Ok(()), |path| stage.screen.save(path))
}

fn start(stage: &mut Stage) -> Result {
    let title = "Two servers and two clients follow their mounted ConfigMaps, without a restart.";
    stage.screen.print(Line::default().and(Style::Bold, title));
    let title = "Four real processes; each has a volume, written as a kubelet writes it.";
    stage.screen.print(Line::default().and(Style::Dim, title));
    stage
        .screen
        .step("start, with `log-level: warn` in every volume");
    for number in [1, 2] {
        let server = stage.start_one("server", number, None)?;
        stage.start_one("client", number, Some(format!("http://{server}")))?;
    }
    let pids: Vec<_> = stage
        .pods
        .iter()
        .map(|pod| format!("{} {}", pod.process.name, pod.process.pid()))
        .collect();
    stage
        .screen
        .shown(format!("all run; process ids: {}", pids.join(", ")));
    Ok(())
}

/// Nothing may be logged for a while, although requests are answered.
fn silence(stage: &mut Stage) -> Result {
    quiet(stage, SILENCE / 2)?;
    for pod in stage.pods.iter().filter(|pod| pod.is_server()) {
        pod.process.get("/")?;
    }
    quiet(stage, SILENCE / 2)?;
    let seconds = SILENCE.as_secs_f64();
    stage.screen.shown(format!(
        "silence: requests are answered, and no line is logged in {seconds} s"
    ));
    Ok(())
}

fn quiet(stage: &mut Stage, time: Duration) -> Result {
    match stage.next(Instant::now() + time)? {
        true => Err("that line was logged although the level is `warn`".into()),
        false => Ok(()),
    }
}

fn level_to_info(stage: &mut Stage) -> Result {
    let from = stage.edit("warn", "info")?;
    let names = stage.names();
    stage.wait("every process logs its requests", from, |log| {
        names.iter().all(|name| {
            log.iter()
                .any(|entry| entry.process == *name && REQUESTS.contains(&entry.get("message")))
        })
    })?;
    stage.wait("the servers' background jobs go on", from, |log| {
        let mut servers = names.iter().filter(|name| name.starts_with("server"));
        servers.all(|name| {
            // The first two steps were silent.
            let goes_on = |entry: &Entry| entry.process == *name && entry.number("steps") > Some(2);
            log.iter().any(goes_on)
        })
    })?;
    stage
        .screen
        .shown("both sides log their requests; the servers' background jobs never stopped");
    let lags = stage.applied(2)?;
    stage
        .screen
        .shown("generation 2 is applied in all four; its way, from the rename in each volume:");
    lag::draw(&mut stage.screen, &lags);
    Ok(())
}

fn level_to_warn(stage: &mut Stage) -> Result {
    stage.edit("info", "warn")?;
    let lags = stage.applied(3)?;
    let longest = lags.iter().map(|lag| lag.applied).fold(0.0, f64::max);
    stage.screen.shown(format!(
        "generation 3 is applied in all four, {longest:.2} ms after the rename at most"
    ));
    // What was logged before the change was applied may still be on its way.
    stage.drain(GRACE)?;
    silence(stage)
}

fn bad_edit(stage: &mut Stage) -> Result {
    let from = stage.edit("warn", "wran")?;
    let names = stage.names();
    let refused = |entry: &&Entry| {
        let report = entry.get("report");
        let place = format!("{}/log-level:1:1", entry.process);
        entry.get("level") == "warn"
            && report.contains(&place)
            && report.contains("did you mean `warn`?")
    };
    stage.wait(
        "every process refuses it, with place and suggestion",
        from,
        |log| {
            names.iter().all(|name| {
                log.iter()
                    .filter(refused)
                    .any(|entry| entry.process == *name)
            })
        },
    )?;
    stage.statuses(
        "every status is degraded and still at generation 3",
        |status| {
            status["health"] == "degraded"
                && !status["rejection"].is_null()
                && status["generation"] == 3
        },
    )?;
    stage
        .screen
        .shown("refused by all four: degraded, and generation 3 serves on");
    Ok(())
}

fn revert(stage: &mut Stage) -> Result {
    stage.edit("wran", "warn")?;
    stage.statuses("the revert clears every status", |status| {
        status["health"] == "ok" && status["rejection"].is_null() && status["generation"] == 3
    })?;
    stage
        .screen
        .shown("cleared in all four: ok, still generation 3, nothing to apply");
    Ok(())
}

fn end(stage: &mut Stage) -> Result {
    stage.screen.step("end: SIGTERM to each");
    let pods = std::mem::take(&mut stage.pods);
    for pod in pods {
        pod.process.terminate(PATIENCE)?;
    }
    stage
        .screen
        .shown("the same four processes as at the start ended, each with 0");
    stage.screen.blank();
    let lines = [
        "Shown: running processes follow an edit within milliseconds, refuse a bad one and say why,",
        "and forget it when it is reverted; none was restarted.",
        "Next: examples/log-level/README.md has the code, and the same run in a cluster.",
    ];
    for line in lines {
        stage.screen.print(Line::default().and(Style::Bold, line));
    }
    Ok(())
}
