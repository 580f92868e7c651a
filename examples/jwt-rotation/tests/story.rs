//! The story of this example, by the real programs: one `auth`, two `api`, each with a volume of its own.
mod support;

use std::collections::VecDeque;
use std::path::PathBuf;
use std::time::{Duration, Instant};

use jwt_rotation::token;
use retune::Secret;
use serde_json::Value;
use support::{Cluster, Process, Random, eventually, show};

/// How often the keys are rotated under load.
const ROTATIONS: u32 = 50;

/// The longest time between two syncs of a volume.
const PERIOD: Duration = Duration::from_secs(2);

/// How long a token is valid, in these tests.
const LIFETIME: Duration = Duration::from_secs(12);

/// A key's name in the Secret.
fn name(kid: &str) -> String {
    format!("jwt.keys.{kid}")
}

/// A key that is like no other.
fn key(kid: &str) -> String {
    format!("{kid}: long enough to be no less than what it signs\n")
}

fn kid(number: u32) -> String {
    format!("2026-11-21.{number:02}")
}

/// `auth`, and two `api`.
struct Services {
    auth: Process,
    apis: [Process; 2],
}

impl Services {
    fn start(volumes: [PathBuf; 3]) -> Self {
        let [auth, one, other] = volumes.map(|path| path.into_os_string().into_string().unwrap());
        let apis = [one, other].map(|volume| Process::start("api", &[("KEYS_DIR", &volume)]));
        let addresses = addresses(&apis);
        let environment = [
            ("KEYS_DIR", &*auth),
            ("APIS", &addresses),
            ("TOKEN_LIFETIME", "12s"),
        ];
        let auth = Process::start("auth", &environment);
        Self { auth, apis }
    }

    /// Takes tokens from `auth` all the time, and shows them to both.
    fn load(&self) -> Process {
        load(&self.auth, &addresses(&self.apis))
    }

    fn all(&mut self) -> impl Iterator<Item = &mut Process> {
        [&mut self.auth].into_iter().chain(&mut self.apis)
    }

    /// The id of the key that signs.
    fn signs(&self) -> String {
        text(&self.auth.json("/token")["kid"])
    }
}

fn addresses(apis: &[Process]) -> String {
    let addresses: Vec<_> = apis.iter().map(|api| &*api.address).collect();
    addresses.join(",")
}

fn load(auth: &Process, apis: &str) -> Process {
    let environment = [("AUTH", &*auth.address), ("APIS", apis), ("PAUSE", "5ms")];
    Process::start("visitor", &environment)
}

fn text(value: &Value) -> String {
    value.as_str().expect("a text").to_owned()
}

/// How many are told by a page of numbers by ids.
fn sum(by_kid: &Value) -> u64 {
    let numbers = by_kid.as_object().expect("numbers by ids").values();
    numbers.map(|number| number.as_u64().unwrap()).sum()
}

/// Who has the key can sign what he likes.
fn forged(kid: Option<&str>, key: &str) -> String {
    let key = Secret::new(key.trim_end().to_owned());
    let lifetime = Duration::from_secs(3600);
    token::sign(kid, &key, "mallory", lifetime).unwrap()
}

#[test]
#[expect(clippy::print_stdout, reason = "what is measured")]
fn h6_keys_are_rotated_fifty_times_under_load_and_no_token_is_rejected() {
    let mut cluster = Cluster::new(Random::new());
    cluster.set(&name(&kid(0)), key(&kid(0)));
    let volumes = ["auth", "api-0", "api-1"].map(|pod| cluster.followed(pod, PERIOD));
    let mut services = Services::start(volumes);
    let mut visitor = services.load();

    let began = Instant::now();
    let mut waited = 0;
    // Keys that sign no more, and since when.
    let mut retired: VecDeque<(String, Instant)> = VecDeque::new();
    for number in 1..=ROTATIONS {
        // No token of its time is valid any more.
        let over = |(_, since): &&(String, Instant)| since.elapsed() > LIFETIME;
        let gone = retired.iter().take_while(over).count();
        let gone: Vec<_> = retired.drain(..gone).collect();
        let new = kid(number);
        cluster.edit(|secret| {
            for (kid, _) in gone {
                secret.remove(&PathBuf::from(name(&kid)));
            }
            secret.insert(name(&new).into(), key(&new).into());
        });
        let mut held_back = false;
        eventually(&format!("{new} signs"), || {
            let status = services.auth.json("/signer");
            held_back |= !status["waiting"][0]["lacking"].is_null();
            status["kid"] == *new
        });
        waited += u32::from(held_back);
        retired.push_back((kid(number - 1), Instant::now()));
    }
    let took = began.elapsed();
    // What was signed last is shown until it expires.
    eventually("the last tokens are over", || {
        began.elapsed() > took + LIFETIME
    });

    let counted = visitor.json("/counted");
    println!(
        "{ROTATIONS} rotations in {:.1} s, of which {waited} waited for an api; {} tokens, {} times accepted, {} \
         times rejected",
        took.as_secs_f64(),
        counted["tokens"],
        counted["accepted"],
        sum(&counted["rejected"]),
    );
    assert_eq!(sum(&counted["rejected"]), 0, "{counted:#}");
    assert_eq!(counted["unanswered"], 0, "{counted:#}");
    let tokens = counted["tokens"].as_u64().unwrap();
    assert!(tokens > u64::from(ROTATIONS), "{counted:#}");
    // Each by both at once; and most of them again, while their keys were replaced.
    assert!(counted["accepted"].as_u64().unwrap() > 3 * tokens);
    // Else it was by chance that nobody lacked a key.
    assert!(waited > 0);
    visitor.assert_alive();
    for process in services.all() {
        process.assert_alive();
        assert!(process.generation() > ROTATIONS.into());
        let status = process.json("/configz");
        assert_eq!(status["health"], "ok", "{status:#}");
        // Neither log nor status shows a key.
        let all = format!("{status}{}{}", process.get("/metrics"), process.log());
        assert!(!all.contains("long enough"), "{all}");
    }
    let metrics = services.auth.get("/metrics");
    let signs = format!("jwt_signs{{kid=\"{}\"}} 1\n", kid(ROTATIONS));
    assert!(metrics.contains(&signs), "{metrics}");
    assert!(services.auth.terminate().success());
}

#[test]
fn h6_a_compromised_key_is_refused_by_each_process_in_its_next_generation() {
    let [old, bad, new] = [kid(1), kid(2), kid(3)];
    let cluster = Cluster::new(Random::new());
    cluster.set(&name(&old), key(&old));
    cluster.set(&name(&bad), key(&bad));
    let volumes = ["auth", "api-0", "api-1"].map(|pod| cluster.volume(pod));
    let paths = volumes.each_ref().map(|volume| volume.path().to_owned());
    let services = Services::start(paths);
    eventually("both have the newer key", || services.signs() == bad);
    let stolen = forged(Some(&bad), &key(&bad));
    for api in &services.apis {
        assert_eq!(api.show(&stolen), Ok("mallory".into()));
    }

    cluster.edit(|secret| {
        secret.remove(&PathBuf::from(name(&bad)));
        secret.insert(name(&new).into(), key(&new).into());
    });
    let [of_auth, of_apis @ ..] = &volumes;
    for (api, volume) in services.apis.iter().zip(of_apis) {
        assert_eq!(api.show(&stolen), Ok("mallory".into()));
        volume.sync();
        api.until_generation(2);
        let refused = format!("no key has the id {bad:?}");
        assert_eq!(api.show(&stolen), Err(refused));
    }
    // It signs with the bad one as long as its volume is behind, and with one that all have from then on.
    assert_eq!(services.signs(), bad);
    of_auth.sync();
    services.auth.until_generation(2);
    let kid = services.signs();
    assert!([&old, &new].contains(&&kid), "{kid}");
    let token = text(&services.auth.json("/token")["token"]);
    for api in &services.apis {
        assert_eq!(api.show(&token), Ok("somebody".into()));
    }
    // Both apis have the new key already.
    eventually("the new key signs", || services.signs() == new);
    assert!(!services.auth.log().contains("long enough"));
}

#[test]
fn h6_a_key_that_is_ordered_to_sign_does_so_and_is_refused_by_those_who_do_not_have_it() {
    let [old, new] = [kid(1), kid(2)];
    let cluster = Cluster::new(Random::new());
    cluster.set(&name(&old), key(&old));
    let volumes = ["auth", "api-0", "api-1"].map(|pod| cluster.volume(pod));
    let paths = volumes.each_ref().map(|volume| volume.path().to_owned());
    let services = Services::start(paths);
    cluster.set(&name(&new), key(&new));
    volumes[0].sync();
    // Held back as long as nothing is said.
    eventually("it waits", || {
        let lacking = services.auth.json("/signer")["waiting"][0]["lacking"].to_string();
        services
            .apis
            .iter()
            .all(|api| lacking.contains(&api.address))
    });
    assert_eq!(services.signs(), old);
    cluster.set("jwt.active", &*new);
    volumes[0].sync();
    eventually("it signs", || services.signs() == new);
    let token = text(&services.auth.json("/token")["token"]);
    let refused = format!("no key has the id {new:?}");
    assert_eq!(services.apis[0].show(&token), Err(refused));
}

#[test]
fn h6_another_key_under_the_same_id_is_refused_by_all_and_all_go_on() {
    let old = kid(1);
    let cluster = Cluster::new(Random::new());
    cluster.set(&name(&old), key(&old));
    let volumes = ["auth", "api-0", "api-1"].map(|pod| cluster.volume(pod));
    let paths = volumes.each_ref().map(|volume| volume.path().to_owned());
    let mut services = Services::start(paths);
    cluster.set(&name(&old), "replaced in place");
    for volume in &volumes {
        volume.sync();
    }
    for process in services.all() {
        eventually("it is refused", || {
            let status = process.json("/configz");
            status["reasons"].to_string().contains("under the same id")
        });
    }
    let token = text(&services.auth.json("/token")["token"]);
    for api in &services.apis {
        assert_eq!(api.show(&token), Ok("somebody".into()));
    }
}

#[test]
#[expect(clippy::print_stdout, reason = "what is measured")]
fn h6_the_naive_edit_of_the_one_key_makes_tokens_be_rejected() {
    const KEY: &str = "signing-key";
    let mut cluster = Cluster::new(Random::new());
    cluster.set(KEY, key("0"));
    let volumes = ["auth", "api-0", "api-1"].map(|pod| cluster.followed(pod, PERIOD));
    let [auth, apis @ ..] = volumes.map(|volume| {
        let volume = volume.into_os_string().into_string().unwrap();
        Process::start(
            "one-key",
            &[("KEYS_DIR", &volume), ("TOKEN_LIFETIME", "12s")],
        )
    });
    let mut rejected = 0;
    for edit in 1..=5_u32 {
        let visitor = load(&auth, &addresses(&apis));
        eventually("some tokens are accepted", || {
            visitor.json("/counted")["accepted"].as_u64() > Some(100)
        });
        let content = key(&edit.to_string());
        let new = forged(None, &content);
        cluster.set(KEY, content);
        for process in [&auth].into_iter().chain(&apis) {
            eventually("it has the new key", || {
                show(&process.address, &new).is_ok()
            });
        }
        let counted = visitor.json("/counted");
        println!(
            "edit {edit}: new tokens were rejected {} times within {:.2} s, older ones {} times",
            sum(&counted["rejected_fresh"]),
            counted["window_seconds"].as_f64().unwrap(),
            sum(&counted["rejected"]) - sum(&counted["rejected_fresh"]),
        );
        rejected += sum(&counted["rejected_fresh"]);
    }
    assert!(rejected > 0);
}
