//! A volume on a real file system (FUSE) that is slow, hangs, or fails.

use std::ffi::CString;
use std::fs::File;
use std::io::{Read, Write};
use std::os::fd::AsRawFd;
use std::path::Path;
use std::sync::{Arc, Condvar, Mutex};
use std::thread;
use std::time::Duration;

/// How requests are answered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Manner {
    AtOnce,
    After(Duration),
    NotYet,
    /// With this number.
    Failing(i32),
}

/// A volume with one key, whose value is its version.
#[derive(Clone)]
pub struct FuseVolume(Arc<(Mutex<State>, Condvar)>);

struct State {
    manner: Manner,
    version: u64,
}

/// One request: what is asked, of which node, and with which bytes.
struct Request<'a> {
    opcode: u32,
    node: u64,
    body: &'a [u8],
}

enum Node {
    Dir(&'static [&'static str]),
    Link(String),
    File(String),
}

const ROOT: u64 = 1;
const DATA: u64 = 2;
const KEY: u64 = 3;

const ENOENT: i32 = 2;
const EINVAL: i32 = 22;
const ENOSYS: i32 = 38;

// === impl FuseVolume ===

impl FuseVolume {
    /// Mounts it there; `None`, with a message, where that cannot be.
    pub fn mount(dir: &Path) -> Option<Self> {
        let Ok(device) = File::options().read(true).write(true).open("/dev/fuse") else {
            eprintln!("skipped: /dev/fuse cannot be opened");
            return None;
        };
        let fd = device.as_raw_fd();
        let options = format!("fd={fd},rootmode=40000,user_id=0,group_id=0");
        let options = CString::new(options).unwrap();
        let flags = rustix::mount::MountFlags::empty();
        if let Err(error) = rustix::mount::mount("none", dir, "fuse", flags, &*options) {
            eprintln!("skipped: FUSE cannot be mounted: {error}");
            return None;
        }
        let state = State {
            manner: Manner::AtOnce,
            version: 1,
        };
        let volume = Self(Arc::new((Mutex::new(state), Condvar::new())));
        let served = volume.clone();
        thread::spawn(move || served.serve(device));
        Some(volume)
    }

    pub fn answer(&self, manner: Manner) {
        self.0.0.lock().unwrap().manner = manner;
        self.0.1.notify_all();
    }

    pub fn publish(&self, version: u64) {
        self.0.0.lock().unwrap().version = version;
    }

    /// Until it is unmounted.
    fn serve(&self, mut device: File) {
        let mut buffer = vec![0; 1 << 20];
        while let Ok(length) = device.read(&mut buffer) {
            let number = |at: usize| u64::from_ne_bytes(buffer[at..at + 8].try_into().unwrap());
            let (unique, node) = (number(8), number(16));
            let request = Request {
                opcode: u32::from_ne_bytes(buffer[4..8].try_into().unwrap()),
                node,
                body: &buffer[40..length],
            };
            let Some(answer) = self.answer_to(&request) else {
                continue;
            };
            let (error, body) = match answer {
                Ok(body) => (0, body),
                Err(error) => (-error, Vec::new()),
            };
            let mut reply = Vec::from(((16 + body.len()) as u32).to_ne_bytes());
            reply.extend(error.to_ne_bytes());
            reply.extend(unique.to_ne_bytes());
            reply.extend(body);
            // Whoever asked may have gone.
            _ = device.write_all(&reply);
        }
    }

    fn answer_to(&self, request: &Request<'_>) -> Option<Result<Vec<u8>, i32>> {
        match request.opcode {
            // Forget, interrupt, forget several.
            2 | 36 | 42 => return None,
            26 => return Some(Ok(init())),
            _ => {}
        }
        let (state, changed) = &*self.0;
        let state = state.lock().unwrap();
        let state = changed.wait_while(state, |state| state.manner == Manner::NotYet);
        let (manner, version) = state.map(|state| (state.manner, state.version)).unwrap();
        match manner {
            Manner::Failing(error) => return Some(Err(error)),
            Manner::After(time) => thread::sleep(time),
            Manner::AtOnce | Manner::NotYet => {}
        }
        Some(request.answer(version))
    }
}

// === impl Request ===

impl Request<'_> {
    fn answer(&self, version: u64) -> Result<Vec<u8>, i32> {
        let node = node(self.node, version).ok_or(ENOENT)?;
        match self.opcode {
            // Lookup
            1 => {
                let name = self.body.split_last().map_or("", |(_, name)| {
                    std::str::from_utf8(name).unwrap_or_default()
                });
                let id = child(self.node, name, version).ok_or(ENOENT)?;
                let mut entry = Vec::from(id.to_ne_bytes());
                // Nothing may be cached.
                entry.extend([0; 32]);
                entry.extend(attributes(id, version)?);
                Ok(entry)
            }
            // Attributes
            3 => Ok([vec![0; 16], attributes(self.node, version)?].concat()),
            // Where a link leads
            5 => match node {
                Node::Link(target) => Ok(target.into_bytes()),
                _ => Err(EINVAL),
            },
            // Open, of files and directories
            14 | 27 => Ok(vec![0; 16]),
            // Read
            15 => match node {
                Node::File(text) => Ok(text.bytes().skip(self.offset()).collect()),
                _ => Err(EINVAL),
            },
            // Statistics of the file system
            17 => Ok(vec![0; 80]),
            // Release and flush
            18 | 25 | 29 => Ok(Vec::new()),
            // List
            28 => match node {
                Node::Dir(names) => Ok(self.list(names, version)),
                _ => Err(EINVAL),
            },
            _ => Err(ENOSYS),
        }
    }

    fn offset(&self) -> usize {
        let offset = u64::from_ne_bytes(self.body[8..16].try_into().unwrap());
        offset as usize
    }

    fn list(&self, names: &[&str], version: u64) -> Vec<u8> {
        let mut list = Vec::new();
        for (index, name) in names.iter().enumerate().skip(self.offset()) {
            let Some(id) = child(self.node, name, version) else {
                continue;
            };
            let kind = attributes_of(id, version).map_or(0, |(mode, _)| mode >> 12);
            list.extend(id.to_ne_bytes());
            list.extend((index as u64 + 1).to_ne_bytes());
            list.extend((name.len() as u32).to_ne_bytes());
            list.extend(kind.to_ne_bytes());
            list.extend(name.bytes());
            list.resize(list.len().next_multiple_of(8), 0);
        }
        list
    }
}

fn init() -> Vec<u8> {
    let mut init = Vec::new();
    for number in [7_u32, 31, 0, 0, 0, 65_536, 1] {
        init.extend(number.to_ne_bytes());
    }
    init.resize(64, 0);
    init
}

/// A data directory and its file, other ones for each version.
fn data_dir(version: u64) -> u64 {
    100 + 2 * version
}

fn node(id: u64, version: u64) -> Option<Node> {
    let dir = data_dir(version);
    Some(match id {
        ROOT => Node::Dir(&["..data", "key"]),
        DATA => Node::Link(format!("..{version}")),
        KEY => Node::Link("..data/key".to_owned()),
        id if id == dir => Node::Dir(&["key"]),
        id if id == dir + 1 => Node::File(version.to_string()),
        _ => return None,
    })
}

fn child(parent: u64, name: &str, version: u64) -> Option<u64> {
    match (parent, name) {
        (ROOT, "..data") => Some(DATA),
        (ROOT, "key") => Some(KEY),
        (ROOT, name) if name == format!("..{version}") => Some(data_dir(version)),
        (parent, "key") if parent == data_dir(version) => Some(parent + 1),
        _ => None,
    }
}

/// The mode and the size.
fn attributes_of(id: u64, version: u64) -> Option<(u32, usize)> {
    Some(match node(id, version)? {
        Node::Dir(_) => (0o040_755, 0),
        Node::Link(target) => (0o120_777, target.len()),
        Node::File(text) => (0o100_644, text.len()),
    })
}

fn attributes(id: u64, version: u64) -> Result<Vec<u8>, i32> {
    let (mode, size) = attributes_of(id, version).ok_or(ENOENT)?;
    let mut attributes = Vec::from(id.to_ne_bytes());
    attributes.extend((size as u64).to_ne_bytes());
    attributes.resize(60, 0);
    for number in [mode, 2] {
        attributes.extend(number.to_ne_bytes());
    }
    attributes.resize(88, 0);
    Ok(attributes)
}
