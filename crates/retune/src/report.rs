//! The report of what is wrong, for people and for programs.
