//! Outside names: compared by their letters and digits, as `retune` compares them.

use std::collections::HashMap;

use proc_macro2::Span;
use syn::Error;

/// The names taken within one struct or enum, by what is compared of them, with their owners.
#[derive(Default)]
pub(crate) struct Names {
    owners: HashMap<String, String>,
}

// === impl Names ===

impl Names {
    /// Takes a name for a field or variant; refused when another has it, or when it adds nothing.
    pub(crate) fn take(&mut self, owner: &str, name: &str, span: Span) -> syn::Result<()> {
        let letters = letters(name);
        if letters.is_empty() {
            return Err(Error::new(span, "a name needs a letter or digit"));
        }
        let message = match self.owners.get(&letters) {
            None => {
                self.owners.insert(letters, owner.to_owned());
                return Ok(());
            }
            Some(other) if other == owner => format!(
                "`{name}` already means `{owner}`: case, `_`, `-`, `.` and spaces do not count in \
                 names"
            ),
            Some(other) => format!(
                "`{owner}` and `{other}` are both `{name}` outside, where case, `_`, `-`, `.` and \
                 spaces do not count; rename one with `#[retune(rename = \"…\")]`"
            ),
        };
        Err(Error::new(span, message))
    }
}

fn letters(name: &str) -> String {
    name.chars()
        .filter(|c| !matches!(c, '_' | '-' | '.' | ' '))
        .map(|c| c.to_ascii_lowercase())
        .collect()
}

/// A variant's name as it is written outside: `ReadOnly` as `read-only`, `HTTPProxy` as `http-proxy`.
pub(crate) fn kebab(name: &str) -> String {
    let chars: Vec<char> = name.chars().filter(|c| *c != '_').collect();
    let mut out = String::new();
    for (i, c) in chars.iter().enumerate() {
        let after_lower = i > 0 && !chars[i - 1].is_uppercase();
        let before_lower = i > 0 && chars.get(i + 1).is_some_and(|next| next.is_lowercase());
        if c.is_uppercase() && (after_lower || before_lower) {
            out.push('-');
        }
        out.extend(c.to_lowercase());
    }
    out
}

#[cfg(test)]
mod tests {
    use super::kebab;

    #[test]
    fn variants_are_written_in_kebab_case() {
        for (variant, outside) in [
            ("Warn", "warn"),
            ("ReadOnly", "read-only"),
            ("HTTPProxy", "http-proxy"),
            ("Http2", "http2"),
            ("Tls_12", "tls12"),
            ("UI", "ui"),
        ] {
            assert_eq!(kebab(variant), outside);
        }
    }
}
