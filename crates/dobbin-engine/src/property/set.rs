//! What callers want to set: wire values in, wishes of the core out, carried out by the loop.

use dobbin_core::access::{Act, Actor};
use dobbin_core::job::{FileChange, JobEvent, Wish, check_local_name, check_remote_name};
use dobbin_types::rest::{Failure, Outcome};
use dobbin_types::{
    Clsid, CostFlags, DoFilePropertyId, DoJobPropertyId, ErrorCode, FileNumber, FileProperty,
    FilePropertyId, JobId, JobProperty, JobPropertyId, PropertyValue,
};

use super::CheckInfo;
use crate::commands::{done, no_file};
use crate::destination::Keep;
use crate::door::{Door, is_url};
use crate::event::{Command, PropertyCommand, Reply};
use crate::run::Loop;

impl Door {
    /// `SetProperty` of a job.
    ///
    /// `DO_E_UNKNOWN_PROPERTY_ID`, `DO_E_READ_ONLY_PROPERTY`, `E_INVALIDARG` for a value of another
    /// kind or without a meaning.
    pub(crate) fn job_property(
        property: JobProperty,
        value: PropertyValue,
    ) -> Result<Wish, Failure> {
        match property {
            JobProperty::Bits(JobPropertyId::CostFlags) => {
                let flags = u32::try_from(number(value)?).map(CostFlags);
                flags.ok().filter(|flags| flags.are_accepted()).map(Wish::SetCostFlags).ok_or_else(
                    || {
                        invalid("the mask has bits that mean no cost")
                            .remedy("`always` is 0x800000FF, which is every bit there is")
                    },
                )
            }
            JobProperty::Bits(JobPropertyId::NotificationClsid) => {
                let clsid = text(value)?.parse::<Clsid>();
                let clsid = clsid.map_err(|error| invalid(format!("this is no GUID: {error}")))?;
                Ok(Wish::SetNotificationClsid(clsid))
            }
            JobProperty::Bits(
                JobPropertyId::DynamicContent
                | JobPropertyId::HighPerformance
                | JobPropertyId::MaxDownloadSize
                | JobPropertyId::UseStoredCredentials
                | JobPropertyId::MinimumNotificationInterval
                | JobPropertyId::OnDemandMode,
            ) => Err(refusal(ErrorCode::DO_E_UNKNOWN_PROPERTY_ID)),
            JobProperty::Delivery(DoJobPropertyId::ExtendedErrorInfo) => {
                Err(refusal(ErrorCode::DO_E_READ_ONLY_PROPERTY))
            }
        }
    }

    /// `SetProperty` of a file, which may `replace` what stands under its name. Where the property is a
    /// destination it is looked at; the file's bytes are to be kept where the second value says.
    ///
    /// The codes of [`Door::job_property`], `E_NOTIMPL` for encrypted content,
    /// `DO_E_MEMORYSTREAM_DOWNLOAD_NOT_SUPPORTED`, and those of a destination.
    pub(crate) fn file_property(
        &self,
        actor: Actor,
        property: FileProperty,
        value: PropertyValue,
        replace: bool,
    ) -> Result<(FileChange, Keep), Failure> {
        let in_store = |change| Ok((change, Keep::InStore));
        match property {
            FileProperty::Bits(FilePropertyId::HttpResponseHeaders) => {
                Err(refusal(ErrorCode::DO_E_READ_ONLY_PROPERTY))
            }
            FileProperty::Delivery(DoFilePropertyId::DecryptionInfo) => {
                Err(refusal(ErrorCode::E_NOTIMPL))
            }
            FileProperty::Delivery(DoFilePropertyId::IntegrityCheckInfo) => {
                let text = text(value)?;
                let is_url = |url: &str| check_remote_name(url, &is_url).map_err(|(_, why)| why);
                CheckInfo::read(&text, is_url).map_err(invalid)?;
                in_store(FileChange::CheckInfo(text))
            }
            FileProperty::Delivery(DoFilePropertyId::IntegrityCheckMandatory) => {
                in_store(FileChange::CheckMandatory(flag(value)?))
            }
            FileProperty::Delivery(DoFilePropertyId::DownloadSinkInterface) => {
                Err(refusal(ErrorCode::DO_E_UNKNOWN_PROPERTY_ID))
            }
            FileProperty::Delivery(DoFilePropertyId::DownloadSinkFilePath) => {
                let name = text(value)?;
                check_local_name(&name).map_err(invalid)?;
                let keep = self
                    .destination(actor, &name, replace)
                    .map_err(|failure| failure.at("value"))?;
                Ok((FileChange::LocalName(name), keep))
            }
            FileProperty::Delivery(DoFilePropertyId::DownloadSinkMemoryStream) => {
                Err(refusal(ErrorCode::DO_E_MEMORYSTREAM_DOWNLOAD_NOT_SUPPORTED))
            }
            FileProperty::Delivery(DoFilePropertyId::TotalSizeBytes) => match number(value)? {
                0 | u64::MAX => Err(invalid("the size must be at least 1 and known")),
                size => in_store(FileChange::TotalSize(size)),
            },
        }
    }

    /// `SetRemoteName`: whether the text is a URL that can be fetched.
    pub(crate) fn remote_name(url: &str) -> Result<(), Failure> {
        check_remote_name(url, &is_url)
            .map_err(|(code, why)| Failure::new(code, why).at("remote_name"))
    }
}

impl Loop {
    /// Sets something of a job or of one of its files.
    pub(crate) fn set(
        &mut self,
        actor: Actor,
        job: JobId,
        wish: Wish,
        keep: Keep,
        reply: Reply<Outcome>,
    ) {
        let Some(reply) = self.park(actor, job, reply, |reply| {
            Command::Property(PropertyCommand::Set { job, wish: wish.clone(), keep, reply })
        }) else {
            return;
        };
        if let Err(failure) = self.may_set(actor, job, &wish) {
            return self.answer(job, reply, Err(failure));
        }
        let moved = match &wish {
            Wish::SetRemoteName(file, _) => Some(*file),
            _ => None,
        };
        let placed = match &wish {
            Wish::SetFile(file, FileChange::LocalName(name)) => {
                self.place_anew(job, *file, name, keep)
            }
            _ => None,
        };
        self.step(job, JobEvent::Wish(wish), Vec::new(), move |outcome| {
            // The caller may have hung up; what was set stays set.
            let _ = reply.send(outcome.map(|state| done(ErrorCode::S_OK, state)));
        });
        if let Some(file) = moved {
            self.lead_elsewhere(job, file);
        }
        if let Some((file, before)) = placed {
            self.settle_place(job, file, before);
        }
    }

    /// Whether the job and the file exist, and whether the destination is free, in words; the core
    /// refuses the rest.
    fn may_set(&self, actor: Actor, job: JobId, wish: &Wish) -> Result<(), Failure> {
        let entry = self.entry(actor, Act::Change, job)?;
        let (Wish::SetFile(number, _) | Wish::SetRemoteName(number, _)) = wish else {
            return Ok(());
        };
        if entry.job.file(*number).is_none() {
            return Err(no_file(job, *number));
        }
        if let Wish::SetFile(_, FileChange::LocalName(name)) = wish {
            let mut others = entry.job.files().iter().zip((0_u32..).map(FileNumber));
            if others.any(|(other, at)| at != *number && other.local_name == *name) {
                let why = format!("another file of the job has the destination `{name}`");
                return Err(invalid(why));
            }
        }
        Ok(())
    }

    /// What runs uses the new URL from its next request on.
    fn lead_elsewhere(&self, job: JobId, number: FileNumber) {
        let Some(entry) = self.entries.get(&job) else {
            return;
        };
        if let Some((file, run)) = entry.job.file(number).zip(entry.runs.get(&number)) {
            run.source.set(&file.remote_name);
        }
    }

    /// A file that gets its first destination keeps its bytes where publishing them will be cheapest.
    /// One that had another keeps them where they are. Returns what to restore if core refuses.
    fn place_anew(
        &mut self,
        job: JobId,
        number: FileNumber,
        name: &str,
        keep: Keep,
    ) -> Option<(FileNumber, Option<std::path::PathBuf>)> {
        let entry = self.entries.get(&job)?;
        if !entry.job.file(number)?.local_name.is_empty() {
            return None;
        }
        let beside = self.beside(&entry.job, number, name, keep);
        let live = self.entries.get_mut(&job)?.files.get_mut(number.index())?;
        Some((number, std::mem::replace(&mut live.extras.beside, beside)))
    }

    fn settle_place(&mut self, job: JobId, number: FileNumber, before: Option<std::path::PathBuf>) {
        let Some(entry) = self.entries.get_mut(&job) else {
            return;
        };
        let was_refused = entry.job.file(number).is_some_and(|file| file.local_name.is_empty());
        if let Some(live) = entry.files.get_mut(number.index()).filter(|_| was_refused) {
            live.extras.beside = before;
        }
    }
}

fn text(value: PropertyValue) -> Result<String, Failure> {
    match value {
        PropertyValue::Text(text) => Ok(text),
        PropertyValue::Nothing | PropertyValue::Flag(_) | PropertyValue::Number(_) => {
            Err(invalid("the value must be a text"))
        }
    }
}

fn number(value: PropertyValue) -> Result<u64, Failure> {
    match value {
        PropertyValue::Number(number) => Ok(number),
        PropertyValue::Nothing | PropertyValue::Flag(_) | PropertyValue::Text(_) => {
            Err(invalid("the value must be a number"))
        }
    }
}

fn flag(value: PropertyValue) -> Result<bool, Failure> {
    match value {
        PropertyValue::Flag(flag) => Ok(flag),
        PropertyValue::Nothing | PropertyValue::Number(_) | PropertyValue::Text(_) => {
            Err(invalid("the value must be true or false"))
        }
    }
}

fn invalid(message: impl Into<String>) -> Failure {
    Failure::new(ErrorCode::E_INVALIDARG, message).at("value")
}

fn refusal(code: ErrorCode) -> Failure {
    Failure::of(code).at("property")
}
