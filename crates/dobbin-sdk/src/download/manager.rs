//! All downloads of the caller.

use dobbin_types::rest::{CreateDownload, CreatedDownload, DownloadInfo, DownloadList, route};
use dobbin_types::{DownloadProperty, ErrorCode, JobId};
use http::Method;

use super::Download;
use crate::connect::Address;
use crate::error::Error;
use crate::manager::{Manager, with_query};

/// A connection to an agent, for downloads (`IDOManager`). Cheap to clone.
#[derive(Debug, Clone)]
pub struct DownloadManager {
    manager: Manager,
}

impl From<Manager> for DownloadManager {
    /// The same connection, for downloads.
    fn from(manager: Manager) -> DownloadManager {
        DownloadManager { manager }
    }
}

impl DownloadManager {
    /// See [`Manager::connect`].
    pub async fn connect(address: Address) -> Result<DownloadManager, Error> {
        Ok(Manager::connect(address).await?.into())
    }

    /// The same connection, for jobs.
    pub fn jobs(&self) -> &Manager {
        &self.manager
    }

    /// Creates a download (`CreateDownload`), with what `download` says of it and everything else at
    /// its default.
    ///
    /// # Errors
    ///
    /// The codes of [`Download::set_property`], naming the field; no download is created then.
    pub async fn create_download(&self, download: &CreateDownload) -> Result<Download, Error> {
        let path = route::DOWNLOADS.to_owned();
        let created: CreatedDownload =
            self.manager.send("creating a download", Method::POST, path, download).await?;
        Ok(Download::new(self.manager.clone(), created.id))
    }

    /// The downloads that the caller created and that are not over, oldest first; with a category only
    /// those whose property has exactly that value (`EnumDownloads`).
    ///
    /// # Errors
    ///
    /// `DO_E_NO_DOWNLOADS` when there is none; `DO_E_UNKNOWN_PROPERTY_ID` for a property that no
    /// category is made of.
    pub async fn enum_downloads(
        &self,
        category: Option<(DownloadProperty, &str)>,
    ) -> Result<Vec<DownloadInfo>, Error> {
        let property = category.map(|(property, _)| property.word());
        let value = category.map(|(_, value)| value);
        let pairs = [(route::QUERY_PROPERTY, property), (route::QUERY_VALUE, value)];
        let path = with_query(route::DOWNLOADS, &pairs);
        let list: DownloadList = self.manager.get("listing downloads", path).await?;
        Ok(list.downloads)
    }

    /// Finds a download that is not over.
    ///
    /// # Errors
    ///
    /// `E_NOT_SET` when there is none of that id.
    pub async fn download(&self, id: JobId) -> Result<Download, Error> {
        let download = Download::new(self.manager.clone(), id);
        if download.status().await?.state.is_final() {
            let gone = dobbin_types::rest::Failure::of(ErrorCode::E_NOT_SET);
            return Err(Error::Refused(gone));
        }
        Ok(download)
    }
}
