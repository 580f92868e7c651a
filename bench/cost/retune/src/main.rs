//! Follows a volume, and prints a value of it again and again.

use std::error::Error;
use std::thread;
use std::time::Duration;

use retune::Retune;

#[derive(Debug, Retune)]
struct Config {
    #[retune(default = "hello")]
    message: String,
}

fn main() -> Result<(), Box<dyn Error>> {
    let live = Config::loader().mount("/etc/app").watch()?;
    loop {
        live.with(|config| println!("{}", config.message));
        thread::sleep(Duration::from_secs(1));
    }
}
