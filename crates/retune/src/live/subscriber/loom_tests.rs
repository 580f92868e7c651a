//! Subscribers under every interleaving: nobody sleeps through a change, or is waited for in vain.

use std::task::Wake;

use loom::sync::atomic::{AtomicU64, Ordering};
use loom::thread;

use super::*;
use crate::live::record::Record;
use crate::status::{HistoryEntry, Times};

/// A cell's part in this: what is current.
struct World {
    current: AtomicU64,
    subscribers: Subscribers,
    record: Mutex<Record>,
}

impl World {
    fn new() -> Arc<Self> {
        Arc::new(Self {
            current: AtomicU64::new(1),
            subscribers: Subscribers::default(),
            record: Mutex::new(Record::default()),
        })
    }

    fn current(&self) -> u64 {
        self.current.load(Ordering::Acquire)
    }

    fn latest(&self) -> (u64, u64) {
        let current = self.current();
        (current, current)
    }

    /// As a publish does it.
    fn publish(&self, generation: u64) {
        let now = std::time::SystemTime::UNIX_EPOCH;
        let times = Times {
            published: None,
            noticed: now,
            swapped: now,
            applied: None,
        };
        let mut record = self.record.lock().unwrap();
        let told = self.subscribers.announce(generation, || {
            self.current.store(generation, Ordering::Release);
        });
        record.published(HistoryEntry::new(generation, times, Vec::new()));
        record.awaits(generation, &told);
        drop(record);
        for subscriber in told {
            subscriber.wake();
        }
    }

    fn finish(&self, subscriber: &Arc<Subscriber>) {
        let up_to = subscriber.finish();
        self.record.lock().unwrap().finished(subscriber, up_to);
    }

    fn all_applied(&self) -> bool {
        let record = self.record.lock().unwrap();
        let mut entries = record.history.iter();
        entries.all(|entry| entry.times.applied.is_some())
    }
}

/// Takes every change until the last one, in order.
fn follow(world: &World, subscriber: &Arc<Subscriber>, last: u64) {
    let mut before = 0;
    while before < last {
        let now = subscriber.wait(|| world.latest());
        let now = now.expect("nobody closes it");
        assert!(now > before, "told twice, or out of order");
        before = now;
        world.finish(subscriber);
    }
}

#[test]
fn g1_loom_a_subscriber_sleeps_through_no_change_and_is_not_waited_for_in_vain() {
    loom::model(|| {
        let world = World::new();
        let subscriber = world.subscribers.add("a".to_owned(), || 1);
        let writer = {
            let world = world.clone();
            thread::spawn(move || {
                world.publish(2);
                world.publish(3);
            })
        };
        follow(&world, &subscriber, 3);
        writer.join().unwrap();
        assert!(world.all_applied());
        assert_eq!(subscriber.behind(), None);
    });
}

#[test]
fn g9_loom_a_subscriber_that_comes_during_a_swap_hears_of_it_once() {
    loom::model(|| {
        let world = World::new();
        let writer = {
            let world = world.clone();
            thread::spawn(move || world.publish(2))
        };
        let subscriber = world.subscribers.add("a".to_owned(), || world.current());
        follow(&world, &subscriber, 2);
        writer.join().unwrap();
        assert!(world.all_applied());
        assert_eq!(subscriber.behind(), None);
    });
}

#[test]
fn g7_loom_a_subscriber_that_leaves_during_a_swap_ends_and_is_not_waited_for() {
    loom::model(|| {
        let world = World::new();
        let subscriber = world.subscribers.add("a".to_owned(), || 1);
        let follower = {
            let (world, subscriber) = (world.clone(), subscriber.clone());
            thread::spawn(move || {
                while subscriber.wait(|| (world.current(), ())).is_some() {
                    world.finish(&subscriber);
                }
            })
        };
        let writer = {
            let world = world.clone();
            thread::spawn(move || world.publish(2))
        };
        world.subscribers.remove(&subscriber);
        let mut record = world.record.lock().unwrap();
        record.finished(&subscriber, u64::MAX);
        drop(record);
        follower.join().unwrap();
        writer.join().unwrap();
        assert!(world.all_applied());
    });
}

/// Wakes a thread that sleeps until then.
struct Bell {
    rung: Mutex<bool>,
    ringing: Condvar,
}

impl Wake for Bell {
    fn wake(self: Arc<Self>) {
        *self.rung.lock().unwrap() = true;
        self.ringing.notify_one();
    }
}

#[test]
fn g14_loom_a_task_is_woken_for_every_change_that_it_has_not_seen() {
    loom::model(|| {
        let world = World::new();
        let subscriber = world.subscribers.add("a".to_owned(), || 1);
        let writer = {
            let world = world.clone();
            thread::spawn(move || world.publish(2))
        };
        let bell = Arc::new(Bell {
            rung: Mutex::new(false),
            ringing: Condvar::new(),
        });
        let waker = Waker::from(bell.clone());
        let mut before = 0;
        while before < 2 {
            world.finish(&subscriber);
            match subscriber.poll(&waker, || world.latest()) {
                Poll::Ready(Some(now)) => {
                    assert!(now > before);
                    before = now;
                }
                Poll::Ready(None) => panic!("nobody closes it"),
                Poll::Pending => {
                    let mut rung = bell.rung.lock().unwrap();
                    while !*rung {
                        rung = bell.ringing.wait(rung).unwrap();
                    }
                    *rung = false;
                }
            }
        }
        world.finish(&subscriber);
        writer.join().unwrap();
        assert!(world.all_applied());
    });
}
