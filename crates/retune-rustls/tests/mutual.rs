//! Both sides have certificates, and the authorities that they trust rotate.

mod support;

use std::sync::Arc;

use retune::{Live, Retune};
use retune_mount::Publisher;
use retune_rustls::{Identity, Roots, follow, follow_clients, follow_servers};
use rustls::client::Resumption;
use rustls::server::NoServerSessionStorage;
use rustls::{ClientConfig, HandshakeKind, ServerConfig};
use support::{Authority, Connection, DAY, Pair, install_provider};
use tempfile::TempDir;

#[derive(Debug, Retune)]
struct Config {
    tls: Identity,
    #[retune(rename = "ca.crt")]
    trusted: Roots,
}

/// A volume as cert-manager's Secrets give it, followed.
struct Peer {
    volume: Publisher,
    live: Live<Config>,
    _dir: TempDir,
}

// === impl Peer ===

impl Peer {
    fn new(pair: &Pair, trusted: &str) -> Self {
        install_provider();
        let dir = tempfile::tempdir().unwrap();
        let volume = Publisher::create(dir.path().join("tls")).unwrap();
        volume.publish(keys(pair, trusted)).unwrap();
        let live = Config::loader().mount(volume.dir()).watch().unwrap();
        Self {
            volume,
            live,
            _dir: dir,
        }
    }

    fn set(&self, pair: &Pair, trusted: &str) {
        self.volume.publish(keys(pair, trusted)).unwrap();
        self.live.reload().unwrap();
    }

    fn server(&self) -> ServerConfig {
        ServerConfig::builder()
            .with_client_cert_verifier(follow_clients(self.live.view(|c| &c.trusted)))
            .with_cert_resolver(follow(self.live.view(|c| &c.tls)))
    }

    fn client(&self) -> ClientConfig {
        ClientConfig::builder()
            .dangerous()
            .with_custom_certificate_verifier(follow_servers(self.live.view(|c| &c.trusted)))
            .with_client_cert_resolver(follow(self.live.view(|c| &c.tls)))
    }
}

fn keys(pair: &Pair, trusted: &str) -> Vec<(&'static str, String)> {
    let mut keys = pair.keys().to_vec();
    keys.push(("ca.crt", trusted.to_owned()));
    keys
}

fn connect(client: &ClientConfig, server: &ServerConfig) -> Result<Connection, rustls::Error> {
    Connection::new(&Arc::new(client.clone()), &Arc::new(server.clone()))
}

/// Both sides, of one authority; neither resumes a session.
fn both(authority: &Authority) -> (Peer, Peer, ServerConfig, ClientConfig) {
    let server = Peer::new(&authority.issue(1), &authority.pem());
    let client = Peer::new(&authority.issue(2), &authority.pem());
    let mut server_config = server.server();
    server_config.session_storage = Arc::new(NoServerSessionStorage {});
    let mut client_config = client.client();
    client_config.resumption = Resumption::disabled();
    (server, client, server_config, client_config)
}

#[test]
fn h5_a_client_shows_its_new_certificate_in_new_handshakes() {
    let authority = Authority::new("authority");
    let (_server, client, server_config, client_config) = both(&authority);
    let shown = |connection: &Connection| {
        let chain = connection.server.peer_certificates().unwrap();
        chain[0].clone().into_owned()
    };
    let mut before = connect(&client_config, &server_config).unwrap();
    let first = shown(&before);
    client.set(&authority.issue(3), &authority.pem());
    let after = connect(&client_config, &server_config).unwrap();
    assert_eq!(before.echo("goes on"), "goes on");
    assert_eq!(shown(&before), first);
    assert_ne!(shown(&after), first);
    let now = client.live.with(|c| c.tls.chain()[0].clone());
    assert_eq!(shown(&after), now);
}

#[test]
fn an_authority_is_replaced_without_a_gap_by_way_of_both() {
    let (old, new) = (Authority::new("old"), Authority::new("new"));
    let (server, client, server_config, client_config) = both(&old);
    let connects = |expected: bool, step: &str| {
        let connected = connect(&client_config, &server_config);
        assert_eq!(connected.is_ok(), expected, "{step}");
    };
    connects(true, "both of the old");
    let trusted = format!("{}{}", old.pem(), new.pem());
    server.set(&old.issue(1), &trusted);
    client.set(&old.issue(2), &trusted);
    connects(true, "both trusted");
    server.set(&new.issue(3), &trusted);
    connects(true, "the server is of the new");
    client.set(&new.issue(4), &trusted);
    connects(true, "the client, too");
    server.set(&new.issue(3), &new.pem());
    client.set(&new.issue(4), &new.pem());
    connects(true, "the old is not trusted any more");
    client.set(&old.issue(5), &new.pem());
    connects(false, "who comes with the old");
    client.set(&new.issue(6), &old.pem());
    connects(false, "who trusts the old alone");
}

#[test]
fn a_client_without_a_certificate_is_refused() {
    let authority = Authority::new("authority");
    let (_server, _client, server_config, _) = both(&authority);
    let client = support::client(&authority);
    let refused = Connection::new(&client, &Arc::new(server_config));
    assert!(refused.is_err());
}

/// As rustls' own verifier has it, too: what is resumed was verified once.
#[test]
fn a_session_outlives_the_trust_in_its_authority_unless_none_are_kept() {
    let (old, new) = (Authority::new("old"), Authority::new("new"));
    let trusted = format!("{}{}", old.pem(), new.pem());
    for keeps in [true, false] {
        let server = Peer::new(&new.issue(1), &trusted);
        let client = Peer::new(&old.issue(2), &new.pem());
        let mut server_config = server.server();
        if !keeps {
            server_config.session_storage = Arc::new(NoServerSessionStorage {});
        }
        let client_config = client.client();
        connect(&client_config, &server_config).unwrap();
        server.set(&new.issue(1), &new.pem());
        let again = connect(&client_config, &server_config);
        match again {
            Ok(again) => {
                assert!(keeps);
                assert_eq!(again.server.handshake_kind(), Some(HandshakeKind::Resumed));
            }
            Err(_) => assert!(!keeps),
        }
    }
}

#[test]
fn of_several_authorities_some_may_have_expired_but_not_all() {
    let now = std::time::SystemTime::now();
    let authority = Authority::new("authority");
    let gone = authority.issue_between(7, now - 2 * DAY, now - DAY).crt;
    let pair = authority.issue(1);
    let peer = Peer::new(&pair, &format!("{gone}{}", authority.pem()));
    assert_eq!(peer.live.with(|c| c.trusted.store().len()), 2);
    peer.volume.publish(keys(&pair, &gone)).unwrap();
    let told = peer.live.reload().unwrap_err().to_string();
    assert!(
        told.contains("ca.crt") && told.contains("expired"),
        "{told}"
    );
}
