//! Marked secrets, and the search for them in any writing.

use std::collections::HashSet;
use std::fmt::Write;

use base64::Engine;
use base64::prelude::{BASE64_STANDARD_NO_PAD, BASE64_URL_SAFE_NO_PAD};

/// How long a fragment is that must not be seen.
const FRAGMENT: usize = 8;

/// Secrets that nothing else looks like.
#[derive(Clone, Debug)]
pub(crate) struct Marks {
    /// Letters and digits.
    pub(crate) word: String,
    /// Whatever formats escape.
    pub(crate) hard: String,
    pub(crate) number: u64,
    /// Of values whose types say nothing, so that their own `Debug` shows them.
    pub(crate) plain: String,
}

/// Every fragment of some secrets in any of their writings, in lower case.
#[derive(Debug, Default)]
pub(crate) struct Search(HashSet<[u8; FRAGMENT]>);

// === impl Marks ===

impl Marks {
    pub(crate) fn first() -> Self {
        Self {
            word: "Vq3xZt8LmW0pRk5y".to_owned(),
            hard: "jH6'\\<bN# q?\u{e9}7wT=k {p}]: @5&\"\\aRx%Yc3Mv".to_owned(),
            number: 9_081_726_354,
            plain: "gYb2Kf7sXc4uDn9e".to_owned(),
        }
    }

    /// Longer ones, which are otherwise alike: what is wrong with one is wrong with the other.
    pub(crate) fn second() -> Self {
        Self {
            word: "Jw7oTa2HsE9vIc4bQz6nUf1kMr8".to_owned(),
            hard: "zP1'\\<vKuuLoG# w?\u{fc}2yQeRt=mBi {s}]: @8&\"\\dLxJhA%Zo5Wn".to_owned(),
            number: 7_261_548_390_162_745,
            plain: "xEh5Rj0tPl3aWm8qGv6dNy1iSu7".to_owned(),
        }
    }

    /// Those that no `Debug` shows.
    pub(crate) fn hidden(&self) -> Vec<String> {
        vec![
            self.word.clone(),
            self.hard.clone(),
            self.number.to_string(),
        ]
    }
}

// === impl Search ===

impl Search {
    pub(crate) fn of(secrets: impl IntoIterator<Item = String>) -> Self {
        let mut search = Self::default();
        for secret in secrets {
            for form in forms(&secret) {
                search.add(&form);
            }
        }
        search
    }

    fn add(&mut self, form: &str) {
        let form = form.to_ascii_lowercase();
        let fragments = form.as_bytes().windows(FRAGMENT);
        self.0.extend(
            fragments.map(|fragment| {
                <[u8; FRAGMENT]>::try_from(fragment).expect("as long as a fragment")
            }),
        );
    }

    /// Where a fragment of a secret stands, with what stands around it.
    pub(crate) fn find(&self, text: &str) -> Option<String> {
        let lower = text.to_ascii_lowercase();
        let at = lower
            .as_bytes()
            .windows(FRAGMENT)
            .position(|fragment| self.0.contains(fragment))?;
        let around = text
            .as_bytes()
            .get(at.saturating_sub(200)..text.len().min(at + 60));
        Some(String::from_utf8_lossy(around.unwrap_or_default()).into_owned())
    }
}

/// A secret as it is, and as formats and tools write it.
pub(crate) fn forms(secret: &str) -> Vec<String> {
    let bytes = secret.as_bytes();
    let mut hexadecimal = String::new();
    let mut percent = String::new();
    for byte in bytes {
        _ = write!(hexadecimal, "{byte:02x}");
        match byte.is_ascii_alphanumeric() || b"-._~".contains(byte) {
            true => percent.push(char::from(*byte)),
            false => _ = write!(percent, "%{byte:02X}"),
        }
    }
    let json = serde_json::to_string(secret).expect("JSON");
    let debug = format!("{secret:?}");
    let mut forms = vec![
        secret.to_owned(),
        hexadecimal,
        percent.replace("%20", "+"),
        percent,
        json.trim_matches('"').to_owned(),
        debug.trim_matches('"').to_owned(),
    ];
    for before in 0..3 {
        let shifted = [&[0].repeat(before), bytes].concat();
        // Six bits a letter, of which only those count that are of the secret alone.
        let (start, end) = ((before * 8).div_ceil(6), shifted.len() * 8 / 6);
        for encoded in [
            BASE64_STANDARD_NO_PAD.encode(&shifted),
            BASE64_URL_SAFE_NO_PAD.encode(&shifted),
        ] {
            forms.push(encoded[start..end].to_owned());
        }
    }
    forms
}
