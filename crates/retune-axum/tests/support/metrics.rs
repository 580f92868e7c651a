//! Reads metrics in the text format, and refuses what a scrape would.
#![allow(unreachable_pub)]

use std::collections::BTreeMap;

/// Samples by their name with labels, as written: `retune_reloads_total{result="applied"}`.
#[derive(Debug)]
pub struct Metrics(BTreeMap<String, f64>);

impl Metrics {
    /// Checks the format by the way: every sample belongs to the family before it and stands there
    /// once, every family has help and type, and the text ends as it must.
    #[track_caller]
    pub fn parse(text: &str) -> Self {
        let body = text.strip_suffix("# EOF\n").expect("ends with # EOF");
        let mut samples = BTreeMap::new();
        let mut families = BTreeMap::new();
        let (mut help, mut family) = (String::new(), String::new());
        for line in body.lines() {
            if let Some(rest) = line.strip_prefix("# HELP ") {
                rest.split_once(' ')
                    .expect("a help text")
                    .0
                    .clone_into(&mut help);
            } else if let Some(rest) = line.strip_prefix("# TYPE ") {
                let (name, kind) = rest.split_once(' ').expect("a type");
                assert_eq!(name, help, "help before type");
                name.clone_into(&mut family);
                let before = families.insert(name.to_owned(), kind.to_owned());
                assert_eq!(before, None, "{name} is described twice");
            } else if let Some(rest) = line.strip_prefix("# UNIT ") {
                assert_eq!(rest, format!("{family} seconds"));
                assert!(family.ends_with("_seconds"));
            } else {
                let (series, value) = line.rsplit_once(' ').expect("a value");
                let name = series.split('{').next().unwrap_or_default();
                let suffix = name.strip_prefix(&family).expect("a sample of its family");
                let wanted: &[&str] = match families[&family].as_str() {
                    "counter" => &["_total"],
                    "info" => panic!("{line}: unknown to Prometheus' own text format"),
                    "histogram" => &["_sum", "_count", "_bucket"],
                    _ => &[""],
                };
                assert!(wanted.contains(&suffix), "{line}");
                let value = value.parse().expect("a number");
                let before = samples.insert(series.to_owned(), value);
                assert_eq!(before, None, "{series} is there twice");
            }
        }
        Self(samples)
    }

    #[track_caller]
    pub fn get(&self, series: &str) -> f64 {
        let value = self.0.get(series);
        *value.unwrap_or_else(|| panic!("no {series} in {self:#?}"))
    }

    /// The series of a name, with their labels.
    pub fn named(&self, name: &str) -> Vec<&str> {
        let series = self.0.keys().map(String::as_str);
        let start = format!("{name}{{");
        series.filter(|series| series.starts_with(&start)).collect()
    }

    /// The value of the only label of the only series of a name.
    #[track_caller]
    pub fn label(&self, name: &str) -> String {
        let [series] = self.named(name)[..] else {
            panic!("not one {name} in {self:#?}");
        };
        series.split('"').nth(1).expect("a label").to_owned()
    }

    /// Counts of a histogram's buckets, in the order of their bounds, each with all before it.
    pub fn buckets(&self, name: &str) -> Vec<(f64, f64)> {
        let mut buckets: Vec<(f64, f64)> = self
            .named(&format!("{name}_bucket"))
            .into_iter()
            .map(|series| (series.split('"').nth(1).unwrap(), self.0[series]))
            .map(|(bound, count)| (bound.parse().unwrap(), count))
            .collect();
        buckets.sort_by(|a, b| a.0.total_cmp(&b.0));
        buckets
    }
}
