//! The terminal: lines in a few styles, readable without any, and the same lines as a picture.

use std::fmt::Write as _;
use std::io::{self, IsTerminal, Write};
use std::path::Path;
use std::time::Instant;

use crate::svg;

/// Columns that every line fits.
const WIDTH: usize = 100;

#[derive(Clone, Copy, PartialEq)]
pub(super) enum Style {
    Plain,
    Dim,
    Bold,
    Good,
    Warn,
    Name,
}

/// One line, as pieces in one style each.
#[derive(Default)]
pub(super) struct Line(Vec<(Style, String)>);

/// What was printed, and how.
pub(super) struct Screen {
    began: Instant,
    color: bool,
    printed: Vec<Line>,
}

// === impl Style ===

impl Style {
    fn escape(self) -> &'static str {
        match self {
            Self::Plain => "0",
            Self::Dim => "2",
            Self::Bold => "1",
            Self::Good => "32",
            Self::Warn => "33",
            Self::Name => "36",
        }
    }

    fn fill(self) -> &'static str {
        match self {
            Self::Plain => "#c9d1d9",
            Self::Dim => "#8b949e",
            Self::Bold => "#ffffff",
            Self::Good => "#3fb950",
            Self::Warn => "#d29922",
            Self::Name => "#58a6ff",
        }
    }
}

// === impl Line ===

impl Line {
    pub(super) fn and(mut self, style: Style, text: impl Into<String>) -> Self {
        self.0.push((style, text.into()));
        self
    }

    /// Cuts what does not fit.
    fn cut(&mut self) {
        let mut left = WIDTH;
        for (_, text) in &mut self.0 {
            let columns = text.chars().count();
            if columns > left {
                *text = text.chars().take(left.saturating_sub(1)).collect();
                text.push_str(if left > 0 { "…" } else { "" });
            }
            left = left.saturating_sub(columns);
        }
    }
}

// === impl Screen ===

impl Screen {
    pub(super) fn new() -> Self {
        Self {
            began: Instant::now(),
            color: io::stdout().is_terminal() && std::env::var_os("NO_COLOR").is_none(),
            printed: Vec::new(),
        }
    }

    /// Prints a line.
    pub(super) fn print(&mut self, mut line: Line) {
        line.cut();
        let mut text = String::new();
        for (style, piece) in &line.0 {
            if self.color && *style != Style::Plain {
                _ = write!(text, "\x1b[{}m{piece}\x1b[0m", style.escape());
            } else {
                text.push_str(piece);
            }
        }
        // Whoever closed the terminal still gets the exit code.
        _ = writeln!(io::stdout(), "{}", text.trim_end());
        self.printed.push(line);
    }

    pub(super) fn blank(&mut self) {
        self.print(Line::default());
    }

    /// The beginning of a line: the seconds since the start.
    pub(super) fn now(&self) -> Line {
        let seconds = self.began.elapsed().as_secs_f64();
        Line::default().and(Style::Dim, format!("{seconds:5.2} s  "))
    }

    /// The beginning of a line below another.
    pub(super) fn below() -> Line {
        Line::default().and(Style::Plain, " ".repeat(9))
    }

    /// Something that was done.
    pub(super) fn step(&mut self, text: impl Into<String>) {
        self.blank();
        let line = self.now().and(Style::Bold, format!("▶ {}", text.into()));
        self.print(line);
    }

    /// Something that was found to be so.
    pub(super) fn shown(&mut self, text: impl Into<String>) {
        let line = self.now().and(Style::Good, format!("✓ {}", text.into()));
        self.print(line);
    }

    /// Writes all that was printed as a picture.
    pub(super) fn save(&self, path: &Path) -> Result<(), String> {
        std::fs::write(path, self.svg()).map_err(|error| format!("{}: {error}", path.display()))
    }

    fn svg(&self) -> String {
        // Of a column and of a line, in units of the picture.
        let (column, row, margin) = (8.4, 19.0, 16.0);
        let width = WIDTH as f64 * column + 2.0 * margin;
        let height = (self.printed.len() + 2) as f64 * row + 2.0 * margin;
        let mut svg = format!(
            "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {width} {height}\" \
             font-family=\"ui-monospace, 'DejaVu Sans Mono', Menlo, Consolas, monospace\" \
             font-size=\"14\">\n<title>cargo demo</title>\n\
             <rect width=\"{width}\" height=\"{height}\" rx=\"8\" fill=\"#0d1117\"/>\n"
        );
        let command = Line::default().and(Style::Bold, "$ cargo demo");
        let blank = Line::default();
        let lines = [&command, &blank].into_iter().chain(&self.printed);
        for (number, line) in lines.enumerate() {
            let y = margin + (number as f64 + 0.75) * row;
            let mut columns = 0;
            for (style, text) in &line.0 {
                let start = text.chars().take_while(|c| *c == ' ').count();
                let shown = text.trim();
                let (x, count) = (columns + start, shown.chars().count());
                columns += text.chars().count();
                if count == 0 {
                    continue;
                }
                // The length holds the columns in line, whatever font is there.
                let attributes = format!(
                    "textLength=\"{:.1}\" lengthAdjust=\"spacingAndGlyphs\" fill=\"{}\" \
                     xml:space=\"preserve\"",
                    count as f64 * column,
                    style.fill(),
                );
                svg += &svg::text(margin + x as f64 * column, y, &attributes, shown);
            }
        }
        svg.push_str("</svg>\n");
        svg
    }
}
