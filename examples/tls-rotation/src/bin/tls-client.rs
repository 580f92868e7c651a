//! Keeps one connection to the server for as long as it can, makes a new one each time beside it, and says
//! which certificates the two have.
#![forbid(unsafe_code)]
#![expect(
    clippy::print_stdout,
    reason = "what is printed is this program's story"
)]

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;
use std::{env, io, thread};

use retune::{OrExit, Retune};
use retune_rustls::{Roots, follow_servers};
use rustls::ClientConfig;
use rustls::client::Resumption;
use rustls::crypto::ring;
use signal_hook::consts::SIGTERM;
use tls_rotation::Connection;

/// Asks over TLS.
#[derive(Debug, Retune)]
struct Config {
    /// The authorities that servers are trusted by: `ca.crt`.
    #[retune(rename = "ca.crt")]
    trusted: Roots,
    /// Host and port to ask.
    #[retune(default = "localhost:8443")]
    server: String,
    /// Time between two requests.
    #[retune(default = "100ms")]
    every: Duration,
}

/// What has happened so far.
#[derive(Default)]
struct Count {
    /// Of the live connection, since it was made.
    requests: u64,
    handshakes: u64,
    failed: u64,
}

fn main() -> io::Result<()> {
    // retune's own words: what was changed or refused, and where the mistake is.
    tracing_subscriber::fmt().with_writer(io::stderr).init();
    // It fails where there is one already.
    _ = ring::default_provider().install_default();

    let volume = env::var_os("CA_DIR").unwrap_or("/etc/ca".into());
    let loader = Config::loader().mount(volume).env("ASK");
    let config = loader.watch().or_exit();

    let terminated = Arc::new(AtomicBool::new(false));
    signal_hook::flag::register(SIGTERM, terminated.clone())?;
    let mut tls = ClientConfig::builder()
        .dangerous()
        .with_custom_certificate_verifier(follow_servers(config.view(|c| &c.trusted)))
        .with_no_client_auth();
    // Whoever resumes a session sees no certificate: each new connection is to be a whole handshake.
    tls.resumption = Resumption::disabled();
    let tls = Arc::new(tls);

    println!("asking https://{}", config.with(|c| c.server.clone()));
    let mut live = None;
    let mut count = Count::default();
    let mut last = String::new();
    while !terminated.load(Ordering::Relaxed) {
        let (server, every) = config.with(|c| (c.server.clone(), c.every));
        let told = match ask(&server, &tls, &mut live, &mut count) {
            Ok(certificates) => certificates,
            Err(error) => {
                live = None;
                match count.handshakes {
                    0 => format!("not there yet: {error}"),
                    _ => {
                        count.failed += 1;
                        format!("failed: {error}")
                    }
                }
            }
        };
        if told != last {
            println!("{told}");
            last = told;
        }
        thread::sleep(every);
    }
    let Count {
        requests,
        handshakes,
        failed,
    } = count;
    println!(
        "{requests} requests on the live connection, {handshakes} handshakes, {failed} failed"
    );
    Ok(())
}

/// Asks on the live connection and on a new one; tells their certificates.
fn ask(
    server: &str,
    tls: &Arc<ClientConfig>,
    live: &mut Option<Connection>,
    count: &mut Count,
) -> io::Result<String> {
    let live = match live {
        Some(live) => live,
        None => {
            count.requests = 0;
            live.insert(Connection::open(server, tls)?)
        }
    };
    live.get("/")?;
    count.requests += 1;
    let mut new = Connection::open(server, tls)?;
    new.get("/")?;
    count.handshakes += 1;
    Ok(format!(
        "new connections: {}; the live one: {}",
        serial(&new),
        serial(live)
    ))
}

fn serial(connection: &Connection) -> String {
    let certificate = connection.certificate();
    let serial = certificate.and_then(retune_rustls::serial);
    serial.unwrap_or_default()
}
