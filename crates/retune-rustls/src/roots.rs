//! The certificates that others are trusted by.

use std::fmt;
use std::sync::Arc;
use std::time::SystemTime;

use retune::shape::Shape;
use retune::{Decoder, Node, Value};
use rustls::RootCertStore;
use rustls::client::WebPkiServerVerifier;
use rustls::client::danger::ServerCertVerifier;
use rustls::crypto::CryptoProvider;
use rustls::pki_types::CertificateDer;
use rustls::server::WebPkiClientVerifier;
use rustls::server::danger::ClientCertVerifier;

use crate::certificate::About;
use crate::chain::{CERTIFICATES, Certificates};
use crate::provider;

/// The authorities that others are trusted by: a bundle of certificates in PEM, in any order.
///
/// Where it is the key `ca.crt`, as cert-manager writes it, that is its name outside:
///
/// ```
/// # use retune::Retune;
/// # use retune_rustls::{Identity, Roots};
/// #[derive(Debug, Retune)]
/// struct Config {
///     tls: Identity,
///     #[retune(rename = "ca.crt")]
///     clients: Roots,
/// }
/// ```
///
/// [`follow_clients`](crate::follow_clients) and [`follow_servers`](crate::follow_servers) verify by them;
/// [`store`](Self::store) is for a verifier of one's own.
///
/// To replace an authority without a gap its successor is added first; when all that it issued is replaced,
/// it is removed. So a bundle may have some that have expired, and is refused only when none is valid. The
/// status tells when the next one expires.
#[derive(Clone)]
pub struct Roots(Arc<Inner>);

struct Inner {
    about: Vec<About>,
    ders: Vec<CertificateDer<'static>>,
    store: Arc<RootCertStore>,
    clients: Arc<dyn ClientCertVerifier>,
    servers: Arc<dyn ServerCertVerifier>,
}

// === impl Roots ===

impl Roots {
    /// What rustls takes, for a verifier or a configuration of one's own. It stays as it is: whoever
    /// follows asks again.
    #[must_use]
    pub fn store(&self) -> &Arc<RootCertStore> {
        &self.0.store
    }

    pub(crate) fn clients(&self) -> &Arc<dyn ClientCertVerifier> {
        &self.0.clients
    }

    pub(crate) fn servers(&self) -> &Arc<dyn ServerCertVerifier> {
        &self.0.servers
    }
}

impl Value for Roots {
    const SHAPE: Shape = CERTIFICATES;

    fn decode(node: &Node, decoder: &mut Decoder) -> Option<Self> {
        let provider = provider::get(node, decoder);
        let certificates = Certificates::decode(node, decoder)?;
        let (not_before, not_after) = validity(&certificates.about, SystemTime::now());
        decoder.valid(node, not_before, not_after);
        match Inner::new(certificates, provider?) {
            Ok(inner) => Some(Self(Arc::new(inner))),
            Err(message) => {
                decoder.problem(node, message, None);
                None
            }
        }
    }
}

/// From when on, and until when, all hold of those that hold now; where none does, that of the last to end.
fn validity(about: &[About], now: SystemTime) -> (Option<SystemTime>, Option<SystemTime>) {
    let holds = |one: &&About| one.not_before <= now && now < one.not_after;
    let next = about.iter().filter(holds).min_by_key(|one| one.not_after);
    let chosen = next.or_else(|| about.iter().max_by_key(|one| one.not_after));
    (
        chosen.map(|one| one.not_before),
        chosen.map(|one| one.not_after),
    )
}

impl PartialEq for Roots {
    fn eq(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.0, &other.0) || self.0.ders == other.0.ders
    }
}

impl Eq for Roots {}

impl fmt::Debug for Roots {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Roots").field(&self.0.about).finish()
    }
}

// === impl Inner ===

impl Inner {
    /// Or why not.
    fn new(
        Certificates { ders, about }: Certificates,
        provider: Arc<CryptoProvider>,
    ) -> Result<Self, String> {
        let mut store = RootCertStore::empty();
        for (i, der) in ders.iter().enumerate() {
            let refused = |error| format!("certificate {} cannot be an authority: {error}", i + 1);
            store.add(der.clone()).map_err(refused)?;
        }
        let store = Arc::new(store);
        let refused = |error| format!("cannot be verified by: {error}");
        let clients = WebPkiClientVerifier::builder_with_provider(store.clone(), provider.clone())
            .build()
            .map_err(refused)?;
        let servers = WebPkiServerVerifier::builder_with_provider(store.clone(), provider)
            .build()
            .map_err(refused)?;
        Ok(Self {
            about,
            ders,
            store,
            clients,
            servers,
        })
    }
}
