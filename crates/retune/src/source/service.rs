//! Variables that the cluster injects for Services.

use std::collections::BTreeMap;
use std::ffi::OsString;

/// Whether Kubernetes made this variable of a Service (`enableServiceLinks`): `X_SERVICE_HOST`,
/// `X_SERVICE_PORT…`, and those in the form of Docker links, `X_PORT=tcp://…`, `X_PORT_8080_TCP…`.
/// A Service that is called like a program's prefix would otherwise set its `port`.
///
/// It makes all of them together, so that a lone `X_SERVICE_HOST` is the program's own.
pub(super) fn is_injected(variable: &str, variables: &BTreeMap<String, OsString>) -> bool {
    let is_service = |name: &str| {
        let port = format!("{name}_PORT");
        variables.contains_key(&format!("{name}_SERVICE_HOST"))
            && variables
                .range(port.clone()..)
                .take_while(|(other, _)| other.starts_with(&port))
                .any(|(_, value)| is_address(value))
    };
    variable.match_indices('_').any(|(end, _)| {
        let (service, rest) = variable.split_at(end);
        is_ending(rest, variables.get(variable)) && is_service(service)
    })
}

/// Whether `rest`, what follows a Service's name, is one of the cluster's own endings.
fn is_ending(rest: &str, value: Option<&OsString>) -> bool {
    if rest == "_SERVICE_HOST" || rest == "_SERVICE_PORT" || rest.starts_with("_SERVICE_PORT_") {
        return true;
    }
    let Some(port) = rest.strip_prefix("_PORT") else {
        return false;
    };
    match port.strip_prefix('_') {
        None => port.is_empty() && value.is_some_and(is_address),
        Some(link) => {
            let mut parts = link.split('_');
            parts.next().is_some_and(|n| n.parse::<u16>().is_ok())
                && parts.next().is_some_and(is_protocol)
        }
    }
}

fn is_protocol(text: &str) -> bool {
    ["tcp", "udp", "sctp"].contains(&text.to_lowercase().as_str())
}

/// `tcp://10.0.0.7:80`
fn is_address(value: &OsString) -> bool {
    let address = value.to_str().and_then(|value| value.split_once("://"));
    address.is_some_and(|(protocol, _)| is_protocol(protocol))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn map(pairs: &[(&str, &str)]) -> BTreeMap<String, OsString> {
        let own = |(name, value): &(&str, &str)| ((*name).to_owned(), (*value).into());
        pairs.iter().map(own).collect()
    }

    #[test]
    fn only_what_the_cluster_made_of_a_service_counts_as_injected() {
        let variables = map(&[
            ("GREETER_SERVICE_HOST", "10.0.0.7"),
            ("GREETER_SERVICE_PORT", "80"),
            ("GREETER_SERVICE_PORT_HTTP", "80"),
            ("GREETER_PORT", "tcp://10.0.0.7:80"),
            ("GREETER_PORT_80_TCP", "tcp://10.0.0.7:80"),
            ("GREETER_PORT_80_TCP_ADDR", "10.0.0.7"),
            ("GREETER_PORT_NAME", "web"),
            ("GREETER_MESSAGE", "tcp://hello"),
            ("OTHER_PORT", "tcp://10.0.0.8:80"),
        ]);
        let found: Vec<_> = variables
            .keys()
            .filter(|variable| is_injected(variable, &variables))
            .collect();
        assert_eq!(
            found,
            [
                "GREETER_PORT",
                "GREETER_PORT_80_TCP",
                "GREETER_PORT_80_TCP_ADDR",
                "GREETER_SERVICE_HOST",
                "GREETER_SERVICE_PORT",
                "GREETER_SERVICE_PORT_HTTP",
            ]
        );
    }

    #[test]
    fn a_port_of_ones_own_beside_a_service_is_not_injected() {
        let variables = map(&[
            ("APP_SERVICE_HOST", "10.0.0.7"),
            ("APP_PORT_80_TCP", "tcp://10.0.0.7:80"),
            ("APP_PORT", "8080"),
        ]);
        assert!(!is_injected("APP_PORT", &variables));
        assert!(is_injected("APP_SERVICE_HOST", &variables));
    }

    #[test]
    fn a_host_without_the_cluster_s_addresses_is_the_program_s_own() {
        let variables = map(&[("APP_SERVICE_HOST", "db"), ("APP_SERVICE_PORT", "5432")]);
        assert!(!is_injected("APP_SERVICE_HOST", &variables));
        assert!(!is_injected("APP_SERVICE_PORT", &variables));
    }
}
