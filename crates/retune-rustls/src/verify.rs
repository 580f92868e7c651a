//! rustls follows the authorities that it trusts others by.

use std::fmt;
use std::sync::Arc;

use retune::View;
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::server::danger::{ClientCertVerified, ClientCertVerifier};
use rustls::{DigitallySignedStruct, DistinguishedName, Error, SignatureScheme};

use crate::Roots;

/// Verifies each new client by the authorities that are trusted then: for a server's
/// `with_client_cert_verifier`. A client without a certificate is refused.
///
/// Which authorities those are is not told to clients, as it may change; they send the certificate
/// that they have.
///
/// A session that is resumed is not verified again: see [the crate's
/// page](crate#an-authority-that-is-trusted-no-longer).
#[must_use]
pub fn follow_clients<T: Send + Sync + 'static>(
    view: View<T, Roots>,
) -> Arc<dyn ClientCertVerifier> {
    Arc::new(Following { view })
}

/// Verifies each new server by the authorities that are trusted then: for a client's
/// `dangerous().with_custom_certificate_verifier`. It verifies what rustls' own verifier does; the word is
/// there for others.
///
/// A session that is resumed is not verified again: see [the crate's
/// page](crate#an-authority-that-is-trusted-no-longer).
#[must_use]
pub fn follow_servers<T: Send + Sync + 'static>(
    view: View<T, Roots>,
) -> Arc<dyn ServerCertVerifier> {
    Arc::new(Following { view })
}

struct Following<T: Send + Sync + 'static> {
    view: View<T, Roots>,
}

// === impl Following ===

impl<T: Send + Sync + 'static> Following<T> {
    fn clients(&self) -> Arc<dyn ClientCertVerifier> {
        self.view.with(|roots| roots.clients().clone())
    }

    fn servers(&self) -> Arc<dyn ServerCertVerifier> {
        self.view.with(|roots| roots.servers().clone())
    }
}

impl<T: Send + Sync + 'static> ClientCertVerifier for Following<T> {
    fn root_hint_subjects(&self) -> &[DistinguishedName] {
        &[]
    }

    fn verify_client_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        now: UnixTime,
    ) -> Result<ClientCertVerified, Error> {
        self.clients()
            .verify_client_cert(end_entity, intermediates, now)
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        self.clients().verify_tls12_signature(message, cert, dss)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        self.clients().verify_tls13_signature(message, cert, dss)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.clients().supported_verify_schemes()
    }
}

impl<T: Send + Sync + 'static> ServerCertVerifier for Following<T> {
    fn verify_server_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        server_name: &ServerName<'_>,
        ocsp_response: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        let verifier = self.servers();
        verifier.verify_server_cert(end_entity, intermediates, server_name, ocsp_response, now)
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        self.servers().verify_tls12_signature(message, cert, dss)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        self.servers().verify_tls13_signature(message, cert, dss)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.servers().supported_verify_schemes()
    }
}

impl<T: Send + Sync + 'static> fmt::Debug for Following<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.view
            .with(|roots| f.debug_tuple("Following").field(roots).finish())
    }
}
