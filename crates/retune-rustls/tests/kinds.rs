//! Each kind of key, as `openssl` writes it: whether it belongs to a certificate.

mod support;

use std::path::Path;
use std::process::Command;

use retune::Retune;
use retune_rustls::Identity;
use support::install_provider;
use tempfile::TempDir;

#[derive(Debug, Retune)]
struct Config {
    #[expect(dead_code, reason = "loaded, and nothing else")]
    tls: Identity,
}

const KINDS: [&[&str]; 4] = [
    &["rsa:2048"],
    &["ec", "-pkeyopt", "ec_paramgen_curve:P-256"],
    &["ec", "-pkeyopt", "ec_paramgen_curve:P-384"],
    &["ed25519"],
];

fn openssl(dir: &Path, args: &[&str]) {
    let mut openssl = Command::new("openssl");
    let output = openssl.current_dir(dir).args(args).output().unwrap();
    assert!(output.status.success(), "{output:?}");
}

/// A certificate and its key, in a folder of their own.
fn pair(kind: &[&str]) -> TempDir {
    let dir = tempfile::tempdir().unwrap();
    let args = "req -x509 -nodes -days 1 -subj /CN=localhost -keyout tls.key -out tls.crt -newkey";
    let args: Vec<_> = args.split(' ').chain(kind.iter().copied()).collect();
    openssl(dir.path(), &args);
    dir
}

fn load(dir: &TempDir) -> Result<(), String> {
    let config = Config::loader().mount(dir.path()).watch();
    config.map(drop).map_err(|error| error.to_string())
}

#[test]
fn h5_each_kind_of_key_is_taken_with_its_own_certificate_and_with_no_other() {
    install_provider();
    let pairs = KINDS.map(pair);
    for own in &pairs {
        assert!(load(own).is_ok(), "{:?}", load(own));
    }
    let others = KINDS.map(pair);
    for own in &pairs {
        for other in &others {
            let from = other.path().join("tls.key");
            std::fs::copy(from, own.path().join("tls.key")).unwrap();
            let told = load(own).unwrap_err();
            assert!(told.contains("does not belong to certificate"), "{told}");
        }
    }
}

#[test]
fn a_key_may_be_written_in_the_old_way_of_its_kind() {
    install_provider();
    for (kind, command) in [(KINDS[0], "rsa -traditional"), (KINDS[1], "ec")] {
        let dir = pair(kind);
        let args = format!("{command} -in tls.key -out tls.key");
        openssl(dir.path(), &args.split(' ').collect::<Vec<_>>());
        let key = std::fs::read_to_string(dir.path().join("tls.key")).unwrap();
        assert!(!key.contains("-----BEGIN PRIVATE KEY-----"));
        assert!(load(&dir).is_ok(), "{:?}", load(&dir));
    }
}

#[test]
fn a_kind_that_the_provider_does_not_take_is_refused() {
    install_provider();
    let dir = pair(&["ec", "-pkeyopt", "ec_paramgen_curve:P-521"]);
    let told = load(&dir).unwrap_err();
    let reason = "is a private key that the provider of cryptography does not take";
    assert!(told.contains(reason), "{told}");
}
