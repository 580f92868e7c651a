//! `retune mount set`, `rm` and `show`, on real volumes.
#![allow(clippy::print_stderr, reason = "a skipped test says so")]

mod support;

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use support::{expect_success, fail, folder, mount, read, succeed, with_input};

/// The directory that `..data` leads to.
fn generation(dir: &Path) -> String {
    let target = fs::read_link(dir.join("..data")).expect("a volume has ..data");
    target.to_str().expect("a timestamp").to_owned()
}

#[test]
fn set_makes_a_volume_as_a_kubelet_does_and_keeps_other_keys() {
    let folder = folder();
    let dir = folder.path().join("new/volume");
    succeed(&dir, "set DIR log-level=warn message=hi");
    let first = generation(&dir);
    assert!(first.starts_with(".."), "{first}");
    assert_eq!(
        fs::read_link(dir.join("message")).expect("a link"),
        Path::new("..data/message")
    );

    succeed(&dir, "set DIR log-level=info a/b=nested");
    assert_ne!(generation(&dir), first);
    assert!(!dir.join(first).exists(), "the old directory is removed");
    assert_eq!(read(&dir, "log-level"), "info");
    assert_eq!(read(&dir, "message"), "hi");
    assert_eq!(read(&dir, "a/b"), "nested");
}

#[test]
fn a_key_that_is_too_large_to_be_read_can_be_removed() {
    let folder = folder();
    let dir = folder.path().join("volume");
    let publisher = retune_mount::Publisher::create(&dir).expect("a directory");
    let large = vec![b'x'; 3 << 20];
    publisher
        .publish([("large", &*large), ("small", b"1")])
        .expect("published");
    let error = fail(&dir, "show DIR", 1);
    assert!(error.contains("limit for one key"), "{error}");
    succeed(&dir, "rm DIR large");
    assert!(succeed(&dir, "show DIR").contains("small"));
}

#[test]
fn both_link_orders_end_with_the_same_volume() {
    let folder = folder();
    for (name, option) in [("new", ""), ("old", "--old-order")] {
        let dir = folder.path().join(name);
        succeed(&dir, &format!("set DIR {option} a=1"));
        succeed(&dir, &format!("set DIR {option} a=2 b=3"));
        succeed(&dir, &format!("rm DIR {option} a"));
        let mut names: Vec<_> = fs::read_dir(&dir)
            .expect("a folder")
            .map(|entry| {
                entry
                    .expect("an entry")
                    .file_name()
                    .into_string()
                    .expect("text")
            })
            .collect();
        names.sort();
        assert_eq!(names, [generation(&dir).as_str(), "..data", "b"], "{name}");
    }
}

#[test]
fn values_come_from_files_and_the_standard_input_byte_by_byte() {
    let folder = folder();
    let dir = folder.path().join("volume");
    let file = folder.path().join("blob");
    fs::write(&file, b"\xff\0\n").expect("written");
    let line = format!("set DIR blob=@{} piped=@- at=@@home empty=", file.display());
    expect_success(with_input(&dir, &line, "from the\npipe\n"));
    assert_eq!(fs::read(dir.join("blob")).expect("there"), b"\xff\0\n");
    assert_eq!(read(&dir, "piped"), "from the\npipe\n");
    assert_eq!(read(&dir, "at"), "@home");
    assert_eq!(read(&dir, "empty"), "");

    assert!(fail(&dir, "set DIR a=@/does/not/exist", 1).contains("/does/not/exist"));
    assert!(fail(&dir, "set DIR a=@- b=@-", 2).contains("only one key"));
}

#[test]
fn equal_content_is_no_new_generation() {
    let folder = folder();
    let dir = folder.path().join("volume");
    succeed(&dir, "set DIR a=1");
    let before = generation(&dir);
    assert_eq!(succeed(&dir, "set DIR a=1"), "nothing changed\n");
    assert_eq!(generation(&dir), before);
}

#[test]
fn rm_removes_all_named_keys_or_none() {
    let folder = folder();
    let dir = folder.path().join("volume");
    succeed(&dir, "set DIR a=1 b=2 c=3");
    let error = fail(&dir, "rm DIR a z", 1);
    assert!(
        error.contains("no key z") && error.contains("a, b, c"),
        "{error}"
    );
    assert_eq!(read(&dir, "a"), "1");

    succeed(&dir, "rm DIR a b");
    assert!(!dir.join("a").exists() && !dir.join("b").exists());
    assert_eq!(read(&dir, "c"), "3");
    assert!(fail(&folder.path().join("nowhere"), "rm DIR a", 1).contains("nowhere"));
}

#[test]
fn commands_at_once_do_not_undo_each_other() {
    let folder = folder();
    let dir = folder.path().join("volume");
    std::thread::scope(|scope| {
        for i in 0..8 {
            let dir = &dir;
            scope.spawn(move || succeed(dir, &format!("set DIR key{i}={i}")));
        }
    });
    for i in 0..8 {
        assert_eq!(read(&dir, &format!("key{i}")), i.to_string());
    }
}

#[test]
fn a_folder_with_other_files_is_left_alone_unless_forced() {
    let folder = folder();
    let dir = folder.path();
    fs::write(dir.join("notes"), "mine").expect("written");
    let error = fail(dir, "set DIR a=1", 1);
    assert!(
        error.contains("no volume") && error.contains("--force"),
        "{error}"
    );
    assert!(!dir.join("..data").exists());

    succeed(dir, "set --force DIR a=1");
    assert_eq!(
        (read(dir, "a").as_str(), read(dir, "notes").as_str()),
        ("1", "mine")
    );
    // Not even then is a file of somebody else's replaced.
    assert!(fail(dir, "set --force DIR notes=2", 1).contains("notes"));
    assert_eq!(read(dir, "notes"), "mine");

    assert!(fail(&dir.join("notes"), "set DIR a=1", 1).contains("notes"));
}

#[test]
fn wrong_usage_ends_with_2_and_touches_nothing() {
    let folder = folder();
    let dir = folder.path().join("volume");
    for line in [
        "set DIR",
        "set DIR novalue",
        "set DIR =x",
        "set DIR ..a=1",
        "set DIR a b=1",
    ] {
        fail(&dir, line, 2);
    }
    assert!(!dir.exists());
}

#[test]
fn what_could_not_be_read_again_is_not_published() {
    let folder = folder();
    let dir = folder.path().join("volume");
    succeed(&dir, "set DIR a=1");
    let file = folder.path().join("big");
    fs::write(&file, vec![b'x'; (1 << 20) + 1]).expect("written");
    let big = format!("big=@{}", file.display());
    let error = fail(&dir, &format!("set DIR {big}"), 1);
    assert!(
        error.contains("big: too large") && error.contains("1048576"),
        "{error}"
    );
    fs::write(&file, vec![b'x'; 1 << 20]).expect("written");
    let keys: Vec<_> = (0..5).map(|n| format!("{n}{big}")).collect();
    let error = fail(&dir, &format!("set DIR {}", keys.join(" ")), 1);
    assert!(error.contains("4194304"), "{error}");
    succeed(&dir, &format!("set DIR {big}"));
    succeed(&dir, "rm DIR big");
    assert_eq!(read(&dir, "a"), "1");
}

#[test]
fn show_prints_keys_sizes_and_cut_values() {
    let folder = folder();
    let dir = folder.path().join("volume");
    let file = folder.path().join("long");
    fs::write(
        &file,
        format!("\u{1b}[31m{}\nsecond\nthird\n", "x".repeat(100)),
    )
    .expect("written");
    let binary = folder.path().join("binary");
    fs::write(&binary, [0xff, 0xfe]).expect("written");
    let line = format!(
        "set DIR level=warn long=@{} bin=@{}",
        file.display(),
        binary.display()
    );
    succeed(&dir, &line);

    let text = succeed(&dir, "show DIR --reveal");
    assert!(text.starts_with("volume "), "{text}");
    assert!(text.contains(&generation(&dir)), "{text}");
    let line = |key: &str| {
        let found = text.lines().find(|line| line.trim_start().starts_with(key));
        found.expect(key).to_owned()
    };
    assert!(
        line("level").contains("4 B") && line("level").ends_with("warn"),
        "{text}"
    );
    assert!(line("long").ends_with("xxx… (+2 lines)"), "{text}");
    assert!(
        !text.contains('\u{1b}'),
        "a value must not command the terminal"
    );
    assert!(line("bin").ends_with("(not text)"), "{text}");

    let json: serde_json::Value =
        serde_json::from_str(&succeed(&dir, "show DIR --reveal --json")).expect("JSON");
    assert_eq!(json["dataDir"], generation(&dir));
    assert_eq!(json["keys"][0]["base64"], "//4=");
    assert_eq!(json["keys"][1]["value"], "warn");
    assert_eq!(json["keys"][2]["bytes"], 119);
    assert!(fail(&folder.path().join("nowhere"), "show DIR", 1).contains("nowhere"));
}

#[test]
fn what_all_may_read_is_shown_and_what_only_the_owner_may_is_not() {
    let folder = folder();
    let open = folder.path().join("open");
    succeed(&open, "set DIR level=warn");
    let shown = succeed(&open, "show DIR");
    if shown.contains("in memory") {
        eprintln!("skipped: {} is in memory", folder.path().display());
        return;
    }
    assert!(shown.contains("warn"), "{shown}");
    assert!(!succeed(&open, "show DIR --secret").contains("warn"));

    let closed = folder.path().join("closed");
    succeed(&closed, "set DIR --secret level=warn");
    assert!(!succeed(&closed, "show DIR").contains("warn"));
    succeed(&closed, "set DIR other=1");
    assert!(
        !succeed(&closed, "show DIR").contains("warn"),
        "a Secret stays one"
    );
    assert!(succeed(&closed, "show DIR --reveal").contains("warn"));
    // Equal content too can become a Secret.
    succeed(&open, "set DIR --secret level=warn");
    let mode = fs::metadata(open.join("level"))
        .expect("there")
        .permissions()
        .mode();
    assert_eq!(mode & 0o777, 0o600);
}

#[test]
fn h1_no_output_holds_the_value_of_a_secret() {
    let folder = folder();
    let dir = folder.path().join("volume");
    let other = folder.path().join("other");
    fs::create_dir(&other).expect("made");
    fs::write(other.join("notes"), "").expect("written");
    succeed(&dir, "set DIR --secret password=hunter2");
    for (dir, line) in [
        (&dir, "show DIR"),
        (&dir, "show DIR --json"),
        (&dir, "show DIR/password"),
        (&dir, "set DIR password=hunter2"),
        (&dir, "set DIR password=hunter22"),
        (&dir, "set DIR bad!key=hunter2"),
        (&dir, "set DIR hunter2"),
        (&other, "set DIR password=hunter2"),
        (&dir, "rm DIR password"),
    ] {
        let line = line.replace("DIR/", &format!("{}/", dir.display()));
        let output = mount(dir, &line);
        let all = [output.stdout, output.stderr].concat();
        let all = String::from_utf8_lossy(&all);
        assert!(!all.contains("hunter2"), "{line}: {all}");
        assert!(!all.is_empty(), "{line}");
    }
}
