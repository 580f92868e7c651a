//! A real PostgreSQL, in a temporary folder, on a unix socket.

use std::os::unix::fs::{PermissionsExt, chown};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::{env, fs};

use rustix::process::{Pid, Signal, geteuid, kill_process};
use tempfile::TempDir;
use tokio::runtime::Runtime;
use tokio_postgres::{Client, NoTls, SimpleQueryMessage};

use super::eventually;

/// A server that ends when this is dropped. Its superuser needs no password, all others do.
pub(crate) struct Server {
    server: Child,
    admin: Option<Client>,
    runtime: Runtime,
    dir: TempDir,
}

impl Server {
    /// Starts a server with the database `app`.
    pub(crate) fn start() -> Self {
        let programs = env::var_os("POSTGRES_BIN").expect("POSTGRES_BIN: cargo xtask postgres");
        let programs = PathBuf::from(programs);
        let dir = tempfile::tempdir().unwrap();
        let data = dir.path().join("data");
        fs::create_dir(&data).unwrap();
        fs::set_permissions(dir.path(), fs::Permissions::from_mode(0o755)).unwrap();
        if let Some((user, group)) = own_user() {
            // The server does not run as root.
            chown(dir.path(), Some(user), Some(group)).unwrap();
            chown(&data, Some(user), Some(group)).unwrap();
        }
        let mut initdb = command(programs.join("initdb"));
        initdb.args([
            "--username=postgres",
            "--no-sync",
            "--auth=scram-sha-256",
            "--pgdata",
        ]);
        // The superuser's own password is not used.
        let password = dir.path().join("password");
        fs::write(&password, "of-nobody").unwrap();
        initdb.arg(&data).arg("--pwfile").arg(&password);
        let output = initdb.output().unwrap();
        assert!(output.status.success(), "{output:?}");
        let access = "local all postgres trust\nlocal all all scram-sha-256\n";
        fs::write(data.join("pg_hba.conf"), access).unwrap();

        let mut server = command(programs.join("postgres"));
        server.arg("-D").arg(&data).arg("-k").arg(dir.path());
        for setting in ["listen_addresses=", "fsync=off", "max_connections=50"] {
            server.args(["-c", setting]);
        }
        let log = fs::File::create(dir.path().join("log")).unwrap();
        let server = server.stdout(Stdio::null()).stderr(log).spawn().unwrap();
        let mut server = Self {
            server,
            admin: None,
            runtime: Runtime::new().unwrap(),
            dir,
        };
        eventually("the server answers", || {
            server.admin = server.connect();
            server.admin.is_some()
        });
        server.sql("create database app");
        server
    }

    /// As the superuser.
    fn connect(&self) -> Option<Client> {
        let url = format!("postgres://postgres@{}/postgres", self.host());
        let connected = self.runtime.block_on(tokio_postgres::connect(&url, NoTls));
        let (client, connection) = connected.ok()?;
        self.runtime.spawn(connection);
        Some(client)
    }

    /// Where it is, for a client.
    pub(crate) fn url(&self) -> String {
        format!("postgres://{}/app", self.host())
    }

    /// The folder of its socket, as a host in a URL.
    pub(crate) fn host(&self) -> String {
        self.dir.path().to_str().unwrap().replace('/', "%2F")
    }

    /// Makes a user who may log in.
    pub(crate) fn create_user(&self, user: &str, password: &str) {
        self.sql(&format!("create role {user} login password '{password}'"));
    }

    pub(crate) fn set_password(&self, user: &str, password: &str) {
        self.sql(&format!("alter role {user} password '{password}'"));
    }

    /// How many sessions a user has that began before a moment of [`now`](Self::now).
    pub(crate) fn sessions_before(&self, user: &str, moment: &str) -> u64 {
        let sessions = "select count(*) from pg_stat_activity where usename =";
        let answer = self.sql(&format!(
            "{sessions} '{user}' and backend_start < '{moment}'"
        ));
        answer.parse().unwrap()
    }

    /// Its time.
    pub(crate) fn now(&self) -> String {
        self.sql("select clock_timestamp()")
    }

    /// What it has logged: who was refused, for one.
    pub(crate) fn log(&self) -> String {
        fs::read_to_string(self.dir.path().join("log")).unwrap()
    }

    /// Runs a command as the superuser, and gives its answer.
    #[track_caller]
    pub(crate) fn sql(&self, sql: &str) -> String {
        let admin = self.admin.as_ref().unwrap();
        let answer = self.runtime.block_on(admin.simple_query(sql)).unwrap();
        let mut rows = answer.iter().filter_map(|message| match message {
            SimpleQueryMessage::Row(row) => row.get(0),
            _ => None,
        });
        rows.next().unwrap_or_default().to_owned()
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // At once: its files are thrown away.
        _ = kill_process(Pid::from_child(&self.server), Signal::QUIT);
        _ = self.server.wait();
    }
}

/// Whom the server runs as where we are root: the package's own user.
fn own_user() -> Option<(u32, u32)> {
    let users = fs::read_to_string("/etc/passwd").unwrap_or_default();
    let find = |name: &str| {
        let line = users
            .lines()
            .find(|line| line.split(':').next() == Some(name))?;
        let mut ids = line.split(':').skip(2).map(|id| id.parse().ok());
        Some((ids.next()??, ids.next()??))
    };
    let user = || find("postgres").or_else(|| find("nobody"));
    geteuid().is_root().then(user).flatten()
}

/// One of the server's programs, that ends with this process.
fn command(program: impl AsRef<Path>) -> Command {
    let mut command = Command::new("setpriv");
    command.args(["--pdeathsig", "QUIT"]);
    if let Some((user, group)) = own_user() {
        command
            .arg(format!("--reuid={user}"))
            .arg(format!("--regid={group}"));
        command.arg("--clear-groups");
    }
    command.arg("--").arg(program.as_ref()).current_dir("/");
    command
}
