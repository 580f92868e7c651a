//! What reading costs in allocations: a process of its own, with an allocator that counts.

use allocation_counter::measure;
use retune::Live;

#[test]
fn g12_reading_allocates_nothing() {
    let (live, setter) = Live::settable(vec![1u8; 100]);
    let view = live.view(|value| value);
    let mut reader = live.reader();
    let mut sum = 0;
    let mut read = || {
        sum += live.with(Vec::len);
        sum += live.load().len();
        sum += reader.get().len();
        sum += reader.snapshot().len();
        sum += view.with(Vec::len);
    };
    // The first read of a thread makes it a place.
    read();
    let counted = measure(|| (0..1_000).for_each(|_| read()));
    assert_eq!(counted.count_total, 0, "{counted:?}");
    // The first reads after a change do not allocate either.
    for n in 0..10 {
        setter.set(vec![n; 100]);
        let counted = measure(&mut read);
        assert_eq!(counted.count_total, 0, "{counted:?}");
    }
    assert!(sum > 0);
    // Nor do many threads at once, while it changes.
    std::thread::scope(|scope| {
        let count = || {
            let mut reader = live.reader();
            let mut read = || live.with(Vec::len) + live.load().len() + reader.get().len();
            read();
            measure(|| assert!((0..1_000).map(|_| read()).sum::<usize>() > 0)).count_total
        };
        let threads: Vec<_> = (0..4).map(|_| scope.spawn(count)).collect();
        for n in 0..100 {
            setter.set(vec![n; 100]);
        }
        for thread in threads {
            assert_eq!(thread.join().unwrap(), 0);
        }
    });
    // The measure does see allocations.
    assert!(measure(|| drop(std::hint::black_box(vec![1u8; 10]))).count_total > 0);
}
