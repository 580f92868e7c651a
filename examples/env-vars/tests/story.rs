//! The story of this example, by the real program. The numbers are those of the README's table.
mod support;

use retune_mount::Publisher;
use support::{Pod, STARTED, env_vars};

#[test]
fn it_answers_val1_and_after_the_update_new_val1() {
    let pod = Pod::start(&STARTED);
    assert_eq!(pod.value("KEY1"), "VAL1");
    assert_eq!(pod.get("/typed"), "key1: VAL1\nkey2: VAL2\n");
    pod.publish(&[("KEY1", "NEW_VAL1"), ("KEY2", "VAL2")]);
    // One change of one key.
    assert_eq!(pod.line(), "KEY1 changed");
    assert_eq!(pod.value("KEY1"), "NEW_VAL1");
    assert_eq!(pod.value("KEY2"), "VAL2");
    pod.status("/configz", "generation 2", |status| {
        status["generation"] == 2
    });
    // The variables that hold what the type's mount said at the start do not hide it.
    pod.status("/typed/configz", "generation 2", |status| {
        status["generation"] == 2 && status["warnings"].as_array().is_some_and(Vec::is_empty)
    });
    assert_eq!(pod.get("/typed"), "key1: NEW_VAL1\nkey2: VAL2\n");
    let (ended, more) = pod.terminate();
    assert!(ended.success(), "{ended}");
    assert!(more.is_empty(), "{more:?}");
}

#[test]
fn v1_without_a_name_the_answer_is_400_and_a_sentence() {
    let pod = Pod::start(&STARTED);
    for asked in [
        "/getEnvValue",
        "/getEnvValue?var=",
        "/getEnvValue?name=KEY1",
    ] {
        let (status, body) = pod.ask(asked);
        assert_eq!(status, 400, "{asked}");
        assert!(
            body.contains("Ask for one as in /getEnvValue?var=KEY1"),
            "{body}"
        );
    }
    assert_eq!(pod.value("KEY1"), "VAL1");
}

#[test]
fn v2_a_value_is_no_format_and_keeps_its_newlines() {
    let pod = Pod::start(&[("KEY1", "50% of %s %d"), ("KEY2", "one\n\ttwo\r\n\nthree")]);
    assert_eq!(pod.value("KEY1"), "50% of %s %d");
    assert_eq!(pod.value("KEY2"), "one\n\ttwo\r\n\nthree");
}

#[test]
fn v3_an_unknown_name_is_404() {
    let pod = Pod::start(&STARTED);
    let (status, body) = pod.ask("/getEnvValue?var=KEY3");
    assert_eq!(status, 404);
    assert_eq!(body, "There is no variable \"KEY3\" in the ConfigMap.\n");
}

#[test]
fn v4_an_empty_value_is_an_answer() {
    let pod = Pod::start(&STARTED);
    pod.publish(&[("KEY1", ""), ("KEY2", "VAL2")]);
    assert_eq!(pod.line(), "KEY1 changed");
    assert_eq!(pod.ask("/getEnvValue?var=KEY1"), (200, String::new()));
}

#[test]
fn v5_a_removed_key_falls_back_to_what_env_from_gave() {
    let pod = Pod::start(&[("KEY1", "VAL1"), ("KEY2", "VAL2")]);
    pod.publish(&[("KEY1", "NEW_VAL1"), ("KEY2", "VAL2"), ("KEY3", "VAL3")]);
    assert_eq!(
        (pod.line(), pod.line()),
        ("KEY1 changed".into(), "KEY3 changed".into())
    );
    assert_eq!(pod.value("KEY3"), "VAL3");
    pod.publish(&[("KEY2", "VAL2")]);
    assert_eq!(
        (pod.line(), pod.line()),
        ("KEY1 changed".into(), "KEY3 changed".into())
    );
    assert_eq!(pod.value("KEY1"), "VAL1");
    // What came later was never given otherwise.
    assert_eq!(pod.ask("/getEnvValue?var=KEY3").0, 404);
    pod.status("/typed/configz", "the type falls back as well", |_| {
        pod.get("/typed") == "key1: VAL1\nkey2: VAL2\n"
    });
}

#[test]
fn v5_losing_all_keys_is_told_and_changes_nothing() {
    let pod = Pod::start(&[("KEY1", "VAL1"), ("KEY2", "VAL2")]);
    pod.publish(&[]);
    for page in ["/configz", "/typed/configz"] {
        pod.status(page, "it is degraded", |status| {
            let told = status["reasons"].to_string();
            status["health"] == "degraded" && told.contains("has no keys any more")
        });
    }
    assert_eq!(pod.value("KEY1"), "VAL1");
    pod.publish(&STARTED);
    pod.status("/configz", "well again", |status| status["health"] == "ok");
    assert!(pod.terminate().1.is_empty());
}

#[test]
fn v6_one_final_newline_is_left_out() {
    let pod = Pod::start(&[("KEY1", "VAL1\n"), ("KEY2", "VAL2\n\n")]);
    assert_eq!(pod.value("KEY1"), "VAL1");
    assert_eq!(pod.value("KEY2"), "VAL2\n");
}

#[test]
fn v7_a_change_before_the_program_reads_is_seen() {
    let pod = Pod::start_with(&[("KEY1", "NEW_VAL1"), ("KEY2", "VAL2")], |command| {
        // As `envFrom` gave it when the container was made.
        command.envs(STARTED)
    });
    assert_eq!(pod.value("KEY1"), "NEW_VAL1");
}

#[test]
fn v8_both_keys_are_of_one_version_and_an_update_is_one() {
    let pod = Pod::start(&[("KEY1", "VAL0"), ("KEY2", "VAL0")]);
    for n in 1..=30 {
        let value = format!("VAL{n}");
        pod.publish(&[("KEY1", &value), ("KEY2", &value)]);
        loop {
            let both = pod.get("/typed");
            let mut values = both.lines().filter_map(|line| line.split_once(": "));
            let (one, two) = (values.next().unwrap().1, values.next().unwrap().1);
            assert_eq!(one, two);
            if one == value {
                break;
            }
        }
        assert_eq!(
            (pod.line(), pod.line()),
            ("KEY1 changed".into(), "KEY2 changed".into())
        );
    }
    pod.status("/configz", "one generation a swap", |status| {
        status["generation"] == 31
    });
}

#[test]
fn v9_a_key_that_is_no_variable_s_name_is_answered_from_the_start() {
    let pod = Pod::start(&[("KEY1", "VAL1"), ("KEY2", "VAL2"), ("log-level", "info")]);
    assert_eq!(pod.value("log-level"), "info");
    pod.publish(&[("KEY1", "VAL1"), ("KEY2", "VAL2"), ("log-level", "debug")]);
    assert_eq!(pod.line(), "log-level changed");
    assert_eq!(pod.value("log-level"), "debug");
}

#[test]
fn v11_a_volume_that_is_not_there_is_an_error_at_the_start() {
    let dir = tempfile::tempdir().unwrap();
    let ended = env_vars(&dir.path().join("config")).output().unwrap();
    let told = String::from_utf8(ended.stderr).unwrap();
    assert_eq!(ended.status.code(), Some(2), "{told}");
    assert!(told.contains("/config: no such directory"), "{told}");
}

#[test]
fn v12_an_address_that_is_taken_is_an_error_at_the_start() {
    let taken = Pod::start(&STARTED);
    let dir = tempfile::tempdir().unwrap();
    let volume = Publisher::create(dir.path().join("config")).unwrap();
    volume.publish(STARTED).unwrap();
    let mut second = env_vars(volume.dir());
    let ended = second.env("LISTEN", taken.address()).output().unwrap();
    let told = String::from_utf8(ended.stderr).unwrap();
    assert_eq!(ended.status.code(), Some(1), "{told}");
    assert!(
        told.contains("Address already in use") || told.contains("AddrInUse"),
        "{told}"
    );
}

#[test]
fn v13_no_other_variable_is_told_but_those_on_the_list() {
    let pod = Pod::start_with(&[("KEY1", "VAL1"), ("KEY2", "VAL2")], |command| {
        let command = command.env("DB_PASSWORD", "hunter2").env("REGION", "eu");
        command.env("ALLOWED_VARS", "REGION,ZONE")
    });
    assert_eq!(pod.value("REGION"), "eu");
    for name in ["DB_PASSWORD", "PATH", "CONFIG_DIR", "ZONE"] {
        assert_eq!(
            pod.ask(&format!("/getEnvValue?var={name}")).0,
            404,
            "{name}"
        );
    }
    // A key of that name discloses itself, and not what the process has, also when it is removed.
    let both = [("KEY1", "VAL1"), ("KEY2", "VAL2")];
    pod.publish(&[both[0], both[1], ("DB_PASSWORD", "mounted")]);
    assert_eq!(pod.line(), "DB_PASSWORD changed");
    assert_eq!(pod.value("DB_PASSWORD"), "mounted");
    pod.publish(&both);
    assert_eq!(pod.line(), "DB_PASSWORD changed");
    assert_eq!(pod.ask("/getEnvValue?var=DB_PASSWORD").0, 404);
    for page in ["/configz", "/metrics", "/typed/configz"] {
        let page = pod.get(page);
        assert!(!page.contains("hunter2"), "{page}");
    }
}
