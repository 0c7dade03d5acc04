//! What callers hold of the engine, as far as downloads go.

use std::path::Path;

use dobbin_core::access::Actor;
use dobbin_core::download::{Download, Operation, View};
use dobbin_core::job::{Job, JobEvent, Now, Wish, step};
use dobbin_core::time::Tick;
use dobbin_types::rest::{
    CreateDownload, DownloadInfo, DownloadList, DownloadOutcome, DownloadStatus, Failure,
};
use dobbin_types::{DownloadProperty, DownloadState, FileTime, JobId, JobState, PropertyValue};
use uuid::Uuid;

use super::content::Content;
use super::operate::LookedAt;
use super::syntax::Reader;
use super::{DownloadCommand, Set};
use crate::door::Offered;
use crate::event::Command;
use crate::handle::{Handle, on_disk_thread};
use crate::list::Page;

/// Downloads (`IDOManager`, `IDODownload`). Beside the codes of all calls: `E_NOT_SET` for a download
/// that does not exist, or a job that is none.
impl Handle {
    /// `CreateDownload`, with some properties set at once: all of it or nothing.
    ///
    /// The codes of [`Handle::set_download_property`], naming the field.
    pub async fn create_download(
        &self,
        actor: Actor,
        body: CreateDownload,
    ) -> Result<JobId, Failure> {
        let (new, file) = Download::create(JobId(Uuid::new_v4()), actor.uid());
        // A draft that is never stored: the real one is made of it, by the loop and its clock.
        let now = Now {
            tick: Tick::ZERO,
            slept: core::time::Duration::ZERO,
            wall: FileTime::from_unix_millis(0),
        };
        let mut draft = Job::create(new, now.tick, now.wall);
        let wish = |draft: &mut Job, wish| {
            step(draft, JobEvent::Wish(wish), now).map(drop).map_err(Failure::of)
        };
        wish(&mut draft, Wish::AddFiles(vec![file]))?;
        let given =
            [(DownloadProperty::Uri, body.uri), (DownloadProperty::LocalPath, body.local_path)];
        for (property, value) in given {
            let Some(value) = value else { continue };
            self.look_at_destination(actor, property, &value).await?;
            let Some(view) = View::of(&draft) else { continue };
            let setting = view.setting(property, value.into(), &Reader);
            let setting =
                setting.map_err(|(code, why)| Failure::new(code, why).at(property.word()))?;
            wish(&mut draft, Wish::SetProperty(setting))?;
        }
        let offered = Offered { files: draft.files().to_vec(), ..Offered::default() };
        let new = Box::new(draft.about().clone());
        self.ask(actor, |reply| Command::Create { new, offered, reply }).await
    }

    /// One page of `EnumDownloads`: the caller's own, oldest first, or those whose property has that
    /// value.
    ///
    /// `DO_E_NO_DOWNLOADS` when there is none on the only page; `DO_E_UNKNOWN_PROPERTY_ID` for a property
    /// that no category is made of.
    pub async fn downloads(
        &self,
        actor: Actor,
        category: Option<(DownloadProperty, String)>,
        page: Page,
    ) -> Result<DownloadList, Failure> {
        self.ask_download(actor, |reply| DownloadCommand::List { category, page, reply }).await
    }

    /// One download, for a while also after it is over.
    pub async fn download(&self, actor: Actor, job: JobId) -> Result<DownloadInfo, Failure> {
        self.ask_download(actor, |reply| DownloadCommand::Info { job, reply }).await
    }

    /// `GetStatus`.
    pub async fn download_status(
        &self,
        actor: Actor,
        job: JobId,
    ) -> Result<DownloadStatus, Failure> {
        Ok(self.download(actor, job).await?.status)
    }

    /// `GetProperty`: `DO_E_WRITE_ONLY_PROPERTY`, `E_NOT_SET`.
    pub async fn download_property(
        &self,
        actor: Actor,
        job: JobId,
        property: DownloadProperty,
    ) -> Result<PropertyValue, Failure> {
        self.ask_download(actor, |reply| DownloadCommand::Get { job, property, reply }).await
    }

    /// `SetProperty`: `DO_E_READ_ONLY_PROPERTY`, `DO_E_INVALID_STATE`, `E_INVALIDARG` and the
    /// property's own codes.
    pub async fn set_download_property(
        &self,
        actor: Actor,
        job: JobId,
        property: DownloadProperty,
        value: PropertyValue,
    ) -> Result<(), Failure> {
        let allowed = match &value {
            PropertyValue::Text(text) => self.look_at_destination(actor, property, text).await,
            PropertyValue::Nothing | PropertyValue::Flag(_) | PropertyValue::Number(_) => Ok(()),
        };
        let set = Set { property, value, allowed };
        self.ask_download(actor, |reply| DownloadCommand::Set { job, set, reply }).await
    }

    /// `Start`, `Pause`, `Finalize` and `Abort`; `DO_E_INVALID_STATE` and the operation's own codes. A
    /// Start in `BlockingMode` is answered at the end of the transfer: with the error that stopped
    /// it, or `E_ABORT` when somebody else did.
    pub async fn operate(
        &self,
        actor: Actor,
        job: JobId,
        operation: Operation,
    ) -> Result<DownloadOutcome, Failure> {
        let looked_at = match &operation {
            Operation::Start(_) => self.prepare_destination(actor, job, operation.clone()).await?,
            Operation::Pause | Operation::Finalize | Operation::Abort => None,
        };
        let done = self
            .ask_download(actor, |reply| DownloadCommand::Operate {
                job,
                operation,
                looked_at,
                reply,
            })
            .await?;
        let state = match done.state {
            JobState::Queued | JobState::Connecting | JobState::Transferring => {
                DownloadState::Transferring
            }
            // Never started, or paused: the job's word is the same.
            JobState::Suspended => self.download_status(actor, job).await?.state,
            JobState::Error | JobState::TransientError => DownloadState::Paused,
            JobState::Transferred => DownloadState::Transferred,
            JobState::Acknowledged => DownloadState::Finalized,
            JobState::Cancelled => DownloadState::Aborted,
        };
        Ok(DownloadOutcome { code: done.code, symbol: done.symbol, state })
    }

    /// The bytes of a transferred download from `offset` on: `DO_E_INVALID_STATE` unless it is.
    pub async fn download_content(
        &self,
        actor: Actor,
        job: JobId,
        offset: u64,
    ) -> Result<Content, Failure> {
        let source =
            self.ask_download(actor, |reply| DownloadCommand::Content { job, reply }).await?;
        on_disk_thread(move || source.open(offset)).await
    }

    /// Whether the caller may name that destination, where the property is one.
    async fn look_at_destination(
        &self,
        actor: Actor,
        property: DownloadProperty,
        value: &str,
    ) -> Result<(), Failure> {
        if property != DownloadProperty::LocalPath {
            return Ok(());
        }
        let (door, path) = (self.door.clone(), value.to_owned());
        let looked = on_disk_thread(move || door.may_name(actor, Path::new(&path))).await;
        looked.map_err(|failure| failure.at(property.word()))
    }

    /// Before a first Start: makes the folders of the destination and looks whether a file may be
    /// put there.
    async fn prepare_destination(
        &self,
        actor: Actor,
        job: JobId,
        start: Operation,
    ) -> Result<Option<LookedAt>, Failure> {
        let ask = |reply| DownloadCommand::Destination { job, start, reply };
        let Some(path) = self.ask_download(actor, ask).await? else {
            return Ok(None);
        };
        let door = self.door.clone();
        on_disk_thread(move || {
            let keep = door.make_way(actor, &path)?;
            Ok(Some(LookedAt { path, keep }))
        })
        .await
        .map_err(|failure| failure.at(DownloadProperty::LocalPath.word()))
    }

    async fn ask_download<T>(
        &self,
        actor: Actor,
        command: impl FnOnce(crate::event::Reply<T>) -> DownloadCommand,
    ) -> Result<T, Failure> {
        self.ask(actor, |reply| Command::Download(command(reply))).await
    }
}
