//! Dobbin's proof: origins that misbehave, what must come of it, benches beside the peers. Never
//! shipped.

pub mod apt;
pub mod bench;
pub mod catalogue;
mod chance;
pub mod compat;
pub mod conformance;
pub mod kill;
pub mod model;
pub mod origin;
pub mod powercut;
pub mod sites;
