//! A document of 1 MiB, in each format.

use std::collections::BTreeMap;
use std::fmt::Write;
use std::fs;

use retune::{Retune, Serde};
use retune_bench::{Memory, TEN_THOUSAND, Table, publish, value};

use crate::{Result, Way, turns};

/// Tables of texts.
type Tables = BTreeMap<String, BTreeMap<String, String>>;

const IN_A_TABLE: usize = 100;

pub(crate) fn measure(rounds: usize, table: &mut Table) -> Result<()> {
    let memory = Memory::new()?;
    // As long as lets the whole be just below 1 MiB, which is as much as a key may have.
    for (name, text) in [
        ("config.yaml", yaml(&tables(93))),
        ("config.json", serde_json::to_string_pretty(&tables(85))?),
        ("config.toml", toml(&tables(91))),
    ] {
        let volume = memory.volume(name);
        publish(&volume, [(name, text)]);
        let (dir, file) = (volume.dir(), volume.dir().join(name));
        let read = || fs::read_to_string(&file);
        let ours = Way::new("retune, to tables", || {
            Ok(Serde::<Tables>::loader().mount(dir).once()?)
        });
        let (parser, other): (Way<'_>, Way<'_>) = match name {
            "config.yaml" => (
                Way::new("granit-parser alone", || {
                    let text = read()?;
                    let parser = granit_parser::Parser::new_from_str(&text);
                    let events: std::result::Result<Vec<()>, _> =
                        parser.map(|event| event.map(drop)).collect();
                    Ok(events.map(|events| events.len())?)
                }),
                Way::new("serde-saphyr, to tables", || {
                    Ok(serde_saphyr::from_str::<Tables>(&read()?)?)
                }),
            ),
            "config.json" => (
                Way::new("serde_json alone", || {
                    serde_json::from_str::<serde::de::IgnoredAny>(&read()?)?;
                    Ok(())
                }),
                Way::new("serde_json, to tables", || {
                    Ok(serde_json::from_str::<Tables>(&read()?)?)
                }),
            ),
            _ => (
                Way::new("toml_parser alone", || Ok(toml_events(&read()?))),
                Way::new("toml, to tables", || {
                    Ok(toml::from_str::<Tables>(&read()?)?)
                }),
            ),
        };
        turns(
            &format!("{name} of 1 MiB"),
            rounds,
            vec![parser, other, ours],
            table,
        )?;
    }
    Ok(())
}

/// Of texts of so many letters.
fn tables(letters: usize) -> Tables {
    let mut tables = Tables::new();
    for i in 0..TEN_THOUSAND {
        let table = tables
            .entry(format!("table-{:02}", i / IN_A_TABLE))
            .or_default();
        let key = format!("key-{:02}", i % IN_A_TABLE);
        let text = value(i, 0).chars().take(letters).collect::<String>();
        table.insert(key, text.trim_end().to_owned());
    }
    tables
}

fn yaml(tables: &Tables) -> String {
    let mut text = String::new();
    for (name, table) in tables {
        _ = writeln!(text, "{name}:");
        for (key, value) in table {
            _ = writeln!(text, "  {key}: {value}");
        }
    }
    text
}

fn toml(tables: &Tables) -> String {
    let mut text = String::new();
    for (name, table) in tables {
        _ = writeln!(text, "[{name}]");
        for (key, value) in table {
            _ = writeln!(text, "{key} = \"{value}\"");
        }
    }
    text
}

fn toml_events(text: &str) -> usize {
    let source = toml_parser::Source::new(text);
    let tokens = source.lex().into_vec();
    let mut events: Vec<toml_parser::parser::Event> = Vec::with_capacity(tokens.len());
    toml_parser::parser::parse_document(&tokens, &mut events, &mut ());
    events.len()
}
