//! The rules by which the bytes of a file become one text.

use std::borrow::Cow;
use std::str::Utf8Error;

use retune_mount::Content;

use crate::shared_text::SharedText;

/// The text of a file: UTF-8, without a byte order mark and a final newline.
pub(crate) fn of_file(bytes: &[u8]) -> Result<Cow<'_, str>, Utf8Error> {
    Ok(match normalized(std::str::from_utf8(bytes)?) {
        Cow::Borrowed(content) => Cow::Borrowed(without_final_newline(content)),
        Cow::Owned(content) => Cow::Owned(without_final_newline(&content).to_owned()),
    })
}

/// The same without a copy where the file is written as its text is; `None` where it is no text.
pub(crate) fn of_content(content: &Content) -> Option<SharedText> {
    let text = SharedText::new(content)?;
    Some(match normalized(&text) {
        Cow::Borrowed(all) => {
            let start = text.len() - all.len();
            text.slice(start..start + without_final_newline(all).len())
        }
        Cow::Owned(all) => {
            let end = without_final_newline(&all).len();
            SharedText::from(all).slice(0..end)
        }
    })
}

/// One final newline (`\n` or `\r\n`) is how editors and `kubectl create --from-file` end a file.
pub(crate) fn without_final_newline(text: &str) -> &str {
    match text.strip_suffix('\n') {
        Some(line) => line.strip_suffix('\r').unwrap_or(line),
        None => text,
    }
}

/// The same of bytes that may be no text.
pub(crate) fn bytes_without_final_newline(bytes: &[u8]) -> &[u8] {
    match bytes.strip_suffix(b"\n") {
        Some(line) => line.strip_suffix(b"\r").unwrap_or(line),
        None => bytes,
    }
}

/// Text without a byte order mark, and with `\n` for `\r\n`.
pub(crate) fn normalized(text: &str) -> Cow<'_, str> {
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    if !has_crlf(text) {
        return Cow::Borrowed(text);
    }
    // With room for all of it: what grows leaves copies behind.
    let mut normal = String::with_capacity(text.len());
    for (i, line) in text.split("\r\n").enumerate() {
        if i > 0 {
            normal.push('\n');
        }
        normal.push_str(line);
    }
    Cow::Owned(normal)
}

/// Not by `contains`, which looks at sixteen bytes at once, and leaves the last of them on the stack.
fn has_crlf(text: &str) -> bool {
    let mut breaks = text.match_indices('\r').map(|(at, _)| at + 1);
    breaks.any(|after| text.as_bytes().get(after) == Some(&b'\n'))
}
