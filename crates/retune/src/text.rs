//! The rules by which the bytes of a file become one text.

use std::borrow::Cow;
use std::str::Utf8Error;

/// The text of a file: UTF-8, without a byte order mark and a final newline.
pub(crate) fn of_file(bytes: &[u8]) -> Result<Cow<'_, str>, Utf8Error> {
    Ok(match normalized(std::str::from_utf8(bytes)?) {
        Cow::Borrowed(content) => Cow::Borrowed(without_final_newline(content)),
        Cow::Owned(content) => Cow::Owned(without_final_newline(&content).to_owned()),
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
    if text.contains("\r\n") {
        Cow::Owned(text.replace("\r\n", "\n"))
    } else {
        Cow::Borrowed(text)
    }
}
