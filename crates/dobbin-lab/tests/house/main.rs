//! Tests of the house itself: who may use whom, what stands where, and whether the papers are true.
//!
//! Each rule is a function from texts to findings, so that it is tried on bad samples as well as on
//! the tree: a rule that cannot fail would prove nothing. Only `std` is used, and every file is read
//! once; all of this takes well under a second.

mod code;
mod dependencies;
mod faults;
mod finding;
mod layers;
mod machine;
mod manifest;
mod papers;
mod places;
mod tidy;
mod tree;
mod words;
