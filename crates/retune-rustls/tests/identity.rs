//! A certificate and its key as one value: where from, and what is refused.

mod support;

use std::path::Path;
use std::sync::Arc;
use std::time::SystemTime;

use retune::source::Env;
use retune::{Live, Retune};
use retune_mount::Publisher;
use retune_rustls::{Identity, Roots};
use support::{Authority, DAY, Pair, eventually, install_provider};
use tempfile::TempDir;

#[derive(Debug, Retune)]
struct Config {
    tls: Identity,
    #[retune(default = "info")]
    log_level: String,
}

/// A Secret's volume, and who issues certificates.
struct Stage {
    authority: Authority,
    dir: TempDir,
    volume: Publisher,
}

// === impl Stage ===

impl Stage {
    fn new() -> Self {
        install_provider();
        let dir = tempfile::tempdir().unwrap();
        Self {
            authority: Authority::new("authority"),
            volume: Publisher::create(dir.path().join("tls")).unwrap(),
            dir,
        }
    }

    fn tls(&self) -> &Path {
        self.volume.dir()
    }

    fn watch(&self) -> Result<Live<Config>, retune::Error> {
        Config::loader().mount(self.tls()).watch()
    }

    /// What is said at the start of these files.
    fn refusal(&self, crt: impl AsRef<[u8]>, key: impl AsRef<[u8]>) -> String {
        let keys = [("tls.crt", crt.as_ref()), ("tls.key", key.as_ref())];
        self.volume.publish(keys).unwrap();
        self.watch().unwrap_err().to_string()
    }
}

fn serial(live: &Live<Config>) -> u64 {
    live.with(|c| u64::from_str_radix(c.tls.serial(), 16).unwrap())
}

/// Whether a text shows any eight characters of a key's base64.
#[track_caller]
fn assert_shows_nothing_of(key: &str, text: &str) {
    let body: String = key.lines().filter(|line| !line.starts_with('-')).collect();
    for at in 0..body.len() - 8 {
        let fragment = &body[at..at + 8];
        // What all keys of a kind begin with.
        assert!(at < 48 || !text.contains(fragment), "{text}");
    }
}

#[test]
fn h5_a_mounted_tls_secret_is_one_value_by_its_own_keys() {
    let stage = Stage::new();
    stage.authority.issue(7).publish(&stage.volume);
    let live = stage.watch().unwrap();
    assert_eq!(serial(&live), 7);
    live.with(|c| {
        assert_eq!(c.tls.subject(), "CN=leaf 7");
        assert_eq!(c.tls.chain().len(), 1);
        assert!(c.tls.not_before() < SystemTime::now());
        assert!(c.tls.not_after() > SystemTime::now() + 29 * DAY);
    });
    let status = live.status();
    assert!(status.warnings.is_empty());
    let expiry = &status.expiries[0];
    assert_eq!(expiry.path, "tls.crt");
    assert_eq!(expiry.expires, Some(live.with(|c| c.tls.not_after())));
}

#[derive(Debug, Retune)]
struct Named {
    server: Identity,
    #[retune(rename = "mtls")]
    client: Option<Identity>,
    #[retune(rename = "ca.crt")]
    authorities: Option<Roots>,
}

#[test]
fn keys_of_other_names_are_fields_of_other_names() {
    let stage = Stage::new();
    let (server, client) = (stage.authority.issue(1), stage.authority.issue(2));
    let keys = [
        ("server.crt", server.crt),
        ("server.key", server.key),
        ("mtls.crt", client.crt),
        ("mtls.key", client.key),
        ("ca.crt", stage.authority.pem()),
    ];
    stage.volume.publish(keys[..2].to_vec()).unwrap();
    let live = Named::loader().mount(stage.tls()).watch().unwrap();
    live.with(|c| assert!(c.client.is_none() && c.authorities.is_none()));

    stage.volume.publish(keys).unwrap();
    live.reload().unwrap();
    live.with(|c| {
        assert_eq!(c.server.serial(), "01");
        assert_eq!(c.client.as_ref().unwrap().serial(), "02");
        assert_eq!(c.authorities.as_ref().unwrap().store().len(), 1);
    });
    assert!(live.status().warnings.is_empty());
}

#[test]
fn a_document_and_files_that_variables_name_give_a_pair_as_well() {
    let stage = Stage::new();
    let Pair { crt, key } = stage.authority.issue(3);
    let indented = |pem: &str| pem.replace('\n', "\n    ");
    let yaml = format!(
        "tls:\n  crt: |\n    {}\n  key: |\n    {}\n",
        indented(&crt),
        indented(&key)
    );
    let document = stage.dir.path().join("config.yaml");
    std::fs::write(&document, yaml).unwrap();
    let config = Config::loader().file(&document).once().unwrap();
    assert_eq!(config.tls.serial(), "03");

    let files = [("APP_TLS_CRT_FILE", crt), ("APP_TLS_KEY_FILE", key)].map(|(name, pem)| {
        let file = stage.dir.path().join(name);
        std::fs::write(&file, pem).unwrap();
        (name, file.to_str().unwrap().to_owned())
    });
    let env = Env::from_iter("APP", files);
    let config = Config::loader().env(env).once().unwrap();
    assert_eq!(config.tls.serial(), "03");
}

#[test]
fn h5_a_pair_that_does_not_fit_is_refused_with_the_key_and_the_certificate_named() {
    let stage = Stage::new();
    let (old, new) = (stage.authority.issue(1), stage.authority.issue(2));
    old.publish(&stage.volume);
    let live = stage.watch().unwrap();

    let torn = Pair {
        crt: new.crt.clone(),
        key: old.key.clone(),
    };
    torn.publish(&stage.volume);
    let told = live.reload().unwrap_err().to_string();
    assert!(
        told.contains(&format!("{}/tls.key", stage.tls().display())),
        "{told}"
    );
    assert!(
        told.contains("`tls.key`: does not belong to certificate"),
        "{told}"
    );
    assert!(told.contains("02 (CN=leaf 2), which"), "{told}");
    assert_eq!(serial(&live), 1);
    let status = live.status();
    assert!(status.reasons[0].contains("does not belong"), "{status:?}");
    assert_shows_nothing_of(&old.key, &format!("{told}{status:?}{live:?}"));

    new.publish(&stage.volume);
    eventually("the new pair holds", || serial(&live) == 2);
    assert!(live.status().reasons.is_empty());
}

#[test]
fn what_has_expired_or_is_not_yet_valid_is_refused_and_the_old_one_goes_on() {
    let stage = Stage::new();
    let now = SystemTime::now();
    stage.authority.issue(1).publish(&stage.volume);
    let live = stage.watch().unwrap();
    for (number, from, until, expected) in [
        (2, now - 2 * DAY, now - DAY, "expired"),
        (3, now + DAY, now + 2 * DAY, "not valid before"),
    ] {
        let pair = stage.authority.issue_between(number, from, until);
        pair.publish(&stage.volume);
        let told = live.reload().unwrap_err().to_string();
        let place = format!("{}/tls.crt", stage.tls().display());
        assert!(told.contains(&place) && told.contains(expected), "{told}");
        assert_eq!(serial(&live), 1);
        assert_shows_nothing_of(&pair.key, &told);
    }
}

#[test]
fn what_is_no_pair_is_called_what_it_is_and_shows_nothing_of_the_key() {
    let stage = Stage::new();
    let Pair { crt, key } = &stage.authority.issue(1);
    let between = Authority::below(&stage.authority, "between");
    let leaf = between.issue(2);
    let der = rustls::pki_types::pem::PemObject::from_pem_slice(crt.as_bytes());
    let der: rustls::pki_types::CertificateDer<'_> = der.unwrap();
    let encrypted = key.replace("PRIVATE", "ENCRYPTED PRIVATE");
    let garbled = key.replacen(&key[100..110], "AAAAAAAAAA", 1);
    let no_pem = "hunter2 hunter2";
    let file = |text: &str| text.as_bytes().to_vec();
    let cases: [(Vec<u8>, Vec<u8>, &str); 14] = [
        (file(""), file(key), "tls.crt`: is empty"),
        (file(crt), file(""), "tls.key`: is empty"),
        (
            file(no_pem),
            file(key),
            "tls.crt`: has no line that begins with",
        ),
        (
            file(crt),
            file(no_pem),
            "tls.key`: has no line that begins with",
        ),
        (file(crt), file(crt), "tls.key`: has no private key"),
        (file(key), file(key), "tls.crt`: has a private key"),
        (
            file(&format!("{crt}{key}")),
            file(key),
            "tls.crt`: has a private key",
        ),
        (
            file(crt),
            file(&format!("{key}{key}")),
            "several private keys",
        ),
        (file(crt), file(&encrypted), "tls.key`: is encrypted"),
        (file(crt), file(&garbled), "does not take"),
        (file(crt), file(&key[..100]), "ends within a section"),
        (der.to_vec(), file(key), "tls.crt`: is DER"),
        (
            file(&format!(
                "{}{}{}",
                leaf.crt,
                stage.authority.pem(),
                between.pem()
            )),
            file(&leaf.key),
            "after number 1 comes not its issuer",
        ),
        (
            file(&format!("{}{}", between.pem(), leaf.crt)),
            file(&leaf.key),
            "does not belong to certificate ",
        ),
    ];
    for (crt, used, expected) in cases {
        let told = stage.refusal(crt, used);
        assert!(told.contains(expected), "{expected}: {told}");
        assert!(!told.contains("hunter2"), "{told}");
        assert_shows_nothing_of(key, &told);
        assert_shows_nothing_of(&leaf.key, &told);
    }
    let chain = format!("{}{}{}", leaf.crt, between.pem(), stage.authority.pem());
    let keys = [("tls.crt", chain), ("tls.key", leaf.key)];
    stage.volume.publish(keys).unwrap();
    assert_eq!(serial(&stage.watch().unwrap()), 2);
}

#[test]
fn a_missing_half_is_told_with_its_name() {
    let stage = Stage::new();
    let Pair { crt, .. } = stage.authority.issue(1);
    stage.volume.publish([("tls.crt", crt)]).unwrap();
    let told = stage.watch().unwrap_err().to_string();
    assert!(told.contains("`tls.key`: missing"), "{told}");
    assert!(told.contains("a private key in PEM"), "{told}");
}

#[test]
fn a_pair_that_has_not_changed_is_not_built_anew() {
    let stage = Stage::new();
    let pair = stage.authority.issue(1);
    pair.publish(&stage.volume);
    let live = stage.watch().unwrap();
    let built = live.with(|c| c.tls.clone());

    let mut keys = pair.keys().to_vec();
    keys.push(("log-level", "debug".to_owned()));
    stage.volume.publish(keys).unwrap();
    live.reload().unwrap();
    live.with(|c| {
        assert_eq!(c.log_level, "debug");
        assert_eq!(c.tls, built);
        assert!(Arc::ptr_eq(c.tls.certified_key(), built.certified_key()));
    });
    stage.authority.issue(1).publish(&stage.volume);
    live.reload().unwrap();
    live.with(|c| assert_ne!(c.tls, built));
}

#[test]
fn pem_is_shown_nowhere() {
    let stage = Stage::new();
    let pair = stage.authority.issue(0x1234);
    pair.publish(&stage.volume);
    let live = stage.watch().unwrap();
    let shown = format!("{live:?}");
    assert!(
        shown.contains("CN=leaf 4660") && shown.contains("certificate 1234 ("),
        "{shown}"
    );
    let told = format!("{shown}{:?}{:?}", live.status(), live.explain_all());
    assert_shows_nothing_of(&pair.key, &told);
    assert!(!told.contains("BEGIN"), "{told}");
}
