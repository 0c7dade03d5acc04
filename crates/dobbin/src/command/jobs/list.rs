//! `dobbin jobs list`.

use anstyle::Style;
use dobbin_sdk::{JobFilter, Manager};
use dobbin_types::rest::JobInfo;
use dobbin_types::{FileTime, JobState};

use crate::render::amount::{Bytes, percent};
use crate::render::table::{Align, Cell, Table};
use crate::render::{output, style, wording};
use crate::trouble::{Exit, Trouble};

pub(super) async fn list(
    manager: &Manager,
    state: Option<JobState>,
    json: bool,
) -> Result<Exit, Trouble> {
    let jobs = manager.jobs(&JobFilter { local_name: None, state }).await?;
    output::list(&jobs, json, "no jobs", |jobs| table(jobs, wording::now()));
    Ok(Exit::Done)
}

fn table(jobs: &[JobInfo], now: FileTime) -> Table {
    let mut table = Table::new(&[
        ("JOB", Align::Left),
        ("STATE", Align::Left),
        ("PRIORITY", Align::Left),
        ("DONE", Align::Right),
        ("SIZE", Align::Right),
        ("FILES", Align::Right),
        ("AGE", Align::Right),
        ("NAME", Align::Flexible),
    ]);
    for job in jobs {
        let progress = &job.progress;
        let done = progress.bytes_total.map(|all| percent(progress.bytes_transferred, all));
        table.row(vec![
            wording::short(job.id).into(),
            Cell::styled(job.state.word(), style_of(job.state)),
            job.priority.word().into(),
            done.map_or("?".to_owned(), |done| format!("{done} %")).into(),
            progress.bytes_total.map_or("?".to_owned(), |all| Bytes(all).to_string()).into(),
            format!("{}/{}", progress.files_transferred, progress.files_total).into(),
            wording::age(job.times.creation, now).into(),
            wording::name(job).into(),
        ]);
    }
    table
}

/// The colour of a state: what moves, what is done, what needs somebody.
pub(super) fn style_of(state: JobState) -> Style {
    match state {
        JobState::Transferring | JobState::Transferred | JobState::Acknowledged => style::GOOD,
        JobState::Error => style::ERROR,
        JobState::TransientError => style::NOTE,
        JobState::Suspended | JobState::Cancelled => style::QUIET,
        JobState::Queued | JobState::Connecting => style::PLAIN,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::render::wording::samples::job;

    #[test]
    fn the_list_shows_what_a_person_asks_first() {
        let mut unknown = job(JobState::Queued);
        unknown.progress.bytes_total = None;
        unknown.display_name = "nightly\u{1b}[2J".to_owned();
        let mut download = job(JobState::Suspended);
        download.download = Some(wording::samples::created());
        let jobs = [job(JobState::TransientError), unknown, download];
        let lines = table(&jobs, FileTime::from_unix_millis(1_000_000 + 7_200_000)).lines(None);
        let plain: Vec<String> =
            lines.iter().map(|line| anstream::adapter::strip_str(line).to_string()).collect();
        assert_eq!(
            plain,
            [
                "JOB       STATE            PRIORITY    DONE      SIZE  FILES  AGE  NAME",
                "0f0d3b2e  transient_error  foreground  10 %  10.0 MiB    0/1  2 h  disk.iso",
                "0f0d3b2e  queued           foreground     ?         ?    0/1  2 h  nightly\u{fffd}[2J",
                "0f0d3b2e  suspended        foreground  10 %  10.0 MiB    0/1  2 h  disk.iso (download)",
            ]
        );
    }
}
