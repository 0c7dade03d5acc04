//! `dobbin jobs show`.

use dobbin_sdk::Manager;
use dobbin_types::rest::{FileInfo, JobInfo};
use dobbin_types::{Completion, CostFlags, FileTime};
use serde::Serialize;

use super::{list, pick};
use crate::render::amount::{Bytes, Rate};
use crate::render::table::{Align, Table, named, terminal_width};
use crate::render::text::clean;
use crate::render::{output, wording};
use crate::trouble::{Exit, Trouble};

/// Width of the names on a page about one job, in characters.
pub(super) const NAME_WIDTH: usize = 12;

/// The object that `--json` prints: the job with its files.
#[derive(Serialize)]
struct Whole<'a> {
    job: &'a JobInfo,
    files: &'a [FileInfo],
}

pub(super) async fn show(manager: &Manager, job: &str, json: bool) -> Result<Exit, Trouble> {
    let job = pick::pick(manager, job).await?;
    let (info, files) = (job.info().await?, job.files().await?);
    if json {
        output::json(&Whole { job: &info, files: &files });
    } else {
        output::line(&page(&info, &files, wording::now(), terminal_width()).join("\n"));
    }
    Ok(Exit::Done)
}

/// `dobbin jobs files`.
pub(super) async fn files(manager: &Manager, job: &str, json: bool) -> Result<Exit, Trouble> {
    let files = pick::pick(manager, job).await?.files().await?;
    output::list(&files, json, "no files", table);
    Ok(Exit::Done)
}

fn page(job: &JobInfo, files: &[FileInfo], now: FileTime, width: Option<usize>) -> Vec<String> {
    let state = list::style_of(job.state);
    let mut lines = Vec::new();
    let mut tell = |name: &str, value: String| lines.push(named(name, NAME_WIDTH, &value));
    tell("job", job.id.to_string());
    tell("name", clean(&job.display_name).into_owned());
    if let Some(mark) = &job.download {
        tell("download", mark.status.state.to_string());
    }
    tell("state", format!("{state}{}{state:#}", job.state));
    tell("progress", progress(job));
    if let Some(holdup) = wording::holdup(job, now).filter(|holdup| holdup != "suspended") {
        tell("why", holdup);
    }
    tell("priority", job.priority.to_string());
    tell("owner", format!("user {}", job.owner));
    tell("networks", networks(job.cost_flags));
    tell("completion", completion(job.completion).to_owned());
    tell(
        "gives up",
        match job.no_progress_timeout_seconds {
            0 => "at the first error".to_owned(),
            seconds => format!("after {seconds} s without a byte"),
        },
    );
    if let Some(limit) = job.bytes_per_second_max {
        tell("limit", Rate(limit).to_string());
    }
    tell("created", job.times.creation.to_string());
    tell("changed", job.times.modification.to_string());
    if let Some(time) = job.times.transfer_completion {
        tell("transferred", time.to_string());
    }
    if let Some(extended) = job.error.as_ref().and_then(|error| error.extended) {
        tell("behind it", format!("{} [{extended}]", extended.text()));
    }
    if !files.is_empty() {
        lines.push(String::new());
        lines.extend(table(files).lines(width));
    }
    lines
}

fn progress(job: &JobInfo) -> String {
    let (here, total) = (job.progress.files_transferred, job.progress.files_total);
    let mut text = format!("{}, {here} of {total} files", wording::progress(job));
    if let Some(pace) = wording::pace(job) {
        text.push_str(&format!(", {pace}"));
    }
    text
}

/// The cost policy by its word, or the mask.
fn networks(flags: CostFlags) -> String {
    flags.word().map_or_else(|| format!("mask 0x{:08X}", flags.0), str::to_owned)
}

fn completion(completion: Completion) -> &'static str {
    match completion {
        Completion::Caller => "by whoever calls `complete`",
        Completion::Service => "by the agent, when all files are here",
    }
}

fn table(files: &[FileInfo]) -> Table {
    let mut table = Table::new(&[
        ("FILE", Align::Right),
        ("STATE", Align::Left),
        ("HAVE", Align::Right),
        ("SIZE", Align::Right),
        ("FROM", Align::Left),
        ("TO", Align::Flexible),
    ]);
    for file in files {
        let state = match (file.progress.completed, file.transferred) {
            (true, _) => "saved",
            (false, true) => "here",
            (false, false) => "missing",
        };
        let total = file.progress.bytes_total;
        table.row(vec![
            file.number.to_string().into(),
            state.into(),
            Bytes(file.progress.bytes_transferred).to_string().into(),
            total.map_or("?".to_owned(), |total| Bytes(total).to_string()).into(),
            sources(file).into(),
            file.local_name.as_str().into(),
        ]);
    }
    table
}

/// Where a file comes from, and how many mirrors it has.
fn sources(file: &FileInfo) -> String {
    match file.mirrors.len() {
        0 => file.remote_name.clone(),
        1 => format!("{} and 1 mirror", file.remote_name),
        count => format!("{} and {count} mirrors", file.remote_name),
    }
}

#[cfg(test)]
mod tests {
    use dobbin_types::rest::Waiting;
    use dobbin_types::{FileNumber, FileProgress, JobState};

    use super::*;
    use crate::render::wording::samples::{answered, job};

    #[test]
    fn the_page_tells_everything_once() {
        let time = FileTime::from_unix_millis(1_000_000);
        let mut job = job(JobState::TransientError);
        job.failures_count = 2;
        job.error = Some(answered(503));
        job.waiting = Some(Waiting::Retry { at: FileTime::from_unix_millis(1_004_000) });
        job.bytes_per_second_max = Some(1 << 20);
        let file = FileInfo {
            number: FileNumber(0),
            file_id: "x".to_owned(),
            remote_name: "https://example.com/disk.iso".to_owned(),
            mirrors: Vec::new(),
            public_only: false,
            from_public: None,
            local_name: "/d/disk.iso".to_owned(),
            ranges: Vec::new(),
            progress: FileProgress { bytes_transferred: 1 << 20, ..FileProgress::default() },
            transferred: false,
            sha256: None,
            replace: false,
            last_modified: None,
            piece_hashes: None,
        };
        let page = page(&job, &[file], time, None).join("\n");
        assert_eq!(
            anstream::adapter::strip_str(&page).to_string(),
            "\
job         0f0d3b2e-5a0e-4d9c-8f4b-1c2f3a4b5c6d
name        disk.iso
state       transient_error
progress    1.00 of 10.0 MiB (10 %), 0 of 1 files
why         retry 2 in 4 s: example.com answered 503 [HTTP_E_STATUS_SERVICE_UNAVAIL (0x801901F7)]
priority    foreground
owner       user 1000
networks    standard
completion  by whoever calls `complete`
gives up    after 3600 s without a byte
limit       1.00 MiB/s
created     1970-01-01T00:16:40Z
changed     1970-01-01T00:16:40Z

FILE  STATE        HAVE  SIZE  FROM                          TO
   0  missing  1.00 MiB     ?  https://example.com/disk.iso  /d/disk.iso"
        );
    }
}
