//! Structs with named fields.

use proc_macro2::TokenStream;
use quote::{quote, quote_spanned};
use syn::ext::IdentExt;
use syn::{DeriveInput, Error};

use crate::attrs::Container;
use crate::{fields, types};

pub(crate) fn expand(input: &DeriveInput, fields: &syn::Fields) -> syn::Result<TokenStream> {
    let Container {
        krate,
        docs,
        validate,
        wipe,
    } = Container::parse(&input.attrs)?;
    let syn::Fields::Named(fields) = fields else {
        return Err(Error::new_spanned(
            &input.ident,
            "`Retune` needs named fields: their names are the keys of the configuration",
        ));
    };
    let fields::Fields {
        consts,
        table,
        decode,
        construct,
        wipe: wiping,
    } = fields::expand(&krate, fields, "", wipe)?;
    let ident = &input.ident;
    let name = ident.unraw().to_string();
    let marked = (!validate.is_empty()).then(|| quote!(.checked()));
    let checked = validate.iter().map(|check| {
        let check = fields::callable(check);
        quote! {
            __decoder.check(
                __node,
                ::core::option::Option::None,
                ::core::option::Option::Some(&__value),
                #check,
            )
        }
    });
    let fields::Wiping {
        bind,
        statements,
        wipes,
        ..
    } = wiping;
    let wipes = wipe.then(|| quote!(const WIPES: bool = #wipes;));
    let given_up = wipe.then(|| {
        quote! {
            if !__accepted && #krate::__private::is_secret(__node) {
                #krate::Value::wipe(&mut __value);
            }
        }
    });
    let wipe = wipe.then(|| {
        quote! {
            fn wipe(&mut self) {
                let Self { #bind } = self;
                #statements
            }
        }
    });
    let collisions = collisions(ident, &krate, &quote!(<#ident as #krate::Retune>::SCHEMA));
    Ok(quote! {
        const _: () = {
            #consts

            #[automatically_derived]
            impl #krate::Retune for #ident {
                const SCHEMA: &'static #krate::shape::Schema =
                    &#krate::shape::Schema::new(#name, #docs, #table) #marked;
            }

            #[automatically_derived]
            impl #krate::Value for #ident {
                const SHAPE: #krate::shape::Shape =
                    #krate::shape::Shape::Struct(<Self as #krate::Retune>::SCHEMA);
                #wipes

                fn decode(
                    __node: &#krate::Node,
                    __decoder: &mut #krate::Decoder,
                ) -> ::core::option::Option<Self> {
                    __decoder.structure(__node, <Self as #krate::Retune>::SCHEMA)?;
                    #decode
                    #[allow(unused_mut)]
                    let mut __value = Self { #construct };
                    #(__accepted &= #checked;)*
                    #given_up
                    __accepted.then_some(__value)
                }

                #wipe
            }
        };
        #collisions
    })
}

/// The checks that no two fields of a schema, nested ones too, have one name outside, and that every
/// field that needs a restart, or is one of a pair, can be followed.
pub(crate) fn collisions(
    ident: &syn::Ident,
    krate: &syn::Path,
    schema: &TokenStream,
) -> TokenStream {
    let (krate, schema) = (
        types::at(ident.span(), krate),
        types::at(ident.span(), schema),
    );
    quote_spanned! {ident.span()=>
        const _: () = #krate::__private::refuse_collisions::<
            { #krate::__private::count_names(#schema) }
        >(#schema);
        const _: () = #krate::__private::refuse_lost_restarts(#schema);
        const _: () = #krate::__private::refuse_lost_overlaps(#schema);
    }
}
