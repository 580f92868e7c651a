//! What the derive refuses, and with which words.
//!
//! The words are those of the compiler that CI uses; `TRYBUILD=overwrite` renews them.

#[test]
fn what_the_derive_refuses_and_with_which_words() {
    trybuild::TestCases::new().compile_fail("tests/ui/*.rs");
}
