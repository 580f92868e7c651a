//! Values of `std` and of retune: how each is written as text or in a document.
