//! Enums: a choice by name, with or without content.

use proc_macro2::TokenStream;
use quote::{format_ident, quote};
use syn::ext::IdentExt;
use syn::{DataEnum, DeriveInput, Error, Fields, Ident, Path};

use crate::attrs::{self, Container, Errors};
use crate::names::{self, Names};
use crate::types::{self, Handling};
use crate::{fields, structs};

/// The code for one variant.
struct Variant {
    /// Constants of its fields.
    consts: TokenStream,
    /// An expression of type `Variant`.
    table: TokenStream,
    /// An expression of type `Option<Self>` that decodes the content.
    decode: TokenStream,
    /// An arm of a match that wipes the content, if it can be.
    wipe: TokenStream,
}

pub(crate) fn expand(input: &DeriveInput, data: &DataEnum) -> syn::Result<TokenStream> {
    let Container {
        krate,
        validate,
        wipe,
        ..
    } = Container::parse(&input.attrs)?;
    let mut errors = Errors::default();
    if let Some(check) = validate.first() {
        let message = "an enum has no `validate`; put it on the field that holds the enum";
        errors.note::<()>(Err(Error::new_spanned(check, message)));
    }
    if data.variants.is_empty() {
        let message = "no value can be configured for an enum without variants";
        errors.note::<()>(Err(Error::new_spanned(&input.ident, message)));
    }
    let mut names = Names::default();
    let variants: Vec<_> = data
        .variants
        .iter()
        .enumerate()
        .filter_map(|(i, variant)| {
            errors.note(expand_variant(
                &krate,
                &input.ident,
                i,
                variant,
                &mut names,
                wipe,
            ))
        })
        .collect();
    let variants = errors.finish(variants)?;

    let ident = &input.ident;
    let consts = variants.iter().map(|variant| &variant.consts);
    let table = variants.iter().map(|variant| &variant.table);
    let index = 0..variants.len();
    let decode = variants.iter().map(|variant| &variant.decode);
    let arms = variants.iter().map(|variant| &variant.wipe);
    let wipe = wipe.then(|| {
        quote! {
            fn wipe(&mut self) {
                match self {
                    #(#arms)*
                    #[allow(unreachable_patterns)]
                    _ => {}
                }
            }
        }
    });
    Ok(quote! {
        const _: () = {
            #(#consts)*
            const __VARIANTS: &[#krate::shape::Variant] = &[#(#table),*];

            #[automatically_derived]
            impl #krate::Value for #ident {
                const SHAPE: #krate::shape::Shape = #krate::shape::Shape::Choice(__VARIANTS);

                fn decode(
                    __node: &#krate::Node,
                    __decoder: &mut #krate::Decoder,
                ) -> ::core::option::Option<Self> {
                    __decoder.choice(__node, __VARIANTS, |__index, __node, __decoder| {
                        match __index {
                            #(#index => #decode,)*
                            _ => ::core::option::Option::None,
                        }
                    })
                }

                #wipe
            }
        };
    })
}

fn expand_variant(
    krate: &Path,
    of: &Ident,
    index: usize,
    variant: &syn::Variant,
    names: &mut Names,
    wiped: bool,
) -> syn::Result<Variant> {
    let attrs = attrs::Variant::parse(&variant.attrs)?;
    let ident = &variant.ident;
    let code_name = ident.unraw().to_string();
    let (name, span) = match &attrs.names.rename {
        Some(outside) => (outside.value(), outside.span()),
        None => (names::kebab(&code_name), ident.span()),
    };
    names.take(&code_name, &name, span)?;
    for alias in &attrs.names.aliases {
        names.take(&code_name, &alias.name.value(), alias.name.span())?;
    }

    let mut consts = TokenStream::new();
    let mut wipe = TokenStream::new();
    let (content, decode) = match &variant.fields {
        Fields::Unit => (None, quote!(::core::option::Option::Some(Self::#ident))),
        Fields::Unnamed(unnamed) if unnamed.unnamed.len() == 1 => {
            let field = &unnamed.unnamed[0];
            let via = attrs::Field::parse_content(&field.attrs)?;
            let Handling {
                shape,
                decode,
                wipe: how,
                ..
            } = types::handling(krate, &field.ty, &via);
            if let Some(types::Wipe { wipe: call, .. }) = how {
                wipe = quote!(Self::#ident(__value) => #call(__value),);
            }
            let decode =
                quote!(#krate::__private::content(__node, __decoder, #decode).map(Self::#ident));
            (Some(shape), decode)
        }
        Fields::Unnamed(unnamed) => {
            let message = "a variant holds nothing, one value, or named fields";
            return Err(Error::new_spanned(unnamed, message));
        }
        Fields::Named(named) => {
            let prefix = format!("V{index}_");
            let fields = fields::expand(krate, named, &prefix, wiped)?;
            let schema = format_ident!("__{prefix}SCHEMA");
            let schema_name = format!("{}::{code_name}", of.unraw());
            let fields::Fields {
                consts: field_consts,
                table,
                decode,
                construct,
                wipe: fields::Wiping {
                    bind, statements, ..
                },
            } = fields;
            wipe = quote!(Self::#ident { #bind } => { #statements });
            let docs = &attrs.docs;
            let collisions = structs::collisions(ident, krate, &quote!(#schema));
            consts = quote! {
                #field_consts
                const #schema: &#krate::shape::Schema =
                    &#krate::shape::Schema::new(#schema_name, #docs, #table);
                #collisions
            };
            let decode = quote! {{
                __decoder.structure(__node, #schema)?;
                #decode
                ::core::option::Option::Some(Self::#ident { #construct })
            }};
            (Some(quote!(#krate::shape::Shape::Struct(#schema))), decode)
        }
    };
    let content = match content {
        Some(shape) => quote!(::core::option::Option::Some(#shape)),
        None => quote!(::core::option::Option::None),
    };
    let aliases = fields::aliases(krate, &attrs.names);
    let docs = &attrs.docs;
    let table = quote!(#krate::shape::Variant::new(#name, #aliases, #docs, #content));
    Ok(Variant {
        consts,
        table,
        decode,
        wipe,
    })
}
