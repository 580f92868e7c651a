//! In a process of its own: no provider of cryptography is installed.

mod support;

use retune::Retune;
use retune_mount::Publisher;
use retune_rustls::{Identity, Roots};
use support::Authority;

#[derive(Debug, Retune)]
#[expect(dead_code, reason = "never loaded")]
struct Config {
    tls: Identity,
    ca_crt: Roots,
}

#[test]
fn without_a_provider_the_start_says_what_to_call() {
    let dir = tempfile::tempdir().unwrap();
    let volume = Publisher::create(dir.path().join("tls")).unwrap();
    let authority = Authority::new("authority");
    let mut keys = authority.issue(1).keys().to_vec();
    keys.push(("ca.crt", authority.pem()));
    volume.publish(keys).unwrap();
    let told = Config::loader().mount(volume.dir()).watch().unwrap_err();
    let told = told.to_string();
    assert!(told.contains("install_default()"), "{told}");
    assert!(told.contains("2 problems"), "{told}");
}
