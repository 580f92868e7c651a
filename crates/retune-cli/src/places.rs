//! Where a key's content stands in the text of its manifest.

/// The lines of a manifest, each of which is the place of one key at the most.
pub(crate) struct Lines<'t> {
    lines: Vec<&'t str>,
    taken: Vec<bool>,
}

/// What stands before a content: so many lines, and so many columns of each of its own.
pub(crate) type Before = (usize, usize);

// === impl Lines ===

impl<'t> Lines<'t> {
    pub(crate) fn new(text: &'t str) -> Self {
        let lines: Vec<_> = text.lines().collect();
        let taken = vec![false; lines.len()];
        Self { lines, taken }
    }

    /// Finds the content of a key by what it says, so that nothing is found in a wrong place. `None`
    /// where it stands in another form: packed, folded, with escapes.
    pub(crate) fn find(&mut self, key: &str, content: &str) -> Option<Before> {
        let free = (0..self.lines.len()).filter(|at| !self.taken[*at]);
        let (at, before) = free
            .filter_map(|at| Some((at, self.content_at(at, key, content)?)))
            .next()?;
        self.taken[at] = true;
        Some(before)
    }

    fn content_at(&self, at: usize, key: &str, content: &str) -> Option<Before> {
        let line = self.lines.get(at)?;
        let rest = ["", "\"", "'"].into_iter().find_map(|quote| {
            let rest = line.trim_start().strip_prefix(quote)?.strip_prefix(key)?;
            rest.strip_prefix(quote)?.strip_prefix(':')
        })?;
        let value = rest.trim();
        if value.starts_with('|') {
            return self.block_below(at, content);
        }
        let value = value.trim_end_matches(',');
        let bare = ["\"", "'", ""].into_iter().find_map(|quote| {
            let inner = value.strip_prefix(quote)?;
            inner.strip_suffix(quote)
        })?;
        let column = bare.as_ptr() as usize - line.as_ptr() as usize;
        let columns = line.get(..column)?.chars().count();
        (bare == content && !content.is_empty()).then_some((at, columns))
    }

    /// A block whose lines are the content's, each behind the same blanks.
    fn block_below(&self, key: usize, content: &str) -> Option<Before> {
        let first = self.lines.get(key + 1)?;
        let columns = first.len() - first.trim_start_matches(' ').len();
        let is_same = |(at, own): (usize, &str)| {
            let line = self.lines.get(key + 1 + at)?;
            let line = line.get(columns..).unwrap_or_default();
            (line == own).then_some(())
        };
        content
            .lines()
            .enumerate()
            .try_for_each(|line| is_same(line).ok_or(()))
            .ok()?;
        Some((key + 1, columns))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MANIFEST: &str = "\
data:
  port: \"80\"
  plain: µ x
  'a.yaml': |
    one: 1

      deep: 2
  folded: >
    a
    b
---
data:
  port: \"80\"
  a.yaml: |-
      one: 1
{\"data\": {
  \"b\": \"x\",
}}
";

    #[test]
    fn contents_are_found_by_what_they_say() {
        let mut lines = Lines::new(MANIFEST);
        assert_eq!(lines.find("port", "80"), Some((1, 9)));
        assert_eq!(lines.find("port", "80"), Some((12, 9)));
        assert_eq!(lines.find("port", "80"), None);
        assert_eq!(lines.find("plain", "µ x"), Some((2, 9)));
        assert_eq!(lines.find("a.yaml", "one: 1"), Some((4, 4)));
        assert_eq!(lines.find("a.yaml", "one: 1\n\n  deep: 2\n"), None);
        assert_eq!(lines.find("folded", "a b\n"), None);
        assert_eq!(lines.find("b", "x"), Some((16, 8)));
        let mut lines = Lines::new(MANIFEST);
        let content = "one: 1\n\n  deep: 2\n";
        assert_eq!(lines.find("a.yaml", content), Some((4, 4)));
        assert_eq!(lines.find("a.yaml", "one: 1"), Some((14, 6)));
    }
}
