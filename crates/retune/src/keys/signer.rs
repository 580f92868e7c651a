//! The handle of who signs, and the thread that asks the others.

use std::fmt;
use std::sync::mpsc::{self, Receiver, RecvTimeoutError};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::Duration;

use tracing::{info, warn};

use super::promotion::{Event, Promotion};
use super::set::KeySet;
use super::status::{SignedBy, SignerStatus};
use crate::generation::Snapshot;
use crate::guard::guarded;
use crate::live::{Gate, Subscription, View};
use crate::secret::Secret;

/// The time between two rounds of questions: doubled each time that somebody lacks a key.
const FIRST_PAUSE: Duration = Duration::from_millis(100);
const LONGEST_PAUSE: Duration = Duration::from_secs(5);

/// Signs by a [`KeySet`], and holds a new key back until everybody has it who checks signatures.
///
/// A Secret reaches one pod up to 90 seconds later than another. When the signer is the first to have a new
/// key, whatever it signs is refused by those who do not have it yet, however long they would keep the old
/// one. So a newer key is not used before `ask` says `Ok` for its id: that all have it. This is asked
/// on a thread of its own, at once, then after 100 ms, and twice as long each time up to 5 s; and anew with
/// each generation.
///
/// Which key signs:
///
/// 1. the one that the configuration names as `active`, at once: it is an order;
/// 2. else the newest that everybody has;
/// 3. else the one that signed before. After a start that is the oldest, until the others are asked.
///
/// **A key that is removed signs nothing any more**, from that generation on. Those who check refuse it in
/// their own next generation. If no key that is left is known to be with everybody, the oldest of them signs:
/// then tokens may be refused by those whose volume is behind, since there is no key that all can agree on.
/// Who can wait adds the new key first, and removes the old one when no token of its time is valid any more:
/// counted from when the new one signs, and anew when a signer has started since, as it may have begun with the old one.
///
/// Nothing here knows how many there are to be asked: `ask` finds them anew each time, and says `Err` with who
/// does not have the key or does not answer. It should have a time-out of its own; its panics are caught.
/// As long as it does not say `Ok`, what signs goes on signing; [`status`](Self::status) and the log tell who is
/// waited for, with a warning after two minutes. Who starts later reads the Secret when it starts, and so
/// has the key. Of several signers each asks for itself.
///
/// An update that puts another key under the same id is refused, as by
/// [`refuse_reused_ids`](View::refuse_reused_ids), which is for those who check.
///
/// Cheap to clone. When the last clone is dropped, no more is asked.
///
/// ```
/// use retune::{KeySet, Live, Secret, Signer};
///
/// let key = |kid: &str| (kid.to_owned(), Secret::new(format!("secret of {kid}")));
/// let (live, setter) = Live::settable(KeySet::new([key("2026-11-03")], None)?);
///
/// // Such as: each address behind a name, asked by HTTP which ids it has.
/// let ask = |kid: &str| Err(format!("api-1 lacks {kid}"));
/// let signer = Signer::start(live.view(|keys| keys), ask);
///
/// setter.set(KeySet::new([key("2026-11-03"), key("2026-11-21")], None)?);
/// let signed = signer.with(|kid, key| format!("{kid}: {} bytes", key.expose().len()));
/// assert_eq!(signed, "2026-11-03: 20 bytes");
/// # Ok::<(), retune::Error>(())
/// ```
pub struct Signer<T: Send + Sync + 'static, K: 'static = String> {
    keys: View<T, KeySet<K>>,
    promotion: Arc<Mutex<Promotion>>,
    _follows: Arc<(Subscription, Gate)>,
}

// === impl Signer ===

impl<T: Send + Sync + 'static, K: 'static> Signer<T, K>
where
    Secret<K>: PartialEq,
{
    /// Signs by these keys. `ask` is asked whether everybody has the key with an id, and says who does
    /// not.
    #[track_caller]
    pub fn start(
        keys: View<T, KeySet<K>>,
        ask: impl Fn(&str) -> Result<(), String> + Send + 'static,
    ) -> Self {
        let reused = keys.refuse_reused_ids();
        let now = keys.snapshot();
        let promotion = Promotion::new(Snapshot::generation(&now), keys.part(&now));
        let promotion = Arc::new(Mutex::new(promotion));
        // Of many generations one word is enough.
        let (sender, news) = mpsc::sync_channel(1);
        let advancing = promotion.clone();
        let follows = keys.subscribe_generations(move |generation, set| {
            let advanced = lock(&advancing).advance(generation, set);
            log(advanced.and_then(|(_, event)| event));
            _ = sender.try_send(());
        });
        let asking = promotion.clone();
        let body = move || ask_while_followed(&asking, &news, ask);
        let thread = thread::Builder::new().name("retune-signer".to_owned());
        if let Err(error) = thread.spawn(body) {
            warn!("no thread to ask who has a key, no newer one will sign: {error}");
        }
        Self {
            keys,
            promotion,
            _follows: Arc::new((follows, reused)),
        }
    }
}

impl<T: Send + Sync + 'static, K: 'static> Signer<T, K> {
    /// Signs: `f` gets the key and its id, both of the generation that holds now.
    pub fn with<R>(&self, f: impl FnOnce(&str, &Secret<K>) -> R) -> R {
        let (now, kid) = self.signs();
        let set = self.keys.part(&now);
        match set.get(&kid) {
            Some(key) => f(&kid, key),
            // The program's own code has given two sets for one generation.
            None => {
                let (kid, key) = set.oldest();
                f(kid, key)
            }
        }
    }

    fn signs(&self) -> (Snapshot<T>, Arc<str>) {
        loop {
            let now = self.keys.snapshot();
            let set = self.keys.part(&now);
            let advanced = lock(&self.promotion).advance(Snapshot::generation(&now), set);
            // Else a newer one was published meanwhile, by which something may have been signed.
            if let Some((kid, event)) = advanced {
                log(event);
                return (now, kid);
            }
        }
    }

    /// Which key signs, which wait, and for whom.
    #[must_use]
    pub fn status(&self) -> SignerStatus {
        self.signs();
        lock(&self.promotion).status()
    }
}

impl<T: Send + Sync + 'static, K: 'static> Clone for Signer<T, K> {
    fn clone(&self) -> Self {
        Self {
            keys: self.keys.clone(),
            promotion: self.promotion.clone(),
            _follows: self._follows.clone(),
        }
    }
}

impl<T: Send + Sync + 'static, K: 'static> fmt::Debug for Signer<T, K> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Signer").field(&self.status()).finish()
    }
}

/// Ends when the subscription that gives the news does.
fn ask_while_followed(
    promotion: &Mutex<Promotion>,
    news: &Receiver<()>,
    ask: impl Fn(&str) -> Result<(), String>,
) {
    let mut pause = FIRST_PAUSE;
    loop {
        ask_once(promotion, &ask);
        let all_answered = lock(promotion).questions().is_empty();
        let more = match all_answered {
            true => news.recv().map_err(|_| RecvTimeoutError::Disconnected),
            false => news.recv_timeout(pause),
        };
        pause = match more {
            Ok(()) => FIRST_PAUSE,
            Err(RecvTimeoutError::Timeout) => LONGEST_PAUSE.min(pause * 2),
            Err(RecvTimeoutError::Disconnected) => return,
        };
    }
}

fn ask_once(promotion: &Mutex<Promotion>, ask: &impl Fn(&str) -> Result<(), String>) {
    let questions = lock(promotion).questions();
    for question in questions {
        // A newer one that everybody has makes the others idle.
        if !lock(promotion).ask(&question) {
            continue;
        }
        let answer = guarded(|| ask(&question.kid));
        let answer = answer.unwrap_or_else(|panic| Err(format!("asking has panicked: {panic}")));
        let event = lock(promotion).answer(&question, answer);
        log(event);
    }
}

fn lock(promotion: &Mutex<Promotion>) -> MutexGuard<'_, Promotion> {
    promotion.lock().unwrap_or_else(PoisonError::into_inner)
}

fn log(event: Option<Event>) {
    match event {
        None => {}
        Some(Event::Signs {
            kid,
            before,
            by,
            revoked: true,
        }) => match by {
            SignedBy::Unconfirmed => warn!(
                %kid, %before,
                "the key that signed is gone; another signs, and not everybody is known to have it"
            ),
            _ => info!(%kid, %before, "the key that signed is gone, another signs"),
        },
        Some(Event::Signs { kid, before, .. }) => info!(%kid, %before, "another key signs"),
        Some(Event::Lacking { kid, who }) => info!(%kid, lacking = who, "not everybody has a key"),
        Some(Event::Overdue { kid, who, waited }) => warn!(
            %kid, lacking = who, waited_seconds = waited.as_secs(),
            "not everybody has a key, for long already"
        ),
    }
}
