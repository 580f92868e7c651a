//! The rounds of contenders that take turns.

use std::io;

use crate::{median, ratios, say};

/// What each contender took in each case, round by round.
#[derive(Debug)]
pub struct Rounds {
    names: Vec<&'static str>,
    /// By case, by contender.
    results: Vec<Vec<Vec<f64>>>,
}

// === impl Rounds ===

impl Rounds {
    /// Measures every contender in every case once a round, so that a machine that changes its speed does so
    /// for all.
    ///
    /// # Errors
    ///
    /// As `measure`.
    pub fn measure<C, W>(
        rounds: usize,
        cases: &[W],
        contenders: &mut [C],
        name: impl Fn(&C) -> &'static str,
        mut measure: impl FnMut(&mut C, &W) -> io::Result<f64>,
    ) -> io::Result<Self> {
        let mut results = vec![vec![Vec::with_capacity(rounds); contenders.len()]; cases.len()];
        for round in 1..=rounds {
            say(format_args!("round {round} of {rounds}"));
            for (case, results) in cases.iter().zip(&mut results) {
                for (contender, results) in contenders.iter_mut().zip(results) {
                    results.push(measure(contender, case)?);
                }
            }
        }
        let names = contenders.iter().map(name).collect();
        Ok(Self { names, results })
    }

    /// The contenders.
    #[must_use]
    pub fn names(&self) -> &[&'static str] {
        &self.names
    }

    /// A contender's rounds, case by case; none of a contender that there is not.
    pub fn of(&self, name: &str) -> impl Iterator<Item = &[f64]> {
        let place = self.names.iter().position(|other| *other == name);
        let place = place.unwrap_or(usize::MAX);
        self.results
            .iter()
            .filter_map(move |case| case.get(place).map(Vec::as_slice))
    }

    /// A contender's median of each case.
    pub fn medians(&self, name: &str) -> impl Iterator<Item = f64> {
        self.of(name).map(median)
    }

    /// How many times the other's it is: the median of the ratios round by round, over all cases.
    #[must_use]
    pub fn ratio(&self, name: &str, other: &str) -> f64 {
        let pairs = self.of(name).zip(self.of(other));
        let all: Vec<f64> = pairs.flat_map(|(one, other)| ratios(one, other)).collect();
        median(&all)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn contenders_take_turns() {
        let mut order = Vec::new();
        let mut contenders = ["a", "b"];
        let rounds = Rounds::measure(
            2,
            &[1, 2],
            &mut contenders,
            |name| name,
            |name, case| {
                order.push(format!("{name}{case}"));
                Ok(order.len() as f64)
            },
        );
        assert_eq!(order, ["a1", "b1", "a2", "b2", "a1", "b1", "a2", "b2"]);
        let rounds = rounds.expect("nothing fails");
        let of = |name| rounds.of(name).map(<[f64]>::to_vec).collect::<Vec<_>>();
        assert_eq!(of("b"), [[2.0, 6.0], [4.0, 8.0]]);
        assert!(of("c").is_empty());
    }

    #[test]
    fn a_ratio_is_of_the_same_round() {
        // The second round runs at half the speed.
        let mut speed = [1.0, 1.0, 2.0, 2.0].into_iter();
        let rounds = Rounds::measure(
            2,
            &[()],
            &mut ["a", "b"],
            |name| name,
            |name, ()| {
                let time = if *name == "a" { 3.0 } else { 2.0 };
                Ok(time * speed.next().unwrap_or(f64::NAN))
            },
        );
        assert_eq!(rounds.expect("nothing fails").ratio("a", "b"), 1.5);
    }
}
