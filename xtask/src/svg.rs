//! What the pictures share.

use std::fmt;

/// Their width, in their own units.
pub(crate) const WIDTH: f64 = 860.0;

/// Follows the reader's light or dark mode, on a ground of its own wherever it is shown.
pub(crate) struct Style {
    /// A picture's own colours on the light ground.
    pub(crate) light: &'static str,
    /// The same ones on the dark ground.
    pub(crate) dark: &'static str,
    /// What is the same on both.
    pub(crate) lines: &'static str,
}

/// A piece of text, with more attributes.
pub(crate) fn text(x: f64, y: f64, attributes: &str, content: &str) -> String {
    let content = escape(content);
    format!("<text x=\"{x:.1}\" y=\"{y:.1}\" {attributes}>{content}</text>\n")
}

/// Text as it stands between tags.
pub(crate) fn escape(text: &str) -> String {
    text.replace('&', "&amp;")
        .replace('<', "&lt;")
        .replace('>', "&gt;")
}

// === impl Style ===

impl fmt::Display for Style {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { light, dark, lines } = self;
        write!(
            f,
            ".ground{{fill:#fff}}.text{{fill:#1f2328}}.dim{{fill:#59636e}}.grid{{stroke:#d1d9e0}}{light}\
             @media(prefers-color-scheme:dark){{\
             .ground{{fill:#0d1117}}.text{{fill:#f0f6fc}}.dim{{fill:#9198a1}}.grid{{stroke:#3d444d}}{dark}}}{lines}"
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_would_end_a_text_is_escaped() {
        assert_eq!(
            text(1.0, 2.25, "class=\"a\"", "a < b & c"),
            "<text x=\"1.0\" y=\"2.2\" class=\"a\">a &lt; b &amp; c</text>\n"
        );
    }
}
