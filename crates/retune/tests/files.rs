//! Group B: plain files, and what editors and tools do to them, as a typed configuration sees it.
#![allow(missing_docs)]

mod support;

use std::fs;
use std::io::Write;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread;
use std::time::Duration;

use retune::source::{Env, File};
use retune::status::Health;
use retune::{Limits, Live, Retune};
use support::{Notes, eventually, rejection, replace, until_ok, until_rejected};
use tempfile::{TempDir, tempdir};

#[derive(Debug, Retune)]
struct Config {
    #[retune(default = "none")]
    message: String,
    #[retune(default = 80)]
    port: u16,
}

/// A directory with a file `c.yaml` that is followed.
struct Place {
    dir: TempDir,
    file: PathBuf,
}

impl Place {
    fn new(content: &str) -> Self {
        let dir = tempdir().unwrap();
        let file = dir.path().join("c.yaml");
        fs::write(&file, content).unwrap();
        Self { dir, file }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    fn live(&self) -> Live<Config> {
        Config::loader().file(self.file.as_path()).watch().unwrap()
    }
}

fn message(text: &str) -> String {
    format!("message: {text}\n")
}

fn notes(live: &Live<Config>) -> Notes<String> {
    Notes::of(live, |c| c.message.clone())
}

/// What vim does: the old file is kept under another name until the new one is written.
fn save_like_vim(file: &Path, text: &str, keep_backup: bool) {
    let backup = file.with_file_name("c.yaml~");
    fs::rename(file, &backup).unwrap();
    fs::write(file, text).unwrap();
    if !keep_backup {
        fs::remove_file(backup).unwrap();
    }
}

#[test]
fn b1_b2_b3_b16_each_way_of_saving_is_one_note() {
    let place = Place::new(&message("0"));
    let live = place.live();
    let notes = notes(&live);
    let ways: [fn(&Path, &str); 4] = [
        replace,
        |file, text| save_like_vim(file, text, false),
        |file, text| save_like_vim(file, text, true),
        |file, text| {
            let other = file.with_file_name("other");
            fs::write(&other, text).unwrap();
            fs::remove_file(file).unwrap();
            fs::hard_link(&other, file).unwrap();
            fs::remove_file(other).unwrap();
        },
    ];
    let mut expected = vec![(1, "0".to_owned())];
    for (round, save) in (2..).zip([ways, ways].concat()) {
        save(&place.file, &message(&round.to_string()));
        notes.until_last(round.to_string());
        expected.push((round, round.to_string()));
    }
    assert_eq!(notes.all(), expected);
    until_ok(&live);
}

#[test]
fn b4_b6_what_is_written_in_pieces_is_one_note_and_no_rejection() {
    let place = Place::new(&message("0"));
    let live = place.live();
    let notes = notes(&live);
    for round in ["1", "2", "3"] {
        // Empty, then no YAML at all, then whole: each of them within the quiet window, unless the
        // machine stalls; then there is a rejection, and never a generation.
        let mut file = fs::File::create(&place.file).unwrap();
        file.write_all(b"message: \"").unwrap();
        file.write_all(round.as_bytes()).unwrap();
        file.write_all(b"\"\n").unwrap();
        drop(file);
        notes.until_last(round.into());
    }
    until_ok(&live);
    assert_eq!(notes.values(), ["0", "1", "2", "3"]);
}

#[test]
fn b6_half_a_document_is_rejected_once_and_replaced_by_the_whole() {
    let place = Place::new(&message("0"));
    let live = place.live();
    let notes = notes(&live);
    replace(&place.file, "message: \"1");
    let problems = until_rejected(&live);
    assert_eq!(problems.len(), 1, "{problems:?}");
    assert!(problems[0].contains("c.yaml:1:"), "{problems:?}");
    // Looked at again and again, it is still the one rejection.
    for _ in 0..3 {
        assert!(live.reload().is_err());
    }
    assert_eq!(live.status().counters.rejected(), 1);
    replace(&place.file, "message: \"1\"\n");
    notes.until_last("1".into());
    assert_eq!(notes.values(), ["0", "1"]);
    assert_eq!(live.status().counters.rejected(), 1);
    assert_eq!(live.status().health, Health::Ok);
}

#[test]
fn b5_a_half_that_parses_is_not_kept() {
    let place = Place::new("message: zero\nport: 1\n");
    // No event tells of a file that is still open: a look after the start does, or the poll.
    let second = Duration::from_secs(1);
    let loader = Config::loader().file(place.file.as_path());
    let live = loader.poll_every(second, second).watch().unwrap();
    let notes = Notes::of(&live, |c| (c.message.clone(), c.port));
    let mut file = fs::File::create(&place.file).unwrap();
    file.write_all(b"message: one\n").unwrap();
    file.flush().unwrap();
    // However long the writer takes, the whole is what stays.
    eventually("the half is seen, or the whole", || {
        live.with(|c| c.message == "one")
    });
    file.write_all(b"port: 2\n").unwrap();
    drop(file);
    notes.until_last(("one".into(), 2));
}

#[test]
fn b7_an_emptied_document_is_rejected_and_braces_are_not() {
    let place = Place::new(&message("0"));
    let live = place.live();
    let notes = notes(&live);
    fs::write(&place.file, "").unwrap();
    let problems = until_rejected(&live);
    assert!(problems[0].contains("empty"), "{problems:?}");
    assert_eq!(live.with(|c| c.message.clone()), "0");
    fs::write(&place.file, "{}\n").unwrap();
    notes.until_last("none".into());
    until_ok(&live);
}

#[test]
fn b8_b9_a_required_file_that_is_removed_leaves_its_values_until_it_is_back() {
    let place = Place::new(&message("0"));
    let live = place.live();
    let notes = notes(&live);
    for round in ["1", "2"] {
        fs::remove_file(&place.file).unwrap();
        let problems = until_rejected(&live);
        assert_eq!(problems.len(), 1, "{problems:?}");
        assert!(problems[0].contains("no such file"), "{problems:?}");
        assert_eq!(live.status().health, Health::Degraded);
        fs::write(&place.file, message(round)).unwrap();
        notes.until_last(round.into());
        until_ok(&live);
    }
    assert_eq!(notes.values(), ["0", "1", "2"]);
}

#[test]
fn b8_b9_an_optional_file_that_is_removed_gives_defaults_and_never_its_old_values_again() {
    let place = Place::new(&message("old"));
    let file = File::new(&place.file).optional();
    let live = Config::loader().file(file).watch().unwrap();
    let notes = notes(&live);
    fs::remove_file(&place.file).unwrap();
    notes.until_last("none".into());
    replace(&place.file, &message("new"));
    notes.until_last("new".into());
    assert_eq!(notes.values(), ["old", "none", "new"]);
    assert_eq!(live.status().counters.rejected(), 0);
}

#[test]
fn b10_a_directory_that_is_removed_and_made_again_is_found_again() {
    let dir = tempdir().unwrap();
    let inner = dir.path().join("a/b");
    fs::create_dir_all(&inner).unwrap();
    let file = inner.join("c.yaml");
    fs::write(&file, message("0")).unwrap();
    let live = Config::loader().file(file.as_path()).watch().unwrap();
    let notes = notes(&live);
    for round in ["1", "2"] {
        fs::remove_dir_all(dir.path().join("a")).unwrap();
        until_rejected(&live);
        fs::create_dir_all(&inner).unwrap();
        fs::write(&file, message(round)).unwrap();
        notes.until_last(round.into());
    }
    assert_eq!(notes.values(), ["0", "1", "2"]);
    until_ok(&live);
}

#[test]
fn b11_an_optional_file_whose_directory_appears_later_is_picked_up_without_any_rejection() {
    let dir = tempdir().unwrap();
    let file = dir.path().join("later/c.yaml");
    let live = Config::loader()
        .file(File::new(&file).optional())
        .watch()
        .unwrap();
    let notes = notes(&live);
    fs::create_dir(dir.path().join("later")).unwrap();
    replace(&file, &message("1"));
    notes.until_last("1".into());
    replace(&file, &message("2"));
    notes.until_last("2".into());
    assert_eq!(notes.values(), ["none", "1", "2"]);
    assert_eq!(live.status().counters.rejected(), 0);
}

#[test]
fn b12_a_swap_of_a_parent_link_is_followed() {
    let dir = tempdir().unwrap();
    let commit = |name: &str| {
        let path = dir.path().join(name);
        fs::create_dir(&path).unwrap();
        fs::write(path.join("c.yaml"), message(name)).unwrap();
    };
    let swap_to = |name: &str| {
        symlink(name, dir.path().join("next")).unwrap();
        fs::rename(dir.path().join("next"), dir.path().join("current")).unwrap();
    };
    commit("one");
    swap_to("one");
    let file = dir.path().join("current/c.yaml");
    let live = Config::loader().file(file).watch().unwrap();
    let notes = notes(&live);
    for name in ["two", "three"] {
        commit(name);
        swap_to(name);
        notes.until_last(name.into());
    }
    assert_eq!(notes.values(), ["one", "two", "three"]);
}

#[test]
fn b13_b15_a_link_in_the_middle_is_followed_also_when_it_is_made_anew() {
    let place = Place::new(&message("zero"));
    for text in ["one", "two"] {
        fs::write(place.path(text), message(text)).unwrap();
    }
    // a.yaml -> middle (relative) -> c.yaml (absolute)
    symlink(&place.file, place.path("middle")).unwrap();
    symlink("middle", place.path("a.yaml")).unwrap();
    let live = Config::loader().file(place.path("a.yaml")).watch().unwrap();
    let notes = notes(&live);
    symlink("one", place.path("next")).unwrap();
    fs::rename(place.path("next"), place.path("middle")).unwrap();
    notes.until_last("one".into());
    // `ln -sfn`: unlink, then link.
    fs::remove_file(place.path("middle")).unwrap();
    symlink(place.path("two"), place.path("middle")).unwrap();
    notes.until_last("two".into());
    assert_eq!(notes.values(), ["zero", "one", "two"]);
    until_ok(&live);
}

#[test]
fn b14_a_loop_of_links_is_an_error_and_its_end_is_seen() {
    let place = Place::new(&message("0"));
    let live = place.live();
    symlink("c.yaml", place.path("b")).unwrap();
    symlink("b", place.path("a")).unwrap();
    fs::rename(place.path("a"), &place.file).unwrap();
    let problems = until_rejected(&live);
    assert!(problems[0].contains("link"), "{problems:?}");
    let error = Config::loader().file(place.path("b")).once().unwrap_err();
    assert!(error.to_string().contains("link"), "{error}");
    replace(&place.file, &message("1"));
    eventually("the next", || live.with(|c| c.message == "1"));
    until_ok(&live);
}

#[test]
fn b5_a_reload_is_answered_although_files_are_never_at_rest_together() {
    let dir = tempdir().unwrap();
    let [first, second] = ["a.yaml", "b.yaml"].map(|name| dir.path().join(name));
    fs::write(&first, message("0")).unwrap();
    fs::write(&second, "port: 0").unwrap();
    let loader = Config::loader().file(first.as_path());
    let live = loader.file(second.as_path()).watch().unwrap();

    let answered = Arc::new(AtomicBool::new(false));
    let rounds = Arc::new(AtomicU64::new(0));
    // Each is restless, from different moments on.
    for (file, key, from) in [(first, "message", 0), (second, "port", 40)] {
        let (answered, rounds) = (answered.clone(), rounds.clone());
        thread::spawn(move || {
            while !answered.load(Ordering::SeqCst) {
                let round = rounds.fetch_add(1, Ordering::SeqCst);
                if round >= from {
                    replace(&file, &format!("{key}: {round}"));
                }
                thread::sleep(Duration::from_millis(20));
            }
        });
    }
    eventually("both are restless", || rounds.load(Ordering::SeqCst) > 80);
    let asker = live.clone();
    let asked = thread::spawn(move || asker.reload().is_ok());
    eventually("the reload is answered", || asked.is_finished());
    answered.store(true, Ordering::SeqCst);
    assert!(asked.join().unwrap());
}

#[test]
fn b18_a_touch_is_no_note() {
    let place = Place::new(&message("0"));
    let live = place.live();
    let notes = notes(&live);
    let before = live.status().counters.unchanged;
    replace(&place.file, &message("0"));
    eventually("the touch is seen", || {
        live.status().counters.unchanged > before
    });
    // Layout and comments are no content either.
    replace(&place.file, "# a comment\nmessage:    \"1\"\n");
    notes.until_last("1".into());
    let before = live.status().counters.unchanged;
    replace(&place.file, "message: \"1\"\n# another comment\n");
    eventually("the comment is seen", || {
        let origin = live.explain("message").unwrap().winner.unwrap().origin;
        origin.to_string().ends_with("c.yaml:1:10")
    });
    assert!(live.status().counters.unchanged > before);
    replace(&place.file, &message("2"));
    notes.until_last("2".into());
    assert_eq!(notes.values(), ["0", "1", "2"]);
}

#[test]
fn b20_what_is_no_file_any_more_is_named_and_never_blocks() {
    let place = Place::new(&message("0"));
    let live = place.live();
    let notes = notes(&live);
    for (round, what) in ["a directory", "a FIFO"].into_iter().enumerate() {
        fs::remove_file(&place.file).unwrap();
        if round == 0 {
            fs::create_dir(&place.file).unwrap();
        } else {
            let made = Command::new("mkfifo").arg(&place.file).status();
            assert!(made.unwrap().success());
        }
        eventually(what, || rejection(&live).iter().any(|p| p.contains(what)));
        assert!(live.reload().is_err(), "the reload thread goes on");
        let side = place.path("side");
        fs::rename(&place.file, &side).unwrap();
        fs::write(&place.file, message(&format!("after {round}"))).unwrap();
        notes.until_last(format!("after {round}"));
        let removed = fs::remove_file(&side).or_else(|_| fs::remove_dir(&side));
        removed.unwrap();
    }
    until_ok(&live);
    assert_eq!(notes.values(), ["0", "after 0", "after 1"]);
}

#[test]
fn b21_more_than_the_limit_is_refused_by_its_size() {
    let place = Place::new(&message("0"));
    let mut limits = Limits::default();
    limits.key_bytes = 100;
    let live = Config::loader()
        .file(place.file.as_path())
        .limits(limits)
        .watch()
        .unwrap();
    // Without a byte on the disk: what is read before it is refused would be all zeros.
    let file = fs::File::create(place.path("huge")).unwrap();
    file.set_len(100 << 20).unwrap();
    fs::rename(place.path("huge"), &place.file).unwrap();
    let problems = until_rejected(&live);
    assert_eq!(problems.len(), 1, "{problems:?}");
    for part in ["c.yaml", "too large", "100", "Loader::limits"] {
        assert!(problems[0].contains(part), "{part}: {problems:?}");
    }
    replace(&place.file, &message("1"));
    eventually("the next", || live.with(|c| c.message == "1"));
    until_ok(&live);
}

#[test]
fn b1_b4_b8_b9_a_file_that_a_variable_names_is_followed_like_any_other() {
    let place = Place::new("unused: 1\n");
    let value = place.path("message");
    fs::write(&value, "0\n").unwrap();
    let env = Env::from_iter("APP", [("APP_MESSAGE_FILE", &value)]);
    let live = Config::loader().env(env).watch().unwrap();
    let notes = notes(&live);
    replace(&value, "1\n");
    notes.until_last("1".into());
    fs::write(&value, "2\n").unwrap();
    notes.until_last("2".into());
    fs::remove_file(&value).unwrap();
    let problems = until_rejected(&live);
    assert_eq!(problems.len(), 1, "{problems:?}");
    for part in ["APP_MESSAGE_FILE", "message", "no such file"] {
        assert!(problems[0].contains(part), "{part}: {problems:?}");
    }
    assert_eq!(live.with(|c| c.message.clone()), "2");
    fs::write(&value, "3\n").unwrap();
    notes.until_last("3".into());
    until_ok(&live);
    assert_eq!(notes.values(), ["0", "1", "2", "3"]);
}
