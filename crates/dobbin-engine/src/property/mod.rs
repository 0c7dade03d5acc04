//! Properties of jobs and files by their ids, and their figures: `GetProperty` and `SetProperty` of the
//! four interfaces that have them, `SetRemoteName`, `GetStats`.

mod check_info;
mod get;
mod handle;
mod set;
mod stats;

use dobbin_core::access::Actor;
use dobbin_core::job::File;
use dobbin_types::rest::Failure;
use dobbin_types::{FileNumber, JobId};

use crate::commands::no_file;
use crate::entry::LiveFile;
use crate::event::PropertyCommand;
use crate::run::Loop;

pub(crate) use check_info::CheckInfo;

impl Loop {
    /// Answers a command about properties and figures, now or when what it did is durable.
    pub(crate) fn property(&mut self, actor: Actor, command: PropertyCommand) {
        let now = self.clock.now();
        match command {
            PropertyCommand::Set { job, wish, keep, reply } => {
                self.set(actor, job, wish, keep, reply)
            }
            PropertyCommand::OfJob { job, property, reply } => {
                let entry = self.held(actor, job);
                self.answer(job, reply, entry.and_then(|entry| get::of_job(&entry.job, property)));
            }
            PropertyCommand::OfFile { job, file, property, reply } => {
                let found = self.held_file(actor, job, file);
                let value = found.and_then(|(file, live)| get::of_file(file, live, property));
                self.answer(job, reply, value);
            }
            PropertyCommand::Stats { job, reply } => {
                let entry = self.held(actor, job);
                self.answer(job, reply, entry.map(|entry| stats::of_job(entry, now)));
            }
            PropertyCommand::FileStats { job, file, reply } => {
                let stats = self.held(actor, job).and_then(|entry| {
                    stats::of_file(entry, file, now).ok_or_else(|| no_file(job, file))
                });
                self.answer(job, reply, stats);
            }
        }
    }

    fn held_file(
        &self,
        actor: Actor,
        job: JobId,
        number: FileNumber,
    ) -> Result<(&File, &LiveFile), Failure> {
        let entry = self.held(actor, job)?;
        let found = entry.job.file(number).zip(entry.files.get(number.index()));
        found.ok_or_else(|| no_file(job, number))
    }
}
