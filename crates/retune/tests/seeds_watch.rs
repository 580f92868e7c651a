//! What konfig's `TestWatch` and `TestNotifySubscribers` try, held to more: 34 files that variables
//! name go from initial to new values, and each of two subscribers, one that takes its changes one by
//! one and one that is called, is told of each value exactly once and in order.
#![allow(missing_docs)]

mod support;

use std::collections::BTreeMap;
use std::fs;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use retune::source::Env;
use retune::{Change, Live, Retune, Subscription};
use support::{Volume, eventually};
use tempfile::tempdir;

macro_rules! fields {
    ($($name:ident: $ty:ty = $initial:literal, $new:literal;)*) => {
        /// konfig's types: 17 of one value, and a list of each. An address and text stand for the
        /// URL and the regular expression, and a list of `u8` is bytes.
        #[derive(Clone, Debug, PartialEq, Retune)]
        struct Config {
            $($name: $ty,)*
        }

        /// Each field's name, and its initial and its new text.
        const FIELDS: &[(&str, &str, &str)] = &[$((stringify!($name), $initial, $new),)*];
    };
}

fields! {
    text: String = "foo", "bar";
    boolean: bool = "false", "true";
    float32: f32 = "3.1415", "2.7182";
    float64: f64 = "3.14159265359", "2.7182818284";
    int: isize = "-2147483648", "2147483647";
    int8: i8 = "-128", "127";
    int16: i16 = "-32768", "32767";
    int32: i32 = "-2147483648", "2147483647";
    int64: i64 = "-9223372036854775808", "9223372036854775807";
    uint: usize = "0", "4294967295";
    uint8: u8 = "0", "255";
    uint16: u16 = "0", "65535";
    uint32: u32 = "0", "4294967295";
    uint64: u64 = "0", "18446744073709551615";
    address: SocketAddr = "10.0.0.1:8080", "10.0.0.2:8080";
    expression: String = "[:digit:]", "[:alpha:]";
    duration: Duration = "1s", "1m";
    text_list: Vec<String> = "foo,bar", "bar,foo";
    boolean_list: Vec<bool> = "false,true", "true,false";
    float32_list: Vec<f32> = "3.1415,2.7182", "2.7182,3.1415";
    float64_list: Vec<f64> = "3.14159265359,2.7182818284", "2.7182818284,3.14159265359";
    int_list: Vec<isize> = "-2147483648,2147483647", "2147483647,-2147483648";
    int8_list: Vec<i8> = "-128,127", "127,-128";
    int16_list: Vec<i16> = "-32768,32767", "32767,-32768";
    int32_list: Vec<i32> = "-2147483648,2147483647", "2147483647,-2147483648";
    int64_list: Vec<i64> = "-9223372036854775808,9223372036854775807", "9223372036854775807,-9223372036854775808";
    uint_list: Vec<usize> = "0,4294967295", "4294967295,0";
    uint8_list: Vec<u8> = "0,255", "255,0";
    uint16_list: Vec<u16> = "0,65535", "65535,0";
    uint32_list: Vec<u32> = "0,4294967295", "4294967295,0";
    uint64_list: Vec<u64> = "0,18446744073709551615", "18446744073709551615,0";
    address_list: Vec<SocketAddr> = "10.0.0.1:80,10.0.0.2:80", "10.0.0.2:80,10.0.0.1:80";
    expression_list: Vec<String> = "['[:digit:]', '[:alpha:]']", "['[:alpha:]', '[:digit:]']";
    duration_list: Vec<Duration> = "1s,1m", "1m,1s";
}

/// What a subscriber was told: of each change the paths and the values before and after.
type Told = Vec<(Vec<String>, Option<Config>, Config)>;

/// A subscriber that is called, and one that takes one change after the other.
struct Two {
    called: Arc<Mutex<Told>>,
    _subscription: Subscription,
    taken: Arc<Mutex<Told>>,
    taking: JoinHandle<()>,
}

fn told(change: &Change<Config>) -> (Vec<String>, Option<Config>, Config) {
    let paths = change.paths().iter().map(ToString::to_string).collect();
    let old = change.old().map(|old| (**old).clone());
    (paths, old, (**change.new_value()).clone())
}

impl Two {
    fn of(live: &Live<Config>) -> Self {
        let [called, taken] = [(); 2].map(|()| Arc::new(Mutex::new(Vec::new())));
        let call = called.clone();
        let subscription = live.subscribe(move |change| call.lock().unwrap().push(told(change)));
        let (changes, take) = (live.changes(), taken.clone());
        let taking = thread::spawn(move || {
            for change in changes {
                take.lock().unwrap().push(told(&change));
            }
        });
        eventually("both know what holds", || {
            [&called, &taken].map(|told| told.lock().unwrap().len()) == [1, 1]
        });
        Self {
            called,
            _subscription: subscription,
            taken,
            taking,
        }
    }

    /// What both were told, when no more will come.
    fn end(self, live: &Live<Config>) -> [Told; 2] {
        eventually("both have taken the last", || {
            live.status().times.applied.is_some()
        });
        live.stop().unwrap();
        self.taking.join().unwrap();
        [self.called, self.taken].map(|told| told.lock().unwrap().clone())
    }
}

fn watch(path: impl Fn(&str) -> PathBuf) -> Live<Config> {
    let variables = FIELDS
        .iter()
        .map(|(name, ..)| (format!("{}_FILE", name.to_uppercase()), path(name)));
    Config::loader()
        .env(Env::from_iter("", variables))
        .watch()
        .unwrap()
}

fn set(text: impl Fn(&(&'static str, &'static str, &'static str)) -> &'static str) -> Config {
    let loader = FIELDS.iter().fold(Config::loader(), |loader, field| {
        loader.set(field.0, text(field))
    });
    loader.once().unwrap()
}

/// Checks what one subscriber was told, and gives in how many changes.
fn each_once_and_in_order(told: &Told, last: &Config) -> usize {
    let (first, changes) = told.split_first().unwrap();
    assert_eq!((&first.1, &first.2), (&None, &set(|field| field.1)));
    let mut before = &first.2;
    let mut times = BTreeMap::<&str, usize>::new();
    for (paths, old, new) in changes {
        assert_eq!(old.as_ref(), Some(before), "no change between two is lost");
        for path in paths {
            *times.entry(path).or_default() += 1;
        }
        before = new;
    }
    assert_eq!(before, last);
    let expected: BTreeMap<_, _> = FIELDS.iter().map(|(name, ..)| (*name, 1)).collect();
    assert_eq!(times, expected, "each exactly once");
    changes.len()
}

#[test]
fn k9_34_files_go_to_new_values_and_two_subscribers_are_told_of_each_once_and_in_order() {
    let dir = tempdir().unwrap();
    let path = |name: &str| dir.path().join(name);
    for (name, initial, _) in FIELDS {
        fs::write(path(name), initial).unwrap();
    }
    let live = watch(path);
    let two = Two::of(&live);
    for (name, _, new) in FIELDS {
        support::replace(&path(name), new);
    }
    let last = set(|field| field.2);
    eventually("all are new", || live.with(|config| *config == last));
    for told in two.end(&live) {
        each_once_and_in_order(&told, &last);
    }
}

#[test]
fn k2_k9_34_keys_of_one_swap_are_one_change_for_each_of_two_subscribers() {
    let keys = |text: fn(&(&'static str, &'static str, &'static str)) -> &'static str| {
        let pairs = FIELDS.iter().map(|field| (field.0, text(field)));
        pairs.collect::<Vec<_>>()
    };
    let dir = tempdir().unwrap();
    let volume = Volume::new(dir.path().join("v"), &keys(|field| field.1));
    let live = watch(|name: &str| Path::join(volume.path(), name));
    let two = Two::of(&live);
    volume.publish(&keys(|field| field.2));
    let last = set(|field| field.2);
    eventually("all are new", || live.with(|config| *config == last));
    for told in two.end(&live) {
        assert_eq!(each_once_and_in_order(&told, &last), 1);
    }
}

#[test]
fn values_change_with_no_subscriber_and_each_that_comes_hears_of_what_follows() {
    let live = Config::loader();
    let live = FIELDS
        .iter()
        .fold(live, |loader, field| loader.set(field.0, field.1));
    let live = live.watch().unwrap();
    assert_eq!(live.set("text", "nobody hears").unwrap(), 2);
    let two = Two::of(&live);
    assert_eq!(live.set("text", "both hear").unwrap(), 3);
    let expected = ["nobody hears", "both hear"];
    for told in two.end(&live) {
        let texts: Vec<_> = told.iter().map(|(_, _, new)| new.text.as_str()).collect();
        assert_eq!(texts, expected);
    }
}
