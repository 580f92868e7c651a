//! The few numbers that many are summed up in.

/// The least, the median, the 90th percentile and the largest. Each is one of the values: the
/// smallest that so many of them do not exceed.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Quantiles {
    /// The least.
    pub min: f64,
    /// The median.
    pub p50: f64,
    /// What nine of ten do not exceed.
    pub p90: f64,
    /// The largest.
    pub max: f64,
}

// === impl Quantiles ===

impl Quantiles {
    /// Of these values; `None` if there are none.
    ///
    /// ```
    /// use retune_testbed::lag::Quantiles;
    ///
    /// let four = Quantiles::of([3.0, 1.0, 2.0, 4.0]).unwrap();
    /// assert_eq!((four.min, four.p50, four.p90, four.max), (1.0, 2.0, 4.0, 4.0));
    /// ```
    pub fn of(values: impl IntoIterator<Item = f64>) -> Option<Self> {
        let mut values: Vec<_> = values.into_iter().collect();
        values.sort_by(f64::total_cmp);
        let percentile = |percent: usize| {
            let rank = (values.len() * percent).div_ceil(100);
            values.get(rank.saturating_sub(1)).copied()
        };
        Some(Self {
            min: percentile(0)?,
            p50: percentile(50)?,
            p90: percentile(90)?,
            max: percentile(100)?,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_is_the_smallest_value_that_so_many_do_not_exceed() {
        let hundred = Quantiles::of((1..=100).rev().map(f64::from)).unwrap();
        let expected = Quantiles {
            min: 1.0,
            p50: 50.0,
            p90: 90.0,
            max: 100.0,
        };
        assert_eq!(hundred, expected);
        let three = Quantiles::of([5.0, -1.0, 2.0]).unwrap();
        assert_eq!((three.min, three.p50, three.p90), (-1.0, 2.0, 5.0));
    }

    #[test]
    fn of_one_value_all_are_that_and_of_none_there_are_none() {
        let one = Quantiles::of([7.0]).unwrap();
        assert_eq!((one.min, one.p50, one.p90, one.max), (7.0, 7.0, 7.0, 7.0));
        assert_eq!(Quantiles::of([]), None);
    }
}
