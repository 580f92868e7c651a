//! The program's own checks of values that were decoded.

use std::fmt::Display;

use super::Decoder;
use crate::node::Node;
use crate::origin::Origin;
use crate::problem::Problem;
use crate::rotating::{CURRENT, PREVIOUS, Rotating};
use crate::schema::Field;
use crate::scrub::scrubbed;

// === impl Decoder ===

impl Decoder {
    /// Runs a user's check on a decoded value; whether there is nothing against it. For the derive.
    #[doc(hidden)]
    pub fn check<T, E: Display>(
        &mut self,
        node: &Node,
        field: Option<&'static Field>,
        value: Option<&T>,
        check: impl FnOnce(&T) -> Result<(), E>,
    ) -> bool {
        let Some(value) = value.filter(|_| !self.ran) else {
            return true;
        };
        let Err(error) = check(value) else {
            return true;
        };
        let message = error.to_string();
        match field {
            Some(field) => self.within(field.name, |decoder| {
                let given = node.get(field.name).unwrap_or(node);
                decoder.refused(given, field, message);
            }),
            // Its fields may come from anywhere: no one place is to blame.
            None => {
                let problem = Problem::new(&self.path, scrubbed(message, node));
                self.problems.push(problem);
            }
        }
        false
    }

    /// Runs a user's check on what is current of a pair, and on what was before; not on what ran until
    /// it was replaced. For the derive.
    #[doc(hidden)]
    pub fn check_pair<T, E: Display>(
        &mut self,
        node: &Node,
        field: &'static Field,
        pair: Option<&Rotating<T>>,
        mut check: impl FnMut(&T) -> Result<(), E>,
    ) -> bool {
        let Some(pair) = pair.filter(|_| !self.ran) else {
            return true;
        };
        let given = node.get(field.name).unwrap_or(node);
        let part = |key| given.get(key).unwrap_or(given);
        let previous = pair
            .previous()
            .map(|value| (value, PREVIOUS, part(PREVIOUS)));
        let previous = previous.filter(|(.., node)| !matches!(node.origin, Origin::Replaced(_)));
        let mut all = true;
        for (value, segment, given) in
            std::iter::once((pair.current(), "", part(CURRENT))).chain(previous)
        {
            if let Err(error) = check(value) {
                let refused = |decoder: &mut Self| {
                    decoder.within(segment, |decoder| {
                        decoder.refused(given, field, error.to_string());
                    });
                };
                self.within(field.name, refused);
                all = false;
            }
        }
        all
    }

    fn refused(&mut self, given: &Node, field: &Field, message: String) {
        // Whoever checks a `Secret` knows that it is one. Who checks a plain value does not.
        let message = if given.secret && !field.shape.is_secret() {
            "refused by its check, whose reason may quote the secret".to_owned()
        } else {
            scrubbed(message, given)
        };
        self.rejected(given, message);
    }

    fn rejected(&mut self, node: &Node, message: String) {
        let mut problem = Problem::new(&self.path, message);
        if !matches!(node.origin, Origin::Default) {
            problem = problem.on(node);
        }
        self.problems.push(problem);
    }
}
