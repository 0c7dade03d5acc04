//! The service: who may speak to it, in which words, and how it starts and ends.
//!
//! Callers arrive over a unix socket as HTTP/1.1 with JSON bodies. The kernel says who they are;
//! nothing they send can change that. Every call becomes one call of the engine's handle, which
//! decides about access and answers only when the answer is durable: nothing here keeps state of
//! its own, touches a user's file or speaks to a network.
//!
//! Programs written for Microsoft's agent for Linux arrive over TCP on the loopback address, where the
//! owner of the machine wants that, and in that agent's words (`compat`); what becomes of their calls is
//! the same.
//!
//! Two ways in: [`serve`] is the long-lived agent behind `dobbin serve`; [`Embedded`] is an agent
//! inside another command, such as `dobbin get`, which leaves with it.

mod compat;
mod embedded;
mod error;
mod ipc;
mod logging;
mod openapi;
mod options;
mod serve;
#[cfg(test)]
mod testing;
mod wire;

pub use dobbin_engine::{CacheHosts, CacheSettings, Fallback, HostFault, JobLimits};
pub use dobbin_platform::Scope;
pub use dobbin_platform::paths::config_file;
pub use embedded::Embedded;
pub use error::StartError;
pub use logging::LOG_VARIABLE;
pub use options::{AgentOptions, CompatOptions, SocketChoice};
pub use serve::serve;
