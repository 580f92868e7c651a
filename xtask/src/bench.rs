//! `cargo xtask bench`: retune beside others, and `docs/performance.md` from what that shows.

mod cost;
mod document;
mod lag;
mod machine;
mod picture;
mod programs;
mod table;

use std::fs;
use std::path::PathBuf;

use clap::ValueEnum;

use crate::Result;
use crate::sh::target_dir;

use machine::Machine;
use programs::Programs;
use table::{Measured, Table};

/// How it goes, below the options.
const HELP: &str = "\
The programs that measure are in bench/, a workspace of its own, and are built first, into target/bench:
about two minutes. Each table is measured in one run in which all contenders take turns, and shows ratios.
It replaces the section of its name in docs/performance.md, and its picture beside that; other sections
stay as they are, each with the date and the machine of its own run. What is not held to is shown, there
and at the end.

All tables together take about 25 minutes, one after the other: let nothing else run meanwhile. Only `idle`
does not mind other work. Nothing but `lag` needs root. Without Go, what needs Go is left out, and said to be.";

/// Which tables, and what for.
#[derive(Debug, clap::Args)]
#[command(args_conflicts_with_subcommands = true, after_long_help = HELP)]
pub(crate) struct Args {
    /// The tables; all of them if none is given.
    #[arg(value_name = "TABLE")]
    names: Vec<Name>,
    /// Only whether everything runs: seconds after building. The figures mean nothing, and are written below target/.
    #[arg(long)]
    quick: bool,
    /// Fails if something that the project holds itself to does not hold.
    #[arg(long, conflicts_with = "quick")]
    check: bool,
    /// Measures nothing, but writes the document again from the last results.
    #[arg(long, conflicts_with = "quick")]
    render: bool,
    /// Lists the tables.
    #[arg(long)]
    list: bool,
    #[command(subcommand)]
    other: Option<Other>,
}

#[derive(Debug, clap::Subcommand)]
enum Other {
    /// The lag of edits in pods of a real cluster, hop by hop; needs root and Go.
    Lag(lag::Args),
}

/// A table: a section of the document.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Name {
    /// A read, beside a plain load, arc-swap, locks and tokio's watch: 1 minute.
    Reads,
    /// A Go service's own comparison of a mutex and a channel, with retune beside it: 15 seconds; needs Go.
    Seed,
    /// From a swap of files to what readers see, beside the least that can be done and beside peers: 3 minutes.
    Reload,
    /// Many keys and a long document, beside reading the files and beside the parser alone.
    Size,
    /// What is held in memory for each key, and what a reload that changes nothing allocates.
    Memory,
    /// A thousand volumes in one process: 2 minutes.
    Many,
    /// What nothing costs, when nothing changes: 10 minutes, in which others may work, but not make files in
    /// /dev/shm.
    Idle,
    /// Crates, build times and size that a program gets with it, beside peers: 5 minutes, with all cores.
    Cost,
}

/// Measures, and writes what was found.
///
/// # Errors
///
/// When something does not build or fails; with `--check`, when something does not hold.
pub(crate) fn run(args: &Args) -> Result {
    if let Some(Other::Lag(args)) = &args.other {
        return lag::run(args);
    }
    let names = match &*args.names {
        [] => Name::value_variants(),
        names => names,
    };
    if args.list {
        names
            .iter()
            .for_each(|name| println!("{:<8} {}", name.text(), name.help()));
        return Ok(());
    }
    let results = Results { quick: args.quick };
    let mut measured = Vec::new();
    if args.render {
        for name in names {
            if let Some(table) = results.read(*name)? {
                document::update(*name, &table, false)?;
                measured.push((*name, table));
            }
        }
    } else {
        if args.quick {
            document::copy()?;
        }
        let measure = Measure::prepare(names, args.quick)?;
        let machine = Machine::here()?;
        for name in names {
            println!("\n=== {}", name.text());
            let Some(mut table) = measure.table(*name)? else {
                continue;
            };
            machine.name_versions(&mut table.contenders)?;
            println!("\n{}", table.markdown());
            let (date, machine) = (machine.date()?, machine.to_string());
            let table = Measured {
                date,
                machine,
                table,
            };
            results.keep(*name, &table)?;
            // At once: a later table may fail.
            document::update(*name, &table, args.quick)?;
            measured.push((*name, table));
        }
    }
    match args.quick {
        true => println!("\neverything ran; the figures mean nothing"),
        false => sum_up(&measured, args.check)?,
    }
    Ok(())
}

/// Shows each check, in the end.
fn sum_up(measured: &[(Name, Measured)], check: bool) -> Result {
    let checks = measured
        .iter()
        .flat_map(|(name, measured)| measured.table.checks.iter().map(move |check| (name, check)));
    let mut failed = 0;
    println!();
    for (name, check) in checks {
        failed += usize::from(!check.held);
        println!("{:<7} {}", name.text(), check.line());
    }
    match failed {
        1.. if check => Err(format!(
            "{failed} of what the project holds itself to did not hold"
        )),
        _ => Ok(()),
    }
}

/// How each table is measured.
struct Measure {
    /// Those of `bench/`, if one is needed.
    programs: Option<Programs>,
    quick: bool,
}

/// Where results are kept, so that a document can be written of them again.
struct Results {
    quick: bool,
}

// === impl Measure ===

impl Measure {
    fn prepare(names: &[Name], quick: bool) -> Result<Self> {
        let needs_programs = names.iter().any(|name| *name != Name::Cost);
        let programs = needs_programs.then(|| Programs::build(quick)).transpose()?;
        Ok(Self { programs, quick })
    }

    /// Nothing if it cannot be measured here.
    fn table(&self, name: Name) -> Result<Option<Table>> {
        match &self.programs {
            _ if name == Name::Cost => cost::measure(self.quick).map(Some),
            Some(programs) => programs.run(name),
            None => Ok(None),
        }
    }
}

// === impl Results ===

impl Results {
    fn file(&self, name: Name) -> PathBuf {
        let folder = if self.quick {
            "bench/quick"
        } else {
            "bench/results"
        };
        target_dir()
            .join(folder)
            .join(format!("{}.json", name.text()))
    }

    fn keep(&self, name: Name, measured: &Measured) -> Result {
        let text = serde_json::to_string_pretty(measured).map_err(|error| error.to_string())?;
        write(&self.file(name), &(text + "\n"))
    }

    fn read(&self, name: Name) -> Result<Option<Measured>> {
        let file = self.file(name);
        let Ok(text) = fs::read_to_string(&file) else {
            println!(
                "{}: not measured here yet, its section stays as it is",
                name.text()
            );
            return Ok(None);
        };
        let measured = serde_json::from_str(&text);
        measured
            .map(Some)
            .map_err(|error| format!("{}: {error}", file.display()))
    }
}

/// Writes a file, in a folder that is made if need be.
fn write(file: &std::path::Path, text: &str) -> Result {
    let failed = |error: std::io::Error| format!("{}: {error}", file.display());
    if let Some(folder) = file.parent() {
        fs::create_dir_all(folder).map_err(failed)?;
    }
    fs::write(file, text).map_err(failed)
}

// === impl Name ===

impl Name {
    fn text(self) -> String {
        self.to_possible_value()
            .map(|value| value.get_name().to_owned())
            .unwrap_or_default()
    }

    fn help(self) -> String {
        self.to_possible_value()
            .and_then(|value| value.get_help().map(ToString::to_string))
            .unwrap_or_default()
    }
}
