//! Dobbin's proof: origins that misbehave, benches beside the peers. Never shipped.

pub mod bench;
pub mod origin;
