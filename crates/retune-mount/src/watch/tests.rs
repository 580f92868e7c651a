//! When a path is looked at again without being told.

use std::time::SystemTime;

use super::*;

const HOUR: Duration = Duration::from_secs(3600);
const MS: Duration = Duration::from_millis(1);

fn watch() -> Watch {
    Watch::new("/nowhere", &Signal::new())
}

fn until(once: Once, now: Instant) -> Option<Duration> {
    match once {
        Once::At(at) => Some(at - now),
        Once::No => None,
        Once::Quiet { .. } => panic!("no burst"),
    }
}

#[test]
fn c1_a_read_that_fails_is_tried_again_ever_more_rarely_up_to_the_poll() {
    let start = Instant::now();
    let mut watch = watch().poll_every(2000 * MS, HOUR);
    let expected = [
        (0, Some(250)),
        (250, Some(250)),
        // However often it is asked.
        (400, Some(400)),
        (500, Some(500)),
        (500, Some(500)),
        (1000, Some(1000)),
        (1999, Some(1999)),
        (2000, None),
    ];
    for (after, wait) in expected {
        let now = start + after * MS;
        let wait = wait.map(|wait: u32| wait * MS);
        assert_eq!(until(watch.retry(now), now), wait, "after {after} ms");
    }
}

#[test]
fn b17_what_was_written_just_now_is_looked_at_once_more() {
    let now = Instant::now();
    let plain = |newest| {
        Some(PlainState {
            hash: 1,
            newest,
            unstable: false,
        })
    };
    let just_now = || plain(Some(SystemTime::now()));
    let mut watch = watch().quiet(60_000 * MS, HOUR);
    let look = |watch: &mut Watch, seen, plain| until(watch.second_look(seen, plain, now), now);
    let one = Seen::Plain(1);
    assert_eq!(look(&mut watch, one, just_now()), Some(60_000 * MS));
    assert_eq!(look(&mut watch, one, just_now()), None, "once");
    let other = Seen::Plain(2);
    assert_eq!(look(&mut watch, other, just_now()), Some(60_000 * MS));
    // A clock that was set back tells nothing.
    let ahead = plain(Some(SystemTime::now() + HOUR));
    assert_eq!(look(&mut watch, one, ahead), Some(60_000 * MS));
    let old = plain(Some(SystemTime::now() - HOUR));
    assert_eq!(look(&mut watch, other, old), None);
    assert_eq!(look(&mut watch, Seen::Volume, None), None);
}

#[test]
fn the_state_tells_what_became_of_a_path_and_a_failure_tells_nothing() {
    let now = Instant::now();
    for (kind, state) in [
        (ErrorKind::Missing, PathState::Missing),
        (ErrorKind::LostData, PathState::Missing),
        (ErrorKind::Orphaned, PathState::Orphaned),
        (ErrorKind::Permission, PathState::Events),
        (ErrorKind::Io, PathState::Unread),
    ] {
        let mut watch = watch();
        let error = Error::new(kind, watch.path(), "as the test wants it");
        let (result, _) = watch.judge(Err(error), now);
        assert!(result.is_err_and(|error| error.kind() == kind));
        assert_eq!(watch.state(), &state, "{kind:?}");
    }
}

#[test]
fn b15_what_is_gone_may_be_back_at_once_and_what_is_refused_is_told() {
    let now = Instant::now();
    for (kind, waits) in [
        (ErrorKind::Missing, true),
        (ErrorKind::LostData, true),
        (ErrorKind::Orphaned, true),
        (ErrorKind::Permission, false),
        (ErrorKind::Io, false),
    ] {
        let mut watch = watch();
        // Something was there.
        _ = watch.settle.judge(Seen::Volume, false, now);
        let error = Error::new(kind, watch.path(), "as the test wants it");
        let (result, _) = watch.judge(Err(error), now);
        assert_eq!(
            matches!(result, Ok(Reading::Settling { .. })),
            waits,
            "{kind:?}"
        );
    }
}
