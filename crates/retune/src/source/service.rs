//! Variables that the cluster injects for Services.

use std::collections::{BTreeMap, HashSet};

/// Names of variables that Kubernetes made of Services (`enableServiceLinks`): `X_SERVICE_HOST`,
/// `X_SERVICE_PORT…`, and those in the form of Docker links, `X_PORT=tcp://…`, `X_PORT_8080_TCP…`.
/// A Service that is called like a program's prefix would otherwise set its `port`.
pub(super) fn injected(variables: &BTreeMap<String, String>) -> HashSet<&str> {
    let services: Vec<&str> = variables
        .keys()
        .filter_map(|name| name.strip_suffix("_SERVICE_HOST"))
        .collect();
    variables
        .iter()
        .filter(|(name, value)| {
            services.iter().any(|service| {
                let rest = name.strip_prefix(service);
                rest.is_some_and(|rest| is_injected(rest, value))
            })
        })
        .map(|(name, _)| name.as_str())
        .collect()
}

/// Whether `rest`, what follows a Service's name, is one of the cluster's own endings.
fn is_injected(rest: &str, value: &str) -> bool {
    if rest == "_SERVICE_HOST" || rest == "_SERVICE_PORT" || rest.starts_with("_SERVICE_PORT_") {
        return true;
    }
    let Some(port) = rest.strip_prefix("_PORT") else {
        return false;
    };
    let protocol = |text: &str| ["tcp", "udp", "sctp"].contains(&text.to_lowercase().as_str());
    match port.strip_prefix('_') {
        None => port.is_empty() && value.split_once("://").is_some_and(|(p, _)| protocol(p)),
        Some(link) => {
            let mut parts = link.split('_');
            parts.next().is_some_and(|n| n.parse::<u16>().is_ok())
                && parts.next().is_some_and(protocol)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_the_cluster_made_of_a_service_counts_as_injected() {
        let variables: BTreeMap<String, String> = [
            ("GREETER_SERVICE_HOST", "10.0.0.7"),
            ("GREETER_SERVICE_PORT", "80"),
            ("GREETER_SERVICE_PORT_HTTP", "80"),
            ("GREETER_PORT", "tcp://10.0.0.7:80"),
            ("GREETER_PORT_80_TCP", "tcp://10.0.0.7:80"),
            ("GREETER_PORT_80_TCP_ADDR", "10.0.0.7"),
            ("GREETER_PORT_NAME", "web"),
            ("GREETER_MESSAGE", "tcp://hello"),
            ("OTHER_PORT", "tcp://10.0.0.8:80"),
        ]
        .map(|(name, value)| (name.to_owned(), value.to_owned()))
        .into();
        let mut found: Vec<_> = injected(&variables).into_iter().collect();
        found.sort_unstable();
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
        let variables: BTreeMap<String, String> =
            [("APP_SERVICE_HOST", "10.0.0.7"), ("APP_PORT", "8080")]
                .map(|(name, value)| (name.to_owned(), value.to_owned()))
                .into();
        assert!(!injected(&variables).contains("APP_PORT"));
    }
}
