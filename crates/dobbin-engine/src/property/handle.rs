//! What callers hold of the engine, as far as properties and figures go.

use dobbin_core::access::Actor;
use dobbin_core::job::Wish;
use dobbin_types::rest::{Failure, FileStats, JobStats, Outcome};
use dobbin_types::{FileNumber, FileProperty, JobId, JobProperty, PropertyValue};

use crate::destination::Keep;
use crate::door::Door;
use crate::event::{Command, PropertyCommand};
use crate::handle::{Handle, on_disk_thread};

/// Properties and figures. The codes of all calls, and `DO_E_FILE_NOT_AVAILABLE` for a number that the
/// job does not have.
impl Handle {
    /// `GetProperty` of `IBackgroundCopyJob5` and `IDeliveryOptimizationJob2`;
    /// `DO_E_UNKNOWN_PROPERTY_ID`.
    pub async fn job_property(
        &self,
        actor: Actor,
        job: JobId,
        property: JobProperty,
    ) -> Result<PropertyValue, Failure> {
        self.ask(actor, |reply| Command::Property(PropertyCommand::OfJob { job, property, reply }))
            .await
    }

    /// `SetProperty` of the same; also `DO_E_READ_ONLY_PROPERTY`, `E_INVALIDARG`.
    pub async fn set_job_property(
        &self,
        actor: Actor,
        job: JobId,
        property: JobProperty,
        value: PropertyValue,
    ) -> Result<Outcome, Failure> {
        let wish = Door::job_property(property, value)?;
        self.set(actor, job, wish, Keep::default()).await
    }

    /// `GetProperty` of `IBackgroundCopyFile5` and `IDeliveryOptimizationFile2`;
    /// `DO_E_UNKNOWN_PROPERTY_ID`, `DO_E_WRITE_ONLY_PROPERTY`, `E_NOT_SET`.
    pub async fn file_property(
        &self,
        actor: Actor,
        job: JobId,
        file: FileNumber,
        property: FileProperty,
    ) -> Result<PropertyValue, Failure> {
        self.ask(actor, |reply| {
            Command::Property(PropertyCommand::OfFile { job, file, property, reply })
        })
        .await
    }

    /// `SetProperty` of the same; `DO_E_INVALID_STATE` unless the job is suspended or in error.
    pub async fn set_file_property(
        &self,
        actor: Actor,
        job: JobId,
        file: FileNumber,
        property: FileProperty,
        value: PropertyValue,
    ) -> Result<Outcome, Failure> {
        // Also says who may ask at all, before the disk is looked at for them.
        let replace = self.file(actor, job, file).await?.replace;
        let door = self.door.clone();
        let look = move || door.file_property(actor, property, value, replace);
        let (change, keep) = on_disk_thread(look).await?;
        self.set(actor, job, Wish::SetFile(file, change), keep).await
    }

    /// `IBackgroundCopyFile2::SetRemoteName`; `E_INVALIDARG` for what is no URL.
    pub async fn set_remote_name(
        &self,
        actor: Actor,
        job: JobId,
        file: FileNumber,
        url: String,
    ) -> Result<Outcome, Failure> {
        Door::remote_name(&url)?;
        let wish = Wish::SetRemoteName(file, url);
        self.set(actor, job, wish, Keep::default()).await
    }

    async fn set(
        &self,
        actor: Actor,
        job: JobId,
        wish: Wish,
        keep: Keep,
    ) -> Result<Outcome, Failure> {
        let command = |reply| PropertyCommand::Set { job, wish, keep, reply };
        self.ask(actor, |reply| Command::Property(command(reply))).await
    }

    /// `IDeliveryOptimizationFile::GetStats` of all files.
    pub async fn stats(&self, actor: Actor, job: JobId) -> Result<JobStats, Failure> {
        self.ask(actor, |reply| Command::Property(PropertyCommand::Stats { job, reply })).await
    }

    /// `IDeliveryOptimizationFile::GetStats`.
    pub async fn file_stats(
        &self,
        actor: Actor,
        job: JobId,
        file: FileNumber,
    ) -> Result<FileStats, Failure> {
        self.ask(actor, |reply| Command::Property(PropertyCommand::FileStats { job, file, reply }))
            .await
    }
}
