//! How a field's type is described and decoded.

use proc_macro2::{Span, TokenStream};
use quote::{ToTokens, quote, quote_spanned};
use syn::spanned::Spanned;
use syn::{GenericArgument, LitStr, Path, PathArguments, Type};

use crate::attrs::Via;

/// What the schema says of a type, and how the type comes from a node.
pub(crate) struct Handling {
    /// An expression of type `Shape`.
    pub(crate) shape: TokenStream,
    /// Something callable with a node and a decoder.
    pub(crate) decode: TokenStream,
    /// An expression of type `Option<T>`: the value when nothing is given.
    pub(crate) missing: TokenStream,
    /// How a value is wiped; `None` where its type is not asked.
    pub(crate) wipe: Option<Wipe>,
}

/// How a value is wiped.
pub(crate) struct Wipe {
    /// Something callable with a `&mut` of it.
    pub(crate) wipe: TokenStream,
    /// A constant: whether nothing is left of it.
    pub(crate) wipes: TokenStream,
}

pub(crate) fn handling(krate: &Path, ty: &Type, via: &Via) -> Handling {
    match via {
        Via::Value => {
            let krate = at(ty.span(), krate);
            let value = quote_spanned!(ty.span()=> <#ty as #krate::Value>);
            Handling {
                shape: quote_spanned!(ty.span()=> #value::SHAPE),
                decode: quote_spanned!(ty.span()=> #value::decode),
                missing: quote_spanned!(ty.span()=> #value::missing()),
                wipe: Some(Wipe {
                    wipe: quote_spanned!(ty.span()=> #value::wipe),
                    wipes: quote_spanned!(ty.span()=> #value::WIPES),
                }),
            }
        }
        Via::FromStr(expects) => wrapped(krate, ty, &|leaf| {
            let expects = expects_of(leaf, expects.as_ref());
            Handling {
                shape: quote!(#krate::shape::Shape::Text(#krate::shape::Grammar::Other(#expects))),
                decode: quote_spanned! {leaf.span()=>
                    |__node, __decoder| __decoder.parsed(
                        __node,
                        #expects,
                        <#leaf as ::core::str::FromStr>::from_str,
                    )
                },
                missing: quote!(::core::option::Option::None),
                wipe: None,
            }
        }),
        Via::Serde(expects) => wrapped(krate, ty, &|leaf| {
            let expects = expects_of(leaf, expects.as_ref());
            Handling {
                shape: quote!(#krate::shape::Shape::Opaque(#expects)),
                decode: quote_spanned! {leaf.span()=>
                    |__node, __decoder| #krate::__private::by_serde::<#leaf>(
                        __node,
                        __decoder,
                        #expects,
                    )
                },
                missing: quote!(::core::option::Option::None),
                wipe: None,
            }
        }),
    }
}

/// Sees through `Option`, `Vec`, `Secret` and `Rotating` to the type that `from_str` or `serde` is about.
fn wrapped(krate: &Path, ty: &Type, leaf: &dyn Fn(&Type) -> Handling) -> Handling {
    let shape = quote!(#krate::shape::Shape);
    let through = |name: &str| argument(ty, name).map(|inner| wrapped(krate, inner, leaf));
    let none = quote!(::core::option::Option::None);
    if let Some(Handling {
        shape: inner,
        decode,
        ..
    }) = through("Option")
    {
        return Handling {
            shape: quote!(#shape::Optional(&#inner)),
            decode: quote! {
                |__node, __decoder| #krate::__private::optional(__node, __decoder, #decode)
            },
            missing: quote!(::core::option::Option::Some(#none)),
            wipe: None,
        };
    }
    if let Some(Handling {
        shape: inner,
        decode,
        ..
    }) = through("Vec")
    {
        return Handling {
            shape: quote!(#shape::List(&#inner)),
            decode: quote!(|__node, __decoder| __decoder.items(__node, #decode)),
            missing: none,
            wipe: None,
        };
    }
    if let Some(Handling {
        shape: inner,
        decode,
        missing,
        ..
    }) = through("Secret")
    {
        return Handling {
            shape: quote!(#shape::Secret(&#inner)),
            decode: quote! {
                |__node, __decoder| #krate::__private::secret(__node, __decoder, #decode)
            },
            missing: quote!((#missing).map(#krate::Secret::unwiped)),
            wipe: None,
        };
    }
    if let Some(Handling {
        shape: inner,
        decode,
        missing,
        ..
    }) = through("Rotating")
    {
        return Handling {
            shape: quote!(#shape::Rotating(&#inner)),
            decode: quote! {
                |__node, __decoder| #krate::__private::rotating(
                    __node,
                    __decoder,
                    &#inner,
                    #decode,
                    #missing,
                )
            },
            missing: quote!((#missing).map(#krate::Rotating::new)),
            wipe: None,
        };
    }
    leaf(ty)
}

/// Code as if it stood elsewhere, so that the compiler's errors about it point there.
pub(crate) fn at(span: Span, code: &impl ToTokens) -> TokenStream {
    let tokens = code.to_token_stream().into_iter().map(|mut token| {
        token.set_span(span);
        token
    });
    tokens.collect()
}

/// `T` of `Option<T>`, for the wrapper of that name.
pub(crate) fn argument<'t>(ty: &'t Type, wrapper: &str) -> Option<&'t Type> {
    let Type::Path(path) = ty else { return None };
    let last = path.path.segments.last()?;
    let PathArguments::AngleBracketed(arguments) = &last.arguments else {
        return None;
    };
    match arguments.args.first()? {
        GenericArgument::Type(inner) if last.ident == wrapper => Some(inner),
        _ => None,
    }
}

fn expects_of(ty: &Type, given: Option<&LitStr>) -> String {
    let name = match ty {
        Type::Path(path) => path.path.segments.last().map(|last| last.ident.to_string()),
        _ => None,
    };
    given.map_or_else(
        || {
            format!(
                "a valid `{}`",
                name.unwrap_or_else(|| ty.to_token_stream().to_string())
            )
        },
        LitStr::value,
    )
}
