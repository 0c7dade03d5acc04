//! What callers hold of the engine, as far as downloads go.

use std::path::Path;

use dobbin_core::access::Actor;
use dobbin_core::download::{Download, Operation, View};
use dobbin_core::job::{File, Job, JobEvent, NewJob, Now, Wish, step};
use dobbin_core::time::Tick;
use dobbin_types::rest::{
    CreateDownload, DownloadInfo, DownloadList, DownloadOutcome, DownloadStatus, Failure,
};
use dobbin_types::{
    DownloadProperty, DownloadState, FileTime, JobId, JobState, PropertyValue, Uid,
};
use uuid::Uuid;

use super::content::Content;
use super::operate::{LookedAt, Question};
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
        let download = Download::create(JobId(Uuid::new_v4()), actor.uid());
        self.create_with(actor, download, body.uri, body.local_path).await
    }

    /// A download for a program that speaks the interface of Microsoft's agent for Linux: the service
    /// itself writes the file, with its own rights and in its own name. It stands at its path, empty, from
    /// the first Start on; is refused there if anything stands in its way; is whole under its name when
    /// the state is Transferred; and is gone after Abort.
    ///
    /// The codes of [`Handle::create_download`]; those of the disk come from [`Handle::operate`] as the
    /// operating system's numbers.
    pub async fn create_download_in_place(
        &self,
        owner: Actor,
        uri: Option<String>,
        local_path: Option<String>,
    ) -> Result<JobId, Failure> {
        let download = Download::create_in_place(JobId(Uuid::new_v4()), owner.uid());
        self.create_with(owner, download, uri, local_path).await
    }

    /// Whose such a download is, whoever asks; `E_NOT_SET` for any other, and for one that is over.
    pub async fn owner_in_place(&self, actor: Actor, job: JobId) -> Result<Uid, Failure> {
        self.ask_download(actor, |reply| DownloadCommand::OwnerInPlace { job, reply }).await
    }

    async fn create_with(
        &self,
        actor: Actor,
        (new, file): (NewJob, File),
        uri: Option<String>,
        local_path: Option<String>,
    ) -> Result<JobId, Failure> {
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
        let given = [(DownloadProperty::Uri, uri), (DownloadProperty::LocalPath, local_path)];
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
        self.set_download_properties(actor, job, vec![(property, value)]).await
    }

    /// The same for several properties at once: all of them are set or, when one is refused, none.
    pub async fn set_download_properties(
        &self,
        actor: Actor,
        job: JobId,
        values: Vec<(DownloadProperty, PropertyValue)>,
    ) -> Result<(), Failure> {
        let mut sets = Vec::new();
        for (property, value) in values {
            let allowed = match &value {
                PropertyValue::Text(text) => self.look_at_destination(actor, property, text).await,
                PropertyValue::Nothing | PropertyValue::Flag(_) | PropertyValue::Number(_) => {
                    Ok(())
                }
            };
            sets.push(Set { property, value, allowed });
        }
        self.ask_download(actor, |reply| DownloadCommand::Set { job, sets, reply }).await
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
        let (looked_at, taken) = match &operation {
            Operation::Start(_) => self.prepare_start(actor, job, operation.clone()).await?,
            Operation::Pause | Operation::Finalize | Operation::Abort => (None, None),
        };
        let command = |reply| DownloadCommand::Operate { job, operation, looked_at, reply };
        let done = self.ask_download(actor, command).await;
        if let (Err(_), Some(path)) = (&done, taken) {
            let door = self.door.clone();
            let give_back = move || {
                door.give_back(&path);
                Ok(())
            };
            on_disk_thread(give_back).await?;
        }
        let done = done?;
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

    /// Before a first Start: makes the folders of the destination and looks whether a file may be put
    /// there, or takes its name; the second value is a name that is to be given back if nothing comes
    /// of it.
    async fn prepare_start(
        &self,
        actor: Actor,
        job: JobId,
        start: Operation,
    ) -> Result<(Option<LookedAt>, Option<String>), Failure> {
        let ask = |reply| DownloadCommand::BeforeStart { job, start, reply };
        let Some(question) = self.ask_download(actor, ask).await? else {
            return Ok((None, None));
        };
        let door = self.door.clone();
        let look = move || match question {
            Question::MayPut(path) => {
                let keep = door.make_way(actor, &path)?;
                Ok((Some(LookedAt { path, keep }), None))
            }
            Question::Take(path) => {
                let keep = door.take(&path)?;
                Ok((Some(LookedAt { path: path.clone(), keep }), Some(path)))
            }
            Question::IsTaken(path) => door.check_taken(&path).map(|()| (None, None)),
        };
        let looked = on_disk_thread(look).await;
        looked.map_err(|failure| failure.at(DownloadProperty::LocalPath.word()))
    }

    async fn ask_download<T>(
        &self,
        actor: Actor,
        command: impl FnOnce(crate::event::Reply<T>) -> DownloadCommand,
    ) -> Result<T, Failure> {
        self.ask(actor, |reply| Command::Download(command(reply))).await
    }
}
