//! What can change while the program runs.

use std::net::SocketAddr;
use std::time::Duration;

use retune::{LogFilter, Retune, Secret};

/// Answers with what a database says.
#[derive(Debug, Retune)]
pub struct Config {
    /// The database, and who asks it.
    pub database: Database,
    /// Which events are logged: `info`, or `info,tokio_postgres=debug`.
    #[retune(default = "info")]
    pub log_level: LogFilter,
    /// Address to listen on. A change waits for a restart.
    #[retune(default = "0.0.0.0:8080", restart)]
    pub listen: SocketAddr,
}

/// A database, and who asks it.
#[derive(Debug, Retune)]
#[retune(validate = can_ask)]
pub struct Database {
    /// Where it is: `postgres://db/app`. User and password may stand in it, too, so it is never shown.
    pub url: Secret<String>,
    /// Who asks, where the URL does not say so: user and password, both or none.
    pub username: Option<String>,
    /// Out of the same volume as the user, so that both change in the same generation.
    #[retune(not_from(env))]
    pub password: Option<Secret<String>>,
    /// How many connections there are at the most. A change waits for a restart.
    #[retune(default = 8, range = 1..=1000, restart)]
    pub connections: usize,
    /// How old a connection may become.
    #[retune(default = "30m")]
    pub max_age: Duration,
    /// How long a query may wait for a connection: longer than a new password may be under way to here.
    #[retune(default = "2m")]
    pub patience: Duration,
    /// Whether the database is asked about a login before anybody sees it. A change waits for a restart.
    #[retune(default = true, restart)]
    pub gate: bool,
}

fn can_ask(database: &Database) -> Result<(), &'static str> {
    if database.username.is_some() != database.password.is_some() {
        return Err("user and password come together, or both in the URL");
    }
    // Its own words may quote the password.
    let login = database.login().map_err(|_| "the URL cannot be read")?;
    match login.get_user() {
        Some(_) => Ok(()),
        None => Err("nothing says who asks: neither `username` nor the URL"),
    }
}
