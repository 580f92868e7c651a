//! A pool of PostgreSQL connections whose user and password follow a mounted Secret.
//!
//! `config` says what can change, `login` tries it, `pool` makes connections with what the database took
//! last, `rotation` leads the pool from one login to the next, `pages` show it.
#![forbid(unsafe_code)]

mod config;
mod login;
mod pages;
mod pool;
mod rotation;

pub use config::{Config, Database};
pub use pages::app;
pub use pool::Pool;
pub use rotation::{follow, gate};
