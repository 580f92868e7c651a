//! Connections that are shared, each made with the login that the database took last.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use deadpool::managed::{self, Metrics, Object, PoolError, RecycleError, RecycleResult};
use retune::Live;
use tokio::sync::watch;
use tokio::time::{sleep, timeout};
use tokio_postgres::Client;

use crate::config::Config;
use crate::login::{Login, NoConnection};

/// How soon a query that waits for a login looks whether a connection was given back meanwhile.
const LOOK: Duration = Duration::from_millis(10);

/// A login that the database took, and the generation that brought it.
#[derive(Clone)]
pub(crate) struct Taken {
    pub(crate) login: Login,
    pub(crate) generation: u64,
    /// The database takes it no more: its successor is under way.
    pub(crate) refused: bool,
}

/// Connections to the database, for all who ask.
#[derive(Clone)]
pub struct Pool {
    connections: managed::Pool<Connector>,
    config: Live<Config>,
    taken: Arc<watch::Sender<Option<Taken>>>,
    waited: Arc<AtomicU64>,
    ending: Arc<AtomicBool>,
}

/// Makes connections, and says which are to be used again.
pub(crate) struct Connector {
    config: Live<Config>,
    taken: Arc<watch::Sender<Option<Taken>>>,
    made: AtomicU64,
}

/// One connection, for as long as it is held.
pub(crate) type Connection = Object<Connector>;

/// A connection, and the login that it was made with.
pub(crate) struct Made {
    pub(crate) client: Client,
    pub(crate) with: Taken,
}

// === impl Pool ===

impl Pool {
    /// A pool without a login: [`follow`](crate::follow) brings one.
    #[must_use]
    pub fn new(config: &Live<Config>) -> Self {
        let taken = Arc::new(watch::Sender::new(None));
        let connector = Connector {
            config: config.clone(),
            taken: taken.clone(),
            made: AtomicU64::new(0),
        };
        let most = config.with(|c| c.database.connections);
        let connections = managed::Pool::builder(connector).max_size(most).build();
        Self {
            connections: connections.expect("a pool without timeouts needs no runtime"),
            config: config.clone(),
            taken,
            waited: Arc::default(),
            ending: Arc::default(),
        }
    }

    /// A connection that nobody else uses. It is waited for as long as the configuration says: for one that
    /// is given back, or for a login with which one can be made.
    pub(crate) async fn get(&self) -> Result<Connection, String> {
        let patience = self.config.with(|c| c.database.patience);
        match timeout(patience, self.wait()).await {
            Ok(got) => got.map_err(|error| error.to_string()),
            Err(_) => Err(format!("no connection within {patience:?}")),
        }
    }

    async fn wait(&self) -> Result<Connection, PoolError<NoConnection>> {
        let mut taken = self.taken.subscribe();
        let mut waits = false;
        loop {
            match self.connections.get().await {
                Err(PoolError::Backend(NoConnection::Refused(_)))
                    if !self.ending.load(Ordering::Relaxed) => {}
                got => return got,
            }
            if !waits
                && taken
                    .borrow_and_update()
                    .as_ref()
                    .is_some_and(|taken| taken.refused)
            {
                waits = true;
                self.waited.fetch_add(1, Ordering::Relaxed);
            }
            tokio::select! {
                _ = taken.changed() => {}
                () = sleep(LOOK) => {}
            }
        }
    }

    /// From now on nobody waits for a login: it may come later than the program has to end.
    pub fn end(&self) {
        self.ending.store(true, Ordering::Relaxed);
    }

    /// From now on connections are made with this login.
    pub(crate) fn take(&self, login: Login, generation: u64) {
        let refused = false;
        let taken = Taken {
            login,
            generation,
            refused,
        };
        self.taken.send_replace(Some(taken));
    }

    /// What the database took last.
    pub(crate) fn taken(&self) -> watch::Receiver<Option<Taken>> {
        self.taken.subscribe()
    }

    /// Ends those that nobody uses and that are to be used no more. The others end when they are given back.
    pub(crate) fn retire(&self) {
        let connector = self.connections.manager();
        self.connections
            .retain(|made, metrics| connector.is_good(made, &metrics));
    }

    /// How many connections there are, how many were made, and how many queries had to wait for a login.
    pub(crate) fn counts(&self) -> [u64; 3] {
        let now = self.connections.status().size as u64;
        let count = |of: &AtomicU64| of.load(Ordering::Relaxed);
        [
            now,
            count(&self.connections.manager().made),
            count(&self.waited),
        ]
    }
}

// === impl Connector ===

impl Connector {
    fn is_good(&self, made: &Made, metrics: &Metrics) -> bool {
        let taken = self.taken.borrow();
        !made.client.is_closed()
            && metrics.age() < self.config.with(|c| c.database.max_age)
            && taken
                .as_ref()
                .is_some_and(|taken| taken.login == made.with.login)
    }

    /// Says that the database takes this login no more, so that it is not tried by everybody.
    fn refuse(&self, login: &Login) {
        self.taken.send_if_modified(|taken| {
            let taken = taken.as_mut().filter(|taken| taken.login == *login);
            taken.is_some_and(|taken| !std::mem::replace(&mut taken.refused, true))
        });
    }
}

impl managed::Manager for Connector {
    type Type = Made;
    type Error = NoConnection;

    async fn create(&self) -> Result<Made, NoConnection> {
        let taken = self.taken.borrow().clone();
        let Some(with) = taken.filter(|taken| !taken.refused) else {
            return Err(NoConnection::Refused("no login".to_owned()));
        };
        match with.login.connect().await {
            Ok(client) => {
                self.made.fetch_add(1, Ordering::Relaxed);
                Ok(Made { client, with })
            }
            Err(error) => {
                if let NoConnection::Refused(_) = &error {
                    self.refuse(&with.login);
                }
                Err(error)
            }
        }
    }

    async fn recycle(&self, made: &mut Made, metrics: &Metrics) -> RecycleResult<NoConnection> {
        match self.is_good(made, metrics) {
            true => Ok(()),
            false => Err(RecycleError::message("its time is over")),
        }
    }
}
