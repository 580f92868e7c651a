//! Numbers with a fraction.

use zeroize::Zeroize;

use crate::decode::{Decoder, Value};
use crate::grammar::{Floats, Grammar};
use crate::node::Node;
use crate::schema::Shape;

// === impl Decoder ===

impl Decoder {
    pub(crate) fn float(&mut self, node: &Node, floats: Floats) -> Option<f64> {
        let floats = self.range().map_or(floats, |range| floats.within(range));
        self.written(node, &Grammar::Float(floats), |text| floats.parse(text))
    }
}

// === impl f32, f64 ===

/// A finite number: `0.5`, `-3`, `1e6`, `1_000.25`.
impl Value for f64 {
    const SHAPE: Shape = Shape::Text(Grammar::Float(Floats::all(false)));

    fn decode(node: &Node, decoder: &mut Decoder) -> Option<Self> {
        decoder.float(node, Floats::all(false))
    }

    fn wipe(&mut self) {
        self.zeroize();
    }
}

/// A finite number: `0.5`, `-3`, `1e6`, `1_000.25`.
impl Value for f32 {
    const SHAPE: Shape = Shape::Text(Grammar::Float(Floats::all(true)));

    #[allow(clippy::cast_possible_truncation)]
    fn decode(node: &Node, decoder: &mut Decoder) -> Option<Self> {
        decoder
            .float(node, Floats::all(true))
            .map(|number| number as f32)
    }

    fn wipe(&mut self) {
        self.zeroize();
    }
}

#[cfg(test)]
mod tests {
    use super::super::testing::{decode, env, refusal, scalar};

    #[test]
    fn d7_numbers_with_and_without_fraction() {
        for (text, value) in [
            ("0.5", 0.5),
            ("-3", -3.0),
            ("1e6", 1e6),
            ("1_000.25", 1000.25),
            (" 2 ", 2.0),
        ] {
            assert_eq!(decode::<f64>(env(text)).unwrap(), value, "{text}");
        }
        assert_eq!(decode::<f32>(scalar("0.5", true)).unwrap(), 0.5);
    }

    #[test]
    fn d7_what_is_no_finite_number_is_refused() {
        for text in ["inf", "-inf", "NaN", "infinity", "1e999"] {
            assert!(
                refusal::<f64>(env(text)).contains("must be finite"),
                "{text}"
            );
        }
        for text in ["1._5", "1_.5", "1e_5", "1_e5", "_1", "1_", "-_1"] {
            let refusal = refusal::<f64>(env(text));
            assert!(
                refusal.contains("`_` stands between two digits"),
                "{refusal}"
            );
        }
        assert!(refusal::<f32>(env("1e39")).contains("too large for 32 bits"));
        assert!(refusal::<f64>(env("half")).contains("a number such as `0.5`, found \"half\""));
    }
}
