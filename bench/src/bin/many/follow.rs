//! The process that follows.

use std::collections::BTreeMap;
use std::error::Error;
use std::io::{self, BufRead, Write};
use std::path::Path;
use std::sync::mpsc;
use std::thread;
use std::time::{Duration, Instant, SystemTime};

use retune::{Live, Retune, Serde};

use crate::Arrangement;
use crate::process::Cost;

type Values = Serde<BTreeMap<String, String>>;

/// What a volume's only key is.
pub(crate) fn key(volume: usize) -> String {
    format!("key{volume}")
}

pub(crate) fn value(round: u32) -> String {
    format!("round {round}")
}

/// Follows; answers each line of the input: a volume and a round with the wall clock's nanoseconds since which
/// readers see that, any other with what this process costs. Ends with the input.
///
/// # Errors
///
/// When it cannot load, or nobody listens.
pub(crate) fn follow(arrangement: Arrangement, folder: &str) -> Result<(), Box<dyn Error>> {
    let dir = |i: usize| Path::new(folder).join(i.to_string());
    // This one is there before, so that it does not count.
    let (tell, told) = mpsc::channel::<String>();
    thread::spawn(move || {
        let mut out = io::stdout().lock();
        for line in told {
            if writeln!(out, "{line}").and_then(|()| out.flush()).is_err() {
                return;
            }
        }
    });
    let before = Cost::here();
    let began = Instant::now();
    let mut lives: Vec<Live<Values>> = Vec::new();
    match arrangement {
        Arrangement::Alone | Arrangement::OneLive => {
            let volumes = 0..arrangement.volumes();
            let loader = volumes.fold(Values::loader(), |loader, i| loader.mount(dir(i)));
            lives.push(loader.watch()?);
        }
        Arrangement::ManyLives => {
            for i in 0..arrangement.volumes() {
                lives.push(Values::loader().mount(dir(i)).watch()?);
            }
        }
    }
    let start_ms = began.elapsed().as_secs_f64() * 1e3;
    tell.send("ready".into())?;
    for line in io::stdin().lock().lines() {
        match line?.split_once(' ') {
            Some((volume, round)) => {
                let live = lives.get(volume.parse::<usize>()?).or(lives.first());
                let live = live.ok_or("there is one")?;
                let at = swapped(live, &key(volume.parse()?), &value(round.parse()?));
                tell.send(since_epoch(at)?.to_string())?;
            }
            None => {
                let mut cost = Cost::here().beyond(&before);
                cost.start_ms = start_ms;
                tell.send(serde_json::to_string(&cost)?)?;
            }
        }
    }
    for live in lives {
        live.stop()?;
    }
    Ok(())
}

/// Since when readers see a value. A subscriber would be a thread more for each `Live`; so it looks, and what
/// counts is the time that retune noted.
fn swapped(live: &Live<Values>, key: &str, value: &str) -> SystemTime {
    while live.load().get(key).map(String::as_str) != Some(value) {
        thread::sleep(Duration::from_micros(200));
    }
    live.status().times.swapped
}

fn since_epoch(at: SystemTime) -> Result<u128, Box<dyn Error>> {
    Ok(at.duration_since(SystemTime::UNIX_EPOCH)?.as_nanos())
}
