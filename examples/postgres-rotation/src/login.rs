//! Who asks a database, and whether it lets them in.

use std::time::Duration;

use tokio::time::timeout;
use tokio_postgres::{Client, Config, Error, NoTls};
use tracing::debug;

use crate::config::Database;

/// How long a database may take to let somebody in: less than retune's patience with a gate.
const LIMIT: Duration = Duration::from_secs(5);

/// Where a database is, and who asks it: all of one generation.
#[derive(Clone, PartialEq)]
pub(crate) struct Login(Config);

/// Why there is no connection.
#[derive(Debug)]
pub(crate) enum NoConnection {
    /// The database lets nobody in with this user and password.
    Refused(String),
    /// It did not come so far.
    Unreachable(String),
}

// === impl Database ===

impl Database {
    pub(crate) fn login(&self) -> Result<Config, Error> {
        let mut login: Config = self.url.expose().parse()?;
        if let (Some(username), Some(password)) = (&self.username, &self.password) {
            login.user(username).password(password.expose());
        }
        Ok(login)
    }
}

// === impl Login ===

impl Login {
    pub(crate) fn of(database: &Database) -> Result<Self, Error> {
        database.login().map(Self)
    }

    pub(crate) fn user(&self) -> &str {
        self.0.get_user().unwrap_or_default()
    }

    /// A new connection: the only moment at which PostgreSQL looks at user and password.
    pub(crate) async fn connect(&self) -> Result<Client, NoConnection> {
        let connected = timeout(LIMIT, self.0.connect(NoTls)).await;
        let connected = connected.map_err(|_| NoConnection::Unreachable("no answer".to_owned()))?;
        let (client, connection) = connected.map_err(NoConnection::from)?;
        tokio::spawn(async move {
            if let Err(error) = connection.await {
                debug!(%error, "a connection ended");
            }
        });
        Ok(client)
    }
}

// === impl NoConnection ===

impl From<Error> for NoConnection {
    fn from(error: Error) -> Self {
        let Some(told) = error.as_db_error() else {
            return Self::Unreachable(with_cause(&error));
        };
        // Class 28: Invalid Authorization Specification.
        match told.code().code().starts_with("28") {
            true => Self::Refused(told.message().to_owned()),
            false => Self::Unreachable(told.message().to_owned()),
        }
    }
}

/// What went wrong, and why: which of them says "connection refused" depends on the error.
fn with_cause(error: &dyn std::error::Error) -> String {
    match error.source() {
        None => error.to_string(),
        Some(cause) => format!("{error}: {}", with_cause(cause)),
    }
}

impl std::fmt::Display for NoConnection {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Refused(why) => write!(f, "refused: {why}"),
            Self::Unreachable(why) => write!(f, "unreachable: {why}"),
        }
    }
}
