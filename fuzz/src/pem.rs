//! Certificates and keys in PEM.

use std::convert::Infallible;

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use retune::{Retune, source};
use retune_rustls::Identity;
use rustls::pki_types::CertificateDer;

use self::sections::sections;
use crate::told::hold;

#[allow(dead_code)]
#[path = "../../crates/retune-rustls/src/pem.rs"]
mod sections;

#[derive(Debug, Retune)]
struct Config {
    #[expect(dead_code, reason = "it is decoded")]
    tls: Identity,
}

/// A file that may be PEM; and PEM of the bytes, folded as the first of them says.
pub fn pem(data: &[u8]) {
    _ = sections(data);
    let file = data.to_vec();
    let closure = source::from_fn("fuzz", move || {
        Ok::<_, Infallible>([("tls.crt", file.clone()), ("tls.key", file.clone())])
    });
    if let Err(error) = Config::loader().source(closure).once() {
        hold(&error);
    }
    _ = retune_rustls::serial(&CertificateDer::from(data));
    let Some((how, der)) = data.split_first() else {
        return;
    };
    let end = if how & 1 == 1 { "\r\n" } else { "\n" };
    let mut text = format!("subject=CN = a{end}-----BEGIN CERTIFICATE-----{end}");
    for line in BASE64_STANDARD
        .encode(der)
        .as_bytes()
        .chunks(usize::from(how / 2) + 1)
    {
        text.extend(line.iter().copied().map(char::from));
        text.push_str(end);
    }
    text.push_str("-----END CERTIFICATE-----");
    let read = sections(text.as_bytes()).expect("it is PEM");
    assert_eq!(read.len(), 1);
    assert_eq!(&*read[0].der, der);
}
