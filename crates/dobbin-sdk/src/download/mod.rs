//! Downloads (`IDOManager`, `IDODownload`).

mod cadence;
mod follow;
mod manager;

use std::io::Write;

use bytes::Bytes;
use dobbin_types::rest::{
    DownloadInfo, DownloadOutcome, DownloadStatus, Outcome, PropertyBody, StartDownload, route,
};
use dobbin_types::{ByteRange, DownloadProperty, DownloadState, ErrorCode, JobId, PropertyValue};
use http::Method;

use crate::error::Error;
use crate::handover;
use crate::job::Job;
use crate::manager::Manager;
use crate::transport::Call;

pub use follow::StatusCallback;
pub use manager::DownloadManager;

/// A download of the agent (`IDODownload`). Cheap to clone; dropping it does nothing to the download.
///
/// It is a job with one file, seen through another interface: [`Download::job`] is the same object.
///
/// # Errors
///
/// Every method: `E_ACCESSDENIED` for somebody else's download, `E_NOT_SET` for one that is gone.
#[derive(Debug, Clone)]
pub struct Download {
    manager: Manager,
    id: JobId,
}

impl Download {
    fn new(manager: Manager, id: JobId) -> Download {
        Download { manager, id }
    }

    /// Its id. Asks nobody.
    pub fn id(&self) -> JobId {
        self.id
    }

    /// The job that it is. Asks nobody.
    pub fn job(&self) -> Job {
        self.manager.handle(self.id)
    }

    /// What a list shows of it, at one moment.
    pub async fn info(&self) -> Result<DownloadInfo, Error> {
        self.manager.get("looking at the download", self.path(route::DOWNLOAD)).await
    }

    /// How it stands (`GetStatus`).
    pub async fn status(&self) -> Result<DownloadStatus, Error> {
        self.manager.get("looking at the download", self.path(route::DOWNLOAD_STATUS)).await
    }

    /// Starts it, goes on with it, or fetches another portion (`Start`).
    ///
    /// * `ranges`: parts of the remote file, put back to back; none for the whole file; nothing to go
    ///   on as before.
    ///
    /// With the property `BlockingMode` it returns at the end of the transfer.
    ///
    /// # Errors
    ///
    /// `DO_E_DOWNLOAD_NO_URI`, `DO_E_FILE_DOWNLOADSINK_UNSPECIFIED`, what the system says of the
    /// destination, `DO_E_INVALID_RANGE`, `DO_E_OVERLAPPING_RANGES`, `DO_E_DOWNLOAD_RANGES_EXPECTED`,
    /// `DO_E_DOWNLOAD_RANGES_UNEXPECTED`, `DO_E_INVALID_STATE` when it is over. In blocking mode what
    /// stopped the transfer, or `E_ABORT` when somebody did.
    pub async fn start(&self, ranges: Option<Vec<ByteRange>>) -> Result<DownloadOutcome, Error> {
        let path = self.path(route::DOWNLOAD_START);
        let body = StartDownload { ranges };
        self.manager.send("starting the download", Method::POST, path, &body).await
    }

    /// Stops it where it is (`Pause`).
    pub async fn pause(&self) -> Result<DownloadOutcome, Error> {
        self.manager.post("pausing the download", self.path(route::DOWNLOAD_PAUSE)).await
    }

    /// Drops it with everything it fetched (`Abort`).
    pub async fn abort(&self) -> Result<DownloadOutcome, Error> {
        self.manager.post("aborting the download", self.path(route::DOWNLOAD_ABORT)).await
    }

    /// Shows the file under its name and ends the download (`Finalize`). As with [`Job::complete`]
    /// this process creates the file where the agent or the owner is another user.
    ///
    /// # Errors
    ///
    /// `DO_E_INVALID_STATE` unless it is transferred; the system's when the file cannot be shown, and
    /// then this can be repeated.
    pub async fn finalize(&self) -> Result<DownloadOutcome, Error> {
        let path = self.path(route::DOWNLOAD_FINALIZE);
        match self.manager.post("finalizing the download", path).await {
            // It may be finalized, and the agent is not the one who can write the file.
            Err(error) if error.code() == ErrorCode::DO_E_FILE_DOWNLOADSINK_UNSPECIFIED => {
                let Outcome { code, symbol, .. } =
                    handover::complete(&self.manager, self.id).await?;
                Ok(DownloadOutcome { code, symbol, state: DownloadState::Finalized })
            }
            answer => answer,
        }
    }

    /// A property (`GetProperty`).
    ///
    /// # Errors
    ///
    /// `DO_E_WRITE_ONLY_PROPERTY`; `E_NOT_SET` for one without a default that was never set.
    pub async fn property(&self, property: DownloadProperty) -> Result<PropertyValue, Error> {
        let path = route::of_property(self.id, property);
        let body: PropertyBody = self.manager.get("asking for a property", path).await?;
        Ok(body.value)
    }

    /// Sets a property (`SetProperty`). Objects stay here: `CallbackInterface` and `StreamInterface`
    /// take whether there is one; see [`Download::follow`] and [`Download::deliver`].
    ///
    /// # Errors
    ///
    /// `DO_E_READ_ONLY_PROPERTY`, `DO_E_INVALID_STATE`, `E_INVALIDARG` and the property's own codes.
    pub async fn set_property(
        &self,
        property: DownloadProperty,
        value: impl Into<PropertyValue>,
    ) -> Result<(), Error> {
        let path = route::of_property(self.id, property);
        let body = PropertyBody { value: value.into() };
        self.manager.send_only("setting a property", Method::PUT, path, &body).await
    }

    /// Waits until everything that was asked for is here, and writes it to `sink`, from the byte
    /// `offset` of it on (`StreamInterface`): the ranges back to back, in the order of `Start`. After
    /// another portion, the count of bytes that were delivered before is the offset of what is new.
    ///
    /// * Returns: how many bytes were written.
    ///
    /// # Errors
    ///
    /// What stopped the transfer, as of [`Download::wait`]; [`Error::Sink`] when `sink` takes no more;
    /// [`Error::Lost`] when the agent breaks off in the middle.
    pub async fn deliver(&self, sink: &mut impl Write, offset: u64) -> Result<u64, Error> {
        self.wait().await?;
        let path =
            format!("{}?{}={offset}", self.path(route::DOWNLOAD_CONTENT), route::QUERY_OFFSET);
        let (doing, method) = ("reading the download's bytes", Method::GET);
        let call = Call { doing, method, path, body: Bytes::new() };
        let (mut connection, mut body) = self.manager.transport().stream(&call).await?;
        let mut written = 0;
        while let Some(bytes) = connection.next_bytes(&call, &mut body).await? {
            sink.write_all(&bytes).map_err(|source| Error::Sink { source })?;
            written += bytes.len() as u64;
        }
        sink.flush().map_err(|source| Error::Sink { source })?;
        Ok(written)
    }

    fn path(&self, route: &str) -> String {
        route::of_download(route, self.id)
    }
}

/// Somebody paused or ended a download that was waited for.
fn called_off() -> Error {
    let message = "the download was paused or ended by somebody else";
    Error::Refused(dobbin_types::rest::Failure::new(ErrorCode::E_ABORT, message))
}
