//! Addresses.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, SocketAddrV4, SocketAddrV6};
use std::str::FromStr;

use crate::decode::{Decoder, Value};
use crate::grammar::Grammar;
use crate::node::Node;
use crate::schema::Shape;

macro_rules! addresses {
    ($($ty:ident, $grammar:ident: $like:literal;)*) => {$(
        #[doc = concat!("Such as ", $like, "; blanks around it do not count.")]
        impl Value for $ty {
            const SHAPE: Shape = Shape::Text(Grammar::$grammar);

            fn decode(node: &Node, decoder: &mut Decoder) -> Option<Self> {
                decoder.written(node, &Grammar::$grammar, |text| {
                    Self::from_str(text.trim()).map_err(|_| reason(text.trim()))
                })
            }
        }
    )*};
}

addresses! {
    SocketAddr, IpAndPort: "`127.0.0.1:8080` or `[::1]:8080`";
    SocketAddrV4, Ipv4AndPort: "`127.0.0.1:8080`";
    SocketAddrV6, Ipv6AndPort: "`[::1]:8080`";
    IpAddr, Ip: "`10.0.0.1` or `::1`";
    Ipv4Addr, Ipv4: "`10.0.0.1`";
    Ipv6Addr, Ipv6: "`::1`";
}

/// What people most often write instead; the parser's own error only says that it is invalid.
fn reason(text: &str) -> &'static str {
    if text.starts_with(':') && !text.starts_with("::") {
        "`0.0.0.0` before the port means every IPv4 address, `[::]` every address"
    } else if text.starts_with(|c: char| c.is_ascii_alphabetic()) && !text.contains("::") {
        "a host name is not looked up here"
    } else {
        ""
    }
}

#[cfg(test)]
mod tests {
    use super::super::testing::{decode, env, file, refusal};
    use super::*;

    #[test]
    fn d10_addresses() {
        let listen: SocketAddr = decode(env("0.0.0.0:8080")).unwrap();
        assert_eq!(listen.port(), 8080);
        assert!(
            decode::<SocketAddr>(file("[::1]:8080\n"))
                .unwrap()
                .is_ipv6()
        );
        assert!(decode::<IpAddr>(env(" ::1 ")).unwrap().is_loopback());
        assert_eq!(
            decode::<Ipv4Addr>(env("10.0.0.1")).unwrap().octets(),
            [10, 0, 0, 1]
        );
    }

    #[test]
    fn d10_a_wrong_address_is_named_with_what_would_be_right() {
        for (text, reason) in [
            (":8080", "`0.0.0.0` before the port"),
            ("localhost:8080", "a host name is not looked up"),
            (
                "127.0.0.1",
                "expected an IP address and a port such as `127.0.0.1:8080`",
            ),
            ("127.0.0.1:80800", "found \"127.0.0.1:80800\""),
        ] {
            let refusal = refusal::<SocketAddr>(env(text));
            assert!(
                refusal.starts_with("APP_X: ") && refusal.contains(reason),
                "{refusal}"
            );
        }
        assert!(refusal::<Ipv6Addr>(env("fe80::g")).contains("an IPv6 address such as `::1`"));
        assert!(refusal::<SocketAddrV4>(env("[::1]:80")).contains("an IPv4 address and a port"));
        assert!(refusal::<SocketAddrV6>(env("1.2.3.4:80")).contains("an IPv6 address and a port"));
    }
}
