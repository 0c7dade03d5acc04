//! Why jobs stand where they stand: what `dobbin why` shows.
//!
//! Looks and never changes anything. What it says was seen since the process started; of what was
//! before, the records keep sums and the last error.

mod file;
mod history;

use dobbin_core::access::Actor;
use dobbin_core::job::File;
use dobbin_core::time::Tick;
use dobbin_net::throttle::Service;
use dobbin_types::rest::{
    ByteSources, DiscardedBytes, Failure, FileWhy, Holdup, JobWhy, LimitScope, RateLimit,
    SourceBytes, SourceInfo, WHY_FILES_MAX,
};
use dobbin_types::{ErrorCode, FileNumber, JobId, JobState};
use url::Url;

use crate::commands::no_file;
use crate::entry::Entry;
use crate::event::WhyCommand;
use crate::pace::Pace;
use crate::picture;
use crate::run::Loop;

pub(crate) use history::History;

/// Servers that the sums of a job name. More than that count together.
const SERVERS_MAX: usize = 64;

impl Loop {
    /// Answers a question for reasons.
    pub(crate) fn why(&self, actor: Actor, command: WhyCommand) {
        match command {
            WhyCommand::Job { job, reply } => {
                let entry = self.held(actor, job);
                self.answer(job, reply, entry.map(|entry| self.of_job(entry)));
            }
            WhyCommand::File { job, file, reply } => {
                let answer = self.held(actor, job).and_then(|entry| {
                    let why = file::of(entry, file, self.clock.now());
                    why.ok_or_else(|| no_file(job, file))
                });
                self.answer(job, reply, answer);
            }
        }
    }

    fn of_job(&self, entry: &Entry) -> JobWhy {
        let (job, now) = (&entry.job, self.clock.now());
        let on_the_wall = |at: Tick| picture::on_the_wall(at, &self.clock);
        let is_rest = job.is_publishing();
        JobWhy {
            job: picture::job(entry, &self.clock),
            at: self.clock.wall(),
            holdup: self.holdup(entry),
            gives_up_at: job.gives_up_at().filter(|_| !is_rest).map(on_the_wall),
            expires_at: job.expires_at().map(on_the_wall),
            limits: limits(&self.service, entry),
            bytes: sums(entry, now),
            failures: entry.history.failures(job.last_error().map(picture::failure)),
            files: files(entry, now),
        }
    }

    fn holdup(&self, entry: &Entry) -> Option<Holdup> {
        let job = &entry.job;
        if job.is_publishing() {
            return Some(Holdup::Publishing);
        }
        let on_the_wall = |at: Tick| picture::on_the_wall(at, &self.clock);
        match job.state() {
            JobState::Queued if entry.held => Some(Holdup::Agent),
            JobState::Queued => Some(Holdup::Slot {
                jobs_before: count(self.queue.jobs_before(job.id()).unwrap_or(0)),
                jobs_moving: count(self.moving.len()),
            }),
            JobState::TransientError => Some(match job.retry_at() {
                Some(at) => Holdup::Retry {
                    at: on_the_wall(at),
                    not_before: job.retry_not_before().map(on_the_wall),
                },
                None => {
                    let code = job.last_error().map_or(ErrorCode::E_UNEXPECTED, |e| e.code);
                    Holdup::Condition { code, text: code.text().into_owned() }
                }
            }),
            JobState::Suspended => Some(Holdup::Resume {
                suspended_by: entry.history.suspended.map(|(by, _)| by),
                suspended_at: entry.history.suspended.map(|(_, at)| at),
            }),
            JobState::Error => Some(Holdup::Owner),
            JobState::Transferred => Some(Holdup::Complete),
            JobState::Connecting
            | JobState::Transferring
            | JobState::Acknowledged
            | JobState::Cancelled => None,
        }
    }
}

fn count(jobs: usize) -> u32 {
    u32::try_from(jobs).unwrap_or(u32::MAX)
}

/// The limits in force for a job, and which of them hold it back.
fn limits(service: &Service, entry: &Entry) -> Vec<RateLimit> {
    let binding = entry.pace.as_ref().map(Pace::binding).unwrap_or_default();
    let own = entry.job.about().bytes_per_second_max.map(|rate| RateLimit {
        of: LimitScope::Job,
        bytes_per_second: rate.get(),
        binds: binding.own,
    });
    let shared = service.rate().map(|rate| RateLimit {
        of: LimitScope::Service,
        bytes_per_second: rate.get(),
        binds: binding.service,
    });
    own.into_iter().chain(shared).collect()
}

/// The files that explain most: see [`WHY_FILES_MAX`].
fn files(entry: &Entry, now: Tick) -> Vec<FileWhy> {
    let rank = |number: FileNumber, file: &File| {
        let has_failed = entry.job.last_error().is_some_and(|error| error.file == Some(number));
        let is_quiet = entry.files.get(number.index()).is_none_or(|live| live.ledger.is_none());
        (!entry.runs.contains_key(&number), !has_failed, file.finished, is_quiet, number)
    };
    let numbered = (0_u32..).map(FileNumber).zip(entry.job.files());
    let mut ranked: Vec<_> = numbered.map(|(number, file)| rank(number, file)).collect();
    ranked.sort_unstable();
    ranked.truncate(WHY_FILES_MAX);
    let mut numbers: Vec<FileNumber> = ranked.into_iter().map(|rank| rank.4).collect();
    numbers.sort_unstable();
    numbers.into_iter().filter_map(|number| file::of(entry, number, now)).collect()
}

/// Where the bytes of all files came from, by server.
fn sums(entry: &Entry, now: Tick) -> ByteSources {
    let mut sums = ByteSources::default();
    for number in (0_u32..).map(FileNumber).take(entry.files.len()) {
        let Some(bytes) = file::bytes(entry, number, now) else {
            continue;
        };
        sums.here += bytes.here;
        sums.had += bytes.had;
        sums.checked += bytes.checked;
        sums.other_sources += bytes.other_sources;
        sums.fetched_ever += bytes.fetched_ever;
        for given in bytes.sources {
            add_source(&mut sums, given);
        }
        for DiscardedBytes { why, bytes } in bytes.discarded {
            match sums.discarded.iter_mut().find(|known| known.why == why) {
                Some(known) => known.bytes += bytes,
                None => sums.discarded.push(DiscardedBytes { why, bytes }),
            }
        }
    }
    sums.discarded.sort_by_key(|discarded| discarded.why);
    sums
}

fn add_source(sums: &mut ByteSources, given: SourceBytes) {
    let source = SourceInfo { address: server(&given.source.address), ..given.source };
    if let Some(known) = sums.sources.iter_mut().find(|known| known.source == source) {
        known.bytes += given.bytes;
        known.requests_count += given.requests_count;
        known.failures_count += given.failures_count;
    } else if sums.sources.len() < SERVERS_MAX {
        sums.sources.push(SourceBytes { source, ..given });
    } else {
        sums.other_sources += given.bytes;
    }
}

/// Scheme, host and port of an address.
fn server(address: &str) -> String {
    let origin = Url::parse(address).map(|url| url.origin().ascii_serialization());
    origin.unwrap_or_else(|_no_url| address.to_owned())
}

/// What callers hold of the engine, as far as reasons go.
impl crate::handle::Handle {
    /// Why a job stands where it stands.
    pub async fn why(&self, actor: Actor, job: JobId) -> Result<JobWhy, Failure> {
        let command = |reply| WhyCommand::Job { job, reply };
        self.ask(actor, |reply| crate::event::Command::Why(command(reply))).await
    }

    /// Why a file of a job stands where it stands; `DO_E_FILE_NOT_AVAILABLE` for a number that the
    /// job does not have.
    pub async fn file_why(
        &self,
        actor: Actor,
        job: JobId,
        file: FileNumber,
    ) -> Result<FileWhy, Failure> {
        let command = |reply| WhyCommand::File { job, file, reply };
        self.ask(actor, |reply| crate::event::Command::Why(command(reply))).await
    }
}
