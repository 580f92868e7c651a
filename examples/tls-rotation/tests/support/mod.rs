//! The server and the client as real processes, each with a volume as a kubelet writes it, and an authority
//! that issues certificates.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::mpsc::{self, Receiver, RecvTimeoutError};
use std::thread;
use std::time::{Duration, Instant, SystemTime};

use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, DnType, IsCa, KeyPair};
use retune_mount::Publisher;
use rustix::process::{Pid, Signal, kill_process};
use serde_json::Value;
use tempfile::TempDir;

/// Long enough for a loaded machine; only a failing test waits as long.
const PATIENCE: Duration = Duration::from_secs(60);

pub(crate) const DAY: Duration = Duration::from_secs(24 * 60 * 60);

/// Issues certificates for `localhost`.
pub(crate) struct Authority {
    issuer: CertifiedIssuer<'static, KeyPair>,
}

/// A certificate and its key, in PEM.
#[derive(Clone)]
pub(crate) struct Pair {
    pub(crate) crt: String,
    pub(crate) key: String,
}

/// One of the two programs, with its volume. It ends when this is dropped.
pub(crate) struct Program {
    child: Child,
    pub(crate) volume: Publisher,
    lines: Receiver<String>,
    /// Every line that was printed, as far as it was waited for.
    pub(crate) printed: Vec<String>,
    dir: TempDir,
}

/// The server, and where it is.
pub(crate) struct Server {
    pub(crate) program: Program,
    /// `localhost:8443`, with the port that it has.
    pub(crate) address: String,
    status: String,
}

// === impl Authority ===

impl Authority {
    pub(crate) fn new() -> Self {
        let mut params = CertificateParams::new([]).unwrap();
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let name = "tls-rotation's own authority";
        params.distinguished_name.push(DnType::CommonName, name);
        let key = KeyPair::generate().unwrap();
        let issuer = CertifiedIssuer::self_signed(params, key).unwrap();
        Self { issuer }
    }

    pub(crate) fn pem(&self) -> String {
        self.issuer.pem()
    }

    pub(crate) fn issue(&self, number: u64) -> Pair {
        let now = SystemTime::now();
        self.issue_between(number, now - DAY, now + 30 * DAY)
    }

    pub(crate) fn issue_between(&self, number: u64, from: SystemTime, until: SystemTime) -> Pair {
        let mut params = CertificateParams::new(["localhost".to_owned()]).unwrap();
        params.serial_number = Some(number.into());
        (params.not_before, params.not_after) = (from.into(), until.into());
        let key = KeyPair::generate().unwrap();
        Pair {
            crt: params.signed_by(&key, &self.issuer).unwrap().pem(),
            key: key.serialize_pem(),
        }
    }
}

// === impl Pair ===

impl Pair {
    pub(crate) fn keys(&self) -> [(&'static str, &str); 2] {
        [("tls.crt", &self.crt), ("tls.key", &self.key)]
    }
}

// === impl Program ===

impl Program {
    /// `variable` names the volume.
    fn start<'k>(
        command: &mut Command,
        variable: &str,
        keys: impl IntoIterator<Item = (&'k str, &'k str)>,
    ) -> Self {
        let dir = tempfile::tempdir().unwrap();
        let volume = Publisher::create(dir.path().join("volume")).unwrap();
        volume.publish(keys).unwrap();
        command.env(variable, volume.dir()).stdout(Stdio::piped());
        let mut child = command.spawn().unwrap();
        let stdout = BufReader::new(child.stdout.take().unwrap());
        let (sender, lines) = mpsc::channel();
        thread::spawn(move || {
            let lines = stdout.lines().map_while(Result::ok);
            lines.map(|line| sender.send(line)).find(Result::is_err)
        });
        Self {
            child,
            volume,
            lines,
            printed: Vec::new(),
            dir,
        }
    }

    pub(crate) fn client(authority: &Authority, server: &str, every: &str) -> Self {
        let mut command = Command::new(env!("CARGO_BIN_EXE_tls-client"));
        command.env("ASK_SERVER", server).env("ASK_EVERY", every);
        Self::start(&mut command, "CA_DIR", [("ca.crt", &*authority.pem())])
    }

    /// Waits for a line, and gives it.
    #[track_caller]
    pub(crate) fn prints(&mut self, part: &str) -> String {
        let until = Instant::now() + PATIENCE;
        loop {
            let left = until.saturating_duration_since(Instant::now());
            let Ok(line) = self.lines.recv_timeout(left) else {
                panic!("not printed: {part}; {:#?}", self.printed);
            };
            self.printed.push(line.clone());
            if line.contains(part) {
                return line;
            }
        }
    }

    /// Ends it as Kubernetes does, and waits for all that it prints.
    pub(crate) fn terminate(&mut self) -> ExitStatus {
        kill_process(Pid::from_child(&self.child), Signal::TERM).unwrap();
        loop {
            match self.lines.recv_timeout(PATIENCE) {
                Ok(line) => self.printed.push(line),
                Err(RecvTimeoutError::Disconnected) => return self.child.wait().unwrap(),
                Err(RecvTimeoutError::Timeout) => panic!("still there after SIGTERM"),
            }
        }
    }
}

impl Drop for Program {
    fn drop(&mut self) {
        _ = self.child.kill();
        _ = self.child.wait();
    }
}

// === impl Server ===

impl Server {
    pub(crate) fn start(first: &Pair) -> Self {
        let mut command = Command::new(env!("CARGO_BIN_EXE_tls-server"));
        command
            .env("HTTPS_LISTEN", "127.0.0.1:0")
            .env("HTTPS_STATUS", "127.0.0.1:0")
            .stderr(Stdio::null());
        let mut program = Program::start(&mut command, "TLS_DIR", first.keys());
        let line = program.prints("Listening on https://");
        let ports: Vec<_> = line
            .split("127.0.0.1:")
            .skip(1)
            .map(|rest| rest.split(|c: char| !c.is_ascii_digit()).next().unwrap())
            .collect();
        Self {
            address: format!("localhost:{}", ports[0]),
            status: format!("127.0.0.1:{}", ports[1]),
            program,
        }
    }

    pub(crate) fn publish(&self, pair: &Pair) {
        self.program.volume.publish(pair.keys()).unwrap();
    }

    /// Publishes, and waits until new connections have it.
    #[track_caller]
    pub(crate) fn rotate(&self, number: u64, pair: &Pair) {
        self.publish(pair);
        let expected = format!("certificate {number:02x},");
        self.waits_for(&expected, |_| self.answer().starts_with(&expected));
    }

    /// What it answers on a connection that trusts anybody.
    pub(crate) fn answer(&self) -> String {
        let mut curl = self.curl(Path::new("/dev/null"));
        let answer = curl.arg("--insecure").arg(self.url()).output().unwrap();
        String::from_utf8(answer.stdout).unwrap()
    }

    /// A file with the authority's certificate.
    pub(crate) fn trusted(&self, authority: &Authority) -> PathBuf {
        let file = self.program.dir.path().join("ca.crt");
        std::fs::write(&file, authority.pem()).unwrap();
        file
    }

    pub(crate) fn url(&self) -> String {
        format!("https://{}/", self.address)
    }

    /// The foreign client, which trusts a file.
    pub(crate) fn curl(&self, trusted: &Path) -> Command {
        let mut curl = Command::new("curl");
        curl.args(["--silent", "--show-error", "--cacert"])
            .arg(trusted);
        curl
    }

    /// Asks for a page of the status.
    pub(crate) fn get(&self, path: &str) -> String {
        let mut stream = TcpStream::connect(&self.status).unwrap();
        stream.set_read_timeout(Some(PATIENCE)).unwrap();
        write!(stream, "GET {path} HTTP/1.0\r\n\r\n").unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).unwrap();
        assert!(answer.starts_with("HTTP/1.0 200"), "{answer}");
        answer.split_once("\r\n\r\n").unwrap().1.to_owned()
    }

    pub(crate) fn status(&self) -> Value {
        serde_json::from_str(&self.get("/configz")).unwrap()
    }

    /// Waits for its status to be so.
    #[track_caller]
    pub(crate) fn waits_for(&self, what: &str, is_so: impl Fn(&Value) -> bool) -> Value {
        let until = Instant::now() + PATIENCE;
        loop {
            let status = self.status();
            if is_so(&status) {
                return status;
            }
            assert!(Instant::now() < until, "still not so: {what}: {status:#}");
            thread::sleep(Duration::from_millis(5));
        }
    }
}
