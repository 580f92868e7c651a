//! Certificates, one or several, as a value.

use retune::shape::{Grammar, Shape};
use retune::{Decoder, Node, Secret, Value};
use rustls::pki_types::CertificateDer;

use crate::certificate::About;
use crate::pem::{self, Kind, Reason};

/// The certificates of a file, and what is to be known of each.
pub(crate) struct Certificates {
    pub(crate) ders: Vec<CertificateDer<'static>>,
    pub(crate) about: Vec<About>,
}

/// The certificate of a key, and those that lead from it to a root.
pub(crate) struct Chain {
    pub(crate) ders: Vec<CertificateDer<'static>>,
    pub(crate) leaf: About,
}

/// What is PEM is shown nowhere: that a key stands in the wrong file is a mistake that happens.
pub(crate) const CERTIFICATES: Shape =
    Shape::Secret(&Shape::Text(Grammar::Other("certificates in PEM")));

// === impl Certificates ===

impl Certificates {
    /// Whether another certificate than the next one is the issuer of one: the place of the one.
    fn out_of_order(&self) -> Option<usize> {
        self.about.windows(2).position(|pair| match pair {
            [one, next] => {
                one.issuer != next.subject
                    && one.issuer != one.subject
                    && self.about.iter().any(|other| other.subject == one.issuer)
            }
            _ => false,
        })
    }
}

impl Value for Certificates {
    const SHAPE: Shape = CERTIFICATES;

    fn decode(node: &Node, decoder: &mut Decoder) -> Option<Self> {
        let file = Secret::<Vec<u8>>::decode(node, decoder)?;
        match read(file.expose()) {
            Ok(certificates) => Some(certificates),
            Err(Reason { message, help }) => {
                decoder.problem(node, message.to_owned(), help.map(str::to_owned));
                None
            }
        }
    }
}

fn read(file: &[u8]) -> Result<Certificates, Reason> {
    let sections = pem::sections(file)?;
    if sections.iter().any(|section| section.kind.is_key()) {
        let help =
            "it belongs in a file of its own, and may have been seen by whoever saw this one";
        return Err(Reason::new("has a private key among the certificates").with(help));
    }
    let ders: Vec<_> = sections
        .iter()
        .filter(|section| section.kind == Kind::Certificate)
        .map(|section| CertificateDer::from(section.der.to_vec()))
        .collect();
    if ders.is_empty() {
        return Err(Reason::new("has no certificate"));
    }
    let about: Option<Vec<_>> = ders.iter().map(About::of).collect();
    match about {
        Some(about) => Ok(Certificates { ders, about }),
        None => Err(Reason::new("has a section that is no X.509 certificate")),
    }
}

// === impl Chain ===

impl Value for Chain {
    const SHAPE: Shape = CERTIFICATES;

    fn decode(node: &Node, decoder: &mut Decoder) -> Option<Self> {
        let certificates = Certificates::decode(node, decoder)?;
        if let Some(at) = certificates.out_of_order() {
            let message = format!(
                "its certificates are out of order: after number {} comes not its issuer",
                at + 1
            );
            let help = "the server's own comes first, then the issuer of each";
            decoder.problem(node, message, Some(help.to_owned()));
            return None;
        }
        let leaf = certificates.about.into_iter().next()?;
        decoder.valid(node, Some(leaf.not_before), Some(leaf.not_after));
        if !leaf.is_v3 {
            let message = "has an X.509 certificate without extensions, which rustls does not take";
            let help = "issue it with a `subjectAltName`: names count there, and nowhere else";
            decoder.problem(node, message.to_owned(), Some(help.to_owned()));
            return None;
        }
        Some(Self {
            ders: certificates.ders,
            leaf,
        })
    }
}
