//! The program's choice of cryptography.

use std::sync::Arc;

use retune::{Decoder, Node};
use rustls::crypto::CryptoProvider;

/// The process's provider; that there is none is a problem, and not a panic.
pub(crate) fn get(node: &Node, decoder: &mut Decoder) -> Option<Arc<CryptoProvider>> {
    let provider = CryptoProvider::get_default();
    if provider.is_none() {
        let message = "rustls has no provider of cryptography yet".to_owned();
        let help = "before the configuration is loaded, the program calls \
                    `rustls::crypto::ring::default_provider().install_default()`, or that of another";
        decoder.problem(node, message, Some(help.to_owned()));
    }
    provider.cloned()
}
