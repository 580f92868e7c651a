//! Named fields, of a struct or of a variant: their table and their decoding.

use proc_macro2::TokenStream;
use quote::{ToTokens, format_ident, quote, quote_spanned};
use syn::ext::IdentExt;
use syn::spanned::Spanned;
use syn::{Expr, Ident, Path};

use crate::attrs::{self, Default, Errors};
use crate::names::Names;
use crate::types::{self, Handling, Wipe};

/// The code for some named fields.
pub(crate) struct Fields {
    /// Constants, one `Field` each.
    pub(crate) consts: TokenStream,
    /// The table: an expression of type `&[Field]`.
    pub(crate) table: TokenStream,
    /// Statements that decode and check all fields; they leave the function when any failed.
    pub(crate) decode: TokenStream,
    /// What stands in the braces of the value's construction.
    pub(crate) construct: TokenStream,
    pub(crate) wipe: Wiping,
}

/// The code that wipes some named fields.
#[derive(std::default::Default)]
pub(crate) struct Wiping {
    /// What stands in the braces of a pattern that binds them.
    pub(crate) bind: TokenStream,
    /// Statements about what the pattern binds.
    pub(crate) statements: TokenStream,
    /// A constant expression: whether nothing is left then.
    pub(crate) wipes: TokenStream,
    /// Statements about what was decoded in vain.
    given_up: TokenStream,
}

struct Field<'a> {
    ident: &'a Ident,
    name: String,
    ty: &'a syn::Type,
    attrs: attrs::Field,
    constant: Ident,
    variable: Ident,
}

/// `prefix` keeps the constants of several variants apart.
pub(crate) fn expand(
    krate: &Path,
    fields: &syn::FieldsNamed,
    prefix: &str,
    wipe: bool,
) -> syn::Result<Fields> {
    let fields = parse(fields, prefix)?;
    let wipe = match wipe {
        true => wiping(krate, &fields),
        false => Wiping::default(),
    };
    let given_up = &wipe.given_up;
    let constants = fields.iter().map(|field| &field.constant);
    let table = quote!(&[#(#constants),*]);
    let consts = fields.iter().map(|field| field.constant(krate)).collect();
    let decoded = fields.iter().map(|field| field.decode(krate));
    let checked = fields.iter().flat_map(Field::checks);
    let decode = quote! {
        #(#decoded)*
        #[allow(unused_mut)]
        let mut __accepted = true;
        #(__accepted &= #checked;)*
        #given_up
        if !__accepted {
            return ::core::option::Option::None;
        }
    };
    let construct = fields.iter().map(Field::construct).collect();
    Ok(Fields {
        consts,
        table,
        decode,
        construct,
        wipe,
    })
}

fn wiping(krate: &Path, fields: &[Field<'_>]) -> Wiping {
    let wipe = |field| Some((field, Field::handling(field, krate).wipe?));
    let wiped: Vec<_> = fields.iter().filter_map(wipe).collect();
    let mut wiping = Wiping::default();
    let all = wiped.len() == fields.len();
    wiping.wipes = quote!(#all);
    let mut given_up = TokenStream::new();
    for (field, Wipe { wipe, wipes }) in wiped {
        let Field {
            ident, variable, ..
        } = field;
        wiping.bind.extend(quote!(#ident: #variable,));
        wiping.statements.extend(quote!(#wipe(#variable);));
        wiping.wipes.extend(quote!(&& #wipes));
        given_up.extend(quote!(#variable.iter_mut().for_each(#wipe);));
    }
    wiping.bind.extend(quote!(..));
    let variables = fields.iter().map(|field| &field.variable);
    wiping.given_up = quote! {
        #(__accepted &= #variables.is_some();)*
        if !__accepted && #krate::__private::is_secret(__node) {
            #given_up
        }
    };
    wiping
}

fn parse<'a>(fields: &'a syn::FieldsNamed, prefix: &str) -> syn::Result<Vec<Field<'a>>> {
    let mut errors = Errors::default();
    let mut names = Names::default();
    let mut variables: Vec<String> = Vec::new();
    let mut parsed = Vec::new();
    for (i, field) in fields.named.iter().enumerate() {
        let Some(ident) = &field.ident else { continue };
        let Some(attrs) = errors.note(attrs::Field::parse(&field.attrs)) else {
            continue;
        };
        let name = ident.unraw().to_string();
        match &attrs.names.rename {
            Some(outside) => errors.note(names.take(&name, &outside.value(), outside.span())),
            None => errors.note(names.take(&name, &name, ident.span())),
        };
        for alias in &attrs.names.aliases {
            errors.note(names.take(&name, &alias.name.value(), alias.name.span()));
        }
        if let Some(variable) = &attrs.env {
            if variables.contains(&variable.value()) {
                let message = "another field is set by the same variable";
                errors.note::<()>(Err(syn::Error::new(variable.span(), message)));
            }
            variables.push(variable.value());
        }
        parsed.push(Field {
            ident,
            name,
            ty: &field.ty,
            attrs,
            constant: format_ident!("__{prefix}FIELD_{i}"),
            variable: format_ident!("__field_{i}"),
        });
    }
    errors.finish(parsed)
}

// === impl Field ===

impl Field<'_> {
    fn handling(&self, krate: &Path) -> Handling {
        types::handling(krate, self.ty, &self.attrs.via)
    }

    fn constant(&self, krate: &Path) -> TokenStream {
        let Self { constant, name, .. } = self;
        let attrs::Field { docs, names, .. } = &self.attrs;
        let shape = self.handling(krate).shape;
        let mut columns = TokenStream::new();
        if let Some(outside) = &names.rename {
            columns.extend(quote!(.outside(#outside)));
        }
        if !names.aliases.is_empty() {
            let aliases = aliases(krate, names);
            columns.extend(quote!(.aliases(#aliases)));
        }
        let default = quote!(#krate::shape::Default);
        match &self.attrs.default {
            None => {}
            Some(Default::Text(text)) => columns.extend(quote!(.default(#default::Text(#text)))),
            Some(Default::Trait) => {
                columns.extend(quote!(.default(#default::Code("Default::default()"))));
            }
            Some(Default::Code(code)) => {
                // Tokens print with blanks that nobody writes.
                let code = code.to_token_stream().to_string().replace(" :: ", "::");
                columns.extend(quote!(.default(#default::Code(#code))));
            }
        }
        if let Some(variable) = &self.attrs.env {
            columns.extend(quote!(.env(#variable)));
        }
        if self.attrs.raw {
            columns.extend(quote!(.raw()));
        }
        if self.attrs.restart {
            columns.extend(quote!(.restart()));
        }
        if self.attrs.allow_flag {
            columns.extend(quote!(.allow_flag()));
        }
        if let Some(overlap) = &self.attrs.overlap {
            let table = overlap.table(krate);
            columns.extend(quote!(.overlap(#table)));
        }
        if !self.attrs.validate.is_empty() {
            columns.extend(quote!(.checked()));
        }
        let refused = self.attrs.range.as_ref().map(|range| {
            let table = range.table(krate);
            columns.extend(quote!(.range(#table)));
            let krate = types::at(range.span, krate);
            quote_spanned!(range.span=> const _: () = #krate::__private::refuse_range(&#constant);)
        });
        if let Some(separator) = &self.attrs.separator {
            columns.extend(quote!(.separator(#separator)));
        }
        if !self.attrs.not_from.is_empty() {
            let ways = &self.attrs.not_from;
            columns.extend(quote!(.not_from(&[#(#krate::shape::Way::#ways),*])));
        }
        quote! {
            const #constant: #krate::shape::Field =
                #krate::shape::Field::new(#name, #docs, #shape) #columns;
            #refused
        }
    }

    fn decode(&self, krate: &Path) -> TokenStream {
        let Self {
            constant,
            variable,
            ty,
            ..
        } = self;
        let Handling {
            decode, missing, ..
        } = self.handling(krate);
        let missing = match &self.attrs.default {
            None | Some(Default::Text(_)) => missing,
            Some(Default::Trait) => quote_spanned! {ty.span()=>
                ::core::option::Option::Some(<#ty as ::core::default::Default>::default())
            },
            Some(Default::Code(code)) => quote! {{
                let __default: #ty = #code;
                ::core::option::Option::Some(__default)
            }},
        };
        quote! {
            #[allow(unused_mut)]
            let mut #variable: ::core::option::Option<#ty> =
                __decoder.field(__node, &#constant, #decode, || #missing);
        }
    }

    /// Expressions of type `bool`, one for each validator.
    fn checks(&self) -> Vec<TokenStream> {
        let Self {
            constant,
            variable,
            ty,
            ..
        } = self;
        let value = match types::argument(ty, "Option") {
            Some(_) => quote!(#variable.as_ref().and_then(::core::option::Option::as_ref)),
            None => quote!(#variable.as_ref()),
        };
        let of = types::argument(ty, "Option").unwrap_or(ty);
        let is_pair = types::argument(of, "Rotating").is_some();
        let each = self.attrs.validate.iter().map(|check| {
            let check = callable(check);
            match is_pair {
                true => quote!(__decoder.check_pair(__node, &#constant, #value, #check)),
                false => {
                    let field = quote!(::core::option::Option::Some(&#constant));
                    quote!(__decoder.check(__node, #field, #value, #check))
                }
            }
        });
        each.collect()
    }

    fn construct(&self) -> TokenStream {
        let Self {
            ident, variable, ..
        } = self;
        quote!(#ident: #variable?,)
    }
}

/// A validator as something to call with a reference to the value.
pub(crate) fn callable(check: &Expr) -> TokenStream {
    match check {
        Expr::Closure(_) => check.to_token_stream(),
        // The closure lets `&String` become the `&str` that a function takes.
        _ => {
            let call = quote_spanned!(check.span()=> (#check)(__value));
            quote!(|__value| #call)
        }
    }
}

/// An expression of type `&[Alias]`.
pub(crate) fn aliases(krate: &Path, names: &attrs::Names) -> TokenStream {
    let aliases = names.aliases.iter().map(|alias| {
        let (name, deprecated) = (&alias.name, alias.deprecated);
        quote!(#krate::shape::Alias::new(#name, #deprecated))
    });
    quote!(&[#(#aliases),*])
}
