//! Certificates that rotate: [rustls] follows a retune configuration, each key with its own certificate.
//!
//! ```
//! use std::sync::Arc;
//!
//! use retune::Retune;
//! use retune_rustls::Identity;
//! use rustls::ServerConfig;
//!
//! #[derive(Debug, Retune)]
//! struct Config {
//!     /// `tls.crt` and `tls.key` of a Secret.
//!     tls: Identity,
//! }
//!
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! # let volume = tempfile::tempdir()?;
//! # let mounted = volume.path();
//! # let made = rcgen::generate_simple_self_signed(["localhost".to_owned()])?;
//! # std::fs::write(mounted.join("tls.crt"), made.cert.pem())?;
//! # std::fs::write(mounted.join("tls.key"), made.signing_key.serialize_pem())?;
//! // Before the configuration is loaded: which cryptography is the program's choice.
//! rustls::crypto::ring::default_provider().install_default().ok();
//!
//! let config = Config::loader().mount(mounted).watch()?; // such as "/etc/tls"
//! let tls = ServerConfig::builder()
//!     .with_no_client_auth()
//!     .with_cert_resolver(retune_rustls::follow(config.view(|c| &c.tls)));
//! // As usual: tokio_rustls::TlsAcceptor::from(Arc::new(tls))
//! # drop(Arc::new(tls));
//! println!("{:?}", config.with(|c| c.tls.not_after()));
//! # Ok(())
//! # }
//! ```
//!
//! # What there is
//!
//! - [`Identity`]: a certificate and its key as one value, checked when a generation is made.
//! - [`Roots`]: the authorities that others are trusted by.
//! - [`follow`](follow()): gives each new handshake the identity that holds then, as a server or as a client.
//! - [`follow_clients`], [`follow_servers`]: verify each new peer by the authorities that hold then.
//!
//! # A rotation
//!
//! Whoever writes the Secret (cert-manager, `kubectl create secret tls … | kubectl apply -f -`) writes both
//! keys at once, and the kubelet swaps both files at once. retune reads them below one pin, so that they are
//! of one version, checks that they fit, and builds what rustls needs. Then new handshakes have the
//! new certificate. Connections that are there go on: TLS needs the certificate for the handshake alone. To
//! end them is up to the program, such as after a key was stolen.
//!
//! A pair that does not fit, or is not valid now, changes the status and nothing else: the old one goes on.
//! See [`Identity`] for what is refused.
//!
//! Old keys are let go of with the generation that they were of; a thread that has made a handshake, and no
//! other since, holds the one that it made it with ([`Live::with`](retune::Live::with)).
//!
//! # Expiry
//!
//! The status tells until when each certificate is valid
//! ([`Status::expiries`](retune::status::Status::expiries)), and so do the metrics, to be warned in time. One
//! that expires while it is in use goes on, and is a warning: other changes are still taken, and it is the
//! clients that refuse it. Of a chain the own certificate counts; of [`Roots`] the next one to expire.
//!
//! # An authority that is trusted no longer
//!
//! A session that is resumed is not verified again: that is what resuming is. With rustls as it comes, a
//! peer whose authority was removed gets in again for as long as its session is kept, as a server's
//! certificate that was replaced is no reason for a client to verify the new one. Where that must not be,
//! no sessions are kept, and each connection is a whole handshake:
//!
//! ```
//! # use std::sync::Arc;
//! # use rustls::{ClientConfig, ServerConfig, client::Resumption, server::NoServerSessionStorage};
//! # fn set(mut server: ServerConfig, mut client: ClientConfig) {
//! server.session_storage = Arc::new(NoServerSessionStorage {}); // and no `ticketer`
//! client.resumption = Resumption::disabled();
//! # }
//! ```
//!
//! Connections that are there go on in any case.
//!
//! # A resolver of one's own
//!
//! Several certificates by the name that the client asks for, or none:
//!
//! ```
//! use std::sync::Arc;
//!
//! use retune::{Live, Retune};
//! use retune_rustls::Identity;
//! use rustls::server::{ClientHello, ResolvesServerCert};
//! use rustls::sign::CertifiedKey;
//!
//! #[derive(Debug, Retune)]
//! struct Config {
//!     public: Identity,
//!     internal: Option<Identity>,
//! }
//!
//! #[derive(Debug)]
//! struct ByName(Live<Config>);
//!
//! impl ResolvesServerCert for ByName {
//!     fn resolve(&self, hello: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
//!         self.0.with(|config| {
//!             let identity = match hello.server_name() {
//!                 Some(name) if name.ends_with(".internal") => config.internal.as_ref()?,
//!                 _ => &config.public,
//!             };
//!             Some(identity.certified_key().clone())
//!         })
//!     }
//! }
//! ```
//!
//! What else a `ServerConfig` has (protocols, versions, revocation lists) is built once; where it is to
//! follow too, a [`View`](retune::View) that is subscribed to builds another from
//! [`Identity::certified_key`] and [`Roots::store`].
//!
//! # The provider
//!
//! This crate brings none. A key is loaded by the process's (`install_default()`), when the generation is
//! made: a key that it does not take is a refused generation, and not a failed handshake. That there is none
//! yet is an error at the start.
#![forbid(unsafe_code)]

mod certificate;
mod chain;
mod follow;
mod identity;
mod key;
mod pem;
mod provider;
mod roots;
mod verify;

pub use certificate::serial;
pub use follow::{Follow, follow};
pub use identity::Identity;
pub use roots::Roots;
pub use verify::{follow_clients, follow_servers};
