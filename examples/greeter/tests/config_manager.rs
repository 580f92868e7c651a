//! The config manager of this story: `Get` and `Set` from many threads while requests run.
#![allow(missing_docs, reason = "tests")]

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;

use greeter::{Config, app};
use retune::{Live, Retune};
use retune_mount::Publisher;

const KEY: &str = "configmap-microservice-demo.yaml";

/// Calls `get` again and again while `sets` run on threads of their own; each answer must be
/// `Hello …`, and each thread that gets must have done so.
fn get_while(sets: &(dyn Fn(usize) + Sync), gets: &[&(dyn Fn() -> String + Sync)]) {
    let setting = AtomicUsize::new(4);
    thread::scope(|scope| {
        for get in gets {
            scope.spawn(|| {
                loop {
                    let last = setting.load(Ordering::SeqCst) == 0;
                    let got = get();
                    assert!(got.starts_with("Hello ") && got.ends_with('!'), "{got}");
                    if last {
                        return;
                    }
                }
            });
        }
        for thread in 0..4 {
            let setting = &setting;
            scope.spawn(move || {
                for number in 0..50 {
                    sets(thread * 50 + number);
                }
                setting.fetch_sub(1, Ordering::SeqCst);
            });
        }
    });
}

/// Asks a greeter.
fn request(address: SocketAddr) -> String {
    let mut stream = TcpStream::connect(address).unwrap();
    write!(stream, "GET / HTTP/1.0\r\n\r\n").unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    answer.split_once("\r\n\r\n").unwrap().1.to_owned()
}

#[test]
fn values_set_by_code_above_a_volume_while_requests_run() {
    let dir = tempfile::tempdir().unwrap();
    let volume = Publisher::create(dir.path().join("config")).unwrap();
    volume.publish([(KEY, "message: Hello World!")]).unwrap();
    let config = Config::loader().mount(volume.dir()).watch().unwrap();
    let server = retune_axum::serve("127.0.0.1:0", app(config.clone())).unwrap();

    let set = |number| {
        let message = format!("Hello {number}!");
        config.set("message", message).unwrap();
    };
    let get = || config.with(|c| c.message.clone());
    let ask = || request(server.address());
    get_while(&set, &[&get, &get, &ask, &ask]);
    assert_eq!(config.status().generation, 201);

    // What code has set holds above the volume, until it is taken back.
    config.set("message", "Hello Grandma!").unwrap();
    volume.publish([(KEY, "message: Hello Moon!")]).unwrap();
    config.reload().unwrap();
    assert_eq!(ask(), "Hello Grandma!");
    config.unset("message").unwrap();
    assert_eq!(ask(), "Hello Moon!");

    // After the end the last value stays, and setting another is an error.
    config.stop().unwrap();
    assert!(config.set("message", "Hello?").is_err());
    assert_eq!(get(), "Hello Moon!");
    assert_eq!(ask(), "Hello Moon!");
}

#[test]
fn whole_configurations_set_by_code_without_any_source() {
    let greeting = |message: String| Config {
        message,
        listen: ([127, 0, 0, 1], 0).into(),
    };
    let (config, setter) = Live::settable(greeting("Hello World!".into()));
    let set = |number| _ = setter.set(greeting(format!("Hello {number}!")));
    let get = || config.with(|c| c.message.clone());
    let snapshot = || config.load().message.clone();
    get_while(&set, &[&get, &get, &snapshot, &snapshot]);

    let last = setter.set(greeting("Hello Grandma!".into()));
    assert_eq!(last, 202);
    assert_eq!(get(), "Hello Grandma!");
}
