//! One job on an engine of its own, from its resume to the right bytes.

use std::path::PathBuf;
use std::time::Duration;

use dobbin_engine::{HttpSettings, Wish};
use dobbin_lab::origin::{Content, Pace, Route};
use dobbin_net::http::StallRule;
use dobbin_types::rest::JobInfo;
use dobbin_types::{ErrorCode, JobId, JobState};

use crate::site::{Site, file};

pub(crate) const MIB: u64 = 1024 * 1024;

/// What is fetched where something happens in the middle.
pub(crate) const LARGE: Content = Content::new(0xD0BB2, 8 * MIB);

/// How often a job may stop in one story. Only a busy machine makes it stop more often than is told.
const STOPS_MAX: usize = 30;

/// How long a story waits for its next event.
const PATIENCE: Duration = Duration::from_secs(60);

/// [`LARGE`], slowly enough that there is a middle.
pub(crate) fn unhurried() -> Route {
    Route::honest(LARGE).always(Pace::RatePerConnection(2 * MIB))
}

/// Finds silence out in a second, not in twenty. A machine that is itself silent so long only makes a
/// job stop once more.
pub(crate) fn impatient(http: &mut HttpSettings) {
    http.stall = StallRule { min_bytes_per_second: 1, over: Duration::from_secs(1) };
    http.connect_timeout = Duration::from_secs(2);
}

/// A job with one file.
pub(crate) struct Life {
    site: Site,
    job: JobId,
    out: PathBuf,
}

impl Life {
    /// Begins to fetch `url`.
    pub(crate) fn begin(url: &str, change: impl FnOnce(&mut HttpSettings)) -> Life {
        let site = Site::with(change);
        let out = site.path("out");
        let job = site.create(vec![file(url.to_owned(), &out)]);
        let life = Life { site, job, out };
        life.resume();
        life
    }

    /// Does not wait for the next try.
    pub(crate) fn resume(&self) {
        assert_eq!(self.site.wish(self.job, Wish::Resume), Ok(ErrorCode::S_OK));
    }

    /// Waits until at least so many bytes are here.
    pub(crate) fn has(&self, bytes: u64) -> JobInfo {
        let look = async {
            let mut pause = tokio::time::interval(Duration::from_millis(10));
            loop {
                pause.tick().await;
                let handle = self.site.handle();
                let info = handle.job(crate::site::me(), self.job).await.unwrap();
                if info.progress.bytes_transferred >= bytes {
                    return info;
                }
            }
        };
        let limited = async { tokio::time::timeout(PATIENCE, look).await };
        self.site.runtime.block_on(limited).expect("the bytes come")
    }

    /// Waits until the job has stopped for a while, and says why.
    #[track_caller]
    pub(crate) fn stops(&self) -> ErrorCode {
        let info = self.site.wait(self.job, &[JobState::TransientError, JobState::Error]);
        assert_eq!(info.state, JobState::TransientError, "{:?}", info.error);
        info.error.unwrap().code
    }

    /// Waits until the job has tried again by itself and stopped again.
    pub(crate) fn tries_again(&self) {
        self.site.wait(self.job, &[JobState::Queued, JobState::Transferring]);
        self.stops();
    }

    /// Leads the job to its end, whatever stops are still to come, and compares the bytes. Returns how
    /// often it stopped.
    #[track_caller]
    pub(crate) fn ends_with(self, content: Content) -> usize {
        let rest = [JobState::TransientError, JobState::Error, JobState::Transferred];
        for stops_count in 0..STOPS_MAX {
            let info = self.site.wait(self.job, &rest);
            match info.state {
                JobState::Transferred => {
                    assert_eq!(self.site.wish(self.job, Wish::Complete), Ok(ErrorCode::S_OK));
                    let bytes = std::fs::read(&self.out).unwrap();
                    assert!(bytes == content.all(), "{} other bytes", bytes.len());
                    return stops_count;
                }
                JobState::TransientError => self.resume(),
                state => panic!("{state}: {:?}", info.error),
            }
        }
        panic!("it never ends");
    }
}
