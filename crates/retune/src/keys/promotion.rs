//! Which key of a set signs, and which of them wait: the rule alone.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::{Duration, Instant, SystemTime};

use retune_mount::wall_clock;

use super::set::KeySet;
use super::status::{KeyStatus, SignedBy, SignerStatus};

/// How long a key may wait before that is odd: two volumes are written up to a kubelet's pass apart.
const PATIENCE: Duration = Duration::from_secs(120);

/// Which key signs, as of one generation.
pub(super) struct Promotion {
    generation: u64,
    active: Option<Arc<str>>,
    signs: Arc<str>,
    by: SignedBy,
    keys: BTreeMap<Arc<str>, Key>,
}

struct Key {
    /// Its first generation: tells it from one that was removed and is back.
    first: u64,
    since: SystemTime,
    /// The same, for what is waited for: the wall clock may be set.
    met: Instant,
    confirmed: Option<SystemTime>,
    asked: u64,
    lacking: Option<String>,
    asking: Option<SystemTime>,
    overdue: bool,
}

/// A question, and what it was about.
#[derive(Clone)]
pub(super) struct Question {
    pub(super) kid: Arc<str>,
    first: u64,
}

/// What is worth a line in the log.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Event {
    /// Another key signs.
    Signs {
        kid: Arc<str>,
        before: Arc<str>,
        by: SignedBy,
        /// Whether the one before is gone.
        revoked: bool,
    },
    /// Somebody does not have a key yet, or another does not.
    Lacking { kid: Arc<str>, who: String },
    /// A key has waited for long.
    Overdue {
        kid: Arc<str>,
        who: String,
        waited: Duration,
    },
}

// === impl Promotion ===

impl Promotion {
    pub(super) fn new<K>(generation: u64, set: &KeySet<K>) -> Self {
        let mut this = Self {
            generation,
            active: None,
            signs: set.oldest().0.into(),
            by: SignedBy::Unconfirmed,
            keys: BTreeMap::new(),
        };
        this.take(generation, set);
        this
    }

    /// Goes on to a generation. `None` where a later one was seen already.
    pub(super) fn advance<K>(
        &mut self,
        generation: u64,
        set: &KeySet<K>,
    ) -> Option<(Arc<str>, Option<Event>)> {
        if generation < self.generation {
            return None;
        }
        let event = match generation == self.generation {
            true => None,
            false => self.take(generation, set),
        };
        Some((self.signs.clone(), event))
    }

    fn take<K>(&mut self, generation: u64, set: &KeySet<K>) -> Option<Event> {
        self.generation = generation;
        let mut before = std::mem::take(&mut self.keys);
        for kid in set.ids() {
            let (kid, key) = before
                .remove_entry(kid)
                .unwrap_or_else(|| (kid.into(), Key::new(generation)));
            self.keys.insert(kid, key);
        }
        self.active = set.active().map(Into::into);
        self.choose(set.oldest().0)
    }

    /// Active is an order. Else the newest that everybody has; else what signed before, if it is left;
    /// else the oldest, as that has been there for longest.
    fn choose(&mut self, oldest: &str) -> Option<Event> {
        let mut confirmed = self.keys.iter().rev();
        let confirmed = confirmed.find(|(_, key)| key.confirmed.is_some());
        let (signs, by) = match (&self.active, confirmed) {
            (Some(active), _) => (active.clone(), SignedBy::Active),
            (None, Some((kid, _))) => (kid.clone(), SignedBy::Confirmed),
            (None, None) if self.keys.contains_key(&self.signs) => {
                (self.signs.clone(), SignedBy::Unconfirmed)
            }
            (None, None) => (oldest.into(), SignedBy::Unconfirmed),
        };
        self.by = by;
        let before = std::mem::replace(&mut self.signs, signs);
        (before != self.signs).then(|| Event::Signs {
            kid: self.signs.clone(),
            by,
            revoked: !self.keys.contains_key(&before),
            before,
        })
    }

    /// What to ask about, the newest first: keys that not everybody is known to have, from the one that
    /// signs on.
    pub(super) fn questions(&self) -> Vec<Question> {
        let open = self.keys.range(self.signs.clone()..).rev();
        let open = open.filter(|(_, key)| key.confirmed.is_none());
        open.map(|(kid, key)| Question {
            kid: kid.clone(),
            first: key.first,
        })
        .collect()
    }

    /// Whether an answer is still wanted.
    pub(super) fn ask(&mut self, question: &Question) -> bool {
        let wanted = question.kid >= self.signs;
        let key = self.key(question).filter(|_| wanted);
        key.map(|key| key.asking = Some(wall_clock())).is_some()
    }

    /// Takes an answer; `Err` says who does not have the key.
    pub(super) fn answer(
        &mut self,
        question: &Question,
        answer: Result<(), String>,
    ) -> Option<Event> {
        let key = self.key(question)?;
        key.asking = None;
        key.asked += 1;
        let Err(who) = answer else {
            key.lacking = None;
            key.confirmed = Some(wall_clock());
            // The oldest is of no matter: there is one that is confirmed.
            return self.choose(&question.kid);
        };
        let kid = question.kid.clone();
        let waited = key.met.elapsed();
        let other = key.lacking.as_ref() != Some(&who);
        key.lacking = Some(who.clone());
        if waited >= PATIENCE && !std::mem::replace(&mut key.overdue, true) {
            return Some(Event::Overdue { kid, who, waited });
        }
        other.then_some(Event::Lacking { kid, who })
    }

    fn key(&mut self, question: &Question) -> Option<&mut Key> {
        let key = self.keys.get_mut(&question.kid);
        key.filter(|key| key.first == question.first)
    }

    pub(super) fn status(&self) -> SignerStatus {
        let keys = self.keys.iter().map(|(kid, key)| KeyStatus {
            kid: kid.to_string(),
            since: key.since,
            confirmed: key.confirmed,
            asked: key.asked,
            lacking: key.lacking.clone(),
            asking: key.asking,
        });
        SignerStatus {
            generation: self.generation,
            kid: self.signs.to_string(),
            by: self.by,
            keys: keys.collect(),
        }
    }
}

// === impl Key ===

impl Key {
    fn new(first: u64) -> Self {
        Self {
            first,
            since: wall_clock(),
            met: Instant::now(),
            confirmed: None,
            asked: 0,
            lacking: None,
            asking: None,
            overdue: false,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::secret::Secret;

    fn set(ids: &str) -> KeySet {
        active(ids, None)
    }

    fn active(ids: &str, active: Option<&str>) -> KeySet {
        let keys = ids
            .split(' ')
            .map(|kid| (kid.to_owned(), Secret::new(String::new())));
        KeySet::new(keys, active).unwrap()
    }

    fn asked(promotion: &Promotion) -> Vec<String> {
        let questions = promotion.questions();
        questions.iter().map(|q| q.kid.to_string()).collect()
    }

    /// Everybody has this key, who is asked about it now.
    fn confirm(promotion: &mut Promotion, kid: &str) {
        let questions = promotion.questions();
        let question = questions.iter().find(|q| &*q.kid == kid).unwrap();
        promotion.answer(question, Ok(()));
    }

    fn told(promotion: &Promotion) -> (String, SignedBy) {
        let status = promotion.status();
        (status.kid, status.by)
    }

    #[test]
    fn h6_after_a_start_the_oldest_signs_until_everybody_has_a_newer_one() {
        let mut promotion = Promotion::new(1, &set("a b c"));
        assert_eq!(told(&promotion), ("a".into(), SignedBy::Unconfirmed));
        assert_eq!(asked(&promotion), ["c", "b", "a"]);
        confirm(&mut promotion, "b");
        assert_eq!(told(&promotion), ("b".into(), SignedBy::Confirmed));
        assert_eq!(asked(&promotion), ["c"]);
        confirm(&mut promotion, "c");
        assert_eq!(told(&promotion), ("c".into(), SignedBy::Confirmed));
        assert!(asked(&promotion).is_empty());
    }

    #[test]
    fn h6_an_older_id_that_is_new_does_not_sign_before_it_is_asked_about() {
        let mut promotion = Promotion::new(1, &set("b"));
        promotion.advance(2, &set("a b")).unwrap();
        assert_eq!(told(&promotion).0, "b");
        assert_eq!(asked(&promotion), ["b"]);
    }

    #[test]
    fn h6_a_removed_key_signs_no_more_and_one_that_everybody_has_comes_before_others() {
        let mut promotion = Promotion::new(1, &set("a b c"));
        confirm(&mut promotion, "b");
        confirm(&mut promotion, "c");
        let (signs, event) = promotion.advance(2, &set("a b d")).unwrap();
        assert_eq!(&*signs, "b");
        let Some(Event::Signs {
            before,
            by,
            revoked,
            ..
        }) = event
        else {
            panic!("{event:?}")
        };
        assert_eq!((&*before, by, revoked), ("c", SignedBy::Confirmed, true));
        // Nobody is known to have any that is left.
        promotion.advance(3, &set("d e")).unwrap();
        assert_eq!(told(&promotion), ("d".into(), SignedBy::Unconfirmed));
        assert_eq!(asked(&promotion), ["e", "d"]);
    }

    #[test]
    fn h6_a_key_that_comes_back_is_asked_about_again_and_old_answers_are_not_about_it() {
        let mut promotion = Promotion::new(1, &set("a b"));
        let old = promotion.questions();
        confirm(&mut promotion, "b");
        promotion.advance(2, &set("a")).unwrap();
        promotion.advance(3, &set("a b")).unwrap();
        assert_eq!(told(&promotion).0, "a");
        assert!(promotion.answer(&old[0], Ok(())).is_none());
        assert!(!promotion.ask(&old[0]));
        assert_eq!(told(&promotion).0, "a");
        confirm(&mut promotion, "b");
        assert_eq!(told(&promotion).0, "b");
    }

    #[test]
    fn h6_active_is_an_order_and_what_is_newer_is_asked_about_all_the_same() {
        let mut promotion = Promotion::new(1, &active("a b c", Some("b")));
        assert_eq!(told(&promotion), ("b".into(), SignedBy::Active));
        assert_eq!(asked(&promotion), ["c", "b"]);
        confirm(&mut promotion, "c");
        assert_eq!(told(&promotion).0, "b");
        let waiting: Vec<_> = promotion.status().waiting().cloned().collect();
        assert_eq!((&*waiting[0].kid, waiting.len()), ("c", 1));
        assert!(waiting[0].confirmed.is_some());
        // Without the order, the newest that everybody has.
        promotion.advance(2, &set("a b c")).unwrap();
        assert_eq!(told(&promotion), ("c".into(), SignedBy::Confirmed));
        promotion.advance(3, &active("a b c", Some("a"))).unwrap();
        assert_eq!(told(&promotion), ("a".into(), SignedBy::Active));
    }

    #[test]
    fn h6_a_generation_that_was_left_behind_signs_nothing() {
        let mut promotion = Promotion::new(1, &set("a"));
        promotion.advance(3, &set("b")).unwrap();
        assert!(promotion.advance(2, &set("a")).is_none());
        assert_eq!(told(&promotion).0, "b");
    }

    #[test]
    fn h6_who_lacks_a_key_is_told_once_and_again_when_it_is_another() {
        let mut promotion = Promotion::new(1, &set("a b"));
        let question = promotion.questions()[0].clone();
        let lacks = |who: &str| Err(who.to_owned());
        let event = promotion.answer(&question, lacks("api-1, api-2"));
        assert!(matches!(event, Some(Event::Lacking { .. })));
        assert_eq!(promotion.answer(&question, lacks("api-1, api-2")), None);
        let event = promotion.answer(&question, lacks("api-2"));
        assert!(matches!(event, Some(Event::Lacking { who, .. }) if who == "api-2"));
        let key = &promotion.status().keys[1];
        assert_eq!((key.asked, key.lacking.as_deref()), (3, Some("api-2")));

        let key = promotion.keys.get_mut("b").unwrap();
        // The clock was set, and then time passes.
        key.since -= 2 * PATIENCE;
        assert_eq!(promotion.answer(&question, lacks("api-2")), None);
        promotion.keys.get_mut("b").unwrap().met -= PATIENCE;
        let event = promotion.answer(&question, lacks("api-2"));
        assert!(matches!(event, Some(Event::Overdue { .. })), "{event:?}");
        assert_eq!(promotion.answer(&question, lacks("api-2")), None);
    }
}
