//! What of a certificate people and checks ask for.

use std::fmt::{self, Write};
use std::time::SystemTime;

use rustls::pki_types::CertificateDer;
use x509_cert::certificate::{CertificateInner, Raw, Version};
use x509_cert::der::Decode;
use x509_cert::name::Name;
use x509_cert::time::Time;

/// Of whom a certificate is, by whom, and when it is valid.
#[derive(Clone)]
pub(crate) struct About {
    pub(crate) subject: Name,
    pub(crate) issuer: Name,
    pub(crate) serial: String,
    pub(crate) not_before: SystemTime,
    pub(crate) not_after: SystemTime,
    /// It is of the version that has extensions, the only one that rustls takes of a peer.
    pub(crate) is_v3: bool,
    /// For people.
    until: String,
}

// === impl About ===

impl About {
    /// `None` for what is no certificate.
    pub(crate) fn of(der: &CertificateDer<'_>) -> Option<Self> {
        // As issuers wrote it: clients take serial numbers that the standard does not.
        let parsed = CertificateInner::<Raw>::from_der(der).ok()?;
        let told = parsed.tbs_certificate();
        let time = |time: Time| SystemTime::UNIX_EPOCH + time.to_unix_duration();
        let validity = told.validity();
        let mut serial = String::new();
        for byte in told.serial_number().as_bytes() {
            _ = write!(serial, "{byte:02x}");
        }
        Some(Self {
            subject: told.subject().clone(),
            issuer: told.issuer().clone(),
            serial,
            not_before: time(validity.not_before),
            not_after: time(validity.not_after),
            is_v3: told.version() == Version::V3,
            until: validity.not_after.to_date_time().to_string(),
        })
    }
}

impl fmt::Display for About {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            subject,
            serial,
            until,
            ..
        } = self;
        write!(f, "certificate {serial} ({subject}) until {until}")
    }
}

impl fmt::Debug for About {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// The serial number of a certificate, in hexadecimal digits, as [`Identity::serial`](crate::Identity::serial)
/// gives it: for whoever compares what a peer showed. `None` for what is no certificate.
#[must_use]
pub fn serial(certificate: &CertificateDer<'_>) -> Option<String> {
    About::of(certificate).map(|about| about.serial)
}
