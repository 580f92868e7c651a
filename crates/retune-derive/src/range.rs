//! `range = 1..=100`: the ends of a field's range.

use proc_macro2::{Span, TokenStream};
use quote::quote;
use syn::meta::ParseNestedMeta;
use syn::spanned::Spanned;
use syn::{Error, Expr, Lit, Path, RangeLimits, UnOp};

/// The range that a field narrows its numbers to.
pub(crate) struct Range {
    min: Option<Bound>,
    max: Option<Bound>,
    excludes_max: bool,
    pub(crate) span: Span,
}

/// One end: a number with its sign.
enum Bound {
    Integer(bool, u128),
    Float(f64),
}

// === impl Range ===

impl Range {
    pub(crate) fn parse(meta: &ParseNestedMeta<'_>) -> syn::Result<Self> {
        let expression: Expr = meta.value()?.parse()?;
        let Expr::Range(range) = &expression else {
            let message = "a range is written as `1..=100`, `1..` or `0.0..1.0`";
            return Err(Error::new_spanned(&expression, message));
        };
        let bound = |end: &Option<Box<Expr>>| end.as_deref().map(Bound::parse).transpose();
        let this = Self {
            min: bound(&range.start)?,
            max: bound(&range.end)?,
            excludes_max: matches!(range.limits, RangeLimits::HalfOpen(_)) && range.end.is_some(),
            span: expression.span(),
        };
        if this.min.is_none() && this.max.is_none() {
            let message = "this range takes every number: leave it out";
            return Err(Error::new_spanned(&expression, message));
        }
        Ok(this)
    }

    /// An expression of type `NumberRange`.
    pub(crate) fn table(&self, krate: &Path) -> TokenStream {
        let bound = |bound: &Option<Bound>| match bound {
            Some(bound) => {
                let bound = bound.table(krate);
                quote!(::core::option::Option::Some(#bound))
            }
            None => quote!(::core::option::Option::None),
        };
        let (min, max, excludes_max) = (bound(&self.min), bound(&self.max), self.excludes_max);
        quote!(#krate::shape::NumberRange::new(#min, #max, #excludes_max))
    }
}

// === impl Bound ===

impl Bound {
    fn parse(expression: &Expr) -> syn::Result<Self> {
        let (negative, literal) = match expression {
            Expr::Lit(literal) => (false, &literal.lit),
            Expr::Unary(unary) => match (&unary.op, &*unary.expr) {
                (UnOp::Neg(_), Expr::Lit(literal)) => (true, &literal.lit),
                _ => return Err(Self::no_number(expression)),
            },
            _ => return Err(Self::no_number(expression)),
        };
        match literal {
            Lit::Int(int) => Ok(Self::Integer(negative, int.base10_parse()?)),
            Lit::Float(float) => {
                let magnitude: f64 = float.base10_parse()?;
                Ok(Self::Float(if negative { -magnitude } else { magnitude }))
            }
            _ => Err(Self::no_number(expression)),
        }
    }

    fn no_number(expression: &Expr) -> Error {
        let message =
            "the ends of a range are numbers, written out; for anything else use `validate`";
        Error::new_spanned(expression, message)
    }

    fn table(&self, krate: &Path) -> TokenStream {
        let bound = quote!(#krate::shape::RangeEnd);
        match self {
            Self::Integer(negative, magnitude) => {
                quote!(#bound::Integer(#krate::shape::Integer::new(#negative, #magnitude)))
            }
            Self::Float(float) => quote!(#bound::Float(#float)),
        }
    }
}
