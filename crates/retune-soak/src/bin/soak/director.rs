//! Storms and calms: edits and faults for a while, then a look at what is left of them.

mod link;
mod recorder;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::thread;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use retune_soak::flat;
use retune_soak::record::{Begin, End, Inside, Line, Process, Sample};

use crate::content;
use crate::edits::{Edit, Storm};
use crate::kubelet;
use crate::shape::{self, Place, Roots};
use crate::subject::Told;
use link::Link;
use recorder::Recorder;

/// What is asked for.
#[derive(Debug)]
pub(crate) struct Plan {
    pub(crate) minutes: f64,
    pub(crate) volumes: usize,
    pub(crate) seed: u64,
    pub(crate) json: Option<PathBuf>,
}

/// How long a storm is: a sixth of all, within these bounds. The first is the warm-up and takes twice as
/// long, so that the configurations' histories are full when it ends.
const STORM: (f64, f64) = (5.0, 90.0);

/// How long a settled process must look the same: threads that were sent away end by themselves.
const STEADY: Duration = Duration::from_secs(2);

/// Who directs it all.
struct Director {
    seed: u64,
    lives: usize,
    places: Vec<Place>,
    link: Link,
    recorder: Recorder,
    edits: BTreeMap<String, u64>,
    /// Which storm it is.
    storm: u64,
    wrong: Vec<String>,
}

/// Soaks, and says what was not flat.
pub(crate) fn run(plan: &Plan) -> Result<(), String> {
    let failed = |error: std::io::Error| format!("no place for volumes: {error}");
    let disk = tempfile::tempdir().map_err(failed)?;
    let shm = Path::new("/dev/shm");
    let memory = match shm.is_dir() {
        true => tempfile::tempdir_in(shm),
        false => tempfile::tempdir(),
    };
    let memory = memory.map_err(failed)?;
    let roots = Roots {
        disk: disk.path(),
        memory: memory.path(),
    };
    let lives = shape::lives(plan.volumes, roots);
    let places: Vec<Place> = lives.iter().flat_map(|life| life.places.clone()).collect();
    let begin = begin(plan, lives.len(), &places);
    println!(
        "seed {}: {} volumes and {} files, followed by {} configurations, for {} min",
        begin.seed, begin.volumes, begin.files, begin.lives, begin.minutes
    );
    for place in &places {
        kubelet::heal(place, content::of_calm(0))?;
    }
    let mut recorder = Recorder::new(plan.json.as_deref())?;
    recorder.write(&Line::Begin(begin))?;
    let mut director = Director {
        seed: plan.seed,
        lives: lives.len(),
        places,
        link: Link::start(plan, roots)?,
        recorder,
        edits: BTreeMap::new(),
        storm: 0,
        wrong: Vec::new(),
    };
    director.soak(Duration::from_secs_f64(plan.minutes * 60.0))
}

fn begin(plan: &Plan, lives: usize, places: &[Place]) -> Begin {
    let unix = SystemTime::now().duration_since(UNIX_EPOCH);
    let files = places.iter().filter(|place| place.is_file()).count();
    let kernel = std::fs::read_to_string("/proc/sys/kernel/osrelease").unwrap_or_default();
    Begin {
        unix: unix.unwrap_or_default().as_secs(),
        seed: plan.seed,
        minutes: plan.minutes,
        volumes: places.len() - files,
        files,
        lives,
        version: env!("CARGO_PKG_VERSION").to_owned(),
        kernel: kernel.trim().to_owned(),
        cores: thread::available_parallelism().map_or(1, usize::from),
        debug: cfg!(debug_assertions),
    }
}

// === impl Director ===

impl Director {
    fn soak(&mut self, total: Duration) -> Result<(), String> {
        self.until(|told| matches!(told, Told::Born))?;
        let born = self.link.process.look()?;
        self.link.send("start")?;
        self.until(|told| matches!(told, Told::Ready))?;
        let (least, most) = STORM;
        let length = Duration::from_secs_f64((total.as_secs_f64() / 6.0).clamp(least, most));
        println!("{}", recorder::HEADING);
        let began = Instant::now();
        // One calm has nothing to be compared with.
        while (self.storm < 2 || began.elapsed() + length < total) && self.wrong.is_empty() {
            self.storm(if self.storm == 0 { length * 2 } else { length })?;
            self.calm()?;
            self.storm += 1;
        }
        let stopped = self.end(born)?;
        self.judge(stopped)
    }

    /// Edits at random, for so long.
    fn storm(&mut self, length: Duration) -> Result<(), String> {
        self.link.send("storm")?;
        let mut storm = Storm::new(self.seed, self.storm, self.places.len(), self.lives);
        let until = Instant::now() + length;
        while Instant::now() < until {
            let (pause, edit) = storm.draw();
            thread::sleep(pause);
            *self.edits.entry(edit.name().to_owned()).or_default() += 1;
            self.perform(&edit)?;
            while let Some(told) = self.link.told(Duration::ZERO)? {
                self.note(told)?;
            }
        }
        Ok(())
    }

    fn perform(&mut self, edit: &Edit) -> Result<(), String> {
        let place = |index: &usize| self.places.get(*index).ok_or("there is no such place");
        let done = match edit {
            Edit::Swap {
                place: at,
                serial,
                order,
            }
            | Edit::Repeat {
                place: at,
                serial,
                order,
            } => kubelet::publish(place(at)?, *serial, None, *order),
            Edit::Burst {
                place: at,
                serial,
                count,
            } => (0..*count).try_for_each(|more| {
                kubelet::publish(place(at)?, serial + more, None, Default::default())
            }),
            Edit::Invalid {
                place: at,
                serial,
                flaw,
            } => kubelet::publish(place(at)?, *serial, Some(*flaw), Default::default()),
            Edit::Abandon {
                place: at,
                serial,
                steps,
                order,
            } => kubelet::abandon(place(at)?, *serial, *steps, *order),
            Edit::Empty { place: at } => kubelet::empty(place(at)?),
            Edit::Remove { place: at } => kubelet::remove(place(at)?),
            Edit::Replace {
                place: at,
                by,
                whole,
            } => kubelet::replace(place(at)?, *by, *whole),
            Edit::Heal { place: at, serial } => kubelet::heal(place(at)?, *serial),
            Edit::Quiet { time } => {
                thread::sleep(*time);
                Ok(())
            }
            Edit::Flood => {
                // In memory that is quickly done, and all volumes share one queue.
                let place = self.places.iter().find(|place| place.secret);
                self.link.process.stop();
                let flooded = place.map_or(Ok(()), |place| kubelet::flood(&place.path));
                self.link.process.go_on();
                flooded
            }
            Edit::Famine => return self.link.send("famine"),
            Edit::Plenty => return self.link.send("plenty"),
            Edit::Restart { life } => return self.link.send(&format!("restart {life}")),
        };
        // Where a volume was replaced, nobody can write one.
        if done.is_err() {
            *self.edits.entry("in vain".to_owned()).or_default() += 1;
        }
        Ok(())
    }

    /// Ends all faults, lets everything settle, and looks.
    fn calm(&mut self) -> Result<(), String> {
        self.link.send("plenty")?;
        self.link.send("rest")?;
        self.until(|told| matches!(told, Told::Resting))?;
        let serial = content::of_calm(self.storm + 1);
        for place in &self.places {
            kubelet::heal(place, serial)?;
        }
        self.link.send(&format!("settle {serial}"))?;
        let mut settled = None;
        if let Told::Settled(took, wrong) = self.until(|told| matches!(told, Told::Settled(..)))? {
            settled = Some(took);
            let storm = self.storm;
            let told = wrong
                .into_iter()
                .map(|wrong| format!("after storm {storm}: {wrong}"));
            self.wrong.extend(told);
        }
        let process = self.steady()?;
        self.link.send("look")?;
        if let Told::Looked(inside) = self.until(|told| matches!(told, Told::Looked(_)))? {
            let sample = self.sample(process, inside);
            self.recorder.calm(Sample { settled, ..sample })?;
        }
        Ok(())
    }

    /// Looks until it looks the same for a while.
    fn steady(&mut self) -> Result<Process, String> {
        let counts = |process: &Process| {
            (
                process.descriptors,
                process.threads,
                process.watches,
                process.instances,
            )
        };
        let give_up = Instant::now() + STEADY * 20;
        let mut since = Instant::now();
        let mut last = self.link.process.look()?;
        while since.elapsed() < STEADY && Instant::now() < give_up {
            if let Some(told) = self.link.told(STEADY / 10)? {
                self.note(told)?;
            }
            let now = self.link.process.look()?;
            if counts(&now) != counts(&last) {
                since = Instant::now();
            }
            last = now;
        }
        Ok(last)
    }

    /// Everything is given back when all configurations are stopped.
    fn end(&mut self, born: Process) -> Result<Process, String> {
        self.link.send("end")?;
        if let Told::Ended(inside, wrong) = self.until(|told| matches!(told, Told::Ended(..)))? {
            self.wrong.extend(wrong);
            if inside.panics > 0 {
                self.wrong.push(format!("{} panics", inside.panics));
            }
        }
        let stopped = self.steady()?;
        let counts = [
            ("descriptors", born.descriptors, stopped.descriptors),
            ("threads", born.threads, stopped.threads),
            ("watches", born.watches, stopped.watches),
            ("inotify instances", born.instances, stopped.instances),
        ];
        for (name, born, stopped) in counts.into_iter().filter(|(_, born, now)| born != now) {
            let what = format!("{stopped} {name} are left when all is stopped, not {born}");
            self.wrong.push(what);
        }
        Ok(stopped)
    }

    fn judge(&mut self, stopped: Process) -> Result<(), String> {
        let (compared, not_flat) = flat::judge(&self.recorder.calms, &self.recorder.samples);
        self.wrong.extend(not_flat);
        println!("\n{}", recorder::summary(&compared, &self.edits));
        self.recorder.write(&Line::End(End {
            edits: self.edits.clone(),
            stopped,
            wrong: self.wrong.clone(),
        }))?;
        if self.wrong.is_empty() {
            println!("Flat: nothing was torn, lost or left behind.");
            return Ok(());
        }
        let wrong = self.wrong.join("\n  ");
        Err(format!("with seed {}:\n  {wrong}", self.seed))
    }

    /// Waits for something that it tells.
    fn until(&mut self, awaited: impl Fn(&Told) -> bool) -> Result<Told, String> {
        loop {
            match self.link.told(link::PATIENCE)? {
                Some(told) if awaited(&told) => return Ok(told),
                Some(told) => self.note(told)?,
                None => return Err(format!("it does not answer, in storm {}", self.storm)),
            }
        }
    }

    fn note(&mut self, told: Told) -> Result<(), String> {
        if let Told::Inside(inside) = told {
            let process = self.link.process.look()?;
            let sample = self.sample(process, inside);
            self.recorder.sample(sample)?;
        }
        Ok(())
    }

    fn sample(&self, process: Process, inside: Inside) -> Sample {
        Sample {
            at: self.recorder.elapsed(),
            storm: self.storm,
            edits: self.edits.values().sum(),
            settled: None,
            process,
            inside,
        }
    }
}

impl Drop for Director {
    fn drop(&mut self) {
        // However it ends, it is not left stopped.
        self.link.process.go_on();
    }
}
