//! Names outside and inside: `log_level`, `log-level`, `logLevel`, `LOG_LEVEL` and `log.level` are one.
//!
//! A name is compared by its letters and digits alone, in lower case. That makes every convention of
//! writing several words the same name, also where it is unclear where a word ends (`DatabaseURL`,
//! `float32_slice`), and a whole path of nested names one flat name (`APP_DB_HOST_NAME`).

/// Whether two outside names mean the same field.
pub(crate) fn same(a: &str, b: &str) -> bool {
    letters(a).eq(letters(b))
}

/// The form by which names are compared and looked up.
pub(crate) fn normal(name: &str) -> String {
    let mut normal = String::with_capacity(name.len());
    push_normal(&mut normal, name);
    normal
}

/// Adds the same of another name below.
pub(crate) fn push_normal(normal: &mut String, name: &str) {
    normal.extend(letters(name).map(char::from));
}

fn letters(name: &str) -> impl Iterator<Item = u8> + '_ {
    name.bytes()
        .filter(|b| counts(*b))
        .map(|b| b.to_ascii_lowercase())
}

const fn counts(byte: u8) -> bool {
    !matches!(byte, b'_' | b'-' | b'.' | b' ')
}

/// FNV-1a over what counts of a name, going on from `hash`: nested names hash like their flat form.
pub(crate) const fn hash(mut hash: u64, name: &str) -> u64 {
    let bytes = name.as_bytes();
    let mut i = 0;
    while i < bytes.len() {
        if counts(bytes[i]) {
            hash ^= bytes[i].to_ascii_lowercase() as u64;
            hash = hash.wrapping_mul(FNV_PRIME);
        }
        i += 1;
    }
    hash
}

/// FNV-1a over all bytes, going on from `hash`.
pub(crate) fn hash_bytes(hash: u64, bytes: &[u8]) -> u64 {
    bytes.iter().fold(hash, |hash, byte| {
        (hash ^ u64::from(*byte)).wrapping_mul(FNV_PRIME)
    })
}

const FNV_PRIME: u64 = 0x0000_0100_0000_01b3;

/// The offset basis of FNV-1a, 64 bits.
pub(crate) const HASH_START: u64 = 0xcbf2_9ce4_8422_2325;

/// `log_level` as a flag or document key is written: `log-level`; `DatabaseURL` is `database-url`.
pub(crate) fn kebab(name: &str) -> String {
    in_words(name, '-').to_lowercase().replace('_', "-")
}

/// `feature_flags.new_ui` as a variable is written: `FEATURE_FLAGS_NEW_UI`.
pub(crate) fn screaming(path: &str) -> String {
    in_words(path, '_')
        .chars()
        .map(|c| {
            if c.is_ascii_alphanumeric() {
                c.to_ascii_uppercase()
            } else {
                '_'
            }
        })
        .collect()
}

/// The words of `camelCase` set apart. An acronym is one word, and digits belong to the word before.
fn in_words(name: &str, separator: char) -> String {
    let mut words = String::with_capacity(name.len() + 4);
    let mut before = None;
    let mut rest = name.chars().peekable();
    while let Some(c) = rest.next() {
        let after_word = before.is_some_and(|b: char| b.is_lowercase() || b.is_numeric());
        let ends_acronym =
            before.is_some_and(char::is_uppercase) && rest.peek().is_some_and(|c| c.is_lowercase());
        if c.is_uppercase() && (after_word || ends_acronym) {
            words.push(separator);
        }
        words.push(c);
        before = Some(c);
    }
    words
}

/// The known name nearest to a misspelt one, if any is near enough to be meant.
pub(crate) fn nearest<'a>(name: &str, known: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let wanted = normal(name);
    let limit = (wanted.len() / 3).clamp(1, 3);
    known
        .into_iter()
        .map(|candidate| (normal(candidate), candidate))
        // As far apart as their lengths, at the least: most are not worth comparing.
        .filter(|(normal, _)| normal.chars().count().abs_diff(wanted.chars().count()) <= limit)
        .map(|(normal, candidate)| (distance(&wanted, &normal), candidate))
        // Where nothing is left of the name, it is another one.
        .filter(|(distance, _)| *distance <= limit && *distance < wanted.chars().count())
        .min_by_key(|(distance, _)| *distance)
        .map(|(_, candidate)| candidate)
}

/// Optimal string alignment distance: Levenshtein's, with two swapped neighbours counted as one.
fn distance(a: &str, b: &str) -> usize {
    let (a, b): (Vec<char>, Vec<char>) = (a.chars().collect(), b.chars().collect());
    let mut before: Vec<usize> = Vec::new();
    let mut above: Vec<usize> = (0..=b.len()).collect();
    for (i, x) in a.iter().enumerate() {
        let mut row = vec![i + 1];
        for (j, y) in b.iter().enumerate() {
            let mut best = (above[j] + usize::from(x != y))
                .min(above[j + 1] + 1)
                .min(row[j] + 1);
            if i > 0 && j > 0 && *x == b[j - 1] && a[i - 1] == *y {
                best = best.min(before[j - 1] + 1);
            }
            row.push(best);
        }
        before = std::mem::replace(&mut above, row);
    }
    above[b.len()]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn conventions_of_writing_words_are_one_name() {
        for other in ["new-ui", "newUI", "NEW_UI", "new.ui", "NewUi"] {
            assert!(same("new_ui", other), "{other}");
        }
        assert!(!same("new_ui", "new_uid"));
        assert_eq!(
            hash(hash(HASH_START, "db"), "host_name"),
            hash(HASH_START, "DB_HOST_NAME")
        );
    }

    #[test]
    fn words_are_set_apart_where_they_end() {
        for (name, flag, variable) in [
            ("", "", ""),
            ("c", "c", "C"),
            ("C", "c", "C"),
            ("camel", "camel", "CAMEL"),
            ("Camel", "camel", "CAMEL"),
            ("camelCase", "camel-case", "CAMEL_CASE"),
            ("CamelCase", "camel-case", "CAMEL_CASE"),
            ("OneTwoThree", "one-two-three", "ONE_TWO_THREE"),
            ("DatabaseURL", "database-url", "DATABASE_URL"),
            ("DBEndpoints", "db-endpoints", "DB_ENDPOINTS"),
            ("Float32Slice", "float32-slice", "FLOAT32_SLICE"),
            ("float32_slice", "float32-slice", "FLOAT32_SLICE"),
            ("KEY1", "key1", "KEY1"),
            ("LOG_LEVEL", "log-level", "LOG_LEVEL"),
            ("log-level", "log-level", "LOG_LEVEL"),
            ("db.hostName", "db.host-name", "DB_HOST_NAME"),
        ] {
            assert_eq!(kebab(name), flag);
            assert_eq!(screaming(name), variable);
            assert!(same(name, flag) && same(name, variable), "{name}");
        }
    }

    #[test]
    fn a_near_name_is_suggested_and_a_far_one_is_not() {
        assert_eq!(nearest("wran", ["debug", "info", "warn"]), Some("warn"));
        assert_eq!(
            nearest("log-levle", ["log_level", "timeout"]),
            Some("log_level")
        );
        assert_eq!(nearest("zebra", ["debug", "info", "warn"]), None);
        assert_eq!(nearest("x", ["a", "b"]), None);
        assert_eq!(nearest("db", ["dc", "host"]), Some("dc"));
    }
}
