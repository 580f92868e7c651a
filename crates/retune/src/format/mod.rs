//! Documents: text to nodes, every value with its place.
