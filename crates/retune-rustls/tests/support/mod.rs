//! What the tests of this crate share: authorities, what they issue, volumes, and handshakes in memory.
#![allow(dead_code, unreachable_pub)]

use std::io::{Read, Write};
use std::sync::{Arc, Once};
use std::time::{Duration, Instant, SystemTime};

use rcgen::{
    BasicConstraints, CertificateParams, CertifiedIssuer, DnType, IsCa, KeyPair, SerialNumber,
};
use retune_mount::Publisher;
use rustls::crypto::ring;
use rustls::pki_types::CertificateDer;
use rustls::{
    ClientConfig, ClientConnection, ConnectionCommon, Error, RootCertStore, ServerConfig,
    ServerConnection,
};

/// Long enough for a loaded machine; only a failing test waits as long.
const PATIENCE: Duration = Duration::from_secs(30);

pub const DAY: Duration = Duration::from_secs(24 * 60 * 60);

/// Waits for a condition, and fails with what was waited for.
#[track_caller]
pub fn eventually(what: &str, mut holds: impl FnMut() -> bool) {
    let until = Instant::now() + PATIENCE;
    while !holds() {
        assert!(Instant::now() < until, "still not so: {what}");
        std::thread::sleep(Duration::from_millis(2));
    }
}

/// Makes ring the process's provider.
pub fn install_provider() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| ring::default_provider().install_default().unwrap());
}

/// Issues certificates.
pub struct Authority {
    issuer: CertifiedIssuer<'static, KeyPair>,
}

/// A certificate and its key, in PEM.
#[derive(Clone)]
pub struct Pair {
    pub crt: String,
    pub key: String,
}

// === impl Authority ===

impl Authority {
    pub fn new(name: &str) -> Self {
        let mut params = CertificateParams::new([]).unwrap();
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        params.distinguished_name.push(DnType::CommonName, name);
        let key = KeyPair::generate().unwrap();
        let issuer = CertifiedIssuer::self_signed(params, key).unwrap();
        Self { issuer }
    }

    /// One that another has issued.
    pub fn below(parent: &Self, name: &str) -> Self {
        let mut params = CertificateParams::new([]).unwrap();
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        params.distinguished_name.push(DnType::CommonName, name);
        let key = KeyPair::generate().unwrap();
        let issuer = CertifiedIssuer::signed_by(params, key, &parent.issuer).unwrap();
        Self { issuer }
    }

    pub fn pem(&self) -> String {
        self.issuer.pem()
    }

    pub fn der(&self) -> CertificateDer<'static> {
        self.issuer.der().clone()
    }

    /// A certificate for `localhost` with this number.
    pub fn issue(&self, number: u64) -> Pair {
        let now = SystemTime::now();
        self.issue_between(number, now - DAY, now + 30 * DAY)
    }

    pub fn issue_between(&self, number: u64, from: SystemTime, until: SystemTime) -> Pair {
        let mut params = CertificateParams::new(["localhost".to_owned()]).unwrap();
        let name = format!("leaf {number}");
        params.distinguished_name.push(DnType::CommonName, name);
        params.serial_number = Some(SerialNumber::from(number));
        params.not_before = from.into();
        params.not_after = until.into();
        let key = KeyPair::generate().unwrap();
        Pair {
            crt: params.signed_by(&key, &self.issuer).unwrap().pem(),
            key: key.serialize_pem(),
        }
    }

    /// A store with this alone.
    pub fn store(&self) -> RootCertStore {
        let mut store = RootCertStore::empty();
        store.add(self.der()).unwrap();
        store
    }
}

// === impl Pair ===

impl Pair {
    /// As a Secret of the type `kubernetes.io/tls` has it.
    pub fn keys(&self) -> [(&'static str, String); 2] {
        [("tls.crt", self.crt.clone()), ("tls.key", self.key.clone())]
    }

    pub fn publish(&self, volume: &Publisher) {
        volume.publish(self.keys()).unwrap();
    }
}

/// A client that trusts `authority`, and has no certificate.
pub fn client(authority: &Authority) -> Arc<ClientConfig> {
    let config = ClientConfig::builder().with_root_certificates(authority.store());
    Arc::new(config.with_no_client_auth())
}

/// Both ends of a connection.
pub struct Connection {
    pub client: ClientConnection,
    pub server: ServerConnection,
}

// === impl Connection ===

impl Connection {
    /// A whole handshake, in memory.
    pub fn new(client: &Arc<ClientConfig>, server: &Arc<ServerConfig>) -> Result<Self, Error> {
        let name = "localhost".try_into().unwrap();
        let mut connection = Self {
            client: ClientConnection::new(client.clone(), name)?,
            server: ServerConnection::new(server.clone())?,
        };
        while connection.client.is_handshaking() || connection.server.is_handshaking() {
            connection.pass_on()?;
        }
        // The session's tickets, and what a server has against a client's certificate.
        connection.pass_on()?;
        Ok(connection)
    }

    fn pass_on(&mut self) -> Result<(), Error> {
        pass_on(&mut self.client, &mut self.server)?;
        pass_on(&mut self.server, &mut self.client)
    }

    /// Sends a word and has it sent back.
    pub fn echo(&mut self, word: &str) -> String {
        self.client.writer().write_all(word.as_bytes()).unwrap();
        self.pass_on().unwrap();
        let mut heard = vec![0; word.len()];
        self.server.reader().read_exact(&mut heard).unwrap();
        self.server.writer().write_all(&heard).unwrap();
        self.pass_on().unwrap();
        self.client.reader().read_exact(&mut heard).unwrap();
        String::from_utf8(heard).unwrap()
    }

    /// The number of the server's certificate, as the client saw it.
    pub fn served(&self) -> CertificateDer<'static> {
        let chain = self.client.peer_certificates().unwrap();
        chain[0].clone().into_owned()
    }
}

fn pass_on<A, B>(
    from: &mut ConnectionCommon<A>,
    to: &mut ConnectionCommon<B>,
) -> Result<(), Error> {
    let mut bytes = Vec::new();
    while from.wants_write() {
        from.write_tls(&mut bytes).unwrap();
    }
    let mut rest = &*bytes;
    while !rest.is_empty() {
        to.read_tls(&mut rest).unwrap();
        to.process_new_packets()?;
    }
    Ok(())
}
