//! Addresses.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, SocketAddrV4, SocketAddrV6};
use std::str::FromStr;

use crate::decode::{Decoder, Value};
use crate::node::Node;
use crate::schema::Shape;

macro_rules! addresses {
    ($($ty:ty: $expects:literal;)*) => {$(
        #[doc = concat!(stringify!($ty), ": ", $expects, ".")]
        impl Value for $ty {
            const SHAPE: Shape = Shape::Text($expects);

            fn decode(node: &Node, decoder: &mut Decoder) -> Option<Self> {
                decoder.parsed(node, $expects, |text| {
                    Self::from_str(text.trim()).map_err(|_| reason(text.trim()))
                })
            }
        }
    )*};
}

addresses! {
    SocketAddr: "an IP address and a port such as `127.0.0.1:8080` or `[::1]:8080`";
    SocketAddrV4: "an IPv4 address and a port such as `127.0.0.1:8080`";
    SocketAddrV6: "an IPv6 address and a port such as `[::1]:8080`";
    IpAddr: "an IP address such as `10.0.0.1` or `::1`";
    Ipv4Addr: "an IPv4 address such as `10.0.0.1`";
    Ipv6Addr: "an IPv6 address such as `::1`";
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
