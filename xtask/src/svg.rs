//! What the pictures share.

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
