//! Fingerprints of secrets: they tell whether two are the same, and nothing else.
//!
//! A plain hash of a secret lets whoever sees it try out passwords until one fits. A keyed one does not,
//! as long as the key is unknown: `RandomState` takes 128 bits from the operating system, which never
//! leave the process and are the same as long as it runs, and its hash (SipHash) is made for just this,
//! to be unpredictable without the key. 32 of its bits are shown, which is too few to find the key by, and
//! enough for the few values that a secret has in the life of a process.

use std::hash::{BuildHasher, Hash, Hasher, RandomState};
use std::hint::black_box;
use std::sync::OnceLock;

use crate::node::{Entry, Node, NodeValue};

/// Eight hexadecimal digits, the same for the same content as long as the process runs.
pub(crate) fn fingerprint(node: &Node) -> String {
    let mut hasher = key().build_hasher();
    write(node, &mut hasher);
    format!("{:08x}", hasher.finish() >> 32)
}

fn key() -> &'static RandomState {
    static KEY: OnceLock<RandomState> = OnceLock::new();
    KEY.get_or_init(RandomState::new)
}

/// The keyed hash of a secret's bytes. A hasher takes them eight by eight, and leaves the last ones on
/// the stack: so it takes zeros after them, on the same way.
#[inline(never)]
fn digest(secret: &[u8]) -> u64 {
    const ZEROS: &[u8] = &[0; 23];
    let digest = |bytes: &&[u8]| {
        let mut hasher = key().build_hasher();
        hasher.write(bytes);
        hasher.finish()
    };
    let digests = black_box([secret, ZEROS]).each_ref().map(digest);
    black_box(digests)[0]
}

/// What the same content has in common, wherever it was written.
fn write(node: &Node, hasher: &mut impl Hasher) {
    match &node.value {
        NodeValue::Null => 0_u8.hash(hasher),
        NodeValue::Text { text, .. } => (1_u8, digest(text.as_bytes())).hash(hasher),
        NodeValue::File(bytes) => (1_u8, digest(bytes)).hash(hasher),
        NodeValue::List(items) => {
            (2_u8, items.len()).hash(hasher);
            items.iter().for_each(|item| write(item, hasher));
        }
        NodeValue::Map(entries) => {
            (3_u8, entries.len()).hash(hasher);
            let mut entries: Vec<&Entry> = entries.iter().collect();
            entries.sort_unstable_by(|a, b| a.key.cmp(&b.key));
            for entry in entries {
                digest(entry.key.as_bytes()).hash(hasher);
                write(&entry.node, hasher);
            }
        }
    }
}
