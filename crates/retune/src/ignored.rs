//! Values that were passed over, and why.

use crate::origin::Origin;
use crate::schema::Way;

/// A value that was passed over for another reason than a higher layer.
#[derive(Clone, Debug)]
pub(crate) struct Ignored {
    pub(crate) path: String,
    pub(crate) origin: Origin,
    pub(crate) why: Why,
    /// What stands at the origin may be a secret.
    pub(crate) secret: bool,
}

/// Why a value was passed over.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Why {
    /// The cluster made the variable.
    Service,
    /// It is not taken in this way.
    Withheld(Way),
}

// === impl Why ===

impl Why {
    /// For people who ask where a value comes from.
    pub(crate) fn told(self) -> &'static str {
        match self {
            Self::Service => "made by the cluster for a Service (see `enableServiceLinks`)",
            Self::Withheld(Way::File) => "not taken from files",
            Self::Withheld(Way::Mount) => "not taken from mounts",
            Self::Withheld(Way::Closure) => "not taken from closures",
            Self::Withheld(Way::Env) => "not taken from variables",
            Self::Withheld(Way::EnvFile) => "not taken from files that variables name",
            Self::Withheld(Way::Flags) => "not taken from flags",
        }
    }
}
