//! What `#[retune(…)]` and doc comments say.

use proc_macro2::Span;
use quote::ToTokens;
use syn::meta::ParseNestedMeta;
use syn::spanned::Spanned;
use syn::{
    Attribute, Error, Expr, Ident, Lit, LitChar, LitStr, Meta, Path, Token, UnOp, parse_quote,
};

use crate::overlap::Overlap;
use crate::range::Range;

/// What a struct or enum says of itself.
pub(crate) struct Container {
    /// The path to `retune`.
    pub(crate) krate: Path,
    pub(crate) docs: String,
    pub(crate) validate: Vec<Expr>,
    /// A `Secret` of it is wiped, field by field.
    pub(crate) wipe: bool,
}

/// What a field says.
#[derive(Default)]
pub(crate) struct Field {
    pub(crate) docs: String,
    pub(crate) default: Option<Default>,
    pub(crate) names: Names,
    pub(crate) env: Option<LitStr>,
    pub(crate) validate: Vec<Expr>,
    pub(crate) via: Via,
    pub(crate) raw: bool,
    pub(crate) restart: bool,
    pub(crate) overlap: Option<Overlap>,
    pub(crate) range: Option<Range>,
    pub(crate) separator: Option<LitChar>,
    pub(crate) not_from: Vec<Ident>,
    pub(crate) allow_flag: bool,
}

/// What a variant says.
#[derive(Default)]
pub(crate) struct Variant {
    pub(crate) docs: String,
    pub(crate) names: Names,
}

/// What a field or variant is called outside.
#[derive(Default)]
pub(crate) struct Names {
    pub(crate) rename: Option<LitStr>,
    pub(crate) aliases: Vec<Alias>,
}

pub(crate) struct Alias {
    pub(crate) name: LitStr,
    pub(crate) deprecated: bool,
}

/// What a missing field is.
pub(crate) enum Default {
    /// `Default::default()`.
    Trait,
    /// A text, decoded like any other.
    Text(String),
    Code(Expr),
}

/// How a field's type is decoded.
#[derive(Default)]
pub(crate) enum Via {
    /// By its `Value`.
    #[default]
    Value,
    /// By its `FromStr`, with what to write.
    FromStr(Option<LitStr>),
    /// By its `Deserialize`, with what to write.
    Serde(Option<LitStr>),
}

const CONTAINER: &[&str] = &["validate", "wipe", "crate"];
const VARIANT: &[&str] = &["rename", "alias", "deprecated"];
const CONTENT: &[&str] = &["from_str", "serde", "expects"];
const FIELD: &[&str] = &[
    "default",
    "rename",
    "alias",
    "deprecated",
    "env",
    "validate",
    "from_str",
    "serde",
    "expects",
    "raw",
    "restart",
    "overlap",
    "range",
    "separator",
    "not_from",
    "allow_flag",
];

/// The ways in which a value can be given, and what the table calls them.
const WAYS: &[(&str, &str)] = &[
    ("file", "File"),
    ("mount", "Mount"),
    ("closure", "Closure"),
    ("env", "Env"),
    ("env_file", "EnvFile"),
    ("flags", "Flags"),
];

// === impl Container ===

impl Container {
    pub(crate) fn parse(attributes: &[Attribute]) -> syn::Result<Self> {
        let mut krate = None;
        let mut validate = Vec::new();
        let mut wipe = None;
        each(attributes, |meta| {
            if meta.path.is_ident("crate") {
                once(
                    &mut krate,
                    &meta,
                    meta.value()?.call(Path::parse_mod_style)?,
                )
            } else if meta.path.is_ident("validate") {
                validate.push(meta.value()?.parse()?);
                Ok(())
            } else if meta.path.is_ident("wipe") {
                once(&mut wipe, &meta, ())
            } else {
                Err(unknown(&meta, "a struct or enum", CONTAINER))
            }
        })?;
        let krate = krate.unwrap_or_else(|| parse_quote!(::retune));
        Ok(Self {
            krate,
            docs: docs(attributes),
            validate,
            wipe: wipe.is_some(),
        })
    }
}

// === impl Field ===

impl Field {
    pub(crate) fn parse(attributes: &[Attribute]) -> syn::Result<Self> {
        let mut field = Self {
            docs: docs(attributes),
            ..Self::default()
        };
        let mut via = ViaParts::default();
        each(attributes, |meta| {
            if field.names.take(&meta)? || via.take(&meta)? {
                return Ok(());
            }
            if meta.path.is_ident("default") {
                let default = default(&meta)?;
                once(&mut field.default, &meta, default)
            } else if meta.path.is_ident("env") {
                once(&mut field.env, &meta, variable(&meta)?)
            } else if meta.path.is_ident("validate") {
                field.validate.push(meta.value()?.parse()?);
                Ok(())
            } else if meta.path.is_ident("raw") {
                field.raw = true;
                Ok(())
            } else if meta.path.is_ident("restart") {
                field.restart = true;
                Ok(())
            } else if meta.path.is_ident("allow_flag") {
                field.allow_flag = true;
                Ok(())
            } else if meta.path.is_ident("overlap") {
                let overlap = Overlap::parse(&meta)?;
                once(&mut field.overlap, &meta, overlap)
            } else if meta.path.is_ident("range") {
                let range = Range::parse(&meta)?;
                once(&mut field.range, &meta, range)
            } else if meta.path.is_ident("separator") {
                let separator = separator(&meta)?;
                once(&mut field.separator, &meta, separator)
            } else if meta.path.is_ident("not_from") {
                meta.parse_nested_meta(|way| {
                    field.not_from.push(self::way(&way)?);
                    Ok(())
                })
            } else {
                Err(unknown(&meta, "a field", FIELD))
            }
        })?;
        field.via = via.finish()?;
        if let (Some(overlap), Some(Default::Trait | Default::Code(_))) =
            (&field.overlap, &field.default)
        {
            return Err(Error::new(
                overlap.span,
                "a default that is to be kept when it is replaced has to be known: write it as a \
                 text, `default = \"…\"`",
            ));
        }
        match (&field.range, &field.via) {
            (Some(range), Via::FromStr(_) | Via::Serde(_)) => Err(Error::new(
                range.span,
                "`range` is for numbers that retune reads itself; with `from_str` or `serde` use \
                 `validate`",
            )),
            _ => Ok(field),
        }
    }

    /// The attributes of the one value in a variant such as `File(PathBuf)`.
    pub(crate) fn parse_content(attributes: &[Attribute]) -> syn::Result<Via> {
        let mut via = ViaParts::default();
        each(attributes, |meta| {
            if via.take(&meta)? {
                Ok(())
            } else {
                Err(unknown(&meta, "a variant's value", CONTENT))
            }
        })?;
        via.finish()
    }
}

// === impl Variant ===

impl Variant {
    pub(crate) fn parse(attributes: &[Attribute]) -> syn::Result<Self> {
        let mut variant = Self {
            docs: docs(attributes),
            ..Self::default()
        };
        each(attributes, |meta| {
            if variant.names.take(&meta)? {
                Ok(())
            } else {
                Err(unknown(&meta, "a variant", VARIANT))
            }
        })?;
        Ok(variant)
    }
}

// === impl Names ===

impl Names {
    fn take(&mut self, meta: &ParseNestedMeta<'_>) -> syn::Result<bool> {
        let deprecated = meta.path.is_ident("deprecated");
        if meta.path.is_ident("rename") {
            once(&mut self.rename, meta, meta.value()?.parse()?)?;
        } else if deprecated || meta.path.is_ident("alias") {
            self.aliases.push(Alias {
                name: meta.value()?.parse()?,
                deprecated,
            });
        } else {
            return Ok(false);
        }
        Ok(true)
    }
}

// === impl ViaParts ===

/// `from_str`, `serde` and `expects`, in whatever order they come.
#[derive(Default)]
struct ViaParts {
    from_str: Option<Span>,
    serde: Option<Span>,
    expects: Option<LitStr>,
}

impl ViaParts {
    fn take(&mut self, meta: &ParseNestedMeta<'_>) -> syn::Result<bool> {
        let span = meta.path.span();
        if meta.path.is_ident("from_str") {
            once(&mut self.from_str, meta, span)?;
        } else if meta.path.is_ident("serde") {
            once(&mut self.serde, meta, span)?;
        } else if meta.path.is_ident("expects") {
            once(&mut self.expects, meta, meta.value()?.parse()?)?;
        } else {
            return Ok(false);
        }
        Ok(true)
    }

    fn finish(self) -> syn::Result<Via> {
        match (self.from_str, self.serde, self.expects) {
            (Some(_), Some(serde), _) => Err(Error::new(
                serde,
                "a field is decoded by `from_str` or by `serde`, not both",
            )),
            (Some(_), None, expects) => Ok(Via::FromStr(expects)),
            (None, Some(_), expects) => Ok(Via::Serde(expects)),
            (None, None, Some(expects)) => Err(Error::new_spanned(
                expects,
                "`expects` belongs to `from_str` or `serde`; other types say themselves what they \
                 expect",
            )),
            (None, None, None) => Ok(Via::Value),
        }
    }
}

/// Reads each item of each `#[retune(…)]`, going on after an error to tell them all.
fn each(
    attributes: &[Attribute],
    mut item: impl FnMut(ParseNestedMeta<'_>) -> syn::Result<()>,
) -> syn::Result<()> {
    let mut errors = Errors::default();
    for attribute in attributes.iter().filter(|a| a.path().is_ident("retune")) {
        errors.note(attribute.parse_nested_meta(&mut item));
    }
    errors.finish(())
}

fn once<T>(slot: &mut Option<T>, meta: &ParseNestedMeta<'_>, value: T) -> syn::Result<()> {
    if slot.replace(value).is_some() {
        return Err(meta.error(format!("`{}` is given twice", shown(&meta.path))));
    }
    Ok(())
}

fn unknown(meta: &ParseNestedMeta<'_>, of: &str, known: &[&str]) -> Error {
    let name = shown(&meta.path);
    if name == "nested" {
        return meta.error("nesting needs no attribute: derive `Retune` for the field's type");
    }
    let known: Vec<_> = known.iter().map(|name| format!("`{name}`")).collect();
    meta.error(format!(
        "unknown attribute `{name}`; {of} takes {}",
        known.join(", ")
    ))
}

fn shown(path: &Path) -> String {
    path.to_token_stream().to_string()
}

fn variable(meta: &ParseNestedMeta<'_>) -> syn::Result<LitStr> {
    let name: LitStr = meta.value()?.parse()?;
    if name.value().is_empty() || name.value().contains(['=', '\0']) {
        return Err(Error::new(
            name.span(),
            "not the name of an environment variable",
        ));
    }
    Ok(name)
}

fn separator(meta: &ParseNestedMeta<'_>) -> syn::Result<LitChar> {
    let literal: Lit = meta.value()?.parse()?;
    let separator = match &literal {
        Lit::Char(char) => Some(char.value()),
        Lit::Str(text) => text.value().parse().ok(),
        _ => None,
    };
    let separator = separator.filter(|char| *char != '\n');
    let separator = separator.map(|char| LitChar::new(char, literal.span()));
    separator.ok_or_else(|| {
        let message =
            "a separator is one character, such as `';'`; line ends separate in files anyway";
        Error::new_spanned(&literal, message)
    })
}

fn way(meta: &ParseNestedMeta<'_>) -> syn::Result<Ident> {
    let known = WAYS.iter().find(|(name, _)| meta.path.is_ident(name));
    let Some((_, variant)) = known else {
        let known: Vec<_> = WAYS.iter().map(|(name, _)| format!("`{name}`")).collect();
        let known = known.join(", ");
        return Err(meta.error(format!("no such source; `not_from` takes {known}")));
    };
    Ok(Ident::new(variant, meta.path.span()))
}

fn default(meta: &ParseNestedMeta<'_>) -> syn::Result<Default> {
    if !meta.input.peek(Token![=]) {
        return Ok(Default::Trait);
    }
    let mut expression: Expr = meta.value()?.parse()?;
    // What a `macro_rules` macro passes on stands in a group that nobody sees.
    while let Expr::Group(group) = expression {
        expression = *group.expr;
    }
    let text = match &expression {
        Expr::Lit(literal) => literal_text(&literal.lit)?,
        Expr::Unary(unary) => match (&unary.op, &*unary.expr) {
            (UnOp::Neg(_), Expr::Lit(literal)) => format!("-{}", literal_text(&literal.lit)?),
            _ => return Ok(Default::Code(expression)),
        },
        _ => return Ok(Default::Code(expression)),
    };
    Ok(Default::Text(text))
}

fn literal_text(literal: &Lit) -> syn::Result<String> {
    match literal {
        Lit::Str(text) => Ok(text.value()),
        Lit::Char(char) => Ok(char.value().to_string()),
        Lit::Int(int) => Ok(int.base10_digits().to_owned()),
        Lit::Float(float) => Ok(float.base10_digits().to_owned()),
        Lit::Bool(bool) => Ok(bool.value.to_string()),
        other => Err(Error::new_spanned(
            other,
            "a default is a text, a number, a bool, a char, or an expression of the field's type",
        )),
    }
}

fn docs(attributes: &[Attribute]) -> String {
    let lines: Vec<String> = attributes
        .iter()
        .filter(|attribute| attribute.path().is_ident("doc"))
        .filter_map(|attribute| match &attribute.meta {
            Meta::NameValue(pair) => match &pair.value {
                Expr::Lit(literal) => match &literal.lit {
                    Lit::Str(text) => Some(text.value()),
                    _ => None,
                },
                _ => None,
            },
            _ => None,
        })
        .collect();
    let lines: Vec<_> = lines
        .iter()
        .map(|line| line.strip_prefix(' ').unwrap_or(line))
        .collect();
    lines.join("\n").trim().to_owned()
}

/// Errors met so far, so that all are told at once.
#[derive(Default)]
pub(crate) struct Errors(Option<Error>);

// === impl Errors ===

impl Errors {
    /// Keeps an error, passes a value on.
    pub(crate) fn note<T>(&mut self, result: syn::Result<T>) -> Option<T> {
        match result {
            Ok(value) => Some(value),
            Err(error) => {
                match &mut self.0 {
                    Some(first) => first.combine(error),
                    None => self.0 = Some(error),
                }
                None
            }
        }
    }

    pub(crate) fn finish<T>(self, value: T) -> syn::Result<T> {
        match self.0 {
            Some(error) => Err(error),
            None => Ok(value),
        }
    }
}
