//! What `dobbin why` says in sentences.

use std::time::Duration;

use dobbin_types::rest::{FileWhy, Holdup, JobInfo, JobWhy, LimitScope, RateLimit};
use dobbin_types::{Completion, FileTime, JobState};

use crate::render::amount::{Rate, Span};
use crate::render::text::clean;
use crate::render::wording;

/// Where the job stands, in one sentence.
pub(super) fn headline(job: &JobInfo) -> String {
    let name = wording::name(job);
    let name = if name.is_empty() { wording::short(job.id) } else { clean(&name).into_owned() };
    let stands = match job.state {
        JobState::Queued => "waits in the queue",
        JobState::Connecting | JobState::Transferring => "is being fetched",
        JobState::Suspended => "is suspended",
        JobState::Error => "stopped with an error that does not pass",
        JobState::TransientError => "waits for an error to pass",
        JobState::Transferred => "is here and waits to be completed",
        JobState::Acknowledged => "was completed",
        JobState::Cancelled => "was cancelled",
    };
    let (here, total) = (job.progress.files_transferred, job.progress.files_total);
    let mut text = format!("{name} {stands}: {}", wording::progress(job));
    if total != 1 {
        text.push_str(&format!(", {here} of {total} files"));
    }
    if let Some(pace) = wording::pace(job) {
        text.push_str(&format!(", {pace}"));
    }
    text
}

/// Names and values below it.
pub(super) fn rows(why: &JobWhy, file: Option<&FileWhy>) -> Vec<(&'static str, String)> {
    let mut rows = Vec::new();
    let id = wording::short(why.job.id);
    if let Some(holdup) = &why.holdup {
        rows.push(("waits", waits(holdup, why)));
    }
    if let Some(error) = &why.job.error {
        rows.push(("because", wording::failure(error)));
    }
    if let Some(next) = next(why, &id) {
        rows.push(("next", next));
    }
    for limit in &why.limits {
        rows.push(("limit", rate_limit(limit)));
    }
    if let Some(at) = why.gives_up_at {
        let timeout = Span(Duration::from_secs(why.job.no_progress_timeout_seconds.into()));
        rows.push((
            "gives up",
            format!("{}, {timeout:.0} after the last byte", moment(at, why.at)),
        ));
    }
    if let Some(at) = why.expires_at {
        rows.push(("ends", format!("{}, unless it is completed before", moment(at, why.at))));
    }
    let only = match (file, why.files.as_slice()) {
        (Some(file), _) => Some(file),
        (None, [file]) => Some(file),
        (None, _) => None,
    };
    if let Some(file) = only {
        rows.push(("checked", checked(file)));
    }
    rows
}

/// What the job waits for.
fn waits(holdup: &Holdup, why: &JobWhy) -> String {
    match holdup {
        Holdup::Slot { jobs_before: 0, jobs_moving } => {
            format!("for a slot; it is the next one, {} being fetched", jobs(*jobs_moving))
        }
        Holdup::Slot { jobs_before, jobs_moving } => format!(
            "for a slot; {} before it in the queue, {} being fetched",
            jobs(*jobs_before),
            jobs(*jobs_moving)
        ),
        Holdup::Agent => {
            "until it is resumed; this agent came with the command and leaves with it \
                          again, so it runs only what is resumed"
                .to_owned()
        }
        Holdup::Retry { at, not_before } => {
            let asked = not_before.map_or("", |_| "; the server asked for that wait");
            let number = why.job.failures_count.max(1);
            format!("for try {} {}{asked}", number + 1, moment(*at, why.at))
        }
        Holdup::Condition { code, text } => format!("until that is over: {text} [{code}]"),
        Holdup::Resume { suspended_by: Some(user), suspended_at } => {
            let ago = suspended_at.map(|at| format!(", {} ago", wording::age(at, why.at)));
            let ago = ago.unwrap_or_default().replace(", now ago", ", just now");
            format!("until somebody resumes it; user {user} suspended it{ago}")
        }
        Holdup::Resume { suspended_by: None, .. } => {
            "until somebody resumes it; nobody has since the agent started".to_owned()
        }
        Holdup::Owner => "for its owner".to_owned(),
        Holdup::Complete => match why.job.completion {
            Completion::Caller => "for whoever created it to complete it".to_owned(),
            Completion::Service => "for the agent to complete it".to_owned(),
        },
        Holdup::Publishing => "for its files to be shown under their names".to_owned(),
    }
}

/// What will happen if nobody does anything, or what somebody can do.
fn next(why: &JobWhy, id: &str) -> Option<String> {
    let whole = |job: &JobInfo| match job.completion {
        Completion::Caller => {
            format!("when everything is here it waits for `dobbin jobs complete {id}`")
        }
        Completion::Service => "when everything is here the agent completes it".to_owned(),
    };
    match &why.holdup {
        None if why.job.state.is_final() => None,
        None => Some(whole(&why.job)),
        Some(Holdup::Slot { .. }) => Some("it starts as soon as a slot is free".to_owned()),
        Some(Holdup::Agent) => Some(format!(
            "`dobbin jobs resume {id}` has it fetched by an agent that stays; `dobbin serve` is one"
        )),
        Some(Holdup::Retry { .. }) => {
            Some(format!("it goes on with what is here; `dobbin jobs resume {id}` does so at once"))
        }
        Some(Holdup::Condition { .. }) => Some("it goes on by itself then".to_owned()),
        Some(Holdup::Resume { .. }) => {
            Some(format!("`dobbin jobs resume {id}` puts it into the queue"))
        }
        Some(Holdup::Owner) => Some(format!(
            "`dobbin jobs resume {id}` tries again with what is here, `complete` keeps the files that \
             are whole, `cancel` drops everything"
        )),
        Some(Holdup::Complete) => match why.job.completion {
            Completion::Caller => {
                Some(format!("`dobbin jobs complete {id}` shows the files under their names"))
            }
            Completion::Service => Some("the agent tries again when it starts".to_owned()),
        },
        Some(Holdup::Publishing) => Some("then the job is over".to_owned()),
    }
}

fn rate_limit(limit: &RateLimit) -> String {
    let rate = Rate(limit.bytes_per_second);
    let whose = match limit.of {
        LimitScope::Job => "for this job",
        LimitScope::Service => "for all jobs together",
    };
    let binds = if limit.binds { "; it is what holds the job back" } else { "" };
    format!("{rate} {whose}{binds}")
}

/// Whether and how a file is checked.
fn checked(file: &FileWhy) -> String {
    let checking = &file.checking;
    let pieces = match checking.pieces {
        Some(true) => format!("piece by piece, {}", checking.text),
        Some(false) => format!("not piece by piece: {}", checking.text),
        None => clean(&checking.text).into_owned(),
    };
    let whole = match (checking.whole_file, file.transferred) {
        (true, true) => "; the whole file had the SHA-256 that was given",
        (true, false) => "; in the end the whole file, against the SHA-256 that was given",
        (false, _) => "",
    };
    format!("{}{whole}", clean(&pieces))
}

fn jobs(count: u32) -> String {
    match count {
        0 => "no job".to_owned(),
        1 => "1 job".to_owned(),
        count => format!("{count} jobs"),
    }
}

/// A time to come: `at 2026-11-22T16:00:00Z (in 4 s)`.
fn moment(at: FileTime, now: FileTime) -> String {
    let millis = at.unix_millis().saturating_sub(now.unix_millis());
    // Whole seconds, rounded up: "in 0 s" would be over already.
    let left = Span(Duration::from_secs(millis.div_ceil(1_000)));
    let to_the_second = FileTime::from_unix_millis(at.unix_millis() / 1_000 * 1_000);
    format!("at {to_the_second} (in {left:.0})")
}
