//! What the tests of volumes and values wait for and look at.

use retune_testbed::{Pod, PodRef, check, wait};
use serde_json::Value;

/// A pod that runs `probe serve` with these arguments.
pub(crate) fn serve(args: &str) -> Pod {
    let args = args.split_whitespace();
    args.fold(Pod::new("p").arg("serve"), Pod::arg)
}

/// Waits until a page is as it should be. The pod is nudged, and again every few seconds, as a nudge
/// may overtake what it is for.
#[track_caller]
pub(crate) fn until(pod: &PodRef, page: &str, what: &str, is: impl Fn(&Value) -> bool) -> Value {
    let mut looks = 0;
    wait(what, || {
        if looks % 20 == 0 {
            pod.nudge();
        }
        looks += 1;
        let seen = pod.get_json(page)?;
        check(is(&seen), &seen).map(|()| seen)
    })
}

/// Waits until a value is this.
#[track_caller]
pub(crate) fn until_value(pod: &PodRef, name: &str, expected: impl Into<Value>) {
    let expected = expected.into();
    let what = format!("`{name}` is {expected}");
    until(pod, "/values", &what, |page| {
        page["values"][name] == expected
    });
}

/// Waits until the last generation is the one of this `revision`, and gives all of them.
#[track_caller]
pub(crate) fn until_revision(pod: &PodRef, revision: u64) -> Vec<Value> {
    let what = format!("the last generation is of revision {revision}");
    let last = |page: &Value| page.as_array()?.last()?["revision"].as_u64();
    let page = until(pod, "/generations", &what, |page| {
        last(page) == Some(revision)
    });
    page.as_array().unwrap().clone()
}

/// Waits until an update is refused, and gives the only thing that is wrong with it.
#[track_caller]
pub(crate) fn until_rejected(pod: &PodRef) -> Value {
    let status = until(pod, "/configz", "an update is refused", |status| {
        !status["rejection"].is_null()
    });
    assert_eq!(status["health"], "degraded");
    let problems = status["rejection"]["problems"].as_array().unwrap();
    assert_eq!(problems.len(), 1, "{problems:#?}");
    problems[0].clone()
}

/// Waits until all is well.
#[track_caller]
pub(crate) fn until_ok(pod: &PodRef) {
    until(pod, "/configz", "all is well", |status| {
        status["health"] == "ok"
    });
}

/// The `revision` of each generation.
pub(crate) fn revisions(generations: &[Value]) -> Vec<Option<u64>> {
    let revisions = generations.iter().map(|one| one["revision"].as_u64());
    revisions.collect()
}

/// What the pod counts beside its own reads.
pub(crate) fn counters(pod: &PodRef) -> Value {
    pod.get_json("/counters").unwrap()["retune"].take()
}
