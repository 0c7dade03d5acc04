//! A progress bar, for a person at a terminal.

use std::time::{Duration, Instant};

use dobbin_types::JobState;
use dobbin_types::rest::{Event, EventKind, JobInfo};
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

use super::amount::{Bytes, Part, percent};
use super::screen::{Saved, Screen, Title, saved_sentence};
use super::{style, text, wording};

/// How often the bar is drawn anew: a person sees no more.
const PERIOD: Duration = Duration::from_millis(200);

/// Longest name before the bar, in columns.
pub(super) const NAME_WIDTH_MAX: usize = 20;

/// The bar itself, in columns.
const BAR_WIDTH: u64 = 16;

/// A job that has not begun after this time waits for something; before, it is only starting.
const START_MAX: Duration = Duration::from_secs(1);

/// The bar. Drawn on standard error, so that output stays clean.
///
/// The whole line is one message, so that every drawing of it is of one moment, and whatever the
/// terminal has no room for is cut off at the right.
pub(crate) struct Bar {
    line: ProgressBar,
    name: String,
    begun: Instant,
}

impl Bar {
    pub(crate) fn new() -> Bar {
        let line = ProgressBar::with_draw_target(None, ProgressDrawTarget::stderr());
        line.set_style(style_of_line());
        Bar { line, name: String::new(), begun: Instant::now() }
    }

    fn draw(&mut self, job: &JobInfo) {
        let starting = self.begun.elapsed() < START_MAX;
        self.line.set_message(line(&self.name, job, starting));
    }
}

impl Screen for Bar {
    fn period(&self) -> Duration {
        PERIOD
    }

    fn begin(&mut self, title: &Title, job: &JobInfo, continued: bool) {
        let name = text::clean(&title.name);
        self.name = console::truncate_str(&name, NAME_WIDTH_MAX, "…").into_owned();
        self.begun = Instant::now();
        if continued {
            let have = wording::progress(job);
            self.note(&format!("going on with job {}, {have}", wording::short(job.id)));
        }
    }

    fn event(&mut self, event: &Event) {
        // The picture from before the job is resumed would say that it is suspended.
        if event.kind != EventKind::Current {
            self.draw(&event.job);
        }
    }

    fn picture(&mut self, job: &JobInfo) {
        self.draw(job);
    }

    fn note(&mut self, text: &str) {
        self.line.suspend(|| anstream::eprintln!("{}", text::clean(text)));
    }

    fn saved(&mut self, saved: &Saved) {
        self.line.finish_and_clear();
        let good = style::GOOD;
        anstream::eprintln!("{good}✓{good:#} {}", saved_sentence(saved));
    }

    fn end(&mut self) {
        self.line.finish_and_clear();
    }
}

/// `disk.iso [====>           ] 31 %, 31.0 of 100 MiB, 5.20 MiB/s, 13 s left`.
fn line(name: &str, job: &JobInfo, starting: bool) -> String {
    let have = job.progress.bytes_transferred;
    let mut parts = Vec::new();
    if let Some(total) = job.progress.bytes_total {
        parts.push(format!("{} %", percent(have, total)));
        parts.push(Part { have, total }.to_string());
    } else if have > 0 {
        parts.push(Bytes(have).to_string());
    }
    if job.progress.files_total > 1 {
        let (here, total) = (job.progress.files_transferred, job.progress.files_total);
        parts.push(format!("{here} of {total} files"));
    }
    parts.extend(doing(job, starting));
    format!("{name} {}{}", bar(job), parts.join(", "))
}

/// `[====>           ] `; nothing while the size is unknown.
fn bar(job: &JobInfo) -> String {
    let total = job.progress.bytes_total;
    total.map(|total| gauge(job.progress.bytes_transferred, total)).unwrap_or_default()
}

/// `[====>           ] `.
pub(super) fn gauge(have: u64, total: u64) -> String {
    let full = percent(have, total) * BAR_WIDTH / 100;
    let cells = (0..BAR_WIDTH).map(|cell| match cell {
        cell if cell < full => '=',
        cell if cell == full => '>',
        _ => ' ',
    });
    format!("[{}] ", cells.collect::<String>())
}

/// What the job does now, besides what the bar shows.
fn doing(job: &JobInfo, starting: bool) -> Option<String> {
    match job.state {
        JobState::Queued if starting => Some("starting".to_owned()),
        JobState::Queued | JobState::Connecting => {
            Some(wording::holdup(job, wording::now()).unwrap_or("starting".to_owned()))
        }
        JobState::Transferring => wording::pace(job),
        JobState::Transferred => Some("saving".to_owned()),
        JobState::TransientError
        | JobState::Suspended
        | JobState::Error
        | JobState::Acknowledged
        | JobState::Cancelled => wording::holdup(job, wording::now()),
    }
}

pub(super) fn style_of_line() -> ProgressStyle {
    ProgressStyle::with_template("{wide_msg}").expect("the template is valid")
}

#[cfg(test)]
mod tests {
    use dobbin_types::rest::Waiting;

    use super::super::wording::samples::{answered, job};
    use super::*;

    #[track_caller]
    fn check(change: impl FnOnce(&mut JobInfo), starting: bool, expect: &str) {
        let mut job = job(JobState::Transferring);
        change(&mut job);
        assert_eq!(line("disk.iso", &job, starting), expect);
    }

    #[test]
    fn the_bar_says_how_far_how_fast_and_how_long() {
        let shown = "disk.iso [=>              ] 10 %, 1.00 of 10.0 MiB, 1.00 MiB/s, 9 s left";
        check(|job| job.bytes_per_second = 1 << 20, false, shown);
        let unknown = |job: &mut JobInfo| {
            job.bytes_per_second = 1 << 20;
            job.progress.bytes_total = None;
        };
        check(unknown, false, "disk.iso 1.00 MiB, 1.00 MiB/s");
        let several = |job: &mut JobInfo| {
            job.progress.files_total = 3;
            job.progress.bytes_transferred = 10 << 20;
        };
        let shown = "disk.iso [================] 100 %, 10.0 of 10.0 MiB, 0 of 3 files";
        check(several, false, shown);
    }

    #[test]
    fn the_bar_says_what_a_job_waits_for() {
        let queued = |job: &mut JobInfo| {
            job.state = JobState::Queued;
            job.waiting = Some(Waiting::Slot);
            job.progress.bytes_total = None;
            job.progress.bytes_transferred = 0;
        };
        check(queued, true, "disk.iso starting");
        check(queued, false, "disk.iso waits for other jobs");
        let retrying = |job: &mut JobInfo| {
            job.state = JobState::TransientError;
            job.failures_count = 1;
            job.error = Some(answered(503));
        };
        check(
            retrying,
            false,
            "disk.iso [=>              ] 10 %, 1.00 of 10.0 MiB, retry 1 when it can: \
             example.com answered 503 [HTTP_E_STATUS_SERVICE_UNAVAIL (0x801901F7)]",
        );
        let here = |job: &mut JobInfo| job.state = JobState::Transferred;
        check(here, false, "disk.iso [=>              ] 10 %, 1.00 of 10.0 MiB, saving");
    }

    #[test]
    fn the_template_is_valid() {
        let _ = style_of_line();
    }
}
