//! What a process follows that is looked at.

use std::error::Error;
use std::io::{self, Read, Write};
use std::path::Path;
use std::str::FromStr;
use std::time::Duration;
use std::{fmt, fs};

use dynamic_config::dynamic_config;
use retune::{Retune, source::Env};
use retune_bench::Memory;
use serde::Deserialize;

type Result<T = ()> = std::result::Result<T, Box<dyn Error>>;

/// Who follows how much.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Followed {
    Volumes(usize),
    DynamicConfig,
    RtbConfig,
}

#[derive(Debug, Retune)]
struct Config {
    #[expect(dead_code, reason = "nobody looks")]
    #[retune(default = "")]
    message: String,
}

#[dynamic_config]
#[derive(Debug, Deserialize)]
struct OfDynamicConfig {
    #[expect(dead_code, reason = "nobody looks")]
    message: String,
}

#[derive(Debug, Default, Deserialize)]
struct OfRtbConfig {
    #[expect(dead_code, reason = "nobody looks")]
    message: String,
}

// === impl Followed ===

impl Followed {
    /// Follows until the input ends.
    pub(crate) fn follow(self) -> Result {
        let memory = Memory::new()?;
        match self {
            Self::Volumes(volumes) => {
                let mut loader = Config::loader().env(Env::from_iter("IDLE", [("", ""); 0]));
                for i in 0..volumes {
                    let volume = memory.volume(&format!("volume-{i}"));
                    volume.publish([("message", "hello")])?;
                    loader = loader.mount(volume.dir());
                }
                let live = loader.watch()?;
                until_the_end()?;
                live.stop()?;
            }
            Self::DynamicConfig => {
                let sources = OfDynamicConfig::builder("")
                    .whole_document()
                    .file(document(memory.path())?);
                sources.init()?;
                let _watch = sources.watch(Duration::from_millis(250))?;
                until_the_end()?;
            }
            Self::RtbConfig => {
                let file = document(memory.path())?;
                let config = rtb_config::Config::<OfRtbConfig>::builder()
                    .user_file(file)
                    .build()?;
                let _watch = config.watch_files()?;
                until_the_end()?;
            }
        }
        Ok(())
    }
}

/// A file that peers read.
fn document(folder: &Path) -> Result<String> {
    let file = folder.join("config.yaml");
    fs::write(&file, "message: hello\n")?;
    Ok(file.to_string_lossy().into_owned())
}

/// Says that it follows, and waits.
fn until_the_end() -> io::Result<()> {
    let mut stdout = io::stdout();
    stdout.write_all(b"!")?;
    stdout.flush()?;
    io::stdin().read_to_end(&mut Vec::new()).map(drop)
}

impl fmt::Display for Followed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Volumes(1) => f.write_str("retune, 1 volume"),
            Self::Volumes(volumes) => write!(f, "retune, {volumes} volumes"),
            Self::DynamicConfig => f.write_str("dynamic-config, 1 file"),
            Self::RtbConfig => f.write_str("rtb-config, 1 file"),
        }
    }
}

/// As [`Followed::argument`] writes it.
impl FromStr for Followed {
    type Err = String;

    fn from_str(text: &str) -> std::result::Result<Self, String> {
        match text {
            "dynamic-config" => Ok(Self::DynamicConfig),
            "rtb-config" => Ok(Self::RtbConfig),
            volumes => volumes.parse().map(Self::Volumes).map_err(|_| {
                format!(
                    "{volumes:?}: neither a number of volumes nor dynamic-config nor rtb-config"
                )
            }),
        }
    }
}

impl Followed {
    /// How a process is told.
    pub(crate) fn argument(self) -> String {
        match self {
            Self::Volumes(volumes) => volumes.to_string(),
            Self::DynamicConfig => "dynamic-config".into(),
            Self::RtbConfig => "rtb-config".into(),
        }
    }
}
