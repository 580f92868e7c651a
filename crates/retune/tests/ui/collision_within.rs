use retune::Retune;

#[derive(Retune)]
struct Fields {
    new_ui: bool,
    #[retune(rename = "newUI")]
    modern: bool,
}

#[derive(Retune)]
struct Aliases {
    host: String,
    #[retune(alias = "HOST")]
    server: String,
    #[retune(deprecated = "PORT")]
    port: u16,
    #[retune(alias = "--")]
    path: String,
}

#[derive(Retune)]
struct Variables {
    #[retune(env = "LOG_LEVEL")]
    level: String,
    #[retune(env = "LOG_LEVEL")]
    format: String,
    #[retune(env = "A=B")]
    other: String,
}

#[derive(Retune)]
enum Level {
    Warn,
    #[retune(alias = "WARN")]
    Warning,
}

fn main() {}
