//! Dobbin's proof: origins that misbehave, what must come of it, benches beside the peers. Never
//! shipped.

pub mod bench;
pub mod catalogue;
pub mod conformance;
pub mod kill;
pub mod origin;
