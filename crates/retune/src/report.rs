//! The report of what is wrong, for people and for programs.

use std::fmt::Write;

use serde::ser::{Serialize, SerializeStruct, Serializer};

use crate::origin::Origin;
use crate::problem::Problem;

pub(crate) fn render(title: &str, problems: &[Problem], _color: bool) -> String {
    let mut report = format!("error: {title}");
    for problem in problems {
        _ = write!(report, "\n  {problem}");
    }
    report
}

impl Serialize for Problem {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut fields = serializer.serialize_struct("Problem", 4)?;
        fields.serialize_field("path", &self.path)?;
        fields.serialize_field("message", &self.message)?;
        fields.serialize_field("help", &self.help)?;
        fields.serialize_field("origin", &self.origin)?;
        fields.end()
    }
}

impl Serialize for Origin {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}
