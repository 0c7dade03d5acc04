//! The loop that joins Dobbin's decisions with its disk and its network.
//!
//! Everything that can happen arrives as one `event::Event`; `dobbin_core::job::step` decides; what
//! it decides is carried out here: the journal is written, transfers are started and stopped, files
//! are published, watchers are told. One thread owns all jobs, so nothing else ever changes one.
//!
//! ```text
//! callers ── Handle ──▶ inbox ──▶ loop ──▶ journal (group commit) ──▶ answer
//!                         ▲        │ ├──▶ transfer threads ── bytes ──▶ staging
//!                         └────────┘ └──▶ hands: flush, publish, remove
//! ```

mod cache_hosts;
mod callback;
mod carry;
mod commands;
mod destination;
mod door;
mod download;
mod engine;
mod entries;
mod entry;
mod event;
mod farewell;
mod gauge;
mod group;
mod handle;
mod handover;
mod hands;
mod in_flight;
mod list;
mod listen;
mod live;
mod pace;
mod picture;
mod piece_hashes;
mod plan;
mod property;
mod publish;
mod recover;
mod run;
mod settle;
mod survey;
mod tell;
#[cfg(test)]
mod testing;
mod transfer;
mod why;

pub use dobbin_core::access::Actor;
pub use dobbin_core::cache::{CacheHosts, Fallback, HostFault, Settings as CacheSettings};
pub use dobbin_core::download::Operation;
pub use dobbin_core::job::JobLimits;
pub use dobbin_net::http::HttpSettings;
pub use dobbin_store::OpenError;
pub use download::Content;
pub use engine::{Engine, EngineError, EngineOptions, Recover};
pub use handle::{Handle, Wish};
pub use handover::{Handover, Next};
pub use list::{JobFilter, Page};
pub use listen::Listening;
pub use tell::Watching;
