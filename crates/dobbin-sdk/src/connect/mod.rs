//! Where the agent is, and whether whoever answers there may be believed.

mod address;
mod trust;

pub use address::{Address, SYSTEM_SOCKET};
pub(crate) use trust::Trust;
