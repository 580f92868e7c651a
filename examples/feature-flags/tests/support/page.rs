//! What a page tells, and whether all of its places tell the same.

use roxmltree::Document;

/// A page, as it was answered.
#[derive(Debug)]
pub(crate) struct Page {
    pub(crate) html: String,
    /// `old` or `new`.
    pub(crate) look: String,
    pub(crate) generation: u64,
    /// Of the bars in the picture, the newest first.
    pub(crate) bars: Vec<Bar>,
}

/// One change in the picture.
#[derive(Debug)]
pub(crate) struct Bar {
    pub(crate) generation: u64,
    /// The classes of its parts: `lag-noticed`, …
    pub(crate) parts: Vec<String>,
    /// All that is written beside it.
    pub(crate) text: String,
}

impl Page {
    /// Panics when one place is of another generation or look than the others.
    #[track_caller]
    pub(crate) fn read(html: String) -> Self {
        let look = between(&html, "<html lang=\"en\" class=\"", "\"").to_owned();
        let generation = between(&html, "<dd id=\"generation\">", "<")
            .parse()
            .unwrap();
        let flag = match &*look {
            "old" => "off",
            "new" => "on",
            look => panic!("no such look: {look}"),
        };
        for place in [
            format!("<title>The {look} look, generation {generation}</title>"),
            format!("<main data-look=\"{look}\" data-generation=\"{generation}\">"),
            format!("<code>newUI</code> is {flag}."),
            format!("<dd id=\"look\">{look}</dd>"),
            format!("<footer>Generation {generation} in the {look} look."),
            "</html>".to_owned(),
        ] {
            assert_eq!(html.matches(&place).count(), 1, "{place}: {html}");
        }
        let bars = bars(&html);
        // The change that brought this page is the newest that it shows. The start is none.
        let newest = bars.first().map(|bar| bar.generation);
        assert_eq!(newest, (generation > 1).then_some(generation), "{html}");
        Self {
            html,
            look,
            generation,
            bars,
        }
    }

    /// Whether it says this, as text.
    pub(crate) fn tells(&self, part: &str) -> bool {
        let part = part.replace('<', "&lt;").replace('>', "&gt;");
        let part = part.replace('"', "&quot;").replace('\'', "&#39;");
        self.html.contains(&part)
    }

    /// What one of the facts is: `level`, `health`, …
    #[track_caller]
    pub(crate) fn fact(&self, id: &str) -> &str {
        let fact = between(&self.html, &format!("<dd id=\"{id}\""), "</dd>");
        fact.split_once('>').unwrap().1
    }
}

/// The bars of the picture, which a parser of XML must be able to read.
#[track_caller]
fn bars(html: &str) -> Vec<Bar> {
    let Some(start) = html.find("<svg ") else {
        return Vec::new();
    };
    let end = html.rfind("</svg>").unwrap() + "</svg>".len();
    let picture = Document::parse(&html[start..end]).unwrap();
    let bars = picture.descendants();
    let bars = bars.filter(|node| node.attribute("class") == Some("lag-bar"));
    bars.map(|bar| {
        let parts = bar.children().filter(|node| node.has_tag_name("rect"));
        let texts = bar.children().filter(|node| node.has_tag_name("text"));
        let texts = texts.flat_map(|text| text.descendants().filter_map(|node| node.text()));
        Bar {
            generation: bar.attribute("data-generation").unwrap().parse().unwrap(),
            parts: parts
                .map(|part| part.attribute("class").unwrap().to_owned())
                .collect(),
            text: texts.collect(),
        }
    })
    .collect()
}

#[track_caller]
fn between<'t>(text: &'t str, before: &str, after: &str) -> &'t str {
    let (_, rest) = text
        .split_once(before)
        .unwrap_or_else(|| panic!("{before} in {text}"));
    rest.split_once(after).unwrap().0
}
