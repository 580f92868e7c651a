//! The first generation: what the sources give, or what is kept of an earlier process.

use std::time::SystemTime;

use retune_mount::wall_clock;

use crate::Retune;
use crate::error::Error;
use crate::last_good::LastGood;
use crate::pipeline::{Observation, Pipeline};
use crate::problem::Problem;
use crate::report;
use crate::status::Rejection;
use crate::time;

/// The first generation.
pub(super) struct First<T> {
    pub(super) value: T,
    /// Not of the sources, but of what is kept: its tree is in the observation's.
    pub(super) instead: Option<Instead>,
}

/// Why what an earlier process kept is run.
pub(super) struct Instead {
    /// When it was good.
    pub(super) kept: SystemTime,
    pub(super) rejection: Rejection,
}

/// Takes the sources, or else what is kept.
pub(super) fn first<T: Retune>(
    pipeline: &mut Pipeline,
    seen: &mut Observation,
    last_good: Option<&LastGood>,
) -> Result<First<T>, Error> {
    // What volumes say that do not belong together is not worth a report.
    let apart = seen.apart.take();
    let reason = seen.reason(apart.is_some());
    let value = match apart {
        Some(apart) => {
            seen.problems.push(apart);
            None
        }
        None => pipeline.decode(seen, None),
    };
    if let Some(value) = value {
        for warning in &seen.warnings {
            tracing::warn!("{warning}");
        }
        return Ok(First {
            value,
            instead: None,
        });
    }
    let problems = std::mem::take(&mut seen.problems);
    let error = |problems, seen: &mut Observation| {
        let error = Error::new("the configuration is not valid", problems);
        error.beside(std::mem::take(&mut seen.warnings))
    };
    let Some(last_good) = last_good else {
        return Err(error(problems, seen));
    };
    let path = last_good.path().display();
    let Some(kept) = last_good.kept() else {
        let note = format!("No last good configuration is kept in {path} yet.");
        return Err(error(problems, seen).noting(note));
    };
    let at = time::told(kept);
    let mut earlier = pipeline.with_only(last_good.source(&seen.tree));
    let mut restored = earlier.observe(None, |_| {});
    let Some(value) = earlier.decode(&mut restored, None) else {
        let report = report::excerpts(&restored.problems);
        let note = format!("The last good configuration of {at} in {path} is no help:\n\n{report}");
        return Err(error(problems, seen).noting(note));
    };
    earlier.accept(&mut restored);
    pipeline.run(&earlier);
    (seen.tree, seen.published) = (restored.tree, None);
    seen.warnings.append(&mut restored.warnings);
    let report = report::excerpts(&problems);
    tracing::warn!(
        reason = reason.as_str(),
        problems = problems.len(),
        report,
        "started from the last good configuration of {at}, as the present one is refused"
    );
    let rejection = Rejection {
        since: wall_clock(),
        generation: 2,
        reason,
        problems,
    };
    Ok(First {
        value,
        instead: Some(Instead { kept, rejection }),
    })
}

/// Keeps what the first generation was made of; why that is not possible is worth a line in the log.
pub(super) fn keep(last_good: Option<&mut LastGood>, seen: &Observation) {
    let problem = last_good.and_then(|last_good| last_good.keep(&seen.tree));
    problem
        .into_iter()
        .for_each(|p: &Problem| tracing::warn!("{p}"));
}
