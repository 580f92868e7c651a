//! Waiting for what must come about.

use std::any::Any;
use std::fmt;
use std::thread;
use std::time::{Duration, Instant};

/// How long [`wait`] waits: longer than a loaded machine takes, or a kubelet that syncs a pod after 90 s.
pub const PATIENCE: Duration = Duration::from_secs(120);

const PAUSE: Duration = Duration::from_millis(100);

/// What is looked at: a `bool`, an `Option`, or a `Result` whose error is what was seen instead (also
/// one of a `bool`, which must be `Ok(true)`).
pub trait Condition {
    /// What is there when it holds.
    type Value;

    /// The value if it holds.
    ///
    /// # Errors
    ///
    /// What was seen instead.
    fn look(self) -> Result<Self::Value, String>;
}

/// Looks again and again until it holds, for [`PATIENCE`].
///
/// # Panics
///
/// When it does not come to hold, with `what` and what was seen last.
#[track_caller]
pub fn wait<C: Condition>(what: &str, condition: impl FnMut() -> C) -> C::Value {
    wait_for(what, PATIENCE, condition)
}

/// As [`wait`], with a patience of its own.
///
/// # Panics
///
/// When it does not come to hold, with `what` and what was seen last.
#[track_caller]
pub fn wait_for<C: Condition>(
    what: &str,
    patience: Duration,
    mut condition: impl FnMut() -> C,
) -> C::Value {
    let until = Instant::now() + patience;
    loop {
        match condition().look() {
            Ok(value) => return value,
            Err(seen) if Instant::now() >= until => {
                panic!("not so within {patience:?}: {what}; last seen: {seen}")
            }
            Err(_) => thread::sleep(PAUSE),
        }
    }
}

/// For the end of a closure that [`wait`] calls: whether it holds, or what was seen instead.
///
/// # Errors
///
/// What was seen, if it does not hold.
pub fn check(holds: bool, seen: impl fmt::Display) -> crate::Result {
    match holds {
        true => Ok(()),
        false => Err(seen.to_string().into()),
    }
}

// === impl Condition ===

impl Condition for bool {
    type Value = ();

    fn look(self) -> Result<(), String> {
        self.then_some(()).ok_or_else(|| "false".to_owned())
    }
}

impl<T> Condition for Option<T> {
    type Value = T;

    fn look(self) -> Result<T, String> {
        self.ok_or_else(|| "nothing".to_owned())
    }
}

impl<T: 'static, E: fmt::Display> Condition for Result<T, E> {
    type Value = T;

    fn look(self) -> Result<T, String> {
        let value = self.map_err(|seen| seen.to_string())?;
        // `Ok(false)` is an answer, and it is no.
        match (&value as &dyn Any).downcast_ref() {
            Some(false) => Err("false".to_owned()),
            _ => Ok(value),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waits_until_it_holds_and_gives_the_value() {
        let mut looks = 0;
        let value = wait("three looks", || {
            looks += 1;
            if looks == 3 { Ok(looks) } else { Err("fewer") }
        });
        assert_eq!(value, 3);
    }

    #[test]
    fn a_good_answer_of_no_does_not_hold() {
        assert!(Ok::<_, String>(false).look().is_err());
        assert!(Ok::<_, String>(true).look().is_ok());
        assert!(None::<u8>.look().is_err());
    }

    #[test]
    fn gives_up_with_what_was_seen_last() {
        let gave_up = std::panic::catch_unwind(|| {
            wait_for("a miracle", Duration::ZERO, || Err::<(), _>("the usual"))
        });
        let message = gave_up.unwrap_err();
        let message = message.downcast_ref::<String>().unwrap();
        assert_eq!(
            message,
            "not so within 0ns: a miracle; last seen: the usual"
        );
    }
}
