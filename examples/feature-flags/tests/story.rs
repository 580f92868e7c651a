//! The story of this example, by the real program.
#![expect(clippy::print_stdout, reason = "the rate that was reached")]

mod support;

use std::fs;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use retune_mount::Publisher;
use support::{KEY, Page, Pod, document, feature_flags, get};

#[test]
fn the_look_follows_the_flag_both_ways_and_sigterm_is_a_good_end() {
    let pod = Pod::start(&document("INFO", "false"));
    let page = pod.page();
    assert_eq!((&*page.look, page.generation), ("old", 1));
    assert_eq!(page.fact("health"), "ok");
    pod.publish(&document("INFO", "true"));
    pod.wait_page("the new look", |page| page.look == "new");
    pod.publish(&document("INFO", "false"));
    let page = pod.wait_page("the old look again", |page| page.look == "old");
    assert_eq!(page.generation, 3);
    let (ended, more) = pod.terminate();
    assert!(ended.success(), "{ended}");
    assert!(more.is_empty(), "{more:?}");
}

/// How many threads ask, and how often each waits until it asks again: more than 500 requests a second.
const CLIENTS: usize = 4;
const PACE: Duration = Duration::from_millis(7);

/// How many requests there are at least, and how many changes meanwhile.
const REQUESTS: u64 = 2000;
const CHANGES: u64 = 100;

/// Says that it is enough.
struct End<'a>(&'a AtomicBool);

impl Drop for End<'_> {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Relaxed);
    }
}

#[test]
fn under_500_requests_a_second_no_page_fails_and_none_is_of_two_generations() {
    let pod = Pod::start(&document("WARN", "false"));
    let (requests, enough) = (AtomicU64::new(0), AtomicBool::new(false));
    let address = pod.address();
    let since = Instant::now();
    let changes = thread::scope(|scope| {
        let ask = || {
            let mut newest = 0;
            while !enough.load(Ordering::Relaxed) {
                let next = Instant::now() + PACE;
                let page = Page::read(get(address, "/"));
                // The flag changes with each generation, so each has its look.
                let look = ["new", "old"][(page.generation % 2) as usize];
                assert_eq!(page.look, look, "{}", page.html);
                assert!(page.generation >= newest, "back from {newest}");
                newest = page.generation;
                requests.fetch_add(1, Ordering::Relaxed);
                thread::sleep(next.saturating_duration_since(Instant::now()));
            }
        };
        let clients = [(); CLIENTS].map(|()| scope.spawn(ask));
        // Also when this fails: the scope waits for its threads.
        let end = End(&enough);
        let mut changes = 0;
        while changes < CHANGES || requests.load(Ordering::Relaxed) < REQUESTS {
            // One that failed would be waited for in vain.
            if clients.iter().any(|client| client.is_finished()) {
                break;
            }
            changes += 1;
            let new_ui = ["false", "true"][(changes % 2) as usize];
            pod.publish(&document("WARN", new_ui));
            pod.wait_page("the next generation", |page| page.generation > changes);
        }
        drop(end);
        for client in clients {
            client.join().unwrap();
        }
        changes
    });
    let requests = requests.into_inner();
    let rate = requests as f64 / since.elapsed().as_secs_f64();
    println!("{requests} requests at {rate:.0} a second, {changes} changes");
    assert!(requests >= REQUESTS && changes >= CHANGES);
    assert_eq!(pod.page().generation, changes + 1);
}

#[test]
fn a_bad_edit_changes_nothing_but_the_status_which_says_where_the_mistake_is() {
    let pod = Pod::start(&document("INFO", "true"));
    let before = pod.page();
    let bad = [
        (
            "logLevel: [INFO\n",
            "unclosed bracket",
            "config.yaml:1:11",
            "1 | logLevel: [ …",
        ),
        (
            &document("INFO", "maybe"),
            "expected `true` or `false`, found \"maybe\"",
            "config.yaml:3:10",
            "3 |   newUI: maybe",
        ),
        (
            &document("WRAN", "false"),
            "did you mean `warn`?",
            "config.yaml:1:11",
            "1 | logLevel: WRAN",
        ),
        ("", "the document is empty", "config.yaml:1:1", ""),
    ];
    for (document, reason, place, line) in bad {
        pod.publish(document);
        let page = pod.wait_page(reason, |page| page.tells(reason));
        assert!(page.tells(place) && page.tells(line), "{}", page.html);
        assert!(page.tells("An edit was refused"), "{}", page.html);
        assert_eq!(page.fact("health"), "degraded");
        for fact in ["look", "level", "generation", "hash"] {
            assert_eq!(page.fact(fact), before.fact(fact));
        }
        let metrics = pod.get("/metrics");
        assert!(metrics.contains("\nretune_degraded 1\n"), "{metrics}");
    }
    pod.publish(&document("INFO", "true"));
    let page = pod.wait_page("well again", |page| page.fact("health") == "ok");
    assert_eq!(page.html, before.html);
}

#[test]
fn a_misspelt_key_is_a_warning_with_a_suggestion() {
    let pod = Pod::start(&document("INFO", "true"));
    pod.publish("logLevel: INFO\nfeatureFlags:\n  newUI: false\n  newUl: true\n");
    let page = pod.wait_page("the warning", |page| page.tells("Odd, but not wrong"));
    for part in [
        "feature_flags.newUl",
        "did you mean `new-ui`?",
        "config.yaml:4:3",
    ] {
        assert!(page.tells(part), "{part}: {}", page.html);
    }
    // The rest of the edit holds.
    assert_eq!((&*page.look, page.fact("health")), ("old", "ok"));
    pod.publish(&document("INFO", "false"));
    pod.wait_page("no warning", |page| !page.tells("Odd, but not wrong"));
}

#[test]
fn under_strict_a_misspelt_key_is_refused_at_the_start_and_later() {
    let misspelt = "featureFlags:\n  newUl: true\n";
    let pod = Pod::start_with(&document("INFO", "true"), &["--strict"]);
    pod.publish(misspelt);
    let page = pod.wait_page("the refusal", |page| page.fact("health") == "degraded");
    for part in [
        "An edit was refused",
        "did you mean `new-ui`?",
        "config.yaml:2:3",
    ] {
        assert!(page.tells(part), "{part}: {}", page.html);
    }
    assert_eq!((&*page.look, page.generation), ("new", 1));

    let dir = tempfile::tempdir().unwrap();
    let volume = Publisher::create(dir.path().join("config")).unwrap();
    volume.publish([(KEY, misspelt)]).unwrap();
    let mut strict = feature_flags(volume.dir());
    let ended = strict.env("STRICT", "1").output().unwrap();
    let told = String::from_utf8(ended.stderr).unwrap();
    assert_eq!(ended.status.code(), Some(2), "{told}");
    assert!(told.contains("config.yaml:2:3"), "{told}");
    assert!(ended.stdout.is_empty());
}

#[test]
fn the_picture_has_a_bar_with_all_hops_for_each_change() {
    let pod = Pod::start(&document("INFO", "false"));
    assert!(pod.page().bars.is_empty());
    for change in 1..=10_u64 {
        let new_ui = ["false", "true"][(change % 2) as usize];
        pod.publish(&document("INFO", new_ui));
        pod.wait_page("the next generation", |page| page.generation > change);
    }
    // Until then the last hop is not known.
    pod.wait_status("all is applied", |status| {
        let history = status["history"].as_array().unwrap();
        history
            .iter()
            .all(|entry| !entry["times"]["applied"].is_null())
    });
    let page = pod.page();
    let generations: Vec<_> = page.bars.iter().map(|bar| bar.generation).collect();
    assert_eq!(generations, [11, 10, 9, 8, 7, 6, 5, 4]);
    for bar in &page.bars {
        assert_eq!(bar.parts, ["lag-noticed", "lag-swapped", "lag-applied"]);
        let (old, new) = if bar.generation % 2 == 0 {
            ("false", "true")
        } else {
            ("true", "false")
        };
        let what = format!("feature_flags.new_ui: {old} → {new}");
        assert!(bar.text.contains(&what), "{bar:?}");
    }
    // The same alone, for a README.
    let alone = pod.get("/lag.svg");
    let alone = roxmltree::Document::parse(&alone).unwrap();
    let bars = alone
        .descendants()
        .filter(|node| node.attribute("class") == Some("lag-bar"));
    assert_eq!(bars.count(), page.bars.len());
}

#[test]
fn a_hop_that_nobody_knows_is_shown_as_unknown() {
    // A plain directory: nobody tells when an edit of it was published.
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join(KEY);
    fs::write(&file, document("INFO", "false")).unwrap();
    let plain = dir.path().to_str().unwrap();
    let pod = Pod::start_with("", &["--config-dir", plain]);
    let new = dir.path().join(".new");
    fs::write(&new, document("INFO", "true")).unwrap();
    fs::rename(new, file).unwrap();
    pod.wait_status("all is applied", |status| {
        status["generation"] == 2 && !status["times"]["applied"].is_null()
    });
    let [bar] = &pod.page().bars[..] else {
        panic!("one change");
    };
    assert_eq!(bar.parts, ["lag-unknown", "lag-swapped", "lag-applied"]);
    assert!(bar.text.contains("unknown"), "{bar:?}");
    assert!(bar.text.contains("■ ?"), "{bar:?}");
}

#[test]
fn the_log_level_follows_the_document() {
    let pod = Pod::start(&document("INFO", "false"));
    pod.page();
    pod.publish(&document("DEBUG", "false"));
    pod.wait_status("the level is applied", |status| {
        status["generation"] == 2 && !status["times"]["applied"].is_null()
    });
    let page = pod.page();
    assert_eq!(page.fact("level"), "debug");
    // The first page was shown as well, and at `info` nothing of it is logged.
    let logged = pod.logged("page shown");
    assert!(logged.contains("generation=2"), "{logged}");
}

#[test]
fn what_the_document_says_is_text_and_never_markup() {
    let pod = Pod::start(&document("INFO", "false"));
    let evil = "<img src=x onerror=\"alert('1')\">";
    let quoted = serde_json::to_string(evil).unwrap();
    pod.publish(&format!("featureFlags: {{newUI: {quoted}, {quoted}: 1}}\n"));
    let page = pod.wait_page("the refusal", |page| page.fact("health") == "degraded");
    assert!(!page.html.contains("<img"), "{}", page.html);
    assert!(page.tells("<img src=x onerror="), "{}", page.html);
    let key = format!("logLevel: INFO\n{quoted}: 1\n");
    pod.publish(&key);
    let page = pod.wait_page("the warning", |page| page.tells("Odd, but not wrong"));
    assert!(!page.html.contains("<img"), "{}", page.html);
    assert!(page.tells("<img src=x onerror="), "{}", page.html);
}
