//! Follows a file, and prints a value of it again and again.

use std::error::Error;
use std::thread;
use std::time::Duration;

use dynamic_config::dynamic_config;
use serde::Deserialize;

#[dynamic_config]
#[derive(Debug, Deserialize)]
struct Config {
    message: String,
}

fn main() -> Result<(), Box<dyn Error>> {
    let sources = Config::builder("")
        .whole_document()
        .file("/etc/app/config.yaml")
        .env("APP_");
    sources.init()?;
    sources.watch(Duration::from_millis(1))?.detach();
    loop {
        println!("{}", Config::current().message);
        thread::sleep(Duration::from_secs(1));
    }
}
