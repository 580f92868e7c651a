//! Values that were passed over, and why.

use std::fmt;

use serde::{Serialize, Serializer};

use crate::origin::Origin;
use crate::schema::Way;

/// A value that was passed over for another reason than a higher layer.
#[derive(Clone, Debug)]
pub(crate) struct PassedOver {
    pub(crate) path: String,
    pub(crate) origin: Origin,
    pub(crate) why: Ignored,
    /// What stands at the origin may be a secret.
    pub(crate) secret: bool,
}

/// Why a value does not count, where that is not just a higher source.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Ignored {
    /// It takes effect on restart.
    UntilRestart,
    /// The cluster made the variable for a Service.
    Service,
    /// The field is not taken in this way.
    NotFrom(Way),
}

// === impl Ignored ===

impl Ignored {
    /// The same for people, as the JSON has it: `not taken from flags`.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::UntilRestart => "takes effect on restart",
            Self::Service => "made by the cluster for a Service (see `enableServiceLinks`)",
            Self::NotFrom(Way::File) => "not taken from files",
            Self::NotFrom(Way::Mount) => "not taken from mounts",
            Self::NotFrom(Way::Closure) => "not taken from closures",
            Self::NotFrom(Way::Env) => "not taken from variables",
            Self::NotFrom(Way::EnvFile) => "not taken from files that variables name",
            Self::NotFrom(Way::Flags) => "not taken from flags",
        }
    }
}

impl fmt::Display for Ignored {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

impl Serialize for Ignored {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.as_str())
    }
}
