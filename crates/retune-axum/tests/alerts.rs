//! The alerts of the guide name metrics that there are, and do what they say.
#![allow(missing_docs, clippy::print_stderr)]

mod support;

use std::collections::BTreeSet;
use std::fs;
use std::path::PathBuf;
use std::process::Command;

use support::{Volume, ask};

fn docs(file: &str) -> PathBuf {
    [env!("CARGO_MANIFEST_DIR"), "../../docs", file]
        .iter()
        .collect()
}

/// Words such as `retune_generation`.
fn names(text: &str) -> BTreeSet<&str> {
    text.split(|c: char| c != '_' && !c.is_ascii_alphanumeric())
        .filter(|word| word.starts_with("retune_"))
        .collect()
}

#[test]
fn every_metric_of_the_alerts_is_one_that_is_served() {
    let volume = Volume::new(&[("log-level", "warn")]);
    let served = ask(&retune_axum::metrics(volume.live()), "/metrics").1;
    let served = names(&served);
    let alerts = fs::read_to_string(docs("alerts.yaml")).unwrap();
    let unknown: Vec<_> = names(&alerts).difference(&served).copied().collect();
    assert!(unknown.is_empty(), "{unknown:?} is not in {served:?}");
    assert!(names(&alerts).contains("retune_last_reload_success"));
}

#[test]
fn the_guide_shows_alerts_as_they_are() {
    let squeeze = |text: &str| text.split_whitespace().collect::<Vec<_>>().join(" ");
    let alerts = squeeze(&fs::read_to_string(docs("alerts.yaml")).unwrap());
    let guide = fs::read_to_string(docs("coming-from-restarts.md")).unwrap();
    let shown = guide.split("```yaml\n- alert:").skip(1);
    let shown: Vec<_> = shown.filter_map(|rest| rest.split("```").next()).collect();
    assert!(!shown.is_empty());
    for alert in shown {
        assert!(alerts.contains(&squeeze(alert)), "{alert}");
    }
}

/// What they do with series that change is in `alerts.test.yaml`.
#[test]
fn the_alerts_pass_their_tests_where_promtool_is_installed() {
    for args in [
        ["check", "rules", "alerts.yaml"],
        ["test", "rules", "alerts.test.yaml"],
    ] {
        let promtool = Command::new("promtool")
            .args(args)
            .current_dir(docs(""))
            .output();
        let Ok(output) = promtool else {
            eprintln!("left out: promtool is not installed (Debian's package `prometheus` has it)");
            return;
        };
        let told = [output.stdout, output.stderr].concat();
        let told = String::from_utf8_lossy(&told);
        assert!(output.status.success(), "{told}");
    }
}
