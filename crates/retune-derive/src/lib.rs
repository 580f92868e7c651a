//! The derive macro of retune. Use it through `retune`, which re-exports it.
#![forbid(unsafe_code)]

mod attrs;
mod enums;
mod fields;
mod names;
mod structs;
mod types;

use proc_macro::TokenStream;
use syn::{Data, DeriveInput, Error, parse_macro_input};

/// Describes and decodes a configuration. See `retune::Retune`, where it is documented.
#[proc_macro_derive(Retune, attributes(retune))]
pub fn derive_retune(input: TokenStream) -> TokenStream {
    let input = parse_macro_input!(input as DeriveInput);
    expand(&input)
        .unwrap_or_else(|error| error.into_compile_error())
        .into()
}

fn expand(input: &DeriveInput) -> syn::Result<proc_macro2::TokenStream> {
    if !input.generics.params.is_empty() {
        return Err(Error::new_spanned(
            &input.generics,
            "a configuration has no type parameters or lifetimes: write the types out",
        ));
    }
    match &input.data {
        Data::Struct(data) => structs::expand(input, &data.fields),
        Data::Enum(data) => enums::expand(input, data),
        Data::Union(data) => Err(Error::new_spanned(
            data.union_token,
            "`Retune` is for structs and enums",
        )),
    }
}
