//! Takes tokens from `auth` all the time and shows each to every `api`: at once, and again until it expires.
#![forbid(unsafe_code)]
#![expect(
    clippy::print_stdout,
    reason = "what is printed is this program's story"
)]

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};
use std::{io, thread};

use axum::extract::{Query, State};
use axum::routing::get;
use axum::{Json, Router};
use jwt_rotation::{peers, terminated};
use retune::{Live, OrExit, Retune};
use serde::{Deserialize, Serialize};
use ureq::Agent;

/// Calls with tokens.
#[derive(Debug, Retune)]
struct Config {
    /// Who signs.
    #[retune(default = "auth:8080")]
    auth: String,
    /// Who checks: names with ports. Each address behind a name is called.
    #[retune(default = "api:8080")]
    apis: Vec<String>,
    /// The pause between two tokens.
    #[retune(default = "20ms")]
    pause: Duration,
    /// Address to serve what was counted. A change waits for a restart.
    #[retune(default = "0.0.0.0:8080", restart)]
    listen: SocketAddr,
}

/// What came of it.
#[derive(Clone, Default, Serialize)]
struct Counted {
    tokens: u64,
    accepted: u64,
    /// Tokens that were refused, by the ids of their keys.
    rejected: BTreeMap<String, u64>,
    /// The same of tokens that were shown at once.
    rejected_fresh: BTreeMap<String, u64>,
    /// Calls that nobody answered.
    unanswered: u64,
    /// What was wrong last.
    last: Option<String>,
    /// Seconds between the first refusal of a fresh token and the last.
    window_seconds: f64,
    #[serde(skip)]
    first_refusal: Option<Instant>,
}

#[derive(Clone, Deserialize)]
struct Token {
    token: String,
    kid: String,
    expires_in: u64,
    #[serde(skip, default = "Instant::now")]
    since: Instant,
}

#[derive(Deserialize)]
struct Tried {
    token: String,
}

struct Visitor {
    config: Live<Config>,
    agent: Agent,
    counted: Mutex<Counted>,
}

/// As many tokens are kept, to be shown again.
const KEPT: usize = 1000;

#[tokio::main(flavor = "current_thread")]
async fn main() -> io::Result<()> {
    tracing_subscriber::fmt().with_writer(io::stderr).init();

    let config = Config::loader().env("").watch().or_exit();
    let visitor = Arc::new(Visitor {
        config: config.clone(),
        agent: peers::agent(),
        counted: Mutex::default(),
    });
    let terminated = terminated();
    let pages = Router::new()
        .route("/counted", get(counted))
        .route("/try", get(tried))
        .with_state(visitor.clone())
        .merge(retune_axum::router(config.clone()));
    let pages = retune_axum::serve(config.with(|c| c.listen), pages)?;
    println!("visitor on {}", pages.address());
    thread::spawn(move || visitor.call());
    terminated.await;
    Ok(())
}

async fn counted(State(visitor): State<Arc<Visitor>>) -> Json<Counted> {
    Json(visitor.counted().clone())
}

/// Shows one token to every `api`, and tells what each said.
async fn tried(
    State(visitor): State<Arc<Visitor>>,
    Query(tried): Query<Tried>,
) -> Json<BTreeMap<String, String>> {
    // The calls block; whoever tries is alone.
    let apis = visitor.apis().unwrap_or_default().into_iter();
    let answers = apis.map(|api| {
        let answer = visitor.show(api, &tried.token);
        let answer = answer.map(|refused| refused.unwrap_or_else(|| "accepted".to_owned()));
        (api.to_string(), answer.unwrap_or_else(|error| error))
    });
    Json(answers.collect())
}

// === impl Visitor ===

impl Visitor {
    fn call(&self) {
        let mut kept: VecDeque<Token> = VecDeque::new();
        let mut apis = BTreeSet::new();
        let mut looked_up: Option<Instant> = None;
        loop {
            thread::sleep(self.config.with(|c| c.pause));
            if looked_up.is_none_or(|at| at.elapsed() > Duration::from_secs(1)) {
                match self.apis() {
                    Ok(found) => apis = found,
                    Err(error) => self.unanswered(error),
                }
                looked_up = Some(Instant::now());
            }
            match self.token() {
                Ok(token) => {
                    self.show_all(&apis, &token, true);
                    if kept.len() < KEPT {
                        kept.push_back(token);
                    }
                }
                Err(error) => self.unanswered(error),
            }
            kept.retain(Token::is_valid);
            if let Some(token) = kept.pop_front() {
                self.show_all(&apis, &token, false);
                kept.push_back(token);
            }
        }
    }

    fn apis(&self) -> Result<BTreeSet<SocketAddr>, String> {
        self.config.with(|c| peers::addresses(&c.apis))
    }

    fn token(&self) -> Result<Token, String> {
        let auth = self.config.with(|c| c.auth.clone());
        let token = peers::json(&self.agent, &format!("http://{auth}/token"));
        token.map_err(|error| format!("{auth}: {error}"))
    }

    fn show_all(&self, apis: &BTreeSet<SocketAddr>, token: &Token, fresh: bool) {
        self.counted().tokens += u64::from(fresh);
        for api in apis {
            match self.show(*api, &token.token) {
                Ok(None) => self.counted().accepted += 1,
                Ok(Some(reason)) => self.rejected(token, fresh, format!("{api}: {reason}")),
                Err(error) => self.unanswered(error),
            }
        }
    }

    /// Shows a token to an `api`, which may refuse it with a reason.
    fn show(&self, api: SocketAddr, token: &str) -> Result<Option<String>, String> {
        let failed = |error| format!("{api}: {error}");
        let whoami = self.agent.get(format!("http://{api}/whoami"));
        let whoami = whoami.header("Authorization", format!("Bearer {token}"));
        let mut answer = whoami.call().map_err(failed)?;
        let text = answer.body_mut().read_to_string().map_err(failed)?;
        match answer.status().as_u16() {
            200 => Ok(None),
            401 => Ok(Some(text)),
            other => Err(format!("{api}: {other} {text}")),
        }
    }

    fn rejected(&self, token: &Token, fresh: bool, reason: String) {
        let mut counted = self.counted();
        *counted.rejected.entry(token.kid.clone()).or_default() += 1;
        if fresh {
            *counted.rejected_fresh.entry(token.kid.clone()).or_default() += 1;
            let first = *counted.first_refusal.get_or_insert_with(Instant::now);
            counted.window_seconds = first.elapsed().as_secs_f64();
        }
        counted.last = Some(reason);
    }

    fn unanswered(&self, error: String) {
        let mut counted = self.counted();
        counted.unanswered += 1;
        counted.last = Some(error);
    }

    fn counted(&self) -> std::sync::MutexGuard<'_, Counted> {
        self.counted.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

// === impl Token ===

impl Token {
    /// Whether it is valid for another third of its time: it ends at a full second, and is on its way for a while.
    fn is_valid(&self) -> bool {
        let life = Duration::from_secs(self.expires_in);
        self.since.elapsed() + (life / 3).max(Duration::from_secs(2)) < life
    }
}
