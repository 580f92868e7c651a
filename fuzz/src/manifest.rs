//! Manifests with ConfigMaps and Secrets, as `retune check` and `retune mount` read them.

use self::places::Lines;
use self::reader::{check_key, chosen, objects};
use crate::failure::Failure;
use crate::told::SECRETS;

#[allow(dead_code)]
#[path = "../../crates/retune-cli/src/places.rs"]
mod places;
#[allow(dead_code)]
#[path = "../../crates/retune-cli/src/manifest.rs"]
mod reader;

/// A manifest in YAML or JSON.
pub fn manifest(data: &[u8]) {
    let Ok(text) = std::str::from_utf8(data) else {
        return;
    };
    _ = read(text);
    if SECRETS
        .into_iter()
        .any(|secret| text.contains(&secret[..3]))
    {
        return;
    }
    // What stands behind a Secret is told without a word of it.
    let [first, second] = SECRETS.map(|secret| {
        read(&format!(
            "{{\"kind\": \"Secret\", \"stringData\": {{\"a\": \"{secret}\"}}}}\n---\n{text}"
        ))
    });
    assert_eq!(first, second, "what is told depends on a secret");
}

/// Everything that is wrong with it.
fn read(text: &str) -> Vec<String> {
    let objects = match objects(text) {
        Ok(objects) => objects,
        Err(failure) => return vec![told(failure)],
    };
    let mut wrong = Vec::new();
    wrong.extend(chosen(&objects, None).err().map(told));
    let mut lines = Lines::new(text);
    for object in objects {
        let keys = match object.keys() {
            Ok(keys) => keys,
            Err(failure) => {
                wrong.push(told(failure));
                continue;
            }
        };
        for (key, content) in keys {
            assert_eq!(check_key(&key), Ok(()), "a key that no volume takes");
            let Ok(content) = std::str::from_utf8(&content) else {
                continue;
            };
            let Some((above, before)) = lines.find(&key, content) else {
                continue;
            };
            let line = text.lines().nth(above);
            // A content that is empty may stand behind the last line.
            let columns = line.map_or(0, |line| line.chars().count());
            assert!(
                content.is_empty() || line.is_some() && before <= columns,
                "{key}"
            );
        }
    }
    wrong
}

fn told(failure: Failure) -> String {
    match failure {
        Failure::Message(message) => message,
        other => panic!("a manifest that cannot be read is told in words: {other:?}"),
    }
}
