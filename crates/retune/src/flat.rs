//! Every value of a schema by its flat name, for sources that have no nesting of their own:
//! variables, flags, keys of a volume.

mod above;

use std::borrow::Cow;
use std::collections::{BTreeMap, HashMap};
use std::path::Path;
use std::sync::Arc;

use self::above::Above;
use crate::bind::{self, Notes};
use crate::format;
use crate::name;
use crate::node::{Entry, Node, NodeValue};
use crate::origin::Origin;
use crate::path::key_segment;
use crate::problem::Problem;
use crate::rotating::PREVIOUS;
use crate::schema::{Field, Schema, Shape, Way};
use crate::secret::REDACTED;

/// Every value of a schema by its flat name.
#[derive(Debug)]
pub(crate) struct Flat {
    values: Vec<FlatValue>,
    by_name: HashMap<String, Found>,
    /// How long the longest of the names is.
    longest: usize,
    /// What any other name takes, for a type that is open.
    rest: Option<&'static Shape>,
}

/// One value of a schema: a field, or a struct with fields of its own.
#[derive(Debug)]
pub(crate) struct FlatValue {
    /// Names of the fields that lead to it.
    pub(crate) path: Vec<&'static str>,
    /// The same in code, as reports name it: `feature_flags.new_ui`.
    dotted: String,
    /// The same as the keys of a source's tree.
    keys: Vec<Arc<str>>,
    /// The same as their names outside.
    pub(crate) outside: Vec<&'static str>,
    pub(crate) field: &'static Field,
    /// What it takes: of a pair, one of the two.
    pub(crate) shape: &'static Shape,
    /// It is what was there before, or a part of that.
    pub(crate) is_previous: bool,
    /// The ways in which it cannot be given, as it or a struct around it says.
    withheld: Vec<Way>,
    /// A struct around it is a secret.
    in_secret: bool,
    /// That, or it or a part of it is.
    pub(crate) secret: bool,
    /// A flag may give it all the same.
    allow_flag: bool,
}

#[derive(Clone, Copy, Debug)]
struct Found {
    value: usize,
    deprecated: bool,
}

// === impl Flat ===

impl Flat {
    pub(crate) fn new(schema: &'static Schema) -> Self {
        let mut flat = Self {
            values: Vec::new(),
            by_name: HashMap::new(),
            longest: 0,
            rest: schema.rest,
        };
        flat.add(schema, &Above::all());
        flat.longest = flat.by_name.keys().map(String::len).max().unwrap_or(0);
        flat
    }

    fn add(&mut self, schema: &'static Schema, above: &Above) {
        for field in schema.fields {
            let own = std::iter::once((field.outside, false));
            let aliases = field.aliases.iter();
            let all = own.chain(aliases.map(|alias| (alias.name, alias.deprecated)));
            let mut at = above.below(field.name, field.outside, all, field.not_from);
            at.allow_flag |= field.allow_flag;
            match field.shape.rotating() {
                None => self.add_value(field, &field.shape, at),
                Some(part) => {
                    let previous = [(PREVIOUS, false)].into_iter();
                    let mut previous = at.below(PREVIOUS, PREVIOUS, previous, &[]);
                    previous.is_previous = true;
                    self.add_value(field, part, at.current());
                    self.add_value(field, part, previous);
                }
            }
        }
    }

    fn add_value(&mut self, field: &'static Field, shape: &'static Shape, mut at: Above) {
        for (name, deprecated) in &at.names {
            let found = Found {
                value: self.values.len(),
                deprecated: *deprecated,
            };
            self.by_name.entry(name.clone()).or_insert(found);
        }
        self.values.push(FlatValue {
            path: at.path.clone(),
            dotted: at.path.join("."),
            keys: at.keys.iter().map(|key| Arc::from(*key)).collect(),
            outside: at.outside.clone(),
            field,
            shape,
            is_previous: at.is_previous,
            withheld: at.withheld.clone(),
            in_secret: at.in_secret,
            secret: at.in_secret || shape.holds_secret(),
            allow_flag: at.allow_flag,
        });
        if let Shape::Struct(inner) = shape.inner() {
            at.in_secret |= shape.is_secret();
            self.add(inner, &at);
        }
    }

    pub(crate) fn values(&self) -> impl Iterator<Item = &FlatValue> {
        self.values.iter()
    }

    /// The value that a flat name means.
    pub(crate) fn find(&self, name: &str) -> Option<&FlatValue> {
        self.by_name
            .get(&name::normal(name))
            .and_then(|found| self.values.get(found.value))
    }

    /// What all writings of a name have in common: the path in code. An unknown name stays itself.
    pub(crate) fn canonical(&self, name: &str) -> String {
        let entry = || {
            let (map, key) = self.map_entry(name)?;
            Some(format!("{}.{key}", map.dotted()))
        };
        let value = self.find(name).map(FlatValue::dotted);
        value.or_else(entry).unwrap_or_else(|| name.to_owned())
    }

    /// Whether a flat name means a value, or an entry of a map.
    pub(crate) fn takes(&self, name: &str) -> bool {
        self.is_open() || self.find(name).is_some() || self.map_entry(name).is_some()
    }

    /// Whether any name is taken.
    pub(crate) fn is_open(&self) -> bool {
        self.rest.is_some()
    }

    /// What a variable means by its name: where nothing tells how a key is written, case says
    /// nothing in variables, and `__` nests.
    pub(crate) fn of_variable<'n>(&self, name: &'n str) -> Cow<'n, str> {
        let nests = self.rest.is_some_and(Shape::nests);
        if !nests || self.find(name).is_some() {
            return name.into();
        }
        name.to_ascii_lowercase().replace("__", ".").into()
    }

    /// The value at a path in code.
    pub(crate) fn at(&self, dotted: &str) -> Option<&FlatValue> {
        self.values
            .iter()
            .find(|value| value.path.iter().copied().eq(dotted.split('.')))
    }

    /// The value that sets itself by exactly this variable.
    pub(crate) fn by_variable(&self, variable: &str) -> Option<&FlatValue> {
        self.values
            .iter()
            .find(|value| value.own_variable() == Some(variable))
    }

    /// The known name nearest to an unknown one.
    pub(crate) fn nearest(&self, name: &str) -> Option<String> {
        let names: Vec<_> = self
            .values
            .iter()
            .map(|value| value.outside.join("."))
            .collect();
        name::nearest(name, names.iter().map(String::as_str)).map(str::to_owned)
    }

    /// Adds values by their flat names to a source's tree. `key.of.map` finds the map `key.of`, whose
    /// entries are added together: there may be thousands.
    pub(crate) fn place<'n>(
        &self,
        tree: &mut Node,
        values: impl IntoIterator<Item = (&'n str, Node)>,
        notes: &mut Notes,
    ) {
        let mut maps = BTreeMap::new();
        let mut others = Vec::new();
        for (flat_name, node) in values {
            if let Some(found) = self.by_name.get(&name::normal(flat_name)) {
                let Some(value) = self.values.get(found.value) else {
                    continue;
                };
                if found.deprecated {
                    let note = bind::deprecated(flat_name.to_owned(), &value.outside.join("."));
                    notes.warnings.push(note.at(place_of_name(&node)));
                }
                value.place(tree, node, notes);
            } else if let Some((map, key)) = self.map_entry(flat_name) {
                let (_, entries) = maps.entry(&map.path).or_insert((map, Vec::new()));
                entries.push(Entry {
                    key: key.into(),
                    key_origin: node.origin.clone(),
                    hidden: false,
                    node,
                });
            } else if let Some(rest) = self.rest {
                let path = key_segment(flat_name, tree.secret);
                others.push((flat_name, bind::other(node, rest, path, notes)));
            } else {
                let nearest = self.nearest(flat_name);
                let note = bind::unknown(flat_name.to_owned(), nearest.as_deref());
                notes.warnings.push(note.at(place_of_name(&node)));
            }
        }
        for (map, entries) in maps.into_values() {
            let origin = entries.first().map(|entry| entry.key_origin.clone());
            let mut node = Node::map(entries, origin.unwrap_or(Origin::Default));
            node.secret = tree.secret;
            map.place(tree, node, notes);
        }
        if let Some(rest) = self.rest {
            place_rest(tree, rest, others, notes);
        }
    }

    fn map_entry<'n>(&self, flat_name: &'n str) -> Option<(&FlatValue, &'n str)> {
        let mut before = String::new();
        let mut from = 0;
        for (dot, _) in flat_name.match_indices('.') {
            name::push_normal(&mut before, &flat_name[from..dot]);
            from = dot;
            // A document may hold a name of any length.
            if before.len() > self.longest {
                return None;
            }
            let found = self.by_name.get(&before);
            let value = found.and_then(|found| self.values.get(found.value));
            let is_map = |value: &&FlatValue| matches!(value.shape.inner(), Shape::Map(_));
            if let Some(map) = value.filter(is_map) {
                return Some((map, &flat_name[dot + 1..]));
            }
        }
        None
    }
}

// === impl FlatValue ===

impl FlatValue {
    /// The path in code, as reports name it: `feature_flags.new_ui`.
    pub(crate) fn dotted(&self) -> String {
        self.dotted.clone()
    }

    /// The name in documents, and as a flag: `feature-flags.new-ui`.
    pub(crate) fn kebab(&self) -> String {
        let parts: Vec<_> = self.outside.iter().map(|part| name::kebab(part)).collect();
        parts.join(".")
    }

    /// The variable that gives it whatever the prefix is.
    pub(crate) fn own_variable(&self) -> Option<&'static str> {
        self.field.env.filter(|_| !self.is_previous)
    }

    /// The variable that gives it: `GREETER_FEATURE_FLAGS_NEW_UI`.
    pub(crate) fn variable(&self, prefix: &str) -> String {
        if let Some(variable) = self.own_variable() {
            return variable.to_owned();
        }
        let variable = name::screaming(&self.outside.join("."));
        match prefix {
            "" => variable,
            prefix => format!("{prefix}_{variable}"),
        }
    }

    /// The flag that gives it, without dashes.
    pub(crate) fn flag(&self, prefix: &str) -> String {
        match prefix {
            "" => self.kebab(),
            prefix => format!("{prefix}.{}", self.kebab()),
        }
    }

    /// Whether a flag may give it: a command line is for everybody to read.
    pub(crate) fn can_be_flag(&self) -> bool {
        self.takes(Way::Flags) && (!self.secret || self.allow_flag) && !self.is_previous
    }

    /// The path of the pair that it is one of.
    pub(crate) fn pair(&self) -> Option<String> {
        self.field.shape.rotating()?;
        let parts = self.path.len() - usize::from(self.is_previous);
        Some(self.path.get(..parts)?.join("."))
    }

    /// The default as people may see it, and whether it is a secret.
    pub(crate) fn shown_default(&self) -> Option<(Cow<'static, str>, bool)> {
        let (shown, secret) = self.field.shown_default().filter(|_| !self.is_previous)?;
        Some(match self.secret && !self.field.shape.holds_secret() {
            true => (REDACTED.into(), true),
            false => (shown, secret),
        })
    }

    /// Whether it can be given in this way.
    pub(crate) fn takes(&self, way: Way) -> bool {
        !self.withheld.contains(&way)
    }

    /// Adds a node for this value to a source's tree.
    pub(crate) fn place(&self, tree: &mut Node, node: Node, notes: &mut Notes) {
        if let Some(way) = notes.rules.way.filter(|way| !self.takes(*way)) {
            let secret = node.holds_secret() || self.secret;
            notes.withhold(self.dotted(), way, &place_of_name(&node), secret);
            return;
        }
        let node = match self.in_secret {
            true => node.into_secret(),
            false => node,
        };
        let node = match self.is_previous && self.keys.last().is_some_and(|key| **key == *PREVIOUS)
        {
            true => bind::previous(node),
            false => node,
        };
        let node = bind::part(node, self.shape, self.field, &self.dotted, notes);
        if let Err((twin, node)) = insert(tree, &self.keys, node) {
            let twice = bind::twice(&twin, &node.origin, node.secret);
            let problem = Problem::new(self.dotted(), twice);
            notes
                .problems
                .push(problem.on(&node).with_help("remove one of the two"));
        }
    }
}

/// Where a value begins: a report about its name must not show the value, which may be a secret.
fn place_of_name(value: &Node) -> Origin {
    value.origin.part(0..0)
}

/// Adds values that no field answers to, by their names as they are written. What lies in one map is
/// added together: there may be thousands.
fn place_rest(tree: &mut Node, rest: &Shape, values: Vec<(&str, Node)>, notes: &mut Notes) {
    let mut maps: BTreeMap<Vec<&str>, BTreeMap<&str, Node>> = BTreeMap::new();
    for (name, node) in values {
        if rest.nests() && name.matches('.').count() >= format::DEEPEST {
            let levels = format::DEEPEST;
            let problem =
                Problem::new("", format!("a name that nests deeper than {levels} levels"));
            notes.problems.push(problem.on(&node));
            continue;
        }
        let (parent, key) = match name.rsplit_once('.') {
            Some((parent, key)) if rest.nests() => (parent.split('.').collect(), key),
            _ => (Vec::new(), name),
        };
        let entries = maps.entry(parent).or_default();
        match entries.get(key) {
            Some(twin) => {
                let name = key_segment(name, tree.secret);
                notes.problems.push(twofold(name, &twin.origin, &node));
            }
            None => _ = entries.insert(key, node),
        }
    }
    for (parent, entries) in maps {
        let entries = entries.into_iter().map(|(key, node)| Entry {
            key: key.into(),
            key_origin: node.origin.clone(),
            hidden: false,
            node,
        });
        let entries: Vec<_> = entries.collect();
        let origin = entries.first().map(|entry| entry.key_origin.clone());
        let entries = Node::map(entries, origin.unwrap_or(Origin::Default));
        let path: Vec<_> = parent.iter().map(|key| Arc::from(*key)).collect();
        if let Err((twin, node)) = insert(tree, &path, entries) {
            let name = parent.join(".");
            let problem = twofold(key_segment(&name, tree.secret), &twin, &node);
            notes.problems.push(problem);
        }
    }
}

/// A name that is given twice, or is both a value and a map.
fn twofold(name: &str, first: &Origin, second: &Node) -> Problem {
    let secret = second.holds_secret();
    let (one, other) = (first.told(secret), second.origin.told(secret));
    Problem::new(name, format!("given by both {one} and {other}"))
        .with_help("remove one of the two")
        .on(second)
}

/// The flat name that a key gives: `items` can nest keys in folders, and `db/host` is `db.host`.
pub(crate) fn name_of_key(key: &Path) -> Option<Cow<'_, str>> {
    let key = key.to_str()?;
    Some(match key.contains('/') {
        true => key.replace('/', ".").into(),
        false => key.into(),
    })
}

/// Inserts a node at a path, making the maps on the way; maps are merged. `Err` names what is
/// already there.
fn insert(tree: &mut Node, path: &[Arc<str>], node: Node) -> Result<(), (Origin, Node)> {
    let NodeValue::Map(entries) = &mut tree.value else {
        return Err((tree.origin.clone(), node));
    };
    let Some((first, rest)) = path.split_first() else {
        let NodeValue::Map(added) = node.value else {
            return Err((tree.origin.clone(), node));
        };
        let places = entries.iter().enumerate();
        let places: HashMap<_, _> = places.map(|(at, e)| (e.key.clone(), at)).collect();
        for entry in added {
            match places.get(&entry.key).and_then(|at| entries.get_mut(*at)) {
                None => entries.push(entry),
                Some(twin) if matches!(entry.node.value, NodeValue::Map(_)) => {
                    insert(&mut twin.node, &[], entry.node)?;
                }
                Some(twin) => return Err((twin.node.origin.clone(), entry.node)),
            }
        }
        return Ok(());
    };
    let position = entries.iter().position(|entry| entry.key == *first);
    match position.and_then(|position| entries.get_mut(position)) {
        Some(entry) if rest.is_empty() && !matches!(node.value, NodeValue::Map(_)) => {
            Err((entry.node.origin.clone(), node))
        }
        Some(entry) => insert(&mut entry.node, rest, node),
        None => {
            let origin = node.origin.clone();
            let node = if rest.is_empty() {
                node
            } else {
                let mut inner = Node::map(Vec::new(), origin.clone());
                inner.secret = tree.secret;
                insert(&mut inner, rest, node)?;
                inner
            };
            entries.push(Entry {
                key: first.clone(),
                key_origin: origin,
                hidden: false,
                node,
            });
            Ok(())
        }
    }
}
