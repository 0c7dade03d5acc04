//! dobbin
fn main() {}
