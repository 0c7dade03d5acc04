//! All downloads of the caller.

use dobbin_types::rest::{
    Bookmark, CreateDownload, CreatedDownload, DownloadInfo, DownloadList, Failure, route,
};
use dobbin_types::{DownloadProperty, ErrorCode, JobId};
use http::Method;

use super::Download;
use crate::connect::Address;
use crate::error::Error;
use crate::manager::{Manager, onward, with_query};

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
        let mut downloads = Vec::new();
        let mut after = None;
        loop {
            let page = self.downloads_page(category, after, None).await?;
            downloads.extend(page.downloads);
            after = onward(after, page.next);
            if after.is_none() {
                break;
            }
        }
        if downloads.is_empty() {
            return Err(Error::Refused(Failure::of(ErrorCode::DO_E_NO_DOWNLOADS)));
        }
        Ok(downloads)
    }

    /// One page of [`DownloadManager::enum_downloads`], as of [`Manager::jobs_page`].
    ///
    /// # Errors
    ///
    /// The same; `DO_E_NO_DOWNLOADS` only when the whole list is one page without any.
    pub async fn downloads_page(
        &self,
        category: Option<(DownloadProperty, &str)>,
        after: Option<Bookmark>,
        limit: Option<u32>,
    ) -> Result<DownloadList, Error> {
        let (after, limit) =
            (after.map(|after| after.to_string()), limit.map(|limit| limit.to_string()));
        let query = [
            (route::QUERY_PROPERTY, category.map(|(property, _)| property.word())),
            (route::QUERY_VALUE, category.map(|(_, value)| value)),
            (route::QUERY_AFTER, after.as_deref()),
            (route::QUERY_LIMIT, limit.as_deref()),
        ];
        self.manager.get("listing downloads", with_query(route::DOWNLOADS, &query)).await
    }

    /// Finds a download that is not over.
    ///
    /// # Errors
    ///
    /// `E_NOT_SET` when there is none of that id.
    pub async fn download(&self, id: JobId) -> Result<Download, Error> {
        let download = Download::new(self.manager.clone(), id);
        if download.status().await?.state.is_final() {
            return Err(Error::Refused(Failure::of(ErrorCode::E_NOT_SET)));
        }
        Ok(download)
    }
}
