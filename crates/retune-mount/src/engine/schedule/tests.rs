//! The thread's plan, at times that are given.

use super::*;

const SECOND: Duration = Duration::from_secs(1);

/// Whether the plan sets its signal.
fn rings(plan: &mut Plan, now: Instant, ticked: &[Duration]) -> bool {
    let mut ring = Ring::default();
    plan.fire_due(now, ticked, &mut ring);
    ring.ring(crate::NoticedBy::Poll);
    plan.signal.wait(Some(Instant::now())).noticed.is_some()
}

#[cfg(target_os = "linux")]
fn rings_by_event(plan: &mut Plan, now: Instant) -> bool {
    let mut ring = Ring::default();
    plan.event(now, &mut ring);
    ring.ring(crate::NoticedBy::Event);
    plan.signal.wait(Some(Instant::now())).noticed.is_some()
}

fn plan(once: Once) -> Plan {
    let mut plan = Plan::new(Signal::new(), 30 * SECOND);
    plan.once = once;
    plan
}

#[test]
fn a_poll_is_for_those_of_its_interval_only() {
    let now = Instant::now();
    assert!(rings(&mut plan(Once::No), now, &[30 * SECOND]));
    assert!(!rings(&mut plan(Once::No), now, &[2 * SECOND]));
    assert!(!rings(&mut plan(Once::No), now, &[]));
}

#[test]
fn an_earlier_look_comes_at_its_time_and_once() {
    let now = Instant::now();
    let mut plan = plan(Once::At(now + SECOND));
    assert_eq!(plan.due(), Some(now + SECOND));
    assert!(!rings(&mut plan, now, &[]), "not yet");
    assert!(rings(&mut plan, now + SECOND, &[]));
    assert_eq!(plan.due(), None);
    assert!(!rings(&mut plan, now + 2 * SECOND, &[]), "once");
    // Nor does it come when all has been read meanwhile.
    plan.once = Once::At(now + SECOND);
    plan.clear();
    assert!(!rings(&mut plan, now + SECOND, &[]));
}

#[cfg(target_os = "linux")]
#[test]
fn b5_each_event_of_a_burst_puts_the_look_off_up_to_a_limit_and_the_poll_waits() {
    let start = Instant::now();
    let mut plan = plan(Once::Quiet {
        at: start + 2 * SECOND,
        quiet: 2 * SECOND,
        cap: start + 5 * SECOND,
    });
    assert!(!rings_by_event(&mut plan, start + SECOND));
    assert_eq!(plan.due(), Some(start + 3 * SECOND));
    assert!(!rings(&mut plan, start + 2 * SECOND, &[30 * SECOND]));
    assert!(!rings_by_event(&mut plan, start + 4 * SECOND));
    assert_eq!(plan.due(), Some(start + 5 * SECOND), "not behind the limit");
    assert!(rings(&mut plan, start + 5 * SECOND, &[]));
    // Then it is over.
    assert!(rings_by_event(&mut plan, start + 6 * SECOND));
    assert_eq!(plan.due(), None);
}

#[cfg(target_os = "linux")]
#[test]
fn an_event_signals_at_once_whatever_is_planned() {
    let now = Instant::now();
    for once in [Once::No, Once::At(now + SECOND)] {
        let mut plan = plan(once);
        assert!(rings_by_event(&mut plan, now));
        assert_eq!(plan.once, once);
    }
}

#[test]
fn paths_with_one_interval_share_a_tick_until_the_last_of_them_is_gone() {
    let now = Instant::now();
    let mut ticks = Ticks::default();
    assert_eq!(ticks.next(), None);
    for interval in [10 * SECOND, 60 * SECOND, 10 * SECOND] {
        ticks.add(interval, now);
    }
    let next = ticks.next();
    assert!(
        next.is_some_and(|next| next < now + 12 * SECOND),
        "the earlier"
    );
    assert_eq!(
        ticks.take_due(now + 20 * SECOND),
        [10 * SECOND],
        "one for both"
    );
    ticks.remove(10 * SECOND);
    assert_eq!(
        ticks.take_due(now + 40 * SECOND),
        [10 * SECOND],
        "one is left"
    );
    ticks.remove(10 * SECOND);
    assert!(ticks.next().is_some_and(|next| next > now + 50 * SECOND));
    ticks.remove(60 * SECOND);
    assert_eq!(ticks.next(), None);
}

#[test]
fn a_tick_comes_again_around_its_interval_and_never_in_step_with_others() {
    let mut now = Instant::now();
    let mut ticks = Ticks::default();
    ticks.add(100 * SECOND, now);
    let mut distances = Vec::new();
    for _ in 0..200 {
        let Some(next) = ticks.next() else {
            panic!("a tick is always planned");
        };
        distances.push(next - now);
        assert_eq!(ticks.take_due(next - Duration::from_nanos(1)), []);
        assert_eq!(ticks.take_due(next), [100 * SECOND]);
        now = next;
    }
    let (least, most) = (distances.iter().min(), distances.iter().max());
    // Of 200 at random, one in the lowest and one in the highest third are missing once in 10^35 runs.
    assert!(
        least.is_some_and(|least| (85 * SECOND..95 * SECOND).contains(least)),
        "{least:?}"
    );
    assert!(
        most.is_some_and(|most| (105 * SECOND..=115 * SECOND).contains(most)),
        "{most:?}"
    );
}
