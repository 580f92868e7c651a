//! H4: what stays in memory of a key's file when the pair was replaced. A child serves; the test searches the
//! child's memory for what only the test and the files know.
#![cfg(target_os = "linux")]

mod support;

use std::path::PathBuf;
use std::sync::Arc;

use memory::{Searched, step};
use retune::Retune;
use retune_mount::Publisher;
use retune_rustls::{Identity, follow};
use rustls::ServerConfig;
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;
use support::{Authority, Connection, Pair, eventually, install_provider};

#[allow(dead_code, unreachable_pub, reason = "of retune's own tests")]
#[path = "../../retune/tests/support/memory.rs"]
mod memory;

/// For `memory`: says that this process is the child.
const CHILD: &str = "RETUNE_TEST_CHILD";

/// Where the child finds its volume.
const DIR: &str = "RETUNE_TEST_DIR";

#[derive(Debug, Retune)]
struct Config {
    tls: Identity,
}

/// The private number in a key's file: what of it is as secret as can be.
fn secret(pair: &Pair) -> String {
    let body: String = pair
        .key
        .lines()
        .filter(|line| !line.starts_with('-'))
        .collect();
    // In an elliptic curve's key as rcgen writes it, from the 37th byte on. The rest of the line.
    body[64..88].to_owned()
}

#[test]
fn h4_nothing_stays_of_the_file_of_a_key_that_was_replaced() {
    if std::env::var_os(CHILD).is_some() {
        return serve();
    }
    let dir = tempfile::tempdir().unwrap();
    let volume = Publisher::create(dir.path().join("tls")).unwrap();
    let authority = Authority::new("authority");
    std::fs::write(dir.path().join("ca.crt"), authority.pem()).unwrap();
    let (old, new) = (authority.issue(1), authority.issue(2));
    old.publish(&volume);
    let test = "h4_nothing_stays_of_the_file_of_a_key_that_was_replaced";
    let mut child = Searched::start(test, |command| {
        command.env(DIR, dir.path());
    });
    let (old_secret, new_secret) = (secret(&old), secret(&new));
    let search = |child: &Searched| child.search(&[&old_secret, &new_secret]);
    child.until("serves");
    let found = search(&child);
    assert!(found[0].copies > 0 && found[1].fragments == 0, "{found:?}");

    new.publish(&volume);
    child.go_on();
    child.until("serves another");
    let found = search(&child);
    assert!(found[1].copies > 0, "{found:?}");
    assert_eq!((found[0].copies, found[0].fragments), (0, 0));
    child.finish();
}

/// The child.
fn serve() {
    install_provider();
    let dir = PathBuf::from(std::env::var_os(DIR).unwrap());
    let authority = CertificateDer::from_pem_file(dir.join("ca.crt")).unwrap();
    let mut roots = rustls::RootCertStore::empty();
    roots.add(authority).unwrap();
    let client = rustls::ClientConfig::builder()
        .with_root_certificates(roots)
        .with_no_client_auth();
    let client = Arc::new(client);
    let live = Config::loader().mount(dir.join("tls")).watch().unwrap();
    let server = ServerConfig::builder()
        .with_no_client_auth()
        .with_cert_resolver(follow(live.view(|c| &c.tls)));
    let server = Arc::new(server);
    Connection::new(&client, &server).unwrap();
    step("serves");
    eventually("the new one holds", || {
        live.with(|c| c.tls.serial() == "02")
    });
    Connection::new(&client, &server).unwrap();
    eventually("the old one is let go of", || {
        live.status().held.generations == 0
    });
    step("serves another");
}
