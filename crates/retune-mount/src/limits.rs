/// How much one read may take in. What is larger is refused with an error
/// before it is read.
///
/// ```
/// let limits = retune_mount::Limits::default().key_bytes(64 * 1024);
/// assert_eq!(limits.keys, 20_000);
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Limits {
    /// Bytes in one key (one file). Default 1 MiB, as much as a ConfigMap can hold.
    pub key_bytes: u64,
    /// Bytes in all keys of one path together. Default 4 MiB.
    pub volume_bytes: u64,
    /// Keys of one path; and as many directories may lie below it, counted apart. Default 20,000.
    pub keys: usize,
}

// === impl Limits ===

impl Default for Limits {
    fn default() -> Self {
        Self {
            key_bytes: 1 << 20,
            volume_bytes: 4 << 20,
            keys: 20_000,
        }
    }
}

impl Limits {
    /// Sets how many bytes one key may have.
    #[must_use]
    pub fn key_bytes(mut self, bytes: u64) -> Self {
        self.key_bytes = bytes;
        self
    }

    /// Sets how many bytes all keys of one path may have together.
    #[must_use]
    pub fn volume_bytes(mut self, bytes: u64) -> Self {
        self.volume_bytes = bytes;
        self
    }

    /// Sets how many keys one path may have.
    #[must_use]
    pub fn keys(mut self, keys: usize) -> Self {
        self.keys = keys;
        self
    }
}
