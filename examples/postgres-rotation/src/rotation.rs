//! From one login to the next.

use std::time::Duration;

use retune::{Gate, Live, Snapshot};
use tokio::runtime::Handle;
use tokio::sync::watch;
use tokio::task::spawn_blocking;
use tokio::time::sleep;
use tracing::{info, warn};

use crate::config::Config;
use crate::login::{Login, NoConnection};
use crate::pool::Pool;

/// How soon a login that was not taken is tried again, and connections are looked through.
const ROUND: Duration = Duration::from_secs(1);

/// Refuses, as a whole generation, a login that the database refuses: nobody ever sees it. A database
/// that does not answer says nothing about a login.
pub fn gate(config: &Live<Config>, pool: &Pool) -> Gate {
    let (taken, runtime) = (pool.taken(), Handle::current());
    config.gate(move |candidate| {
        let login =
            Login::of(&candidate.database).map_err(|_| "the URL cannot be read".to_owned())?;
        if taken
            .borrow()
            .as_ref()
            .is_some_and(|taken| taken.login == login)
        {
            return Ok(());
        }
        // On retune's own thread, which may wait; `connect` has its limit.
        match runtime.block_on(login.connect()) {
            Err(NoConnection::Refused(why)) => Err(format!("the database says: {why}")),
            Ok(_) | Err(NoConnection::Unreachable(_)) => Ok(()),
        }
    })
}

/// Gives the pool each login that the database takes, and ends the connections of the last one.
///
/// The pool goes on with the old login until then: a wrong password does no harm, and it does not matter
/// whether the database or this program is told of a new one first.
pub async fn follow(config: Live<Config>, pool: Pool) {
    let (tell, mut told) = watch::channel(());
    config.subscribe(move |_| tell.send_replace(())).detach();
    let mut taken = pool.taken();
    let mut complained = None;
    loop {
        let before = taken.borrow_and_update().clone();
        let refused = before.as_ref().is_some_and(|taken| taken.refused);
        if refused {
            // It changed in the database. Perhaps the new one is here, and the gate was asked too early.
            let config = config.clone();
            _ = spawn_blocking(move || config.reload()).await;
        }
        let now = config.load();
        let generation = Snapshot::generation(&now);
        if let Ok(login) = Login::of(&now.database)
            && before.is_none_or(|taken| refused || taken.login != login)
        {
            let user = login.user().to_owned();
            match login.connect().await {
                Ok(_) => {
                    pool.take(login, generation);
                    info!(user, generation, "the database takes the login");
                }
                // Each reason once.
                Err(error) => {
                    let reason = Some((generation, error.to_string()));
                    if complained != reason {
                        warn!(user, generation, %error, "not taken by the database, tried again");
                        complained = reason;
                    }
                }
            }
        }
        pool.retire();
        tokio::select! {
            changed = told.changed() => if changed.is_err() { return },
            _ = taken.changed() => {}
            () = sleep(ROUND) => {}
        }
    }
}
