//! `overlap = "10m"` or `overlap = "until told"`: how long what a `Rotating` replaces is kept.

use proc_macro2::{Span, TokenStream};
use quote::quote;
use syn::meta::ParseNestedMeta;
use syn::{Error, LitStr, Path};

/// From long to short, in milliseconds.
const UNITS: [(&str, u64); 6] = [
    ("w", 604_800_000),
    ("d", 86_400_000),
    ("h", 3_600_000),
    ("m", 60_000),
    ("s", 1_000),
    ("ms", 1),
];

/// How long what was replaced is kept.
pub(crate) struct Overlap {
    /// `None` is until told.
    millis: Option<u64>,
    pub(crate) span: Span,
}

// === impl Overlap ===

impl Overlap {
    pub(crate) fn parse(meta: &ParseNestedMeta<'_>) -> syn::Result<Self> {
        const HOW: &str = "an overlap is a time such as \"10m\" or \"1h 30m\" (units are ms, s, m, h, \
                           d and w, each once, the longest first), or \"until told\"";
        if !meta.input.peek(syn::Token![=]) {
            return Err(meta.error(HOW));
        }
        let text: LitStr = meta
            .value()?
            .parse()
            .map_err(|e| Error::new(e.span(), HOW))?;
        let span = text.span();
        if text.value().trim() == "until told" {
            return Ok(Self { millis: None, span });
        }
        match millis(&text.value()) {
            Some(0) => Err(Error::new(
                span,
                "with no overlap nothing is kept: use the type within `Rotating` alone",
            )),
            Some(millis) => Ok(Self {
                millis: Some(millis),
                span,
            }),
            None => Err(Error::new(span, HOW)),
        }
    }

    /// An expression of type `Overlap`.
    pub(crate) fn table(&self, krate: &Path) -> TokenStream {
        match self.millis {
            None => quote!(#krate::shape::Overlap::UntilTold),
            Some(millis) => quote! {
                #krate::shape::Overlap::For(::core::time::Duration::from_millis(#millis))
            },
        }
    }
}

fn millis(text: &str) -> Option<u64> {
    let mut rest = text.trim();
    // Units from here on are allowed still.
    let mut allowed = &UNITS[..];
    let mut sum = 0_u64;
    while !rest.is_empty() {
        let digits = rest.find(|c: char| !c.is_ascii_digit())?;
        let (number, after) = rest.split_at(digits);
        let after = after.trim_start();
        let end = after.find(|c: char| !c.is_alphabetic());
        let (unit, after) = after.split_at(end.unwrap_or(after.len()));
        let index = allowed.iter().position(|(name, _)| *name == unit)?;
        let part = number.parse::<u64>().ok()?.checked_mul(allowed[index].1)?;
        sum = sum.checked_add(part)?;
        allowed = &allowed[index + 1..];
        rest = after.trim_start();
    }
    (!text.trim().is_empty()).then_some(sum)
}
