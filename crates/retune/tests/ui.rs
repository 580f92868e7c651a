//! What the derive refuses, and with which words.
//!
//! The words are those of the compiler that CI uses; `TRYBUILD=overwrite` renews them.

#[test]
fn what_the_derive_refuses_and_with_which_words() {
    let cases = trybuild::TestCases::new();
    cases.compile_fail("tests/ui/*.rs");
    // The compiler lists which types have `FromStr`, and this feature brings one more.
    if cfg!(feature = "tracing-subscriber") {
        cases.compile_fail("tests/ui/by_feature/*.rs");
    }
}
