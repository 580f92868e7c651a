//! A certificate and its key, as one value.

use std::fmt;
use std::sync::{Arc, Mutex, PoisonError, Weak};
use std::time::SystemTime;

use retune::shape::Shape;
use retune::{Decoder, Node, Retune, Secret, Value};
use rustls::crypto::CryptoProvider;
use rustls::pki_types::CertificateDer;
use rustls::sign::CertifiedKey;
use rustls::{Error, InconsistentKeys};

use crate::certificate::About;
use crate::chain::Chain;
use crate::key::Key;
use crate::provider;

/// A certificate with those that lead from it to a root, and its private key: of one generation, and
/// fitting.
///
/// A field `tls: Identity` is what a `kubernetes.io/tls` Secret gives by itself, mounted as a volume: its
/// keys `tls.crt` and `tls.key` are the value's two parts, `crt` and `key`, both in PEM. For keys of other
/// names the field has another one, or one outside:
///
/// ```
/// # use retune::Retune;
/// # use retune_rustls::Identity;
/// #[derive(Debug, Retune)]
/// struct Config {
///     /// `tls.crt` and `tls.key`.
///     tls: Identity,
///     /// `client.crt` and `client.key`.
///     #[retune(rename = "client")]
///     upstream: Option<Identity>,
/// }
/// ```
///
/// # What is refused
///
/// A generation whose
///
/// - certificate has expired or is not yet valid,
/// - key does not belong to certificate, or is one that the provider does not take,
/// - certificates are out of order: the own one comes first, then the issuer of each,
/// - files are no PEM (DER, base64 of PEM), have no certificate, no key, several keys, or an encrypted one,
///   or whose certificate's file has a key in it.
///
/// The status, the log and at the start the error tell which file and why, and never a byte of either:
/// what is PEM is a secret as a whole, as a key in the wrong file is a mistake that happens.
///
/// # Memory
///
/// The key's file, and what is decoded of it here, is wiped when the last holder of the value lets go. What
/// rustls and its provider make of it is not: the provider takes the decoded key as a copy, and
/// ring wipes neither that nor its own form of the key. So as few are made as can be: a pair that has
/// not changed is not built anew, whatever else changes in the configuration.
#[derive(Clone)]
pub struct Identity(Arc<Inner>);

struct Inner {
    leaf: About,
    /// The key's file, to tell whether it has changed.
    file: Secret<Vec<u8>>,
    certified: Arc<CertifiedKey>,
}

/// The two files.
#[derive(Retune)]
struct Pair {
    /// The certificate, and those that lead from it to a root, in this order.
    crt: Chain,
    /// Its private key, not encrypted.
    key: Key,
}

/// Those that are still in use, as to build one again would leave one more key in memory.
static BUILT: Mutex<Vec<Weak<Inner>>> = Mutex::new(Vec::new());

// === impl Identity ===

impl Identity {
    /// What rustls takes: for a resolver of one's own. For one identity there is
    /// [`follow`](crate::follow()).
    #[must_use]
    pub fn certified_key(&self) -> &Arc<CertifiedKey> {
        &self.0.certified
    }

    /// The certificate, and those that lead from it to a root.
    #[must_use]
    pub fn chain(&self) -> &[CertificateDer<'static>] {
        &self.0.certified.cert
    }

    /// Of whom the certificate is, such as `CN=greeter.example`. Often empty, as it is the alternative names
    /// that count.
    #[must_use]
    pub fn subject(&self) -> String {
        self.0.leaf.subject.to_string()
    }

    /// The certificate's serial number, in hexadecimal digits.
    #[must_use]
    pub fn serial(&self) -> &str {
        &self.0.leaf.serial
    }

    /// From when on the certificate is valid.
    #[must_use]
    pub fn not_before(&self) -> SystemTime {
        self.0.leaf.not_before
    }

    /// Until when the certificate is valid.
    #[must_use]
    pub fn not_after(&self) -> SystemTime {
        self.0.leaf.not_after
    }
}

impl Value for Identity {
    const SHAPE: Shape = <Pair as Value>::SHAPE;

    fn decode(node: &Node, decoder: &mut Decoder) -> Option<Self> {
        let pair = Pair::decode(node, decoder)?;
        let provider = provider::get(node, decoder)?;
        let mut built = BUILT.lock().unwrap_or_else(PoisonError::into_inner);
        built.retain(|inner| inner.strong_count() > 0);
        if let Some(same) = built
            .iter()
            .filter_map(Weak::upgrade)
            .find(|inner| inner.is(&pair))
        {
            return Some(Self(same));
        }
        match pair.build(&provider) {
            Ok(inner) => {
                let inner = Arc::new(inner);
                built.push(Arc::downgrade(&inner));
                Some(Self(inner))
            }
            Err((message, help)) => {
                decoder.at_field(node, "key", |key, decoder| {
                    decoder.problem(key, message, help.map(str::to_owned));
                });
                None
            }
        }
    }
}

/// By chain and key; the key's in constant time.
impl PartialEq for Identity {
    fn eq(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.0, &other.0)
            || self.chain() == other.chain() && self.0.file == other.0.file
    }
}

impl Eq for Identity {}

/// The certificate alone: `certificate 04d2 (CN=greeter.example) until 2026-12-21T15:00:00Z`.
impl fmt::Display for Identity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.leaf.fmt(f)
    }
}

/// The same.
impl fmt::Debug for Identity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Identity").field(&self.0.leaf).finish()
    }
}

// === impl Inner ===

impl Inner {
    fn is(&self, pair: &Pair) -> bool {
        self.certified.cert == pair.crt.ders && self.file == pair.key.file
    }
}

// === impl Pair ===

impl Pair {
    /// Or why not, and what to do.
    fn build(self, provider: &CryptoProvider) -> Result<Inner, (String, Option<&'static str>)> {
        let refused = "is a private key that the provider of cryptography does not take";
        let key = self.key.der().and_then(|der| {
            // Its error may say more of the key than anybody should read.
            provider.key_provider.load_private_key(der).ok()
        });
        let key = key.ok_or_else(|| (refused.to_owned(), None))?;
        let certified = CertifiedKey::new(self.crt.ders, key);
        match certified.keys_match() {
            Ok(()) => Ok(Inner {
                leaf: self.crt.leaf,
                file: self.key.file,
                certified: Arc::new(certified),
            }),
            Err(Error::InconsistentKeys(InconsistentKeys::KeyMismatch)) => {
                let About {
                    serial, subject, ..
                } = &self.crt.leaf;
                let message = format!(
                    "does not belong to certificate {serial} ({subject}), which is beside it"
                );
                let help = "replace both at once, in one update of the Secret";
                Err((message, Some(help)))
            }
            Err(error) => {
                let message =
                    format!("cannot be compared with the certificate that is beside it: {error}");
                Err((message, None))
            }
        }
    }
}
