//! What callers ask, answered.

use dobbin_core::access::{Act, Actor, allows};
use dobbin_core::job::{File, Job, JobEvent, NewJob, Population, Wish as JobWish, join};
use dobbin_store::record::FileExtras;
use dobbin_types::rest::{EventKind, Failure, JobInfo, Outcome};
use dobbin_types::{ErrorCode, FileNumber, JobId, JobState, Uid};

use crate::destination::Keep;
use crate::door::{Offered, refused};
use crate::entry::{Entry, LiveFile};
use crate::event::{Command, Reply};
use crate::handle::Wish;
use crate::picture;
use crate::run::Loop;

impl Loop {
    /// Answers a command, now or when what it did is durable.
    pub(crate) fn command(&mut self, actor: Actor, command: Command) {
        match command {
            Command::Create { new, offered, reply } => self.create(*new, offered, reply),
            Command::AddFiles { job, offered, reply } => {
                self.add_files(actor, job, offered, reply);
            }
            Command::Jobs { filter, page, reply } => {
                let list = self.list(actor, &filter, page);
                self.answer_of_all(reply, Ok(list));
            }
            Command::Job { job, reply } => {
                let info = self.info(actor, job);
                self.answer(job, reply, info);
            }
            Command::Files { job, part, reply } => {
                match self.held(actor, job).map(|entry| picture::files(entry, part)) {
                    // The caller, who may have hung up, has to ask for more: the answer to the last
                    // question waits until all of it is durable.
                    Ok(portion) if portion.leaves_more() => drop(reply.send(Ok(portion))),
                    portion => self.answer(job, reply, portion),
                }
            }
            Command::File { job, file, reply } => {
                let info = self
                    .held(actor, job)
                    .and_then(|entry| picture::file(entry, file).ok_or_else(|| no_file(job, file)));
                self.answer(job, reply, info);
            }
            Command::Error { job, reply } => {
                let error = self.held(actor, job).and_then(|entry| {
                    picture::error_object(&entry.job)
                        .ok_or_else(|| Failure::of(ErrorCode::DO_E_ERROR_INFORMATION_UNAVAILABLE))
                });
                self.answer(job, reply, error);
            }
            Command::Wish { job, wish, reply } => self.wish(actor, job, wish, reply),
            Command::Download(command) => self.download(actor, command),
            Command::MayChange { job, reply } => {
                let owner = self.may_change(actor, job);
                self.answer(job, reply, owner);
            }
            Command::HandOver { job, reply } => self.hand_over(actor, job, reply),
            Command::Handover { job, number, step } => self.desk(job, number, step),
            Command::Subscribe { job, reply } => {
                let watched = self.subscribe(actor, job);
                self.answer_of_all(reply, watched);
            }
            Command::Property(command) => self.property(actor, command),
            Command::Why(command) => self.why(actor, command),
            Command::Callback(command) => self.callback_command(actor, command),
        }
    }

    /// The job, if it exists and the actor may do that with it.
    pub(crate) fn entry(&self, actor: Actor, act: Act, job: JobId) -> Result<&Entry, Failure> {
        match self.entries.get(&job) {
            Some(entry) if allows(actor, act, entry.job.owner()) => Ok(entry),
            Some(_) => Err(denied(job)),
            None => Err(match self.ended(job) {
                // Somebody may still hold it; only its getters answer.
                Some(entry) if allows(actor, act, entry.job.owner()) => Failure::new(
                    ErrorCode::DO_E_INVALID_STATE,
                    format!("the job {job} is {}", entry.job.state()),
                ),
                Some(_) => denied(job),
                None => not_found(job),
            }),
        }
    }

    pub(crate) fn info(&self, actor: Actor, job: JobId) -> Result<JobInfo, Failure> {
        self.held(actor, job).map(|entry| picture::job(entry, &self.clock))
    }

    /// The job, to look at: also one that is over, for those who still hold it.
    pub(crate) fn held(&self, actor: Actor, job: JobId) -> Result<&Entry, Failure> {
        if self.entries.contains_key(&job) {
            return self.entry(actor, Act::Read, job);
        }
        match self.ended(job) {
            Some(entry) if allows(actor, Act::Read, entry.job.owner()) => Ok(entry),
            Some(_) => Err(denied(job)),
            None => Err(not_found(job)),
        }
    }

    /// A job that is over: its files may still be on their way out.
    fn ended(&self, job: JobId) -> Option<&Entry> {
        let leaving = self.leaving.get(&job).map(Box::as_ref);
        leaving.or_else(|| self.ended.iter().find(|entry| entry.job.id() == job))
    }

    fn create(&mut self, new: NewJob, offered: Offered, reply: Reply<JobId>) {
        if self.leave_by.is_some() {
            let _ = reply.send(Err(Failure::of(ErrorCode::DO_E_NO_SERVICE)));
            return;
        }
        if let Err((code, message)) = self.limits.another_job(new.owner, self.population(new.owner))
        {
            let _ = reply.send(Err(Failure::new(code, message)));
            return;
        }
        let now = self.now();
        let id = new.id;
        let mut job = Job::create(new, now.tick, now.wall);
        if !offered.files.is_empty() {
            let wish = JobEvent::Wish(JobWish::AddFiles(offered.files));
            if let Err(code) = dobbin_core::job::step(&mut job, wish, now) {
                let _ = reply.send(Err(Failure::of(code)));
                return;
            }
        }
        let live = self.live_files(&job, job.files(), 0, offered.keeps);
        let entry = Entry::new(job, live.into_iter().collect());
        let numbers: Vec<FileNumber> =
            (0_u32..).map(FileNumber).take(entry.job.files().len()).collect();
        self.entries.insert(entry);
        self.refresh(id);
        let changes = self.records(id, true, numbers);
        self.write(id, changes, move |outcome| {
            // The caller may have hung up; the job exists either way.
            let _ = reply.send(outcome.map(|()| id));
        });
        self.tell(id, EventKind::Created);
    }

    /// What is kept with files of a job, of which the first has the number `first`.
    fn live_files(
        &self,
        job: &Job,
        files: &[File],
        first: usize,
        keeps: Vec<Keep>,
    ) -> Vec<LiveFile> {
        // One that has no place yet is kept in the store.
        let keeps = keeps.into_iter().chain(std::iter::repeat(Keep::InStore));
        let numbers = (0_u32..).map(FileNumber).skip(first);
        let files = files.iter().zip(keeps).zip(numbers);
        files
            .map(|((file, keep), number)| {
                let beside = self.beside(job, number, &file.local_name, keep);
                LiveFile::new(FileExtras { beside, ..FileExtras::default() }, None)
            })
            .collect()
    }

    fn add_files(
        &mut self,
        actor: Actor,
        job: JobId,
        offered: Offered,
        reply: Reply<Vec<FileNumber>>,
    ) {
        let Some(reply) = self.park(actor, job, reply, |reply| Command::AddFiles {
            job,
            offered: offered.clone(),
            reply,
        }) else {
            return;
        };
        let entry = match self.entry(actor, Act::Change, job) {
            Ok(entry) => entry,
            Err(failure) => return self.answer(job, reply, Err(failure)),
        };
        if offered.files.is_empty() {
            let none = Failure::new(ErrorCode::E_INVALIDARG, "no file was given").at("files");
            return self.answer(job, reply, Err(none));
        }
        let present = entry.job.files();
        let first = present.len();
        let within = self.limits.more_files(actor.uid(), first, offered.ranges_counts());
        let joined = within.and_then(|()| join(present, offered.files)).map_err(refused);
        let files = match joined {
            Ok(files) => files,
            Err(failure) => return self.answer(job, reply, Err(failure)),
        };
        let live = self.live_files(&entry.job, &files, first, offered.keeps);
        let numbers: Vec<FileNumber> =
            (0_u32..).map(FileNumber).skip(first).take(files.len()).collect();
        let wish = JobEvent::Wish(JobWish::AddFiles(files));
        self.step(job, wish, live, move |outcome| {
            // The caller may have hung up; the files are in the job either way.
            let _ = reply.send(outcome.map(|_state| numbers));
        });
    }

    fn wish(&mut self, actor: Actor, job: JobId, wish: Wish, reply: Reply<Outcome>) {
        if wish == Wish::Cancel && self.may_end_handover(actor, job) {
            return self.cancel_handover(job, reply);
        }
        let Some(reply) = self.park(actor, job, reply, |reply| Command::Wish { job, wish, reply })
        else {
            return;
        };
        if let Err(failure) = self.entry(actor, Act::Change, job) {
            return self.answer(job, reply, Err(failure));
        }
        if wish == Wish::Resume {
            self.release(job);
        }
        let event = JobEvent::Wish(match wish {
            Wish::Resume => JobWish::Resume,
            Wish::Suspend => JobWish::Suspend,
            Wish::Complete => return self.complete(actor, job, reply),
            Wish::Cancel => return self.cancel(job, reply),
            Wish::SetPriority(priority) => JobWish::SetPriority(priority),
            Wish::SetNoProgressTimeout(seconds) => JobWish::SetNoProgressTimeout(seconds),
            Wish::SetNotifyFlags(flags) => JobWish::SetNotifyFlags(flags),
            Wish::SetRateLimit(rate) => JobWish::SetRateLimit(rate),
        });
        self.wish_of(actor, job, event, move |outcome| {
            // The caller may have hung up; the wish stands either way.
            let _ = reply.send(outcome.map(|state| done(ErrorCode::S_OK, state)));
        });
    }

    /// Gives core a wish of somebody's, and remembers who it was that brought the job to rest.
    pub(crate) fn wish_of(
        &mut self,
        actor: Actor,
        job: JobId,
        event: JobEvent,
        done: impl FnOnce(Result<JobState, Failure>) + Send + 'static,
    ) {
        let before = self.entries.get(&job).map(|entry| entry.job.state());
        self.step(job, event, Vec::new(), done);
        let at = self.clock.wall();
        if let Some(entry) = self.entries.get_mut(&job)
            && entry.job.state() == JobState::Suspended
            && before != Some(JobState::Suspended)
        {
            entry.history.suspended(actor.uid(), at);
        }
    }

    /// `Cancel`: answered when nothing of the job is left on the disk.
    pub(crate) fn cancel(&mut self, job: JobId, reply: Reply<Outcome>) {
        let event = JobEvent::Wish(JobWish::Cancel);
        // The caller may have hung up; the wish stands either way.
        self.end_job(job, event, ErrorCode::S_OK, Box::new(|answer| drop(reply.send(answer))));
    }

    /// Whether the job is being handed over and the actor may put an end to that.
    pub(crate) fn may_end_handover(&self, actor: Actor, job: JobId) -> bool {
        self.entry(actor, Act::Change, job).is_ok_and(|entry| entry.handover.is_some())
    }

    /// Cancels a job whose caller is just taking its files, and may never come to an end with it.
    fn cancel_handover(&mut self, job: JobId, reply: Reply<Outcome>) {
        // Those who wait for the handover would begin another one: they come after the Cancel.
        let entry = self.entries.get_mut(&job);
        let parked = entry.map(|entry| std::mem::take(&mut entry.parked)).unwrap_or_default();
        self.end_handover(job);
        self.cancel(job, reply);
        for (actor, command) in parked {
            self.command(actor, command);
        }
    }

    /// How many jobs there are.
    fn population(&self, caller: Uid) -> Population {
        Population {
            jobs_count: self.entries.len(),
            jobs_of_caller_count: self.entries.count_of(caller),
        }
    }

    /// A job that an embedded agent found waiting runs once somebody asks for it.
    pub(crate) fn release(&mut self, job: JobId) {
        if let Some(entry) = self.entries.get_mut(&job) {
            entry.held = false;
            if entry.job.state() == JobState::TransientError {
                // What a caller resumes takes its way anew; what is tried again by itself does not.
                entry.begun = None;
            }
        }
        self.refresh(job);
    }

    /// Keeps a call for later while its job is being published. Returns the reply otherwise.
    pub(crate) fn park<T>(
        &mut self,
        actor: Actor,
        job: JobId,
        reply: Reply<T>,
        command: impl FnOnce(Reply<T>) -> Command,
    ) -> Option<Reply<T>> {
        match self.entries.get_mut(&job) {
            Some(entry)
                if entry.job.is_publishing() && allows(actor, Act::Change, entry.job.owner()) =>
            {
                entry.parked.push((actor, command(reply)));
                None
            }
            Some(_) | None => Some(reply),
        }
    }

    /// Answers a question about how a job stands. What was changed of it may not be durable yet; the
    /// answer waits until it is, so that nobody is told what a crash could take back.
    pub(crate) fn answer<T: Send + 'static>(
        &self,
        job: JobId,
        reply: Reply<T>,
        answer: Result<T, Failure>,
    ) {
        self.answer_when_durable(Some(job), reply, answer);
    }

    /// As [`Loop::answer`], of all jobs as their records are.
    pub(crate) fn answer_of_all<T: Send + 'static>(
        &self,
        reply: Reply<T>,
        answer: Result<T, Failure>,
    ) {
        self.answer_when_durable(None, reply, answer);
    }

    fn answer_when_durable<T: Send + 'static>(
        &self,
        job: Option<JobId>,
        reply: Reply<T>,
        answer: Result<T, Failure>,
    ) {
        self.when_durable(job, move || {
            // The caller may have hung up.
            let _ = reply.send(answer);
        });
    }
}

/// The answer to a wish that was fulfilled.
pub(crate) fn done(code: ErrorCode, state: JobState) -> Outcome {
    Outcome { code, symbol: code.symbol().unwrap_or_default().to_owned(), state }
}

fn not_found(job: JobId) -> Failure {
    Failure::new(ErrorCode::DO_E_JOB_NOT_FOUND, format!("there is no job {job}"))
        .remedy("`dobbin jobs list` shows your jobs")
}

fn denied(job: JobId) -> Failure {
    Failure::new(ErrorCode::E_ACCESSDENIED, format!("the job {job} belongs to another user"))
}

pub(crate) fn no_file(job: JobId, file: FileNumber) -> Failure {
    Failure::new(
        ErrorCode::DO_E_FILE_NOT_AVAILABLE,
        format!("the job {job} has no file number {file}"),
    )
}
