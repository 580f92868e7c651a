//! A connection that asks again and again, and shows the certificate that its handshake saw.

use std::io::{self, BufRead, BufReader, Read, Write};
use std::net::{TcpStream, ToSocketAddrs};
use std::sync::Arc;
use std::time::Duration;

use rustls::pki_types::CertificateDer;
use rustls::{ClientConfig, ClientConnection, StreamOwned};

/// How long an answer may take.
const PATIENCE: Duration = Duration::from_secs(10);

/// One connection that is kept: HTTP/1.1 over TLS.
pub struct Connection {
    stream: BufReader<StreamOwned<ClientConnection, TcpStream>>,
    host: String,
}

// === impl Connection ===

impl Connection {
    /// Connects to a host and a port such as `localhost:8443`; the handshake is done when this returns.
    ///
    /// # Errors
    ///
    /// When there is nobody, or nobody whom `config` trusts.
    pub fn open(address: &str, config: &Arc<ClientConfig>) -> io::Result<Self> {
        let host = address.rsplit_once(':').map_or(address, |(host, _)| host);
        let name = host.to_owned().try_into().map_err(io::Error::other)?;
        let mut tls = ClientConnection::new(config.clone(), name).map_err(io::Error::other)?;
        let mut tcp = connect(address)?;
        while tls.is_handshaking() {
            tls.complete_io(&mut tcp)?;
        }
        Ok(Self {
            stream: BufReader::new(StreamOwned::new(tls, tcp)),
            host: host.to_owned(),
        })
    }

    /// The certificate that the server showed in the handshake.
    pub fn certificate(&self) -> Option<&CertificateDer<'static>> {
        let tls = &self.stream.get_ref().conn;
        tls.peer_certificates().and_then(|chain| chain.first())
    }

    /// Asks for a page, and leaves the connection open.
    ///
    /// # Errors
    ///
    /// When the connection is lost, or the answer is none of a server that goes well.
    pub fn get(&mut self, path: &str) -> io::Result<String> {
        let request = format!("GET {path} HTTP/1.1\r\nHost: {}\r\n\r\n", self.host);
        let stream = self.stream.get_mut();
        stream.write_all(request.as_bytes())?;
        stream.flush()?;
        let status = self.line()?;
        let mut length = 0;
        loop {
            let line = self.line()?;
            if line.is_empty() {
                break;
            }
            let (name, value) = line.split_once(": ").unwrap_or_default();
            if name.eq_ignore_ascii_case("content-length") {
                length = value.parse().map_err(io::Error::other)?;
            }
        }
        let mut body = vec![0; length];
        self.stream.read_exact(&mut body)?;
        match status.starts_with("HTTP/1.1 200") {
            true => String::from_utf8(body).map_err(io::Error::other),
            false => Err(io::Error::other(status)),
        }
    }

    fn line(&mut self) -> io::Result<String> {
        let mut line = String::new();
        match self.stream.read_line(&mut line)? {
            0 => Err(io::ErrorKind::UnexpectedEof.into()),
            _ => Ok(line.trim_end().to_owned()),
        }
    }
}

fn connect(address: &str) -> io::Result<TcpStream> {
    let mut last = io::Error::from(io::ErrorKind::NotFound);
    for address in address.to_socket_addrs()? {
        match TcpStream::connect_timeout(&address, PATIENCE) {
            Ok(stream) => {
                stream.set_read_timeout(Some(PATIENCE))?;
                stream.set_nodelay(true)?;
                return Ok(stream);
            }
            Err(error) => last = error,
        }
    }
    Err(last)
}
