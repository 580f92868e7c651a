//! Changes for loops of one's own: blocking, and as a stream on any executor or none.

mod support;

use std::future::{Future, poll_fn};
use std::pin::{Pin, pin};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll, Wake, Waker};
use std::thread::{self, Thread};

use futures_core::Stream;
use retune::{Change, ChangeStream, Live};
use support::eventually;

/// The smallest executor: one future, on this thread.
fn block_on<F: Future>(future: F) -> F::Output {
    struct Unpark(Thread);
    impl Wake for Unpark {
        fn wake(self: Arc<Self>) {
            self.0.unpark();
        }
    }
    let waker = Waker::from(Arc::new(Unpark(thread::current())));
    let mut context = Context::from_waker(&waker);
    let mut future = pin!(future);
    loop {
        match future.as_mut().poll(&mut context) {
            Poll::Ready(output) => return output,
            Poll::Pending => thread::park(),
        }
    }
}

async fn next<T: Send + Sync>(stream: &mut ChangeStream<T>) -> Option<Change<T>> {
    poll_fn(|context| Pin::new(&mut *stream).poll_next(context)).await
}

/// A waker that runs what it is given, once, wherever it is woken.
struct OnWake(Mutex<Option<Box<dyn FnOnce() + Send>>>);

impl OnWake {
    fn waker(f: impl FnOnce() + Send + 'static) -> Waker {
        Waker::from(Arc::new(Self(Mutex::new(Some(Box::new(f))))))
    }
}

impl Wake for OnWake {
    fn wake(self: Arc<Self>) {
        let f = self.0.lock().unwrap().take();
        f.into_iter().for_each(|f| f());
    }
}

/// Runs what might deadlock on a thread of its own, so that a deadlock fails the test.
fn must_return(what: &str, f: impl FnOnce() + Send + 'static) {
    let thread = thread::spawn(f);
    eventually(what, || thread.is_finished());
    thread.join().unwrap();
}

#[test]
fn g1_g14_a_stream_gives_the_values_in_order_and_the_last_one_without_a_runtime() {
    const LAST: u64 = 20_000;
    let (live, setter) = Live::settable(0u64);
    let mut stream = live.stream();
    let reader = thread::spawn(move || {
        block_on(async {
            let mut before = None;
            while let Some(change) = next(&mut stream).await {
                let (old, new) = (change.old().map(|old| **old), **change.new_value());
                assert_eq!(old, before);
                assert!(before.is_none_or(|before| before < new), "out of order");
                before = Some(new);
            }
            before
        })
    });
    for n in 1..=LAST {
        setter.set(n);
    }
    eventually("every value was taken", || {
        live.status().times.applied.is_some()
    });
    live.stop().unwrap();
    assert_eq!(reader.join().unwrap(), Some(LAST));
}

#[test]
fn g1_a_blocking_loop_gets_the_values_in_order_and_the_last_one() {
    const LAST: u64 = 20_000;
    let (live, setter) = Live::settable(0u64);
    let changes = live.changes();
    let reader = thread::spawn(move || changes.map(|c| **c.new_value()).collect::<Vec<_>>());
    for n in 1..=LAST {
        setter.set(n);
    }
    eventually("every value was taken", || {
        live.status().times.applied.is_some()
    });
    live.stop().unwrap();
    let values = reader.join().unwrap();
    assert!(values.is_sorted_by(|a, b| a < b), "out of order");
    assert_eq!(values.last(), Some(&LAST));
}

#[test]
fn g14_several_streams_on_a_tokio_runtime_follow_and_end() {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .build()
        .unwrap();
    let (live, setter) = Live::settable(0u64);
    let tasks: Vec<_> = (0..8)
        .map(|_| {
            let mut stream = live.stream();
            runtime.spawn(async move {
                let mut last = 0;
                while let Some(change) = next(&mut stream).await {
                    last = **change.new_value();
                }
                last
            })
        })
        .collect();
    let writer = thread::spawn(move || {
        for n in 1..=1_000 {
            setter.set(n);
        }
        eventually("all have taken the last one", || {
            live.status().times.applied.is_some()
        });
        live.stop().unwrap();
    });
    for task in tasks {
        assert_eq!(runtime.block_on(task).unwrap(), 1_000);
    }
    writer.join().unwrap();
}

#[test]
fn g14_a_runtime_that_shuts_down_during_a_note_harms_nobody() {
    let (live, setter) = Live::settable(0u64);
    for round in 1..=50 {
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(1)
            .build()
            .unwrap();
        for _ in 0..4 {
            let mut stream = live.stream();
            runtime.spawn(async move { while next(&mut stream).await.is_some() {} });
        }
        let go_on = AtomicUsize::new(1);
        thread::scope(|scope| {
            scope.spawn(|| {
                while go_on.load(Ordering::SeqCst) > 0 {
                    setter.set(round);
                }
            });
            // In the midst of the notes.
            let from = live.status().generation;
            eventually("notes are on their way", || {
                live.status().generation > from + 20
            });
            drop(runtime);
            go_on.store(0, Ordering::SeqCst);
        });
        // All of its streams are gone: nobody is waited for, nobody is late.
        setter.set(round);
        assert!(live.status().times.applied.is_some());
    }
    must_return("a clean stop", move || live.stop().unwrap());
}

#[test]
fn g6_a_waker_that_drops_its_stream_where_it_is_woken_does_not_deadlock() {
    let (live, setter) = Live::settable(0u64);
    let stream = Arc::new(Mutex::new(Some(live.stream())));
    let theirs = stream.clone();
    let waker = OnWake::waker(move || drop(theirs.lock().unwrap().take()));
    let mut first = true;
    while poll_once(&stream, &waker).is_ready() {
        assert!(std::mem::take(&mut first), "one value is there");
    }
    must_return("the swap", move || _ = setter.set(1));
    assert!(stream.lock().unwrap().is_none(), "it was woken");
    assert!(live.status().times.applied.is_some());
}

#[test]
fn g6_a_waker_that_sets_a_value_where_it_is_woken_does_not_deadlock() {
    let (live, setter) = Live::settable(0u64);
    let setter = Arc::new(setter);
    let stream = Mutex::new(Some(live.stream()));
    let inner = setter.clone();
    let waker = OnWake::waker(move || _ = inner.set(2));
    while poll_once(&stream, &waker).is_ready() {}
    must_return("the swap", move || _ = setter.set(1));
    assert_eq!(live.with(|n| *n), 2);
}

#[test]
fn g6_a_waker_that_drops_its_stream_when_all_is_stopped_does_not_deadlock() {
    let live = Live::fixed(0u64);
    let stream = Arc::new(Mutex::new(Some(live.stream())));
    let theirs = stream.clone();
    let waker = OnWake::waker(move || drop(theirs.lock().unwrap().take()));
    while poll_once(&stream, &waker).is_ready() {}
    must_return("the stop", move || live.stop().unwrap());
    assert!(stream.lock().unwrap().is_none(), "it was woken");
}

fn poll_once<T: Send + Sync>(
    stream: &Mutex<Option<ChangeStream<T>>>,
    waker: &Waker,
) -> Poll<Option<Change<T>>> {
    let mut stream = stream.lock().unwrap();
    Pin::new(stream.as_mut().unwrap()).poll_next(&mut Context::from_waker(waker))
}

#[test]
fn g14_a_stream_wakes_the_waker_of_its_last_poll() {
    let (live, setter) = Live::settable(0u64);
    let stream = Mutex::new(Some(live.stream()));
    let woken = Arc::new(AtomicUsize::new(0));
    let waker = |by: usize| {
        let woken = woken.clone();
        OnWake::waker(move || _ = woken.fetch_add(by, Ordering::SeqCst))
    };
    assert!(poll_once(&stream, &waker(1)).is_ready());
    assert!(poll_once(&stream, &waker(10)).is_pending());
    assert!(poll_once(&stream, &waker(100)).is_pending());
    setter.set(1);
    assert_eq!(woken.load(Ordering::SeqCst), 100);
    assert!(poll_once(&stream, &waker(1_000)).is_ready());
    assert!(live.status().times.applied.is_none(), "not yet dealt with");
    assert!(poll_once(&stream, &waker(10_000)).is_pending());
    assert!(live.status().times.applied.is_some());
    live.stop().unwrap();
    assert_eq!(woken.load(Ordering::SeqCst), 10_100);
    assert!(matches!(
        poll_once(&stream, Waker::noop()),
        Poll::Ready(None)
    ));
}
