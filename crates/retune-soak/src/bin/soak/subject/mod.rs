//! The process that is soaked: configurations, and who reads and follows them. It is told what to do
//! by lines on its standard input, and tells of itself by lines of JSON.

mod config;
mod crew;
mod famine;
mod shift;
mod slot;
mod told;
mod witness;

use std::io::BufRead;
use std::sync::atomic::Ordering;
use std::sync::{Arc, mpsc};
use std::thread;
use std::time::{Duration, Instant};

use crate::content::Serial;
use crate::shape::{self, Roots};
use crew::Crew;
use famine::Famine;
use slot::Subject;
use told::{Counting, tell};
use witness::Witness;

pub(crate) use told::Told;

/// How often it tells of itself.
const EVERY: Duration = Duration::from_secs(1);

/// How long everything may take to settle: a poll stands behind each event.
const PATIENCE: Duration = Duration::from_secs(60);

/// Goes on until it is told to end.
pub(crate) fn run(seed: u64, volumes: usize, roots: Roots<'_>) -> Result<(), String> {
    let witness = Arc::new(Witness::default());
    count_panics(&witness);
    let mut commands = std::io::stdin().lock().lines();
    let mut next = || {
        let line = commands
            .next()
            .transpose()
            .map_err(|error| error.to_string())?;
        Ok::<_, String>(line.unwrap_or_else(|| "end".to_owned()))
    };
    // It is looked at before anything of retune is there.
    tell(&Told::Born);
    next()?;
    let slots: Arc<[Box<dyn Subject>]> = shape::lives(volumes, roots)
        .into_iter()
        .map(|life| slot::of(life, &witness))
        .collect();
    for slot in slots.iter() {
        slot.ensure()?;
    }
    let crew = Crew::start(seed, &slots, &witness)?;
    let counting = Counting::new(slots.clone(), witness.clone());
    let (enough, ended) = mpsc::channel::<()>();
    let own = counting.clone();
    let teller = thread::Builder::new().name("soak-teller".to_owned());
    let teller = teller.spawn(move || {
        while ended.recv_timeout(EVERY) == Err(mpsc::RecvTimeoutError::Timeout) {
            tell(&Told::Inside(own.inside()));
        }
    });
    let teller = teller.map_err(|error| error.to_string())?;
    tell(&Told::Ready);

    let mut famine = None;
    loop {
        let line = next()?;
        let (command, number) = line.split_once(' ').unwrap_or((&line, "0"));
        let number: u64 = number.parse().map_err(|_| format!("what is {line:?}?"))?;
        match command {
            "storm" => crew.shift.work(),
            "rest" => {
                crew.shift.rest();
                tell(&Told::Resting);
            }
            "settle" => {
                let began = Instant::now();
                let mut wrong = settle(&slots, number);
                let took = began.elapsed().as_secs_f64();
                if wrong.is_empty() {
                    let filled = slots.iter().map(|slot| slot.fill_history());
                    wrong.extend(filled.filter_map(Result::err));
                    wrong.extend(settle(&slots, number));
                }
                tell(&Told::Settled(took, wrong));
            }
            "look" => tell(&Told::Looked(counting.inside())),
            // One within another would take the first one's limit for what was before.
            "famine" if famine.is_some() => {}
            "famine" => famine = Some(Famine::begin()?),
            "plenty" => drop(famine.take()),
            "restart" => {
                if let Some(slot) = slots.get(number as usize) {
                    slot.stop();
                    // What it follows may be broken just now: then a visitor starts it.
                    _ = slot.ensure();
                }
            }
            _ => break,
        }
    }
    crew.end();
    drop(enough);
    _ = teller.join();
    slots.iter().for_each(|slot| slot.stop());
    retune_mount::wait_until_stopped(PATIENCE);
    let inside = counting.inside();
    tell(&Told::Ended(inside, witness.all_wrong()));
    // It is looked at once more, until nobody listens.
    next().map(drop)
}

/// Waits until everything is as it has to be; what is not.
fn settle(slots: &[Box<dyn Subject>], serial: Serial) -> Vec<String> {
    let until = Instant::now() + PATIENCE;
    loop {
        let each = slots
            .iter()
            .map(|slot| slot.ensure().and_then(|()| slot.unsettled(serial)));
        let wrong: Vec<_> = each.filter_map(Result::err).collect();
        if wrong.is_empty() || Instant::now() > until {
            return wrong;
        }
        thread::sleep(Duration::from_millis(20));
    }
}

fn count_panics(witness: &Arc<Witness>) {
    let (witness, shown) = (witness.clone(), std::panic::take_hook());
    std::panic::set_hook(Box::new(move |panic| {
        witness.panics.fetch_add(1, Ordering::Relaxed);
        witness.wrong(format!("a panic: {panic}"));
        shown(panic);
    }));
}
