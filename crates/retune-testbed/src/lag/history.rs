//! What a pod tells of its generations, and whether it is what the edits must have come to.

use serde::Deserialize;
use serde_json::Value;

use super::{Edit, Moment, Sample};
use crate::error::{Error, Result};

/// The longest tick of any kernel (100 Hz), in nanoseconds: a time of the file system is that of
/// the last tick, and so may be before what caused it.
const TICK: u64 = 10_000_000;

/// An entry of the probe's `/generations`.
#[derive(Debug, Deserialize)]
struct Generation {
    generation: usize,
    /// Whether the subscriber was called with it.
    seen: bool,
    revision: Option<usize>,
    published: Option<u64>,
    noticed: u64,
    swapped: u64,
    applied: Option<u64>,
}

/// Whether a pod has applied an edit.
///
/// # Errors
///
/// When it has not, with its last generation.
pub(super) fn applied(generations: &Value, edit: usize) -> Result {
    let last = read(generations)?.pop();
    match last {
        Some(last) if last.revision >= Some(edit) && last.applied.is_some() => Ok(()),
        last => Err(format!("its last generation: {last:?}").into()),
    }
}

/// The samples of a pod.
///
/// # Errors
///
/// When it did not apply every edit exactly once and in order, after its own edit, before the next
/// and with each moment after the one before it.
pub(super) fn samples(pod: &str, generations: &Value, edits: &[Edit]) -> Result<Vec<Sample>> {
    let generations = read(generations)?;
    if generations.len() != edits.len() + 1 {
        let revisions: Vec<_> = generations.iter().map(|entry| entry.revision).collect();
        return Err(Error::from(format!(
            "pod {pod}: {} edits became the generations {revisions:?}, the first included",
            edits.len()
        )));
    }
    // The first is what the pod was started with.
    let entries = generations.iter().skip(1).zip(edits).enumerate();
    let samples = entries.map(|(index, (entry, edit))| {
        let sample = entry.sample(pod, index + 1, edit, edits.get(index + 1));
        sample.map_err(|why| format!("pod {pod}, edit {}: {why}: {entry:?}", index + 1).into())
    });
    samples.collect()
}

fn read(generations: &Value) -> Result<Vec<Generation>> {
    Deserialize::deserialize(generations)
        .map_err(|error| format!("/generations: {error}: {generations}").into())
}

// === impl Generation ===

impl Generation {
    /// What came of this edit, if this is its generation.
    fn sample(
        &self,
        pod: &str,
        number: usize,
        edit: &Edit,
        next: Option<&Edit>,
    ) -> Result<Sample, String> {
        if (self.generation, self.revision) != (number + 1, Some(number)) {
            return Err("another one's generation".to_owned());
        }
        let (true, Some(published), Some(applied)) = (self.seen, self.published, self.applied)
        else {
            return Err("not applied, or a time is missing".to_owned());
        };
        if next.is_some_and(|next| next.sent < applied) {
            return Err("the next edit was sent before".to_owned());
        }
        let sample = Sample {
            pod: pod.to_owned(),
            edit: number,
            written: edit.sent,
            published,
            noticed: self.noticed,
            swapped: self.swapped,
            applied,
        };
        let way = [
            (Moment::Written, Moment::Published, TICK),
            (Moment::Published, Moment::Noticed, TICK),
            (Moment::Noticed, Moment::Swapped, 0),
            (Moment::Swapped, Moment::Applied, 0),
        ];
        let backwards =
            |(from, to, tick): &&(Moment, Moment, u64)| sample.at(*to) + tick < sample.at(*from);
        match way.iter().find(backwards) {
            Some((from, to, _)) => Err(format!("{to:?} before {from:?}")),
            None => Ok(sample),
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    const EDITS: [u64; 2] = [100_000_000, 200_000_000];

    fn edits() -> Vec<Edit> {
        let edit = |sent| Edit {
            sent,
            returned: sent + 1,
            annotated: None,
        };
        EDITS.map(edit).to_vec()
    }

    fn generation(number: u64, revision: Option<u64>, published: u64) -> Value {
        json!({
            "generation": number,
            "seen": revision.is_some(),
            "revision": revision,
            "published": published,
            "noticed": published + 1,
            "swapped": published + 2,
            "applied": published + 4,
        })
    }

    /// What a pod tells that has applied both edits.
    fn whole() -> Value {
        json!([
            generation(1, None, 5),
            generation(2, Some(1), 110_000_000),
            generation(3, Some(2), 290_000_000),
        ])
    }

    #[test]
    fn every_edit_is_a_sample_and_the_first_generation_is_none() {
        let samples = samples("p", &whole(), &edits()).unwrap();
        let numbers: Vec<_> = samples.iter().map(|sample| sample.edit).collect();
        assert_eq!(numbers, [1, 2]);
        let total = |sample: &Sample| sample.seconds(Moment::Written, Moment::Applied);
        assert_eq!(total(&samples[0]), 0.010_000_004);
        assert_eq!(total(&samples[1]), 0.090_000_004);
    }

    #[test]
    fn what_is_lost_doubled_or_in_another_order_is_refused() {
        let refused = |change: fn(&mut Vec<Value>)| {
            let mut generations = whole();
            change(generations.as_array_mut().unwrap());
            samples("p", &generations, &edits())
                .unwrap_err()
                .to_string()
        };
        let lost = refused(|all| all.truncate(2));
        assert!(lost.contains("[None, Some(1)]"), "{lost}");
        let doubled = refused(|all| all.push(generation(4, Some(2), 295_000_000)));
        assert!(doubled.contains("Some(2), Some(2)]"), "{doubled}");
        let order = refused(|all| all.swap(1, 2));
        assert!(order.contains("edit 1: "), "{order}");
        let unseen = refused(|all| all[2]["seen"] = false.into());
        assert!(unseen.contains("edit 2: "), "{unseen}");
        let late = refused(|all| all[1] = generation(2, Some(1), EDITS[1]));
        assert!(late.contains("the next edit was sent before"), "{late}");
    }

    #[test]
    fn a_moment_before_the_one_that_caused_it_is_refused_but_for_a_tick_of_the_file_system() {
        let with = |published: u64| {
            let mut generations = whole();
            generations[1] = generation(2, Some(1), published);
            samples("p", &generations, &edits())
        };
        with(EDITS[0] - TICK).unwrap();
        let early = with(EDITS[0] - TICK - 1).unwrap_err().to_string();
        assert!(early.contains("Published before Written"), "{early}");
        let mut generations = whole();
        generations[2]["noticed"] = 1.into();
        let early = samples("p", &generations, &edits()).unwrap_err();
        assert!(early.to_string().contains("Noticed before Published"));
    }

    #[test]
    fn an_edit_is_applied_when_its_generation_is() {
        let mut generations = whole();
        applied(&generations, 2).unwrap();
        applied(&generations, 3).unwrap_err();
        generations[2]["applied"] = Value::Null;
        applied(&generations, 2).unwrap_err();
    }
}
