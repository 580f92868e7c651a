//! Values that are shown nowhere but where the program asks for them, and wiped when nobody needs them.

use std::fmt;

use subtle::ConstantTimeEq;
use zeroize::Zeroize;

/// What stands in place of a secret wherever a value is shown.
pub(crate) const REDACTED: &str = "[redacted]";

/// A value whose content is reached only through [`expose`](Secret::expose), and which is overwritten
/// in memory when it is dropped.
///
/// `Debug`, `Display` and `Serialize` give `[redacted]`, and so do retune's own reports, status,
/// history and metrics; not even the length is told (though the column of another value behind it in
/// the same line may tell it: give each its own line). A secret map is one value: its keys are as
/// secret as its values, and the highest source that gives it wins whole.
///
/// ```
/// use retune::Secret;
///
/// let key = Secret::new("hunter2".to_owned());
/// assert_eq!(format!("{key:?} {key}"), "[redacted] [redacted]");
/// assert_eq!(key.expose(), "hunter2");
/// assert!(key.matches("hunter2") && !key.matches("hunter3"));
/// ```
///
/// # What is wiped
///
/// The value itself, wherever it came from: text, bytes, paths, and what is made of them by lists,
/// maps, `Option`, `Box` and the derive. Not wiped are types that say nothing of how to (a field's
/// `serde` or `from_str`, URLs, regular expressions): those are redacted like any other. A type of the
/// program's own says it with [`Value::wipe`](crate::Value::wipe).
///
/// Where the secret is a file of its own (a key of a volume, what `X_FILE` names), no other copy stays:
/// the file's bytes are wiped when the last generation that was made of them is let go. Documents, the
/// environment and flags leave copies elsewhere; so do numbers and characters, which lie on the stack
/// while they are decoded. Give a secret its own file, and hold it as text or bytes.
///
/// A clone is a copy, wiped by itself. What the program takes out of [`expose`](Secret::expose) is its own.
///
/// # Comparing
///
/// Text and bytes are compared in a time that depends on nothing but their lengths, by `==` among secrets
/// and by [`matches`](Secret::matches) with what somebody presents. Other types have no `==`: expose them,
/// if the time that it takes tells nothing.
///
/// # Serializing
///
/// A field that shall be written as it is says so itself:
///
/// ```
/// use retune::Secret;
///
/// #[derive(serde::Serialize)]
/// struct Login {
///     password: Secret<String>,
///     #[serde(serialize_with = "Secret::serialize_exposed")]
///     token: Secret<String>,
/// }
///
/// let secret = |text: &str| Secret::new(text.to_owned());
/// let login = Login { password: secret("hunter2"), token: secret("t0k3n") };
/// let json = serde_json::to_string(&login)?;
/// assert_eq!(json, r#"{"password":"[redacted]","token":"t0k3n"}"#);
/// # Ok::<(), serde_json::Error>(())
/// ```
pub struct Secret<T> {
    value: T,
    wipe: fn(&mut T),
}

// === impl Secret ===

impl<T> Secret<T> {
    /// Wraps a value, to be wiped when it is dropped.
    ///
    /// [`Zeroize`] is implemented for text, bytes, numbers, arrays, and much of what other crates hold
    /// keys in; for any other type see [`unwiped`](Self::unwiped).
    pub const fn new(value: T) -> Self
    where
        T: Zeroize,
    {
        Self {
            value,
            wipe: T::zeroize,
        }
    }

    /// Wraps a value of any type: redacted, but not wiped.
    ///
    /// ```
    /// use std::num::ParseIntError;
    /// use retune::Secret;
    ///
    /// let parsed: Secret<Result<u16, ParseIntError>> = Secret::unwiped("4711".parse());
    /// assert_eq!(format!("{parsed:?}"), "[redacted]");
    /// ```
    pub const fn unwiped(value: T) -> Self {
        Self {
            value,
            wipe: |_| {},
        }
    }

    /// Wraps a value that is wiped in this way.
    pub(crate) const fn wiped_by(value: T, wipe: fn(&mut T)) -> Self {
        Self { value, wipe }
    }

    /// The content.
    pub const fn expose(&self) -> &T {
        &self.value
    }

    /// Whether somebody presents the very content, in a time that depends on the two lengths alone.
    ///
    /// ```
    /// use retune::Secret;
    ///
    /// let key = Secret::new(vec![1_u8, 2, 3]);
    /// assert!(key.matches([1, 2, 3]));
    /// assert!(!key.matches([1, 2]));
    /// ```
    pub fn matches(&self, presented: impl AsRef<[u8]>) -> bool
    where
        T: AsRef<[u8]>,
    {
        self.value.as_ref().ct_eq(presented.as_ref()).into()
    }

    /// Writes the content, for a field's `#[serde(serialize_with = "Secret::serialize_exposed")]`.
    ///
    /// # Errors
    ///
    /// Those of the serializer.
    pub fn serialize_exposed<S: serde::Serializer>(
        secret: &Self,
        serializer: S,
    ) -> Result<S::Ok, S::Error>
    where
        T: serde::Serialize,
    {
        secret.value.serialize(serializer)
    }

    /// Wipes it before its time.
    pub(crate) fn wipe(&mut self) {
        (self.wipe)(&mut self.value);
    }
}

impl<T> Drop for Secret<T> {
    fn drop(&mut self) {
        self.wipe();
    }
}

/// A copy, which is wiped by itself.
impl<T: Clone> Clone for Secret<T> {
    fn clone(&self) -> Self {
        Self {
            value: self.value.clone(),
            wipe: self.wipe,
        }
    }
}

/// The type's own default, which is no secret and so needs no wiping.
impl<T: Default> Default for Secret<T> {
    fn default() -> Self {
        Self::unwiped(T::default())
    }
}

/// In a time that depends on the two lengths alone.
impl<T: AsRef<[u8]>> PartialEq for Secret<T> {
    fn eq(&self, other: &Self) -> bool {
        self.matches(&other.value)
    }
}

impl<T: AsRef<[u8]>> Eq for Secret<T> {}

impl<T> fmt::Debug for Secret<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(REDACTED)
    }
}

impl<T> fmt::Display for Secret<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(REDACTED)
    }
}

impl<T> serde::Serialize for Secret<T> {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(REDACTED)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn h1_whatever_the_format_asks_for_a_secret_is_redacted_and_has_no_length() {
        for secret in ["", "hunter2", "a much longer one than any other"] {
            let secret = Secret::new(secret.to_owned());
            let shown = [
                format!("{secret}"),
                format!("{secret:?}"),
                format!("{secret:#?}"),
                format!("{secret:>40}"),
                format!("{secret:<40?}"),
                format!("{secret:.3}"),
                format!("{secret:.3?}"),
                format!("{secret:040}"),
                serde_json::to_value(&secret)
                    .unwrap()
                    .as_str()
                    .unwrap()
                    .to_owned(),
            ];
            assert_eq!(shown, [REDACTED; 9]);
        }
    }

    #[test]
    fn h10_a_secret_is_serialized_as_it_is_only_where_that_is_asked_for() {
        #[derive(serde::Serialize)]
        struct Login {
            plain: Secret<Vec<u8>>,
            #[serde(serialize_with = "Secret::serialize_exposed")]
            exposed: Secret<Vec<u8>>,
        }
        let login = Login {
            plain: Secret::new(vec![1, 2]),
            exposed: Secret::new(vec![1, 2]),
        };
        let json = serde_json::to_string(&login).unwrap();
        assert_eq!(json, r#"{"plain":"[redacted]","exposed":[1,2]}"#);
    }

    #[test]
    fn h4_text_and_bytes_are_compared_whole() {
        let secret = |text: &str| Secret::new(text.to_owned());
        assert_eq!(secret("hunter2"), secret("hunter2"));
        assert_ne!(secret("hunter2"), secret("hunter3"));
        assert_ne!(secret("hunter2"), secret("Hunter2"));
        assert_ne!(secret("hunter2"), secret("hunter"));
        assert_ne!(secret(""), secret("h"));
        assert!(secret("").matches(""));
        assert!(Secret::new([1_u8, 2]).matches(vec![1, 2]));
    }

    /// Counts how often it is wiped.
    struct Wiped<'a>(&'a std::cell::Cell<u32>);

    impl Zeroize for Wiped<'_> {
        fn zeroize(&mut self) {
            self.0.set(self.0.get() + 1);
        }
    }

    #[test]
    fn h4_a_secret_is_wiped_when_it_is_dropped_unless_it_says_otherwise() {
        let count = std::cell::Cell::new(0);
        drop(Secret::new(Wiped(&count)));
        assert_eq!(count.get(), 1);
        drop(Secret::unwiped(Wiped(&count)));
        assert_eq!(count.get(), 1);
        let (one, two) = (Secret::new(Wiped(&count)), Secret::new(Wiped(&count)));
        drop([one, two]);
        assert_eq!(count.get(), 3);
    }
}
