//! Where fields are, and all their flat names.

use crate::name;
use crate::rotating::CURRENT;
use crate::schema::Way;

/// Where fields are, while all of them are listed.
pub(super) struct Above {
    pub(super) path: Vec<&'static str>,
    pub(super) keys: Vec<&'static str>,
    pub(super) outside: Vec<&'static str>,
    /// All flat names of it, and whether they are deprecated.
    pub(super) names: Vec<(String, bool)>,
    pub(super) withheld: Vec<Way>,
    pub(super) is_previous: bool,
    /// A struct around it is a secret.
    pub(super) in_secret: bool,
    /// It or a struct around it says that a flag may give it.
    pub(super) allow_flag: bool,
}

// === impl Above ===

impl Above {
    pub(super) fn all() -> Self {
        Self {
            path: Vec::new(),
            keys: Vec::new(),
            outside: Vec::new(),
            names: vec![(String::new(), false)],
            withheld: Vec::new(),
            is_previous: false,
            in_secret: false,
            allow_flag: false,
        }
    }

    pub(super) fn below(
        &self,
        name: &'static str,
        outside: &'static str,
        names: impl Iterator<Item = (&'static str, bool)>,
        withheld: &[Way],
    ) -> Self {
        let names = names.flat_map(|(name, deprecated)| {
            let above = self.names.iter();
            above.map(move |(above, deprecated_above)| {
                let flat = format!("{above}{}", name::normal(name));
                (flat, deprecated || *deprecated_above)
            })
        });
        Self {
            path: [&*self.path, &[name]].concat(),
            keys: [&*self.keys, &[name]].concat(),
            outside: [&*self.outside, &[outside]].concat(),
            names: names.collect(),
            withheld: [&*self.withheld, withheld].concat(),
            is_previous: self.is_previous,
            in_secret: self.in_secret,
            allow_flag: self.allow_flag,
        }
    }

    /// What is current of a pair is called as the pair, or `current` in it.
    pub(super) fn current(mut self) -> Self {
        let longer = self.names.iter();
        let longer: Vec<_> = longer
            .map(|(name, deprecated)| (format!("{name}{CURRENT}"), *deprecated))
            .collect();
        self.names.extend(longer);
        self.keys.push(CURRENT);
        self
    }
}
