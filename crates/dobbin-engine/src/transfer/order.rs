//! What a transfer is told to do.

use std::sync::Arc;

use dobbin_core::job::{Attempt, File};
use dobbin_core::piece::PieceSet;
use dobbin_net::throttle::Throttle;
use dobbin_store::{Caching, Place};
use dobbin_types::{FileNumber, JobId};

use super::ledger::SharedLedger;
use super::source::Source;
use crate::cache_hosts::SharedWay;
use crate::gauge::SharedGauge;

/// One file to fetch, with everything known of it when the order was given.
pub(crate) struct Order {
    pub(crate) job: JobId,
    pub(crate) number: FileNumber,
    pub(crate) attempt: Attempt,
    pub(crate) file: File,
    /// The file's URL, which may change while it is fetched.
    pub(crate) source: Source,
    /// Over which cache hosts it is asked for; `None` where there are none.
    pub(crate) way: Option<SharedWay>,
    /// Bytes that ever came from cache hosts for the file.
    pub(crate) cache_bytes_before: u64,
    /// The caller's headers: secrets.
    pub(crate) headers: Vec<(String, String)>,
    /// Headers that are sent once the origin has asked for them: secrets.
    pub(crate) auth_headers: Vec<(String, String)>,
    /// Whether somebody waits for the job.
    pub(crate) is_foreground: bool,
    /// Whether a redirect may lead from https to http.
    pub(crate) allow_downgrade: bool,
    pub(crate) place: Place,
    /// Whether an earlier life of the process may have left something there.
    pub(crate) was_here_before: bool,
    /// As the journal knows it.
    pub(crate) flushed: Option<PieceSet>,
    /// Which content of the file this is: counts how often what was had of it was dropped.
    pub(crate) generation: u64,
    /// The machine's present run.
    pub(crate) boot: Arc<str>,
    pub(crate) gauge: SharedGauge,
    pub(crate) ledger: SharedLedger,
    pub(crate) throttle: Option<Throttle>,
    /// What becomes of the memory that its bytes take up.
    pub(crate) caching: Caching,
}
