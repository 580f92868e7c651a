//! The types of configurations that are soaked, and how each is checked for being whole.

use std::collections::BTreeMap;
use std::path::Path;
use std::time::Duration;

use retune::source::{File, Mount};
use retune::{EnvView, Live, Loader, Retune, Rotating, Secret};

use crate::content::{Found, Serial, variable};
use crate::shape::{Form, Format, Kind, Life, Place};

/// A value that only code sets.
pub(super) const NUDGE: &str = "nudge";

/// What is soaked.
pub(super) trait Soaked: Send + Sync + Sized + 'static {
    fn watch(life: &Life) -> Result<Live<Self>, String>;

    /// What it has of a place.
    fn found(&self, place: &Place) -> Result<Found<'_>, String>;

    /// The serial of each place, or what is torn.
    fn serials(&self, places: &[Place]) -> Result<Vec<Serial>, String> {
        let serial = |place: &Place| self.found(place)?.whole(&place.id);
        places.iter().map(serial).collect()
    }
}

#[derive(Debug, PartialEq, Retune)]
pub(super) struct Part {
    serial: u64,
    twin: u64,
    text: String,
    extra: Option<String>,
}

#[derive(Debug, Retune)]
pub(super) struct Documents {
    #[retune(default = 0)]
    #[expect(dead_code, reason = "only its changes count")]
    nudge: u64,
    parts: BTreeMap<String, Part>,
}

#[derive(Debug, Retune)]
pub(super) struct Typed {
    #[retune(default = 0)]
    #[expect(dead_code, reason = "only its changes count")]
    nudge: u64,
    alpha: Part,
    beta: Part,
    gamma: Part,
    delta: Part,
}

#[derive(Debug, Retune)]
pub(super) struct Files {
    #[retune(default = 0)]
    #[expect(dead_code, reason = "only its changes count")]
    nudge: u64,
    alpha: Part,
    beta: Part,
    gamma: Part,
}

#[derive(Debug, Retune)]
pub(super) struct SecretPart {
    serial: u64,
    twin: u64,
    text: Secret<String>,
    extra: Option<Secret<String>>,
    #[retune(overlap = "700ms")]
    key: Rotating<Secret<String>>,
}

#[derive(Debug, Retune)]
pub(super) struct Secrets {
    #[retune(default = 0)]
    #[expect(dead_code, reason = "only its changes count")]
    nudge: u64,
    alpha: SecretPart,
    beta: SecretPart,
}

/// Slow enough that a lost event is not covered up within a calm by chance, and quick enough for it to end.
const WITH_EVENTS: Duration = Duration::from_secs(10);

fn loader<T: Retune>(life: &Life, without_events: Duration) -> Loader<T> {
    let loader = T::loader().poll_every(WITH_EVENTS, without_events);
    let mount = |loader: Loader<T>, place: &Place| loader.mount(Mount::new(&place.path));
    life.places.iter().fold(loader, mount)
}

fn watched<T: Retune>(loader: Loader<T>) -> Result<Live<T>, String> {
    loader.watch().map_err(|error| error.to_string())
}

/// Only if its first generation has all places.
fn whole<T: Soaked>(live: Live<T>, life: &Life) -> Result<Live<T>, String> {
    let first = live.load().serials(&life.places);
    // Whoever starts it may not read it again.
    live.release();
    match first {
        Ok(_) => Ok(live),
        Err(refused) => {
            _ = live.stop();
            Err(refused)
        }
    }
}

/// A second's half where there are no events for a moment, such as without descriptors.
const SECOND_HALF: Duration = Duration::from_millis(500);

fn unknown(place: &Place) -> String {
    format!("{}: nothing of it is there", place.id)
}

// === impl Part ===

impl Part {
    fn found(&self) -> Found<'_> {
        Found {
            serial: self.serial,
            twin: self.twin,
            text: &self.text,
            extra: self.extra.as_deref(),
            key: None,
        }
    }
}

// === impl Soaked ===

impl Soaked for Documents {
    fn watch(life: &Life) -> Result<Live<Self>, String> {
        // A volume that is emptied just now gives no entry, of which a map has no need.
        whole(watched(loader(life, SECOND_HALF))?, life)
    }

    fn found(&self, place: &Place) -> Result<Found<'_>, String> {
        let part = self.parts.get(&place.field);
        part.map(Part::found).ok_or_else(|| unknown(place))
    }
}

impl Soaked for Typed {
    fn watch(life: &Life) -> Result<Live<Self>, String> {
        if life.kind != Kind::Polled {
            return watched(loader(life, SECOND_HALF));
        }
        // What passes `/proc` has no events.
        let beyond = |place: &Place| {
            let path = place.path.strip_prefix("/").unwrap_or(&place.path);
            Place {
                path: Path::new("/proc/self/root").join(path),
                ..place.clone()
            }
        };
        let life = Life {
            kind: life.kind,
            places: life.places.iter().map(beyond).collect(),
        };
        watched(loader(&life, Duration::from_millis(100)))
    }

    fn found(&self, place: &Place) -> Result<Found<'_>, String> {
        let parts = [&self.alpha, &self.beta, &self.gamma, &self.delta];
        let mut named = crate::shape::FIELDS.iter().zip(parts);
        let part = named.find(|(name, _)| **name == place.field);
        part.map(|(_, part)| part.found())
            .ok_or_else(|| unknown(place))
    }
}

impl Soaked for Files {
    fn watch(life: &Life) -> Result<Live<Self>, String> {
        let loader = Self::loader().poll_every(WITH_EVENTS, SECOND_HALF);
        let file = |place: &Place| match place.form {
            Form::File(Format::Env) => File::new(&place.path).prefix("SOAK"),
            _ => File::new(&place.path),
        };
        let add = |loader: Loader<Self>, place: &Place| loader.file(file(place));
        watched(life.places.iter().fold(loader, add))
    }

    fn found(&self, place: &Place) -> Result<Found<'_>, String> {
        match &*place.field {
            "alpha" => Ok(self.alpha.found()),
            "beta" => Ok(self.beta.found()),
            "gamma" => Ok(self.gamma.found()),
            _ => Err(unknown(place)),
        }
    }
}

impl Soaked for Secrets {
    fn watch(life: &Life) -> Result<Live<Self>, String> {
        watched(loader(life, SECOND_HALF))
    }

    fn found(&self, place: &Place) -> Result<Found<'_>, String> {
        let part = match &*place.field {
            "alpha" => &self.alpha,
            "beta" => &self.beta,
            _ => return Err(unknown(place)),
        };
        Ok(Found {
            serial: part.serial,
            twin: part.twin,
            text: part.text.expose(),
            extra: part.extra.as_ref().map(|extra| &**extra.expose()),
            key: Some(part.key.current().expose()),
        })
    }
}

/// Takes any text, so that a gate does what types do for the others.
impl Soaked for EnvView {
    fn watch(life: &Life) -> Result<Live<Self>, String> {
        let none: [(&str, &str); 0] = [];
        let loader = Self::over(none).poll_every(WITH_EVENTS, SECOND_HALF);
        let mount = |loader: Loader<Self>, place: &Place| loader.mount(Mount::new(&place.path));
        let live = watched(life.places.iter().fold(loader, mount))?;
        let places = life.places.clone();
        live.gate(move |env: &Self| env.serials(&places).map(drop))
            .detach();
        // No gate is asked about what holds already.
        live.reload().map_err(|error| error.to_string())?;
        whole(live, life)
    }

    fn found(&self, place: &Place) -> Result<Found<'_>, String> {
        let get = |field| self.get(&variable(&place.id, field));
        let needed = |field| get(field).ok_or_else(|| format!("{}: no {field}", place.id));
        let number = |field| {
            let text = needed(field)?;
            text.parse()
                .map_err(|_| format!("{}: {field} is {text:?}", place.id))
        };
        Ok(Found {
            serial: number("serial")?,
            twin: number("twin")?,
            text: needed("text")?,
            extra: get("extra"),
            key: None,
        })
    }
}
