//! Random edits: however they come, every pod ends on the last content, and nobody ever sees a
//! part of an edit.
//!
//! Every value carries the number of its edit and how many keys its map then has, and each pod
//! looks at that itself, in its subscriber and in a thread that reads all the time: it ends with 70
//! at the first generation that is torn.

use std::collections::{BTreeMap, BTreeSet};
use std::env;
use std::fmt;
use std::hash::{BuildHasher, RandomState};
use std::io::Write;
use std::thread;
use std::time::{Duration, SystemTime};

use retune_testbed::{Data, Namespace, Pod, PodRef, check, fingerprint, wait, wait_for};
use serde_json::{Map, Value, json};

const EDITS: u64 = 200;
const PODS: usize = 10;

/// Longer than a kubelet with the default period takes for all that is left to do at the end.
const SYNC: Duration = Duration::from_secs(120);

/// Says which edits are made; printed at the start of each run.
const SEED: &str = "RETUNE_TESTBED_SEED";

type Keys = BTreeMap<String, String>;

/// SplitMix64: few lines, and the same numbers everywhere.
struct Random(u64);

/// A ConfigMap or Secret that is edited, and what it holds.
struct Object {
    data: Data,
    /// The map that its keys make up; `None` for the one value `password`.
    map: Option<&'static str>,
    edits: Edits,
    keys: Keys,
}

/// What may be done to an object beside changing, adding and removing keys.
#[derive(Clone, Copy, PartialEq)]
enum Edits {
    /// Nothing.
    Plain,
    /// All of its keys may be removed, which its readers accept.
    Emptied,
    /// What its readers must refuse, until the next edit.
    Refused,
}

/// A pod and who it is now, which must not change.
struct Reader {
    pod: PodRef,
    /// Indices of its objects.
    objects: [usize; 4],
    uid: String,
    started: Value,
    /// The generation that was seen last.
    generation: u64,
}

// === impl Random ===

impl Random {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    fn below(&mut self, end: usize) -> usize {
        (self.next() % end as u64) as usize
    }

    fn one_in(&mut self, many: usize) -> bool {
        self.below(many) == 0
    }
}

// === impl Object ===

impl Object {
    fn new(data: Data, map: Option<&'static str>, edits: Edits) -> Self {
        Self {
            data,
            map,
            edits,
            keys: Keys::new(),
        }
    }

    /// One edit: other values, and perhaps other keys.
    fn edit(&mut self, revision: u64, random: &mut Random) {
        self.renew(revision, random);
        if self.edits == Edits::Refused && random.one_in(3) {
            // `port` is a number, for whoever reads it.
            self.keys.insert("port".into(), "none".into());
        }
        self.put();
    }

    fn is_refused(&self) -> bool {
        self.keys.contains_key("port")
    }

    /// The names that the keys have next.
    fn names(&self, random: &mut Random) -> BTreeSet<String> {
        let Some(map) = self.map else {
            return ["password".to_owned()].into();
        };
        let name = |number| format!("{map}.k{number:02}");
        let mut names: BTreeSet<_> = self.keys.keys().cloned().collect();
        names.remove("port");
        if names.is_empty() || random.one_in(8) {
            return (0..=random.below(30)).map(name).collect();
        }
        if self.edits == Edits::Emptied && random.one_in(6) {
            return BTreeSet::new();
        }
        if random.one_in(2) {
            names.insert(name(random.below(30)));
        }
        if names.len() > 1 && random.one_in(2) {
            let gone = random.below(names.len());
            let gone = names.iter().nth(gone).cloned();
            names.retain(|name| Some(name) != gone.as_ref());
        }
        names
    }

    fn renew(&mut self, revision: u64, random: &mut Random) {
        let names = self.names(random);
        let head = match self.map {
            Some(_) => format!("r{revision}/{}:", names.len()),
            None => format!("r{revision}:"),
        };
        let mut value = || {
            let filler = "x".repeat(random.below(50));
            format!("{head}{:x}{filler}", random.next())
        };
        self.keys = names.into_iter().map(|name| (name, value())).collect();
    }

    fn put(&self) {
        let keys = self.keys.iter();
        let entries: Vec<_> = keys.map(|(k, v)| (k.as_str(), v.as_str())).collect();
        self.data.replace(&entries);
    }

    /// The field of `/values` that shows it, and what it must be.
    fn shown(&self) -> (&str, Value) {
        let Some(map) = self.map else {
            let password = self.keys.values().next().map_or("", String::as_str);
            let fingerprint = fingerprint::of(password.as_bytes());
            return ("password", json!({ "fingerprint": fingerprint }));
        };
        let short = |key: &str| {
            key.trim_start_matches(map)
                .trim_start_matches('.')
                .to_owned()
        };
        let keys = self.keys.iter();
        let entries = keys.map(|(key, value)| (short(key), Value::from(value.as_str())));
        (map, entries.collect::<Map<_, _>>().into())
    }
}

// === impl Reader ===

impl Reader {
    fn start(namespace: &Namespace, number: usize, all: &[Object], objects: [usize; 4]) -> Self {
        let [one, two, three, password] = objects.map(|index| all[index].data.name());
        let mount = |name: &str| json!({ "name": name, "mountPath": format!("/{name}") });
        let pod = Pod::new(&format!("p{number}"))
            .arg("serve")
            .arg("--droppable-mount=/one")
            .arg("--secret-mount=/two")
            .arg("--mount=/three")
            .volume(json!({ "name": "one", "configMap": { "name": one } }))
            .volume(json!({ "name": "two", "secret": { "secretName": two } }))
            .volume(json!({ "name": "three", "projected": { "sources": [
                { "configMap": { "name": three } },
                { "secret": { "name": password } },
            ] } }))
            .mount(mount("one"))
            .mount(mount("two"))
            .mount(mount("three"));
        namespace.apply(&pod);
        Self {
            pod: namespace.pod(pod.name()),
            objects,
            uid: String::new(),
            started: Value::Null,
            generation: 0,
        }
    }

    /// Waits until it runs, and remembers who it is.
    fn ready(&mut self) {
        self.pod.wait_ready();
        self.uid = self.pod.uid().unwrap();
        self.started = self.pod.get_json("/counters").unwrap()["started"].take();
        assert!(self.started.is_u64());
    }

    /// It is still the same process, and its generation has not gone back.
    fn look(&mut self) {
        let name = self.pod.name();
        // One that ended is back sooner or later, as another process.
        let counters = wait(&format!("{name} answers"), || {
            self.pod.get_json("/counters")
        });
        assert_eq!(counters["started"], self.started, "{name} was restarted");
        let generation = counters["generation"].as_u64().unwrap();
        assert!(generation >= self.generation, "{name}: {counters}");
        self.generation = generation;
    }

    /// Whether each of its volumes has the last content.
    fn is_current(&self, all: &[Object]) -> retune_testbed::Result {
        let values = self.pod.get_json("/values")?;
        for (field, expected) in self.objects.map(|index| all[index].shown()) {
            let found = &values["values"][field];
            let name = self.pod.name();
            check(
                *found == expected,
                format!("{name}: `{field}` is {found}, expected {expected}"),
            )?;
        }
        Ok(())
    }

    /// What it has seen from start to end; gives the number of generations.
    fn check_history(&self, all: &[Object]) -> usize {
        let name = self.pod.name();
        assert_eq!(self.pod.restarts().unwrap(), 0, "{name}");
        assert_eq!(self.pod.uid().unwrap(), self.uid, "{name}");
        let log = self.pod.log().unwrap();
        let torn = log.lines().find(|line| line.contains("\"torn\""));
        assert_eq!(torn, None, "{name}");

        let counters = self.pod.get_json("/counters").unwrap();
        assert!(counters["reads"].as_u64() > Some(0), "{name}: {counters}");
        let rejected = &counters["retune"]["rejected_invalid"];
        let meant = self
            .objects
            .iter()
            .any(|index| all[*index].edits == Edits::Refused);
        assert!(meant || rejected == 0, "{name}: {counters}");
        for never in ["rejected_source", "rejected_gate", "subscriber_panics"] {
            assert_eq!(counters["retune"][never], 0, "{name}: {counters}");
        }
        assert_eq!(counters["health"], "ok", "{name}: {counters}");

        let generations = self.pod.get_json("/generations").unwrap();
        let generations = generations.as_array().unwrap();
        assert!(generations.len() > 1, "{name} has seen no edit");
        let mut newest = BTreeMap::new();
        for seen in generations {
            let revisions = seen["revisions"].as_object().into_iter().flatten();
            for (field, revision) in revisions {
                let revision = revision.as_u64().unwrap();
                let before = newest.insert(field.as_str(), revision).unwrap_or_default();
                assert!(revision >= before, "{name}: `{field}` went back in {seen}");
            }
        }
        generations.len()
    }
}

fn seed() -> u64 {
    let given = env::var(SEED).ok().map(|seed| seed.parse());
    let seed = given.unwrap_or_else(|| Ok(RandomState::new().hash_one(SystemTime::now())));
    let seed = seed.expect("a seed is a whole number");
    say(format_args!("{SEED}={seed}"));
    seed
}

/// Not captured as the output of a passing test is.
fn say(what: fmt::Arguments<'_>) {
    _ = writeln!(std::io::stderr(), "random edits: {what}");
}

#[test]
#[ignore = "needs a cluster: cargo xtask cluster-test"]
fn after_200_random_edits_every_pod_has_the_last_content_and_none_was_restarted_or_torn() {
    let mut random = Random(seed());
    let namespace = Namespace::new("random");
    let mut all = Vec::new();
    let mut add = |count: usize, name: &str, map, secret| {
        let first = all.len();
        for number in 0..count {
            let name = format!("{name}-{number}");
            let data = match secret {
                true => namespace.secret(&name),
                false => namespace.config_map(&name),
            };
            // Of the volume that may be lost all objects are emptied; one is also spoiled.
            let edits = match (name.as_str(), map) {
                ("one-0", _) => Edits::Refused,
                (_, Some("one" | "three")) => Edits::Emptied,
                _ => Edits::Plain,
            };
            all.push(Object::new(data, map, edits));
        }
        first
    };
    // Shared by some pods each, and no two pods have the same.
    let one = add(3, "one", Some("one"), false);
    let two = add(4, "two", Some("two"), true);
    let three = add(5, "three", Some("three"), false);
    let password = add(1, "password", None, true);
    for object in &mut all {
        object.renew(0, &mut random);
        object.put();
    }
    let objects = |pod| [one + pod % 3, two + pod % 4, three + pod % 5, password];
    let mut readers: Vec<_> = (0..PODS)
        .map(|pod| Reader::start(&namespace, pod, &all, objects(pod)))
        .collect();
    readers.iter_mut().for_each(Reader::ready);

    let mut revision = 0;
    while revision < EDITS {
        // Several at once, now and then.
        let edits = if random.one_in(4) {
            2 + random.below(4)
        } else {
            1
        };
        for _ in 0..edits {
            revision += 1;
            let index = random.below(all.len());
            all[index].edit(revision, &mut random);
        }
        if random.one_in(2) {
            let reader = random.below(PODS);
            readers[reader].pod.nudge();
            readers[reader].look();
        }
        thread::sleep(Duration::from_millis(random.next() % 300));
    }
    for object in all.iter_mut().filter(|object| object.is_refused()) {
        object.renew(revision + 1, &mut random);
        object.put();
    }

    let mut generations = Vec::new();
    for reader in &mut readers {
        reader.pod.nudge();
        wait_for("the last content of every volume", SYNC, || {
            reader.is_current(&all)
        });
        reader.look();
        generations.push(reader.check_history(&all));
    }
    say(format_args!("{generations:?} generations were seen"));
}
