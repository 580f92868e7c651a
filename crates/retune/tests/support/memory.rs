//! A process whose memory is searched by its parent, so that what is searched for is in the parent alone.

use std::collections::HashMap;
use std::fs::{self, File};
use std::io::{BufRead, BufReader, Lines, Read, Write};
use std::os::unix::fs::FileExt;
use std::process::{ChildStdin, ChildStdout, Command, Stdio};

/// How long a part of a secret is that must not be found.
pub const FRAGMENT: usize = 8;

/// What a child's line begins with that tells how far it has come.
const STEP: &str = "@";

/// A process that stops at each step, to be searched.
pub struct Searched {
    process: std::process::Child,
    lines: Lines<BufReader<ChildStdout>>,
    stdin: ChildStdin,
}

/// What was found of a secret.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Remnants {
    /// How many times the whole of it was found.
    pub copies: usize,
    /// How many of its parts of 8 bytes were found anywhere.
    pub fragments: usize,
}

/// Text that nobody has seen before: letters and digits.
pub fn random(length: usize) -> String {
    const LETTERS: &[u8] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";
    let mut source = File::open("/dev/urandom").unwrap();
    let mut text = String::with_capacity(length);
    while text.len() < length {
        let mut byte = [0];
        source.read_exact(&mut byte).unwrap();
        if let Some(letter) = LETTERS.get(usize::from(byte[0] & 63)) {
            text.push(char::from(*letter));
        }
    }
    text
}

/// In the child: says how far it has come, and goes on when it has been searched.
pub fn step(name: &str) {
    let mut out = std::io::stdout();
    writeln!(out, "\n{STEP}{name}").unwrap();
    out.flush().unwrap();
    let mut line = String::new();
    std::io::stdin().read_line(&mut line).unwrap();
}

// === impl Searched ===

impl Searched {
    /// Runs one test of this binary in a process of its own.
    pub fn start(test: &str, prepare: impl FnOnce(&mut Command)) -> Self {
        let mut command = Command::new(std::env::current_exe().unwrap());
        command.args(["--exact", test, "--nocapture"]);
        command.env(super::CHILD, "1");
        command.stdin(Stdio::piped()).stdout(Stdio::piped());
        prepare(&mut command);
        let mut process = command.spawn().unwrap();
        let lines = BufReader::new(process.stdout.take().unwrap()).lines();
        let stdin = process.stdin.take().unwrap();
        Self {
            process,
            lines,
            stdin,
        }
    }

    /// Waits until it has come to a step, where it stays.
    pub fn until(&mut self, step: &str) {
        let mut said = Vec::new();
        for line in self.lines.by_ref() {
            let line = line.unwrap();
            if line.strip_prefix(STEP) == Some(step) {
                return;
            }
            said.push(line);
        }
        panic!("never came to {step}: {said:#?}");
    }

    pub fn go_on(&mut self) {
        self.stdin.write_all(b"\n").unwrap();
    }

    /// Waits for a good end.
    pub fn finish(mut self) {
        self.go_on();
        let said: Vec<_> = self.lines.by_ref().map(Result::unwrap).collect();
        assert!(self.process.wait().unwrap().success(), "{said:#?}");
    }

    /// Searches all of its memory that can be read, but for what it never wrote.
    pub fn search(&self, secrets: &[&str]) -> Vec<Remnants> {
        let mut search = Search::new(secrets);
        let pid = self.process.id();
        let memory = File::open(format!("/proc/{pid}/mem")).unwrap();
        let maps = fs::read_to_string(format!("/proc/{pid}/maps")).unwrap();
        let mut searched = 0;
        for line in maps.lines() {
            let mut fields = line.split_whitespace();
            let (Some(range), Some(mode)) = (fields.next(), fields.next()) else {
                continue;
            };
            // The kernel's own pages cannot be read from outside; what is code stays as it is in its file.
            let is_code = fields.nth(3).is_some_and(|path| path.starts_with('/'));
            let is_kernels = line.contains("[v");
            if !mode.starts_with('r') || is_kernels || is_code && !mode.contains('w') {
                continue;
            }
            let (start, end) = range.split_once('-').unwrap();
            let at = |text| u64::from_str_radix(text, 16).unwrap();
            searched += search.region(&memory, at(start), at(end));
        }
        assert!(searched > 1 << 20, "only {searched} bytes could be read");
        search.found()
    }
}

impl Drop for Searched {
    fn drop(&mut self) {
        _ = self.process.kill();
        _ = self.process.wait();
    }
}

/// A search for several secrets at once.
struct Search<'s> {
    secrets: &'s [&'s str],
    /// The parts of all, with whose they are and where they stand in it.
    parts: HashMap<[u8; FRAGMENT], (usize, usize)>,
    /// Whether any part begins with these two bytes.
    begins: Vec<bool>,
    found: Vec<Vec<bool>>,
    copies: Vec<usize>,
}

impl<'s> Search<'s> {
    fn new(secrets: &'s [&'s str]) -> Self {
        let mut parts = HashMap::new();
        let mut begins = vec![false; 1 << 16];
        for (i, secret) in secrets.iter().enumerate() {
            assert!(secret.len() > FRAGMENT);
            for (at, part) in secret.as_bytes().windows(FRAGMENT).enumerate() {
                let part: [u8; FRAGMENT] = part.try_into().unwrap();
                begins[usize::from(u16::from_ne_bytes([part[0], part[1]]))] = true;
                parts.insert(part, (i, at));
            }
        }
        let found = |secret: &&str| vec![false; secret.len() + 1 - FRAGMENT];
        Self {
            secrets,
            parts,
            begins,
            found: secrets.iter().map(found).collect(),
            copies: vec![0; secrets.len()],
        }
    }

    /// How many bytes of it could be read.
    fn region(&mut self, memory: &File, start: u64, end: u64) -> u64 {
        const CHUNK: usize = 1 << 16;
        let overlap = self
            .secrets
            .iter()
            .map(|secret| secret.len())
            .max()
            .unwrap();
        let zeros = vec![0; CHUNK];
        let mut searched = 0;
        // What is carried over from the chunk before.
        let mut buffer: Vec<u8> = Vec::new();
        let mut at = start;
        while at < end {
            let size = CHUNK.min(usize::try_from(end - at).unwrap());
            let mut chunk = vec![0; size];
            let n = memory.read_at(&mut chunk, at).unwrap_or(0);
            if n == 0 {
                return searched;
            }
            chunk.truncate(n);
            at += n as u64;
            searched += n as u64;
            if buffer.is_empty() && chunk == zeros[..n] {
                continue;
            }
            let before = buffer.len();
            buffer.extend_from_slice(&chunk);
            self.bytes(&buffer, before);
            let keep = buffer.len().saturating_sub(overlap);
            buffer.drain(..keep);
        }
        searched
    }

    /// `before` of them have been searched already, as far as they went.
    fn bytes(&mut self, bytes: &[u8], before: usize) {
        for (at, part) in bytes.windows(FRAGMENT).enumerate() {
            if !self.begins[usize::from(u16::from_ne_bytes([part[0], part[1]]))] {
                continue;
            }
            let Some((secret, of)) = self.parts.get(part) else {
                continue;
            };
            self.found[*secret][*of] = true;
            let whole = self.secrets[*secret].as_bytes();
            let copy = bytes.get(at..at + whole.len());
            // Not once more what was whole in the chunk before.
            let is_new = at + whole.len() > before;
            if *of == 0 && is_new && copy == Some(whole) {
                self.copies[*secret] += 1;
            }
        }
    }

    fn found(self) -> Vec<Remnants> {
        let found = self.found.iter().zip(self.copies);
        found
            .map(|(parts, copies)| Remnants {
                copies,
                fragments: parts.iter().filter(|found| **found).count(),
            })
            .collect()
    }
}
