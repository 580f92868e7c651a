//! A server's certificate rotates under handshakes and live connections.

mod support;

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;

use retune::{Live, Retune};
use retune_mount::Publisher;
use retune_rustls::{Identity, follow};
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;
use rustls::version::{TLS12, TLS13};
use rustls::{ClientConfig, ServerConfig, SupportedProtocolVersion};
use support::{Authority, Connection, Pair, client, eventually, install_provider};
use tempfile::TempDir;

#[derive(Debug, Retune)]
struct Config {
    tls: Identity,
}

/// A server whose certificate is a volume's.
struct Stage {
    authority: Authority,
    volume: Publisher,
    live: Live<Config>,
    server: Arc<ServerConfig>,
    _dir: TempDir,
}

// === impl Stage ===

impl Stage {
    fn new(first: impl FnOnce(&Authority) -> Pair) -> Self {
        install_provider();
        let dir = tempfile::tempdir().unwrap();
        let authority = Authority::new("authority");
        let volume = Publisher::create(dir.path().join("tls")).unwrap();
        first(&authority).publish(&volume);
        let live = Config::loader().mount(volume.dir()).watch().unwrap();
        let server = ServerConfig::builder()
            .with_no_client_auth()
            .with_cert_resolver(follow(live.view(|c| &c.tls)));
        Self {
            authority,
            volume,
            live,
            server: Arc::new(server),
            _dir: dir,
        }
    }

    /// Publishes, and waits until it holds.
    #[track_caller]
    fn rotate(&self, pair: &Pair) {
        pair.publish(&self.volume);
        eventually("the new certificate holds", || {
            self.live.with(|c| c.tls.chain()[0] == der(pair))
        });
    }

    /// A client that knows no session.
    fn client(&self, version: &'static SupportedProtocolVersion) -> Arc<ClientConfig> {
        let config = ClientConfig::builder_with_protocol_versions(&[version])
            .with_root_certificates(self.authority.store());
        Arc::new(config.with_no_client_auth())
    }
}

fn der(pair: &Pair) -> CertificateDer<'static> {
    CertificateDer::from_pem_slice(pair.crt.as_bytes()).unwrap()
}

#[test]
fn h5_new_handshakes_have_the_new_certificate_and_live_connections_go_on() {
    for version in [&TLS12, &TLS13] {
        let stage = Stage::new(|authority| authority.issue(1));
        let mut before = Connection::new(&stage.client(version), &stage.server).unwrap();
        let first = before.served();
        assert_eq!(before.echo("one"), "one");

        let pair = stage.authority.issue(2);
        stage.rotate(&pair);
        let mut after = Connection::new(&stage.client(version), &stage.server).unwrap();
        assert_eq!(after.served(), der(&pair));
        assert_eq!(after.echo("two"), "two");
        assert_eq!(before.served(), first);
        assert_eq!(before.echo("still one"), "still one");
    }
}

#[test]
fn h5_a_refused_pair_serves_nobody() {
    let stage = Stage::new(|authority| authority.issue(1));
    let served = || {
        let client = client(&stage.authority);
        Connection::new(&client, &stage.server).unwrap().served()
    };
    let first = served();
    let torn = Pair {
        key: stage.authority.issue(2).key,
        ..stage.authority.issue(3)
    };
    torn.publish(&stage.volume);
    eventually("it is refused", || !stage.live.status().reasons.is_empty());
    assert_eq!(served(), first);
    let good = stage.authority.issue(4);
    stage.rotate(&good);
    assert_eq!(served(), der(&good));
}

/// Had any handshake the key of another certificate, its client would refuse the signature.
#[test]
fn h5_at_any_speed_each_handshake_has_the_key_of_its_certificate() {
    const ROTATIONS: usize = 200;
    let stage = Stage::new(|authority| authority.issue(0));
    let pairs: Vec<_> = (1..=8).map(|n| stage.authority.issue(n)).collect();
    let done = AtomicBool::new(false);
    let mut seen = BTreeMap::new();
    thread::scope(|scope| {
        let (stage, done) = (&stage, &done);
        let handshakes: Vec<_> = [&TLS12, &TLS13]
            .into_iter()
            .map(|version| {
                scope.spawn(move || {
                    let mut seen: BTreeMap<Vec<u8>, usize> = BTreeMap::new();
                    // Looked at first, so that the last certificate is seen.
                    loop {
                        let last = done.load(Ordering::Acquire);
                        let client = stage.client(version);
                        let made = Connection::new(&client, &stage.server).unwrap();
                        *seen.entry(made.served().to_vec()).or_default() += 1;
                        if last {
                            return seen;
                        }
                    }
                })
            })
            .collect();
        for pair in pairs.iter().cycle().take(ROTATIONS) {
            pair.publish(&stage.volume);
        }
        stage.rotate(&pairs[7]);
        done.store(true, Ordering::Release);
        for handshake in handshakes {
            for (certificate, times) in handshake.join().unwrap() {
                *seen.entry(certificate).or_insert(0) += times;
            }
        }
    });
    assert!(seen.contains_key(&der(&pairs[7]).to_vec()));
    let status = stage.live.status();
    assert_eq!(status.counters.rejected(), 0, "{status:?}");
}

#[test]
fn a_session_is_resumed_across_a_rotation() {
    let stage = Stage::new(|authority| authority.issue(1));
    let client = client(&stage.authority);
    Connection::new(&client, &stage.server).unwrap();
    stage.rotate(&stage.authority.issue(2));
    let again = Connection::new(&client, &stage.server).unwrap();
    let kind = again.client.handshake_kind();
    assert_eq!(kind, Some(rustls::HandshakeKind::Resumed));
}
