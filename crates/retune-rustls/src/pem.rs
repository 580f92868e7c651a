//! PEM as people write it: the sections of a file, decoded into memory that is wiped.
//!
//! rustls' own reader leaves the key's base64 in buffers that grow and are not wiped.

use base64ct::{Base64, Encoding};
use zeroize::Zeroizing;

/// One section.
pub(crate) struct Section {
    pub(crate) kind: Kind,
    pub(crate) der: Zeroizing<Vec<u8>>,
}

/// What a section is, by its label.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    Certificate,
    Pkcs8,
    Pkcs1,
    Sec1,
    EncryptedKey,
    Other,
}

/// What is wrong with a text as PEM. No part of the text.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Reason {
    pub(crate) message: &'static str,
    pub(crate) help: Option<&'static str>,
}

const BEGIN: &str = "-----BEGIN ";
const END: &str = "-----END ";
const DASHES: &str = "-----";

/// How DER begins: a sequence, whose length takes more than one byte.
const DER: &[u8] = &[0x30, 0x82];

/// `-----BEGIN ` as base64.
const BEGIN_AGAIN: &[u8] = b"LS0tLS1CRUdJTi";

/// Whoever passes over such a section takes another certificate, or trusts fewer.
const NOT_ON_ITS_OWN: Reason = Reason::new("has a BEGIN that is not on a line of its own")
    .with("files that are put together each need a line end after their last line");

/// All sections of a file, in their order; at least one.
pub(crate) fn sections(file: &[u8]) -> Result<Vec<Section>, Reason> {
    if file.starts_with(DER) {
        let help = "`openssl x509 -inform DER` and `openssl pkey -inform DER` write PEM";
        return Err(Reason::new("is DER, where PEM is expected").with(help));
    }
    let Ok(text) = std::str::from_utf8(file) else {
        return Err(Reason::new("is no text, where PEM is expected"));
    };
    if text.trim_start().as_bytes().starts_with(BEGIN_AGAIN) {
        let help = "under `data`, a Secret takes base64 of the file; under `stringData`, the file";
        return Err(Reason::new("is base64 of PEM: it was encoded once too often").with(help));
    }
    // Windows' editors write it.
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    let mut lines = text.lines().map(str::trim);
    let mut sections = Vec::new();
    // Else what stands before a section, or between two, is for people.
    while let Some(line) = lines.find(|line| line.contains(BEGIN)) {
        let label = label(line, BEGIN).ok_or(NOT_ON_ITS_OWN)?;
        sections.push(section(label, &mut lines)?);
    }
    if sections.is_empty() {
        return Err(Reason::new(match text.trim().is_empty() {
            true => "is empty, where PEM is expected",
            false => "has no line that begins with `-----BEGIN `: it is no PEM",
        }));
    }
    Ok(sections)
}

/// Reads on to the section's end.
fn section<'t>(
    label_: &str,
    lines: &mut (impl Iterator<Item = &'t str> + Clone),
) -> Result<Section, Reason> {
    let mut kind = Kind::of(label_);
    // As large as it can get, since what is left behind by growing is not wiped.
    let own = lines.clone().take_while(|line| !line.starts_with(DASHES));
    let most = own.map(str::len).sum();
    let mut base64 = Zeroizing::new(Vec::with_capacity(most));
    loop {
        let Some(line) = lines.next() else {
            return Err(Reason::new("ends within a section, before its END line"));
        };
        if line.starts_with(END) && line.contains(BEGIN) {
            return Err(NOT_ON_ITS_OWN);
        }
        if let Some(end) = label(line, END) {
            if end != label_ {
                return Err(Reason::new("has an END line of another section"));
            }
            break;
        }
        if line.starts_with(DASHES) {
            return Err(Reason::new("has a section that begins within another"));
        }
        match line.split_once(':') {
            Some(("Proc-Type", how)) if how.contains("ENCRYPTED") => kind = Kind::EncryptedKey,
            Some(_) => {}
            None => base64.extend_from_slice(line.as_bytes()),
        }
    }
    let mut der = Zeroizing::new(vec![0; base64.len().div_ceil(4) * 3]);
    let length = match Base64::decode(&*base64, &mut der) {
        Ok(decoded) => decoded.len(),
        Err(_) => return Err(Reason::new("has a section that is not base64")),
    };
    der.truncate(length);
    Ok(Section { kind, der })
}

/// The label of a BEGIN or END line.
fn label<'t>(line: &'t str, of: &str) -> Option<&'t str> {
    line.strip_prefix(of)?.strip_suffix(DASHES)
}

// === impl Kind ===

impl Kind {
    fn of(label: &str) -> Self {
        match label {
            "CERTIFICATE" | "X509 CERTIFICATE" => Self::Certificate,
            "PRIVATE KEY" => Self::Pkcs8,
            "RSA PRIVATE KEY" => Self::Pkcs1,
            "EC PRIVATE KEY" => Self::Sec1,
            "ENCRYPTED PRIVATE KEY" => Self::EncryptedKey,
            _ => Self::Other,
        }
    }

    pub(crate) fn is_key(self) -> bool {
        !matches!(self, Self::Certificate | Self::Other)
    }
}

// === impl Reason ===

impl Reason {
    pub(crate) const fn new(message: &'static str) -> Self {
        Self {
            message,
            help: None,
        }
    }

    pub(crate) const fn with(mut self, help: &'static str) -> Self {
        self.help = Some(help);
        self
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn kinds(file: &str) -> Vec<Kind> {
        let sections = sections(file.as_bytes()).ok().unwrap();
        sections.iter().map(|section| section.kind).collect()
    }

    fn refusal(file: &[u8]) -> &'static str {
        sections(file).err().unwrap().message
    }

    #[test]
    fn sections_are_read_as_people_write_them() {
        let file = "subject=CN = a\r\n-----BEGIN CERTIFICATE-----\r\nTWFu\r\nTWE=\r\n\
                    -----END CERTIFICATE-----\r\n\r\n  -----BEGIN EC PARAMETERS-----\nTWFu\n  \
                    -----END EC PARAMETERS-----";
        assert_eq!(kinds(file), [Kind::Certificate, Kind::Other]);
        assert_eq!(&**sections(file.as_bytes()).ok().unwrap()[0].der, b"ManMa");
    }

    #[test]
    fn an_encrypted_key_is_told_by_its_label_or_its_header() {
        let new =
            "-----BEGIN ENCRYPTED PRIVATE KEY-----\nTWFu\n-----END ENCRYPTED PRIVATE KEY-----";
        let old = "-----BEGIN RSA PRIVATE KEY-----\nProc-Type: 4,ENCRYPTED\n\
                   DEK-Info: AES-256-CBC,00\n\nTWFu\n-----END RSA PRIVATE KEY-----\n";
        assert_eq!(kinds(new), [Kind::EncryptedKey]);
        assert_eq!(kinds(old), [Kind::EncryptedKey]);
    }

    #[test]
    fn no_section_is_passed_over_because_of_what_stands_before_it() {
        let one = "-----BEGIN CERTIFICATE-----\nTWFu\n-----END CERTIFICATE-----";
        let marked = format!("\u{feff}{one}\n{one}\n");
        assert_eq!(kinds(&marked), [Kind::Certificate; 2]);
        // What `cat` makes of files whose last line has no end, and a slip of an editor.
        for file in [format!("{one}{one}\n"), format!("ca: {one}\n{one}\n")] {
            let refusal = refusal(file.as_bytes());
            assert!(refusal.contains("not on a line of its own"), "{refusal}");
        }
    }

    /// Where each section takes as much as the whole file, this does not end.
    #[test]
    fn a_section_takes_no_more_than_it_has() {
        let many = "-----BEGIN A-----\nTWFu\n-----END A-----\n".repeat(100_000);
        assert_eq!(kinds(&many).len(), 100_000);
    }

    #[test]
    fn what_is_no_pem_is_called_what_it_is() {
        for (file, expected) in [
            (&b""[..], "is empty"),
            (b" \n", "is empty"),
            (b"hunter2", "has no line that begins with"),
            (b"-----BEGIN A-----", "ends within"),
            (
                b"-----BEGIN A-----\nTWFu\n-----END B-----",
                "another section",
            ),
            (b"-----BEGIN A-----\n-----BEGIN A-----\n", "within another"),
            (b"-----BEGIN A-----\n!\n-----END A-----", "not base64"),
            (b"\x30\x82\x01\x0a\xff", "is DER"),
            (b"\xff\xfe", "is no text"),
            (b"LS0tLS1CRUdJTiBDRVJUSUZJQ0FURS0tLS0t", "once too often"),
        ] {
            let refusal = refusal(file);
            assert!(refusal.contains(expected), "{expected}: {refusal}");
        }
    }
}
