//! Rust client of Dobbin's agent.
//!
//! A program connects to the agent of its machine, creates jobs, adds files, and is told what
//! happens. Everything here is a request to the agent over its unix socket: a job lives in the
//! agent, goes on when this program ends, and survives crashes and reboots.
//!
//! ```no_run
//! use dobbin_sdk::{Address, Manager};
//! use dobbin_sdk::types::rest::{AddFile, CreateJob, EventKind};
//!
//! # async fn example() -> Result<(), dobbin_sdk::Error> {
//! let manager = Manager::connect(Address::Default).await?;
//! let job = manager
//!     .create_job(&CreateJob {
//!         display_name: "nightly build".to_owned(),
//!         files: vec![AddFile {
//!             remote_name: "https://downloads.example/build.tar".to_owned(),
//!             local_name: Some("/home/user/build.tar".to_owned()),
//!             ..AddFile::default()
//!         }],
//!         ..CreateJob::default()
//!     })
//!     .await?;
//!
//! let mut events = job.events().await?;
//! job.resume().await?;
//! loop {
//!     let event = events.next().await?;
//!     match event.kind {
//!         EventKind::Transferred => break,
//!         EventKind::Error => return Ok(()), // event.job.error says why
//!         EventKind::Current | EventKind::Created | EventKind::Modified | EventKind::Ended => {}
//!     }
//! }
//! job.complete().await?;
//! # Ok(())
//! # }
//! ```
//!
//! [`blocking`] has the same for programs without an async runtime. Nothing here starts a thread or
//! a task of its own: a future that is dropped is over, and takes its connection with it.

pub mod blocking;

mod callback;
mod connect;
mod download;
mod enumerator;
mod error;
mod error_object;
mod event;
mod file;
mod handover;
mod job;
mod manager;
mod transport;

pub use callback::{Callback, Listener, NotifyInterface};
pub use connect::{Address, SYSTEM_SOCKET};
pub use download::{Download, DownloadManager, StatusCallback};
pub use enumerator::FileEnumerator;
pub use error::{Error, Tried, Unreachable};
pub use error_object::ErrorObject;
pub use event::Events;
pub use file::File;
pub use job::Job;
pub use manager::{JobFilter, Manager};

/// The words and bodies that requests and replies are made of.
pub use dobbin_types as types;
