//! Follows a file, and prints a value of it again and again.

use std::error::Error;
use std::thread;
use std::time::Duration;

use rtb_config::Config;
use serde::Deserialize;

#[derive(Debug, Default, Deserialize)]
struct App {
    message: String,
}

fn main() -> Result<(), Box<dyn Error>> {
    let config = Config::<App>::builder()
        .user_file("/etc/app/config.yaml")
        .env_prefixed("APP_")
        .build()?;
    let _watch = config.watch_files()?;
    loop {
        println!("{}", config.get().message);
        thread::sleep(Duration::from_secs(1));
    }
}
