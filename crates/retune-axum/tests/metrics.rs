//! `/metrics`: what Prometheus sees of good, bad and reverted changes, and of their lag.

mod support;
#[path = "support/metrics.rs"]
mod text;

use std::collections::BTreeMap;
use std::sync::mpsc;
use std::time::Duration;

use prometheus_client::encoding;
use prometheus_client::registry::Registry;
use retune::{Live, Retune, Rotating, Secret, Token};
use support::{Config, Level, Volume, ask, configz, eventually, fetch, shown};
use text::Metrics;

fn metrics(live: &Live<Config>) -> Metrics {
    Metrics::parse(&ask(&retune_axum::metrics(live.clone()), "/metrics").1)
}

#[test]
fn i4_metrics_tell_good_bad_and_reverted_changes() {
    let mut volume = Volume::new(&[("log-level", "warn")]);
    let live = volume.live();
    let server = retune_axum::serve("127.0.0.1:0", retune_axum::router(live.clone())).unwrap();
    let scrape = || {
        let (head, body) = fetch(server.address(), "/metrics");
        let openmetrics = "application/openmetrics-text; version=1.0.0; charset=utf-8";
        assert!(head.contains(openmetrics), "{head}");
        Metrics::parse(&body)
    };
    let start = scrape();
    assert_eq!(start.get("retune_generation"), 1.0);
    assert_eq!(start.get("retune_last_reload_success"), 1.0);
    assert_eq!(start.get("retune_reloads_total{result=\"applied\"}"), 0.0);
    let success = |metrics: &Metrics| metrics.get("retune_last_success_timestamp_seconds");
    assert!(success(&start) > 1.7e9);

    volume.publish(&[("log-level", "info")]);
    eventually("a good change", || success(&scrape()) > success(&start));
    let good = scrape();
    assert_eq!(good.get("retune_generation"), 2.0);
    assert_eq!(good.get("retune_reloads_total{result=\"applied\"}"), 1.0);
    assert_eq!(good.get("retune_last_reload_success"), 1.0);
    assert_ne!(
        good.label("retune_config_info"),
        start.label("retune_config_info")
    );

    volume.publish(&[("log-level", "inof")]);
    eventually("a bad change", || {
        scrape().get("retune_last_reload_success") == 0.0
    });
    let bad = scrape();
    assert_eq!(bad.get("retune_generation"), 2.0);
    assert!(bad.get("retune_reloads_total{result=\"rejected\"}") >= 1.0);
    assert!(bad.get("retune_rejected_total{reason=\"invalid\"}") >= 1.0);
    assert_eq!(bad.get("retune_rejected_total{reason=\"source\"}"), 0.0);
    assert_eq!(bad.get("retune_degraded"), 1.0);
    assert_eq!(success(&bad), success(&good));
    assert_eq!(
        bad.label("retune_config_info"),
        good.label("retune_config_info")
    );

    volume.publish(&[("log-level", "info")]);
    eventually("reverted", || {
        scrape().get("retune_last_reload_success") == 1.0
    });
    eventually("a success", || success(&scrape()) > success(&bad));
    let reverted = scrape();
    assert_eq!(reverted.get("retune_generation"), 2.0);
    assert_eq!(reverted.get("retune_degraded"), 0.0);
    assert_eq!(
        reverted.get("retune_reloads_total{result=\"applied\"}"),
        1.0
    );
    assert!(reverted.get("retune_reloads_total{result=\"unchanged\"}") >= 1.0);
    let noticed = reverted.get("retune_noticed_total{by=\"event\"}")
        + reverted.get("retune_noticed_total{by=\"poll\"}");
    assert!(noticed >= 3.0, "{reverted:#?}");
    let mode = format!("{{path=\"{}\",", shown(&volume.path()));
    let modes = reverted.named("retune_watch_mode");
    assert_eq!(
        modes.iter().filter(|series| series.contains(&mode)).count(),
        1,
        "{modes:?}"
    );
}

#[test]
fn f8_what_waits_for_a_restart_is_listed_and_counted_and_no_fault() {
    let mut volume = Volume::new(&[("port", "80")]);
    let live = volume.live();
    let waiting = || metrics(&live).get("retune_pending_restart");
    assert_eq!(waiting(), 0.0);
    volume.publish(&[("port", "90"), ("certificate", "hunter2")]);
    eventually("both wait", || waiting() == 2.0);
    assert_eq!(metrics(&live).get("retune_degraded"), 0.0);
    assert_eq!(metrics(&live).get("retune_generation"), 1.0);
    let page = configz(&live, "");
    let masked = "[redacted]";
    let rotated = page["pending_restart"][0]["rotated"].clone();
    let expected = serde_json::json!([
        {"path": "certificate", "old": masked, "new": masked, "rotated": rotated},
        {"path": "port", "old": "80", "new": "90"},
    ]);
    assert_eq!(page["pending_restart"], expected);
    assert!(rotated["to"].is_string(), "{page}");
    assert!(!page.to_string().contains("hunter2"), "{page}");
    let told = configz(&live, "?path=port");
    assert_eq!(told["winner"]["value"], "80");
    assert_eq!(told["losers"][0]["value"], "90");
    assert_eq!(told["losers"][0]["ignored"], "takes effect on restart");
    volume.publish(&[("port", "80")]);
    eventually("reverted", || waiting() == 0.0);
}

#[allow(dead_code)]
#[derive(Debug, Retune)]
struct Keys {
    #[retune(overlap = "1h")]
    webhook: Rotating<Secret<String>>,
    #[retune(overlap = "until told")]
    signer: Rotating<Secret<String>>,
}

#[test]
fn h6_what_is_taken_beside_what_replaced_it_is_shown_with_its_end() {
    let loader = Keys::loader().set("webhook", "hunter2");
    let live = loader.set("signer", "hunter2").watch().unwrap();
    let metrics = || Metrics::parse(&ask(&retune_axum::metrics(live.clone()), "/metrics").1);
    let series = |path: &str| format!("retune_overlap_ends_timestamp_seconds{{path=\"{path}\"}}");
    let overlaps = |metrics: &Metrics| metrics.named("retune_overlap_ends_timestamp_seconds").len();
    assert_eq!(overlaps(&metrics()), 0);
    live.set("webhook", "hunter3").unwrap();
    live.set("signer", "hunter3").unwrap();
    let both = metrics();
    assert_eq!(overlaps(&both), 2);
    assert_eq!(both.get(&series("signer")), f64::INFINITY);
    let swapped = live.status().history[1].times.swapped;
    let swapped = swapped.duration_since(std::time::UNIX_EPOCH).unwrap();
    assert!((both.get(&series("webhook")) - swapped.as_secs_f64() - 3600.0).abs() < 60.0);
    let page = ask(&retune_axum::router(live.clone()), "/configz").1;
    assert!(!page.contains("hunter"), "{page}");
    let page: serde_json::Value = serde_json::from_str(&page).unwrap();
    assert_eq!(page["overlaps"][0]["path"], "webhook");
    assert!(page["overlaps"][1]["until"].is_null());
    live.end_overlap("signer").unwrap();
    assert_eq!(overlaps(&metrics()), 1);
}

#[test]
fn h7_i4_a_secret_alone_changes_neither_hash_nor_label() {
    let mut volume = Volume::new(&[("signing-key", "hunter2"), ("message", "one")]);
    let live = volume.live();
    let hash = || {
        let metrics = metrics(&live);
        metrics.label("retune_config_info")
    };
    let before = hash();
    volume.publish(&[("signing-key", "hunter3"), ("message", "one")]);
    eventually("rotated", || live.status().generation == 2);
    assert_eq!(hash(), before);
    let text = ask(&retune_axum::metrics(live.clone()), "/metrics").1;
    let secrets = live.status().secrets;
    assert!(!secrets.is_empty());
    for secret in secrets {
        assert!(!text.contains(&secret.fingerprint), "{text}");
    }
    volume.publish(&[("signing-key", "hunter3"), ("message", "two")]);
    eventually("a plain change", || hash() != before);
}

#[test]
fn a15_volumes_that_wait_for_one_another_are_shown_and_counted_when_it_takes_too_long() {
    let mut config = Volume::new(&[("message", "one"), ("revision", "1")]);
    let mut secret = Volume::new(&[("signing-key", "k1"), ("revision", "1")]);
    let mount = |volume: &Volume| volume.not_secret().revision("revision");
    let loader = || Config::loader().mount(mount(&config)).mount(mount(&secret));
    let live = loader().watch().unwrap();
    let hasty = loader().revision_patience(Duration::ZERO).watch().unwrap();
    assert_eq!(metrics(&live).get("retune_waiting_seconds"), 0.0);
    config.publish(&[("message", "two"), ("revision", "2")]);
    let refused = "retune_rejected_total{reason=\"revision\"}";
    eventually("both wait", || {
        metrics(&live).get("retune_waiting_seconds") > 0.0 && metrics(&hasty).get(refused) == 1.0
    });
    let waits = metrics(&live);
    assert_eq!(waits.get("retune_degraded"), 0.0);
    assert_eq!(waits.get(refused), 0.0);
    assert_eq!(metrics(&hasty).get("retune_degraded"), 1.0);
    let told = &configz(&live, "")["waiting"];
    assert!(told["since"].is_string(), "{told}");
    let message = told["problem"]["message"].as_str().unwrap();
    assert!(message.contains("has \"2\""), "{message}");
    secret.publish(&[("signing-key", "k2"), ("revision", "2")]);
    for live in [live, hasty] {
        eventually("both are there", || {
            metrics(&live).get("retune_waiting_seconds") == 0.0
                && metrics(&live).get("retune_generation") == 2.0
        });
        assert_eq!(metrics(&live).get("retune_degraded"), 0.0);
    }
}

#[test]
fn i4_the_hash_is_that_of_the_values_and_of_no_secret() {
    let hash = |level, key| {
        let volume = Volume::new(&[("log-level", level), ("signing-key", key)]);
        metrics(&volume.live()).label("retune_config_info")
    };
    let one = hash("warn", "k1");
    assert_eq!(one, hash("warn", "k2"), "another secret");
    assert_ne!(one, hash("info", "k1"), "another value");
}

#[test]
fn i4_refusals_are_counted_by_their_reason() {
    let mut volume = Volume::new(&[("log-level", "warn")]);
    let live = volume.live();
    let gate = live.gate(|config: &Config| match config.log_level {
        Level::Debug => Err("not in production"),
        _ => Ok(()),
    });
    volume.publish(&[("log-level", "debug")]);
    let gated = "retune_rejected_total{reason=\"gate\"}";
    eventually("refused by the gate", || metrics(&live).get(gated) >= 1.0);
    drop(gate);
    assert_eq!(live.reload().unwrap(), 2);
    assert_eq!(metrics(&live).get("retune_last_reload_success"), 1.0);
}

#[test]
fn i5_every_change_is_counted_once_in_the_lag_however_rare_the_scrapes() {
    const CHANGES: u16 = 20;
    let mut volume = Volume::new(&[("log-level", "warn"), ("message", "0")]);
    let live = volume.live();
    live.subscribe(|_| {}).detach();
    for n in 1..=CHANGES {
        let message = n.to_string();
        volume.publish(&[("log-level", "warn"), ("message", &message)]);
        eventually("the change is seen", || live.with(|c| c.message == message));
    }
    // More than the history holds, and neither the start nor a value set by code is a propagation.
    assert_eq!(
        live.set("log-level", "info").unwrap(),
        u64::from(CHANGES) + 2
    );
    let last = |live: &Live<Config>| live.status().history.last().cloned().unwrap();
    eventually("applied", || last(&live).times.applied.is_some());
    assert_eq!(last(&live).times.published, None);
    let seen = metrics(&live);
    for name in [
        "retune_propagation_seconds",
        "retune_propagation_applied_seconds",
    ] {
        let buckets = seen.buckets(name);
        assert!(buckets.is_sorted_by(|a, b| a.1 <= b.1), "{buckets:?}");
        assert_eq!(buckets.last(), Some(&(f64::INFINITY, f64::from(CHANGES))));
        assert_eq!(seen.get(&format!("{name}_count")), f64::from(CHANGES));
        assert!(seen.get(&format!("{name}_sum")) > 0.0);
    }
}

#[test]
fn g2_g3_a_stuck_subscriber_and_one_that_panics_are_counted() {
    let volume = Volume::new(&[("log-level", "warn")]);
    let patience = Duration::from_millis(20);
    let live = volume.loader().patience(patience).watch().unwrap();
    let of_subscribers = || {
        let metrics = metrics(&live);
        ["retune_subscribers_late", "retune_subscriber_panics_total"].map(|name| metrics.get(name))
    };
    let (open, door) = mpsc::channel::<()>();
    let _stuck = live.subscribe(move |_| _ = door.recv());
    let _panics = live.subscribe(|_| panic!("as the test wants it"));
    eventually("one of each", || of_subscribers() == [1.0, 1.0]);
    drop(open);
    eventually("none is late any more", || of_subscribers() == [0.0, 1.0]);
    // What watches is well.
    for never in [
        "retune_event_overflows_total",
        "retune_watcher_panics_total",
    ] {
        assert!(metrics(&live).get(never) < 1.0, "{never}");
    }
}

#[test]
fn a_path_that_two_sources_read_is_one_series() {
    let volume = Volume::new(&[("log-level", "warn")]);
    let live = volume.loader().mount(volume.not_secret()).watch().unwrap();
    // A series that is there twice would fail to parse.
    assert!(!metrics(&live).named("retune_watch_mode").is_empty());
}

#[test]
fn orphan_heartbeat_that_has_stopped_is_a_mode_and_its_expiry_a_time() {
    // {"exp":1}
    let mut volume = Volume::new(&[("log-level", "warn"), ("beat", "e30.eyJleHAiOjF9.x")]);
    let mount = || volume.not_secret().heartbeat("beat");
    let live = Config::loader()
        .mount(mount())
        .mount(mount())
        .watch()
        .unwrap();
    let path = shown(&volume.path());
    let expires = format!("retune_heartbeat_expires_timestamp_seconds{{path=\"{path}\"}}");
    let orphaned = format!("retune_watch_mode{{path=\"{path}\",mode=\"orphaned\"}}");
    let stopped = metrics(&live);
    assert_eq!(stopped.get(&expires), 1.0);
    assert_eq!(stopped.get(&orphaned), 1.0);
    assert_eq!(stopped.get("retune_degraded"), 1.0);
    assert_eq!(stopped.get("retune_last_reload_success"), 1.0);
    let status = configz(&live, "");
    let source = &status["sources"][0];
    let at = "1970-01-01T00:00:01.000000Z";
    assert_eq!(source["heartbeat_expires"], at);
    assert_eq!(source["paths"][0]["mode"], "orphaned");
    let reason = status["reasons"][0].as_str().unwrap();
    assert!(reason.contains(&format!("expired at {at}")), "{reason}");

    // {"exp":32503680000}
    let fresh = "e30.eyJleHAiOjMyNTAzNjgwMDAwfQ.x";
    volume.publish(&[("log-level", "warn"), ("beat", fresh)]);
    eventually("a beat", || metrics(&live).get("retune_degraded") == 0.0);
    let beating = metrics(&live);
    assert_eq!(beating.get(&expires), 32_503_680_000.0);
    assert!(
        !beating
            .named("retune_watch_mode")
            .contains(&orphaned.as_str())
    );
}

#[test]
fn i4_what_expires_and_since_when_secrets_are_what_they_are_are_times() {
    #[derive(Debug, Retune)]
    struct Config {
        token: Token,
        signing_key: Secret<String>,
        #[retune(default)]
        hidden: Secret<BTreeMap<String, Token>>,
        #[retune(default = 80)]
        port: u16,
    }
    // {"nbf":1000,"exp":32503680000}, {"exp":32503680000}, {"exp":32503680001}
    let token = "e30.eyJuYmYiOjEwMDAsImV4cCI6MzI1MDM2ODAwMDB9.hunter2";
    let (first, second) = (
        "e30.eyJleHAiOjMyNTAzNjgwMDAwfQ.x",
        "e30.eyJleHAiOjMyNTAzNjgwMDAxfQ.x",
    );
    let hidden = format!("hidden: {{hunter2: {second}, hunter3: {first}, hunter4: {second}}}");
    let keys = |key| {
        [
            ("token", token),
            ("signing-key", key),
            ("c.yaml", &*hidden),
            ("port", "1"),
        ]
    };
    let mut volume = Volume::new(&keys("one"));
    let live = Config::loader().mount(volume.not_secret()).watch().unwrap();
    let scrape = || Metrics::parse(&ask(&retune_axum::metrics(live.clone()), "/metrics").1);
    let before = scrape();
    let get = |metrics: &Metrics, name: &str, path: &str| {
        metrics.get(&format!(
            "retune_{name}_timestamp_seconds{{path=\"{path}\"}}"
        ))
    };
    assert_eq!(get(&before, "expires", "token"), 32_503_680_000.0);
    assert_eq!(get(&before, "valid_from", "token"), 1000.0);
    assert_eq!(before.named("retune_valid_from_timestamp_seconds").len(), 1);
    // Three at one path, since its keys are secret: the first that expires.
    assert_eq!(
        get(&before, "expires", "hidden[redacted]"),
        32_503_680_000.0
    );
    assert_eq!(before.named("retune_expires_timestamp_seconds").len(), 2);
    let ages = before.named("retune_secret_changed_timestamp_seconds");
    assert_eq!(ages.len(), 3, "{ages:?}");

    volume.publish(&keys("two"));
    eventually("a rotation", || live.load().signing_key.expose() == "two");
    let after = scrape();
    let changed = |metrics: &Metrics, path| get(metrics, "secret_changed", path);
    assert!(changed(&after, "signing_key") > changed(&before, "signing_key"));
    assert_eq!(changed(&after, "token"), changed(&before, "token"));
    let (now, page) = (
        live.load(),
        ask(&retune_axum::configz(live.clone()), "/configz").1,
    );
    assert_eq!((now.hidden.expose().len(), now.port), (3, 1));
    assert_eq!(now.token.expose(), token);
    let page: serde_json::Value = serde_json::from_str(&page).unwrap();
    let expiry = &page["expiries"][0];
    assert_eq!(expiry["path"], "token");
    assert_eq!(expiry["not_before"], "1970-01-01T00:16:40.000000Z");
    assert_eq!(expiry["expires"], "3000-01-01T00:00:00.000000Z");
    assert_eq!(expiry["expired"], false);
    let secret = &page["secrets"][1];
    assert_eq!(
        (&secret["path"], &secret["generation"]),
        (&"signing_key".into(), &2.into())
    );
    assert!(secret["changed"].as_str().unwrap().ends_with('Z'));
    assert!(!page.to_string().contains("hunter"), "{page}");
}

#[test]
fn a_program_registers_the_metrics_of_several_configurations_in_its_own_registry() {
    let volume = Volume::new(&[("log-level", "warn")]);
    let live = volume.live();
    let mut registry = Registry::with_prefix("app");
    for name in ["main", "tenants"] {
        let label = ("config".into(), name.into());
        registry
            .sub_registry_with_label(label)
            .register_collector(Box::new(retune_axum::collector(live.clone())));
    }
    let mut encoded = String::new();
    encoding::text::encode(&mut encoded, &registry).unwrap();
    for name in ["main", "tenants"] {
        let sample = format!("app_retune_generation{{config=\"{name}\"}} 1\n");
        assert!(encoded.contains(&sample), "{encoded}");
    }
}
