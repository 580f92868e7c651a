//! What is made of a reading that finds nothing new: nothing.

use std::collections::BTreeMap;
use std::panic::Location;
use std::path::Path;

use allocation_counter::{AllocationInfo, measure};
use retune_mount::Publisher;

use super::*;
use crate::Retune;
use crate::origin::Origin;
use crate::pipeline::Options;
use crate::source::{File, Kind, Mount};

#[derive(Debug, Retune)]
#[allow(dead_code)]
struct Config {
    #[retune(default = "{}")]
    labels: BTreeMap<String, String>,
    #[retune(default = 4)]
    workers: u32,
}

fn pipeline(sources: Vec<Box<dyn Sealed + Send>>) -> Pipeline {
    let options = Options::default();
    Pipeline::new(Config::SCHEMA, sources, options)
}

/// A source that is not there for a moment whenever it is looked at.
struct ComesAndGoes;

impl Sealed for ComesAndGoes {
    fn name(&self) -> String {
        "mount /v".to_owned()
    }

    fn kind(&self) -> Kind {
        Kind::Mount
    }

    fn read(&mut self, context: &mut Context<'_>) -> Layer {
        let mut layer = Layer::new(Origin::Default, None, context);
        layer.away = Some("/v".into());
        layer
    }
}

fn publish(dir: &Path, keys: impl IntoIterator<Item = (String, String)>) {
    Publisher::open(dir).unwrap().publish(keys).unwrap();
}

fn settle(pipeline: &mut Pipeline, mut seen: Observation) {
    assert!(seen.problems.is_empty(), "{:?}", seen.problems);
    pipeline.accept(&mut seen);
    pipeline.settle();
}

fn counted<R>(f: impl FnOnce() -> R) -> (R, AllocationInfo) {
    let mut result = None;
    let info = measure(|| result = Some(f()));
    (result.unwrap(), info)
}

/// Of a volume with so many keys: what a first reading allocates, and one of the same content.
fn cost(keys: u64) -> (AllocationInfo, AllocationInfo) {
    let dir = tempfile::tempdir().unwrap();
    let volume = || (0..keys).map(|n| (format!("labels.k{n:04}"), "x".repeat(100)));
    publish(dir.path(), volume());
    let mut pipeline = pipeline(vec![Box::new(Mount::new(dir.path()))]);
    let signal = Signal::new();
    let (seen, first) = counted(|| pipeline.observe(Some(&signal), |_| {}));
    settle(&mut pipeline, seen);
    // Other links, and the same content.
    publish(dir.path(), volume());
    let (seen, again) = counted(|| pipeline.observe_news(&signal, |_| {}));
    assert!(seen.is_err(), "something new");
    (first, again)
}

#[test]
fn a_reading_of_the_same_content_allocates_for_the_content_alone() {
    let (few, many) = (cost(100), cost(1_100));
    let each = |of: fn(&AllocationInfo) -> u64| {
        let each = |few, many| (of(many) - of(few)) as f64 / 1000.0;
        (each(&few.0, &many.0), each(&few.1, &many.1))
    };
    // Of each key its name, its buffer, who shares that, and a place in the index.
    let (first, again) = each(|info| info.count_total);
    assert!(again < 4.5, "{again} allocations a key, at first {first}");
    let (first, again) = each(|info| info.bytes_total);
    assert!(
        again < 600.0 && again < first / 2.0,
        "{again} bytes a key, at first {first}"
    );
    let rest = few.1.count_total as f64 - 100.0 * 4.5;
    assert!(rest < 150.0, "{rest} allocations that are of no key");
}

#[test]
fn a_document_that_is_the_same_is_not_parsed() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("c.json");
    let labels = (0..1000).map(|n| format!("\"k{n}\": \"value {n}\""));
    let labels = labels.collect::<Vec<_>>().join(", ");
    std::fs::write(&path, format!("{{\"labels\": {{{labels}}}}}")).unwrap();
    let mut pipeline = pipeline(vec![Box::new(File::new(&path))]);
    let signal = Signal::new();
    let seen = pipeline.observe(Some(&signal), |_| {});
    settle(&mut pipeline, seen);
    let (seen, again) = counted(|| pipeline.observe_news(&signal, |_| {}));
    assert!(seen.is_err(), "something new");
    assert!(again.count_total < 150, "{again:?}");
}

#[test]
fn what_one_source_brings_anew_is_merged_with_what_the_others_gave() {
    let dir = tempfile::tempdir().unwrap();
    let (a, b) = (dir.path().join("a"), dir.path().join("b"));
    let key = |name: &str, value: &str| [(name.to_owned(), value.to_owned())];
    for dir in [&a, &b] {
        std::fs::create_dir(dir).unwrap();
    }
    publish(&a, key("labels.a", "1"));
    publish(&b, key("labels.b", "1"));
    let file = dir.path().join("c.json");
    std::fs::write(&file, "{\"workers\": 7}").unwrap();
    let mut pipeline = pipeline(vec![
        Box::new(File::new(&file)),
        Box::new(Mount::new(&a).not_secret()),
        Box::new(Mount::new(&b).not_secret().optional()),
        Box::new(Mount::new(dir.path().join("not there")).optional()),
    ]);
    let signal = Signal::new();
    let given = |seen: &Observation| {
        let leaves = seen.tree.given();
        let told = leaves
            .iter()
            .map(|leaf| format!("{}={}", leaf.path.own(), leaf.node.shown()));
        let mut told: Vec<_> = told.collect();
        told.sort();
        told.join(" ")
    };
    let seen = pipeline.observe(Some(&signal), |_| {});
    assert_eq!(given(&seen), "labels.a=1 labels.b=1 workers=7");
    settle(&mut pipeline, seen);
    let news = |pipeline: &mut Pipeline| {
        let seen = pipeline.observe_news(&signal, |_| {}).ok()?;
        let told = given(&seen);
        settle(pipeline, seen);
        Some(told)
    };
    assert_eq!(news(&mut pipeline), None);
    publish(&b, key("labels.b", "2"));
    let expected = "labels.a=1 labels.b=2 workers=7";
    assert_eq!(news(&mut pipeline).as_deref(), Some(expected));
    assert_eq!(news(&mut pipeline), None);
    publish(&a, key("labels.a", "2"));
    let expected = "labels.a=2 labels.b=2 workers=7";
    assert_eq!(news(&mut pipeline).as_deref(), Some(expected));
    // What code sets is news as well, and so is that it takes it back.
    let Pipeline { code, flat, .. } = &mut pipeline;
    code.set(flat, "workers", "9", Location::caller());
    let expected = "labels.a=2 labels.b=2 workers=9";
    assert_eq!(news(&mut pipeline).as_deref(), Some(expected));
    let Pipeline { code, flat, .. } = &mut pipeline;
    code.unset(flat, "workers");
    let expected = "labels.a=2 labels.b=2 workers=7";
    assert_eq!(news(&mut pipeline).as_deref(), Some(expected));
    assert_eq!(news(&mut pipeline), None);
}

#[test]
fn what_was_not_accepted_is_news_again() {
    let dir = tempfile::tempdir().unwrap();
    let key = |value: &str| [(String::from("workers"), value.to_owned())];
    publish(dir.path(), key("1"));
    let mut pipeline = pipeline(vec![Box::new(Mount::new(dir.path()))]);
    let signal = Signal::new();
    let seen = pipeline.observe(Some(&signal), |_| {});
    settle(&mut pipeline, seen);
    publish(dir.path(), key("many"));
    for _ in 0..2 {
        let seen = pipeline.observe_news(&signal, |_| {});
        let mut seen = seen.ok().expect("as it was not accepted");
        pipeline.refuse(&mut seen);
    }
    // What was accepted before is not what was read last.
    publish(dir.path(), key("1"));
    assert!(pipeline.observe_news(&signal, |_| {}).is_ok());
}

#[test]
fn what_is_away_at_each_look_is_refused_in_the_end() {
    let mut pipeline = pipeline(vec![Box::new(ComesAndGoes)]);
    let seen = pipeline.observe(None, |_| {});
    let told: Vec<_> = seen.problems.iter().map(ToString::to_string).collect();
    assert!(seen.failed);
    assert_eq!(told.len(), 1, "{told:?}");
    assert!(told[0].contains("/v: comes and goes"), "{told:?}");
}
