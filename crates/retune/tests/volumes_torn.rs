//! A2 and A3: keys that change together are seen together, in all three forms of reading a volume.
#![allow(missing_docs)]

mod support;

use std::fmt::Write;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use retune::source::Env;
use retune::{Live, Loader, Retune};
use retune_mount::LinkOrder;
use support::{ORDERS, Volume, eventually};
use tempfile::tempdir;

macro_rules! twenty {
    ($($field:ident)*) => {
        #[derive(Debug, Retune)]
        struct Twenty {
            $($field: u64,)*
        }

        const KEYS: &[&str] = &[$(stringify!($field)),*];

        impl Twenty {
            fn all(&self) -> [u64; 20] {
                [$(self.$field),*]
            }
        }
    };
}

twenty!(k00 k01 k02 k03 k04 k05 k06 k07 k08 k09 k10 k11 k12 k13 k14 k15 k16 k17 k18 k19);

/// How the program reads the volume.
#[derive(Clone, Copy, Debug)]
enum Form {
    /// `.mount(volume)`, one value a key.
    Mount,
    /// `.file(volume/a.yaml).file(volume/b.yaml)`, half of the values each.
    Files,
    /// `APP_K00_FILE=volume/k00` and so on.
    Variables,
    /// A part of the values by each of the three.
    Mixed,
}

const FORMS: [Form; 4] = [Form::Mount, Form::Files, Form::Variables, Form::Mixed];

impl Form {
    /// Keys in documents, and of those the ones in the first.
    fn in_documents(self) -> (usize, usize) {
        match self {
            Self::Mount | Self::Variables => (0, 0),
            Self::Files => (20, 10),
            Self::Mixed => (8, 4),
        }
    }

    fn publish(self, volume: &Volume, n: u64) {
        let (documents, first) = self.in_documents();
        let text = n.to_string();
        let document = |keys: &[&str]| {
            keys.iter().fold(String::from("{"), |mut text, key| {
                write!(text, "{key}: {n}, ").unwrap();
                text
            }) + "}"
        };
        let (a, b) = (document(&KEYS[..first]), document(&KEYS[first..documents]));
        let mut keys: Vec<_> = KEYS[documents..].iter().map(|k| (*k, &*text)).collect();
        if documents > 0 {
            keys.extend([("a.yaml", &*a), ("b.yaml", &*b)]);
        }
        volume.publish(&keys);
    }

    fn loader(self, volume: &Volume) -> Loader<Twenty> {
        let variables = |keys: &[&str]| {
            let pairs = keys.iter().map(|key| {
                (
                    format!("APP_{}_FILE", key.to_uppercase()),
                    volume.key(key).into_os_string(),
                )
            });
            Env::from_iter("APP", pairs.collect::<Vec<_>>())
        };
        let loader = Twenty::loader();
        let files =
            |loader: Loader<Twenty>| loader.file(volume.key("a.yaml")).file(volume.key("b.yaml"));
        match self {
            Self::Mount => loader.mount(volume.path()),
            Self::Files => files(loader),
            Self::Variables => loader.env(variables(KEYS)),
            Self::Mixed => files(loader)
                .mount(volume.path())
                .env(variables(&KEYS[14..])),
        }
    }
}

/// Samples until told to stop; the samples, the mixtures and the steps back among them.
fn sample(live: &Live<Twenty>, stop: &AtomicBool) -> (u64, u64, u64) {
    let mut reader = live.reader();
    let (mut samples, mut torn, mut back, mut last) = (0, 0, 0, 0);
    while !stop.load(Ordering::Relaxed) {
        for values in [
            reader.get().all(),
            live.with(Twenty::all),
            live.load().all(),
        ] {
            samples += 1;
            torn += u64::from(values.iter().any(|v| *v != values[0]));
            back += u64::from(values[0] < last);
            last = values[0];
        }
    }
    (samples, torn, back)
}

/// Publishes with `next` while two readers sample, and checks what everybody saw.
fn publish_and_sample(form: Form, order: LinkOrder, mut next: impl FnMut(u64) -> bool) {
    let dir = tempdir().unwrap();
    let volume = Volume::with_order(dir.path().join("v"), order, &[]);
    form.publish(&volume, 0);
    let live = form.loader(&volume).watch().unwrap();
    let stop = AtomicBool::new(false);
    let subscriber = Arc::new((AtomicU64::new(0), AtomicU64::new(0)));
    let told = subscriber.clone();
    let _subscription = live.subscribe(move |change| {
        let values = change.new_value().all();
        let torn = values.iter().any(|v| *v != values[0]);
        told.0.fetch_add(u64::from(torn), Ordering::Relaxed);
        told.1.store(values[0], Ordering::Relaxed);
    });
    let (last, seen) = thread::scope(|scope| {
        let readers = [(); 2].map(|()| scope.spawn(|| sample(&live, &stop)));
        let mut n = 0;
        while next(n) {
            n += 1;
            form.publish(&volume, n);
        }
        eventually(&format!("{form:?}, {order:?}: the last version"), || {
            live.with(|c| c.k00) == n
        });
        stop.store(true, Ordering::Relaxed);
        (n, readers.map(|reader| reader.join().unwrap()))
    });
    let context = format!("{form:?}, {order:?}, {last} swaps, {seen:?}");
    assert!(last > 0, "{context}");
    for (samples, torn, back) in seen {
        assert!(samples > 0, "{context}");
        assert_eq!((torn, back), (0, 0), "torn, back: {context}");
    }
    eventually("the subscriber saw the last version", || {
        subscriber.1.load(Ordering::Relaxed) == last
    });
    assert_eq!(subscriber.0.load(Ordering::Relaxed), 0, "{context}");
    assert_eq!(live.with(Twenty::all), [last; 20], "{context}");
    let status = live.status();
    let counters = status.counters;
    assert_eq!(
        counters.rejected(),
        0,
        "spurious rejections: {context} {counters:?}"
    );
    assert_eq!(status.warnings.len(), 0, "{context}");
}

#[test]
fn a2_twenty_keys_of_one_swap_are_one_generation_in_every_form() {
    for form in FORMS {
        for order in ORDERS {
            let dir = tempdir().unwrap();
            let volume = Volume::with_order(dir.path().join("v"), order, &[]);
            form.publish(&volume, 0);
            let live = form.loader(&volume).watch().unwrap();
            let notes = support::Notes::of(&live, Twenty::all);
            for n in 1..=5 {
                form.publish(&volume, n);
                notes.until_last([n; 20]);
            }
            let expected: Vec<_> = (0..=5).map(|n| (n + 1, [n; 20])).collect();
            assert_eq!(notes.all(), expected, "{form:?}, {order:?}");
            let status = live.status();
            let paths: Vec<_> = status.history[1].paths().collect();
            assert_eq!(paths, KEYS, "{form:?}, {order:?}");
        }
    }
}

/// Swaps for three seconds, back to back.
fn three_seconds(form: Form) {
    for order in ORDERS {
        let until = Instant::now() + Duration::from_secs(3);
        publish_and_sample(form, order, |_| Instant::now() < until);
    }
}

#[test]
fn a2_a3_continuous_swaps_of_a_mount_tear_nothing() {
    three_seconds(Form::Mount);
}

#[test]
fn a2_a3_continuous_swaps_of_documents_in_a_volume_tear_nothing() {
    three_seconds(Form::Files);
}

#[test]
fn a2_a3_continuous_swaps_of_files_that_variables_name_tear_nothing() {
    three_seconds(Form::Variables);
}

#[test]
fn a2_a3_continuous_swaps_read_in_all_forms_at_once_tear_nothing() {
    three_seconds(Form::Mixed);
}
