//! Names as patterns: JSON Schema compares them exactly, retune by their letters and digits.

/// What does not count in a name.
const APART: &str = "[-_. ]*";

/// A pattern of every writing of some names.
pub(super) fn any_writing<'a>(names: impl IntoIterator<Item = &'a str>) -> String {
    let names: Vec<_> = names.into_iter().map(writings).collect();
    match &names[..] {
        [name] => name.clone(),
        names => format!("({})", names.join("|")),
    }
}

fn writings(written: &str) -> String {
    let mut pattern = APART.to_owned();
    for c in written.chars().filter(|c| !"-_. ".contains(*c)) {
        match c {
            c if c.is_ascii_alphabetic() => {
                pattern.extend(['[', c.to_ascii_uppercase(), c.to_ascii_lowercase(), ']']);
            }
            c if r"^$\*+?()[]{}|/".contains(c) => pattern.extend(['\\', c]),
            c => pattern.push(c),
        }
        pattern.push_str(APART);
    }
    pattern
}

/// A member of what a pointer points to, as the fragment of a URI.
pub(super) fn pointer(to: &str, member: &str) -> String {
    let mut pointer = format!("{to}/");
    for byte in member.replace('~', "~0").replace('/', "~1").bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) {
            pointer.push(char::from(byte));
        } else {
            pointer += &format!("%{byte:02X}");
        }
    }
    pointer
}
