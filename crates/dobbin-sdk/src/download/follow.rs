//! Following a download: callbacks, and waiting for the end.

use std::time::Instant;

use dobbin_types::DownloadState;
use dobbin_types::rest::{DownloadMark, DownloadStatus, Failure, JobInfo};

use super::cadence::Cadence;
use super::{Download, called_off};
use crate::error::Error;

/// Who is told how a download stands (`IDODownloadStatusCallback`).
pub trait StatusCallback {
    /// The download's state changed, or it made progress (`OnStatusChange`). Called on the thread that
    /// runs [`Download::follow`], which goes on when this returns.
    fn on_status_change(&mut self, download: &Download, status: &DownloadStatus);
}

impl<F: FnMut(&Download, &DownloadStatus)> StatusCallback for F {
    fn on_status_change(&mut self, download: &Download, status: &DownloadStatus) {
        self(download, status);
    }
}

impl Download {
    /// Calls `callback` with how the download stands now, with every change of its state, and with
    /// progress as often as its properties `CallbackFreqPercent` and `CallbackFreqSeconds` say, until
    /// it is over. The agent tells of progress at most once a second.
    ///
    /// May be dropped at any time, which ends the calls.
    ///
    /// * Returns: the last status, finalized or aborted.
    ///
    /// # Errors
    ///
    /// [`Error::Lost`] when the agent ends the subscription.
    pub async fn follow(
        &self,
        callback: &mut impl StatusCallback,
    ) -> Result<DownloadStatus, Error> {
        let mut cadence = Cadence::default();
        let mut events = self.job().events().await?;
        loop {
            let mark = self.mark(&events.next().await?.job)?;
            if cadence.is_due(&mark, Instant::now()) {
                callback.on_status_change(self, &mark.status);
            }
            if mark.status.state.is_final() {
                return Ok(mark.status);
            }
        }
    }

    /// Waits until everything that was asked for is here.
    ///
    /// # Errors
    ///
    /// The code that stopped the transfer for good; `E_ABORT` when somebody paused or ended it, or it
    /// was never started. What may pass is waited out.
    pub async fn wait(&self) -> Result<DownloadStatus, Error> {
        let mut events = self.job().events().await?;
        loop {
            let job = events.next().await?.job;
            let status = self.mark(&job)?.status;
            match status.state {
                DownloadState::Transferred => return Ok(status),
                DownloadState::Paused if status.is_error() => {
                    let why = job.error.map_or_else(String::new, |error| error.message);
                    return Err(Error::Refused(Failure::new(status.error, why)));
                }
                DownloadState::Paused if status.is_transient_error() => {}
                DownloadState::Transferring => {}
                DownloadState::Created
                | DownloadState::Paused
                | DownloadState::Finalized
                | DownloadState::Aborted => return Err(called_off()),
            }
        }
    }

    fn mark(&self, job: &JobInfo) -> Result<DownloadMark, Error> {
        job.download.ok_or_else(|| Error::Protocol {
            doing: "following the download",
            why: format!("the agent tells of {} as of a job that is no download", self.id),
        })
    }
}
