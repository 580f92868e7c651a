//! rustls follows an identity.

use std::fmt;
use std::sync::Arc;

use retune::View;
use rustls::SignatureScheme;
use rustls::client::ResolvesClientCert;
use rustls::server::{ClientHello, ResolvesServerCert};
use rustls::sign::CertifiedKey;

use crate::Identity;

/// Gives each new handshake the identity that holds then, as a server or as a client. See
/// [`follow`].
pub struct Follow<T: Send + Sync + 'static> {
    view: View<T, Identity>,
}

/// Gives each new handshake the identity that holds then. Connections that are there go on with what they
/// were made with.
///
/// For a server's `with_cert_resolver`, and for a client's `with_client_cert_resolver`. It costs what
/// [`Live::with`](retune::Live::with) does, and a reference count: the key was built when the generation
/// was.
///
/// ```no_run
/// use retune::{OrExit, Retune};
/// use retune_rustls::Identity;
/// use rustls::{ClientConfig, RootCertStore, ServerConfig};
///
/// #[derive(Debug, Retune)]
/// struct Config {
///     tls: Identity,
/// }
///
/// # let roots = RootCertStore::empty();
/// let config = Config::loader().mount("/etc/tls").watch().or_exit();
/// let server = ServerConfig::builder()
///     .with_no_client_auth()
///     .with_cert_resolver(retune_rustls::follow(config.view(|c| &c.tls)));
/// let client = ClientConfig::builder()
///     .with_root_certificates(roots)
///     .with_client_cert_resolver(retune_rustls::follow(config.view(|c| &c.tls)));
/// ```
#[must_use]
pub fn follow<T: Send + Sync + 'static>(view: View<T, Identity>) -> Arc<Follow<T>> {
    Arc::new(Follow { view })
}

// === impl Follow ===

impl<T: Send + Sync + 'static> Follow<T> {
    fn now(&self) -> Arc<CertifiedKey> {
        self.view.with(|identity| identity.certified_key().clone())
    }
}

impl<T: Send + Sync + 'static> ResolvesServerCert for Follow<T> {
    fn resolve(&self, _hello: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        Some(self.now())
    }
}

impl<T: Send + Sync + 'static> ResolvesClientCert for Follow<T> {
    fn resolve(&self, _roots: &[&[u8]], _schemes: &[SignatureScheme]) -> Option<Arc<CertifiedKey>> {
        Some(self.now())
    }

    fn has_certs(&self) -> bool {
        true
    }
}

impl<T: Send + Sync + 'static> fmt::Debug for Follow<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.view
            .with(|identity| f.debug_tuple("Follow").field(identity).finish())
    }
}
