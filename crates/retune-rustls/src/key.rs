//! A private key, as a value.

use retune::shape::{Grammar, Shape};
use retune::{Decoder, Node, Secret, Value};
use rustls::pki_types::{PrivateKeyDer, PrivatePkcs1KeyDer, PrivatePkcs8KeyDer, PrivateSec1KeyDer};

use crate::pem::{self, Kind, Reason, Section};

/// A private key as its file, and decoded.
pub(crate) struct Key {
    pub(crate) file: Secret<Vec<u8>>,
    section: Section,
}

// === impl Key ===

impl Key {
    /// For a provider, which takes a copy that nobody wipes.
    pub(crate) fn der(&self) -> Option<PrivateKeyDer<'static>> {
        let der = self.section.der.to_vec();
        match self.section.kind {
            Kind::Pkcs8 => Some(PrivatePkcs8KeyDer::from(der).into()),
            Kind::Pkcs1 => Some(PrivatePkcs1KeyDer::from(der).into()),
            Kind::Sec1 => Some(PrivateSec1KeyDer::from(der).into()),
            Kind::Certificate | Kind::EncryptedKey | Kind::Other => None,
        }
    }
}

impl Value for Key {
    const SHAPE: Shape = Shape::Secret(&Shape::Text(Grammar::Other("a private key in PEM")));

    fn decode(node: &Node, decoder: &mut Decoder) -> Option<Self> {
        let file = Secret::<Vec<u8>>::decode(node, decoder)?;
        match read(file.expose()) {
            Ok(section) => Some(Self { file, section }),
            Err(Reason { message, help }) => {
                decoder.problem(node, message.to_owned(), help.map(str::to_owned));
                None
            }
        }
    }
}

/// The one key of a file. Other sections stay: EC parameters, which openssl writes first, and the
/// certificate.
fn read(file: &[u8]) -> Result<Section, Reason> {
    let sections = pem::sections(file)?;
    let mut keys = sections.into_iter().filter(|section| section.kind.is_key());
    let Some(key) = keys.next() else {
        return Err(Reason::new("has no private key"));
    };
    if keys.next().is_some() {
        return Err(Reason::new(
            "has several private keys, where one is expected",
        ));
    }
    if key.kind == Kind::EncryptedKey {
        let help = "`openssl pkey` decrypts it; a Secret's volume lies in memory alone";
        return Err(Reason::new("is encrypted, and nobody could give the password").with(help));
    }
    Ok(key)
}
