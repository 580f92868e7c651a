//! Keeps what was seen, and shows it.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io::{BufWriter, Write};
use std::path::Path;
use std::time::Instant;

use retune_soak::flat::{Compared, mib};
use retune_soak::record::{Line, Sample};

/// Above the lines of [`Recorder::calm`].
pub(super) const HEADING: &str = " settled after      in      edits  generations  refused      reads  \
     allocated   resident  files  threads  watches";

pub(super) struct Recorder {
    began: Instant,
    file: Option<BufWriter<File>>,
    pub(super) samples: Vec<Sample>,
    pub(super) calms: Vec<Sample>,
}

// === impl Recorder ===

impl Recorder {
    pub(super) fn new(path: Option<&Path>) -> Result<Self, String> {
        let create = |path: &Path| {
            if let Some(folder) = path.parent() {
                fs::create_dir_all(folder)?;
            }
            File::create(path)
        };
        let file =
            path.map(|path| create(path).map_err(|error| format!("{}: {error}", path.display())));
        Ok(Self {
            began: Instant::now(),
            file: file.transpose()?.map(BufWriter::new),
            samples: Vec::new(),
            calms: Vec::new(),
        })
    }

    pub(super) fn elapsed(&self) -> f64 {
        (self.began.elapsed().as_secs_f64() * 1e3).round() / 1e3
    }

    pub(super) fn sample(&mut self, sample: Sample) -> Result<(), String> {
        self.write(&Line::Sample(sample.clone()))?;
        self.samples.push(sample);
        Ok(())
    }

    pub(super) fn calm(&mut self, calm: Sample) -> Result<(), String> {
        self.write(&Line::Calm(calm.clone()))?;
        let (process, inside) = (&calm.process, &calm.inside);
        println!(
            "{:>7} {:>5.0} s {:>5.2} s {:>10} {:>12} {:>8} {:>10} {:>10} {:>10} {:>6} {:>8} {:>8}",
            match calm.storm {
                0 => "warm-up".to_owned(),
                storm => storm.to_string(),
            },
            calm.at,
            calm.settled.unwrap_or_default(),
            calm.edits,
            inside.generations,
            inside.refused,
            inside.reads,
            mib(inside.heap as f64),
            mib(process.rss as f64),
            process.descriptors,
            process.threads,
            process.watches,
        );
        self.calms.push(calm);
        Ok(())
    }

    pub(super) fn write(&mut self, line: &Line) -> Result<(), String> {
        let Some(file) = &mut self.file else {
            return Ok(());
        };
        let text = serde_json::to_string(line).map_err(|error| error.to_string())?;
        let written = writeln!(file, "{text}").and_then(|()| file.flush());
        written.map_err(|error| format!("the record: {error}"))
    }
}

/// What was compared, and what was done.
pub(super) fn summary(compared: &[Compared], edits: &BTreeMap<String, u64>) -> String {
    let done: Vec<_> = edits
        .iter()
        .map(|(name, count)| format!("{count} {name}"))
        .collect();
    let mut text = format!("Edits and faults: {}.\n", done.join(", "));
    for one in compared {
        text += &format!("{one}.\n");
    }
    text
}
