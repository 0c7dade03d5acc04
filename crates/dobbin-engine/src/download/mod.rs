//! Downloads (`IDODownload`): the loop's side of the other interface to the same jobs.
//!
//! What an operation or a property means is decided in `dobbin_core::download`; here it is looked up,
//! carried out and answered.

mod content;
mod handle;
mod operate;
mod syntax;
mod wait;

use std::collections::VecDeque;

use dobbin_core::access::{Act, Actor, allows};
use dobbin_core::download::{Operation, View, check_category};
use dobbin_core::job::Job;
use dobbin_types::rest::{
    DownloadInfo, DownloadList, DownloadMark, DownloadStatus, Failure, Outcome,
};
use dobbin_types::{DownloadProperty, ErrorCode, FileNumber, JobId, PropertyValue, Uid};

use self::content::Source;
use self::operate::{LookedAt, Question};
use crate::entry::Entry;
use crate::event::Reply;
use crate::list::Page;
use crate::run::Loop;

pub use self::content::Content;
pub(crate) use self::wait::called_off;

/// The only file of a download.
const FILE: FileNumber = FileNumber(0);

/// Downloads that are over and still answer getters, as held objects of the interface do.
const ENDED_MAX: usize = 256;

/// What callers ask of downloads.
pub(crate) enum DownloadCommand {
    List {
        category: Option<(DownloadProperty, String)>,
        page: Page,
        reply: Reply<DownloadList>,
    },
    Info {
        job: JobId,
        reply: Reply<DownloadInfo>,
    },
    Get {
        job: JobId,
        property: DownloadProperty,
        reply: Reply<PropertyValue>,
    },
    Set {
        job: JobId,
        /// In their order; one of each property at most.
        sets: Vec<Set>,
        reply: Reply<()>,
    },
    /// What the disk is to be asked before that Start.
    BeforeStart {
        job: JobId,
        start: Operation,
        reply: Reply<Option<Question>>,
    },
    /// Whose a download is whose file the service writes in its own name.
    OwnerInPlace {
        job: JobId,
        reply: Reply<Uid>,
    },
    Operate {
        job: JobId,
        operation: Operation,
        looked_at: Option<LookedAt>,
        reply: Reply<Outcome>,
    },
    Content {
        job: JobId,
        reply: Reply<Source>,
    },
}

/// A property to set.
#[derive(Clone)]
pub(crate) struct Set {
    pub(crate) property: DownloadProperty,
    pub(crate) value: PropertyValue,
    /// What the disk says of a destination; asked beforehand, because the disk may take its time.
    pub(crate) allowed: Result<(), Failure>,
}

/// A download that is over.
pub(crate) struct Ended {
    job: Job,
    status: DownloadStatus,
}

/// A download as it is found: live or over.
struct Found<'a> {
    view: View<'a>,
    status: DownloadStatus,
}

impl Loop {
    /// Answers a question about a download or does what is asked of it.
    pub(crate) fn download(&mut self, actor: Actor, command: DownloadCommand) {
        match command {
            DownloadCommand::List { category, page, reply } => {
                let list = self.downloads(actor, category.as_ref(), page);
                self.answer_of_all(reply, list);
            }
            DownloadCommand::Info { job, reply } => {
                let info = self.find(actor, Act::Read, job).map(|found| info(&found));
                self.answer(job, reply, info);
            }
            DownloadCommand::Get { job, property, reply } => {
                let found = self.find(actor, Act::Read, job);
                let value = found.and_then(|found| {
                    let value = found.view.get(property);
                    value.map_err(|code| refused(code, property))
                });
                self.answer(job, reply, value);
            }
            DownloadCommand::Set { job, sets, reply } => {
                self.set_properties(actor, job, sets, reply);
            }
            DownloadCommand::BeforeStart { job, start, reply } => {
                let found = self.find(actor, Act::Change, job);
                let question = found.and_then(|found| {
                    // What refuses the Start anyway shall leave no folder behind.
                    operate::decision(found.view, &start)?;
                    Ok(operate::question(found.view))
                });
                self.answer(job, reply, question);
            }
            DownloadCommand::OwnerInPlace { job, reply } => {
                let entry = self.entries.get(&job).filter(|entry| entry.job.is_in_place());
                let owner = entry.map(|entry| entry.job.owner());
                self.answer(job, reply, owner.ok_or_else(|| no_download(job)));
            }
            DownloadCommand::Operate { job, operation, looked_at, reply } => {
                self.operate(actor, job, operation, looked_at, reply);
            }
            DownloadCommand::Content { job, reply } => {
                let source = self.content(actor, job);
                self.answer(job, reply, source);
            }
        }
    }

    /// The download, if it exists and the actor may do that with it. One that is over is found too:
    /// its getters answer.
    fn find(&self, actor: Actor, act: Act, job: JobId) -> Result<Found<'_>, Failure> {
        let live = self
            .entries
            .get(&job)
            .and_then(|entry| Some(Found { view: View::of(&entry.job)?, status: status(entry)? }));
        let ended = || {
            let ended = self.ended_downloads.iter().find(|ended| ended.job.id() == job)?;
            Some(Found { view: View::of(&ended.job)?, status: ended.status })
        };
        match live.or_else(ended) {
            Some(found) if allows(actor, act, found.view.job().owner()) => Ok(found),
            Some(_) => Err(Failure::new(
                ErrorCode::E_ACCESSDENIED,
                format!("the download {job} belongs to another user"),
            )),
            None => Err(no_download(job)),
        }
    }

    /// One page of `EnumDownloads`: only those that the actor created, also for the administrator. That
    /// there are none is told where the list begins and ends on this very page; of several pages the
    /// caller sees it by itself.
    pub(crate) fn downloads(
        &self,
        actor: Actor,
        category: Option<&(DownloadProperty, String)>,
        page: Page,
    ) -> Result<DownloadList, Failure> {
        if let Some((property, _)) = category {
            check_category(*property).map_err(|code| refused(code, *property))?;
        }
        let listed = self.entries.of(actor.uid(), page.after);
        let (downloads, next) = page.cut(listed, |entry| {
            let view = View::of(&entry.job)?;
            let is_wanted = category.is_none_or(|(property, value)| view.is_in(*property, value));
            is_wanted.then_some(info(&Found { view, status: status(entry)? }))
        });
        if downloads.is_empty() && page.after.is_none() && next.is_none() {
            return Err(Failure::of(ErrorCode::DO_E_NO_DOWNLOADS));
        }
        Ok(DownloadList { downloads, next })
    }

    /// Keeps what getters need of a download that is over.
    pub(crate) fn remember_download(&mut self, entry: &Entry) {
        if let Some(status) = status(entry) {
            remember(&mut self.ended_downloads, Ended { job: entry.job.clone(), status });
        }
    }
}

fn remember(ended: &mut VecDeque<Ended>, one: Ended) {
    if ended.len() == ENDED_MAX {
        ended.pop_front();
    }
    ended.push_back(one);
}

/// How the download that a job is stands; nothing for a job that is none.
fn status(entry: &Entry) -> Option<DownloadStatus> {
    let view = View::of(&entry.job)?;
    let codes = view.codes();
    Some(DownloadStatus {
        bytes_total: view.file().local_size(),
        bytes_transferred: entry.transferred_bytes(FILE),
        state: view.state(),
        error: codes.error,
        extended_error: codes.extended,
    })
}

/// What marks a job as a download in the other interface.
pub(crate) fn mark(entry: &Entry) -> Option<DownloadMark> {
    let view = View::of(&entry.job)?;
    Some(DownloadMark {
        status: status(entry)?,
        callback_freq_percent: view.download().callback_percent,
        callback_freq_seconds: view.callback_seconds(),
    })
}

fn info(found: &Found<'_>) -> DownloadInfo {
    let text = |property| match found.view.get(property) {
        Ok(PropertyValue::Text(text)) => Some(text),
        Ok(_) | Err(_) => None,
    };
    DownloadInfo {
        id: found.view.job().id(),
        display_name: text(DownloadProperty::DisplayName),
        uri: text(DownloadProperty::Uri),
        content_id: text(DownloadProperty::ContentId),
        local_path: text(DownloadProperty::LocalPath),
        status: found.status,
    }
}

fn no_download(job: JobId) -> Failure {
    Failure::new(ErrorCode::E_NOT_SET, format!("there is no download {job}"))
        .remedy("`dobbin downloads list` shows your downloads")
}

/// A code about a property, in words that name it.
fn refused(code: ErrorCode, property: DownloadProperty) -> Failure {
    Failure::new(code, format!("{property}: {}", code.text())).at(property.word())
}
