//! Truth.

use zeroize::Zeroize;

use crate::decode::{Decoder, Value};
use crate::grammar::Grammar;
use crate::node::Node;
use crate::schema::Shape;

/// `true`, `yes`, `on`, `1` or `false`, `no`, `off`, `0`, in any case.
impl Value for bool {
    const SHAPE: Shape = Shape::Text(Grammar::Bool);

    fn decode(node: &Node, decoder: &mut Decoder) -> Option<Self> {
        decoder.written(node, &Grammar::Bool, |text| {
            parse(text).ok_or("`yes` and `no`, `on` and `off`, `1` and `0` work too")
        })
    }

    fn wipe(&mut self) {
        self.zeroize();
    }
}

pub(crate) fn parse(text: &str) -> Option<bool> {
    let is = |words: &[&str]| {
        words
            .iter()
            .any(|word| word.eq_ignore_ascii_case(text.trim()))
    };
    if is(&["true", "yes", "on", "1"]) {
        Some(true)
    } else if is(&["false", "no", "off", "0"]) {
        Some(false)
    } else {
        None
    }
}

#[cfg(test)]
mod tests {
    use super::super::testing::{decode, env, file, refusal};

    #[test]
    fn d1_truth_in_its_usual_words() {
        for text in ["true", "TRUE", "True", "yes", "on", "1", " true "] {
            assert!(decode::<bool>(env(text)).unwrap(), "{text}");
        }
        for text in ["false", "No", "OFF", "0"] {
            assert!(!decode::<bool>(env(text)).unwrap(), "{text}");
        }
        assert!(decode::<bool>(file("true\n")).unwrap());
    }

    #[test]
    fn other_words_are_refused() {
        for text in ["", "t", "y", "2", "enabled"] {
            let refusal = refusal::<bool>(env(text));
            assert!(refusal.contains("expected `true` or `false`"), "{refusal}");
        }
    }
}
