//! A progress bar, for a person at a terminal.

use std::time::Duration;

use dobbin_types::JobState;
use dobbin_types::rest::{Event, EventKind, JobInfo};
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

use super::screen::{Saved, Screen, Title, saved_sentence};
use super::{style, text, wording};

/// How often the bar is drawn anew: a person sees no more.
const PERIOD: Duration = Duration::from_millis(200);

/// Longest name before the bar, in columns.
const NAME_WIDTH_MAX: usize = 30;

const WITH_TOTAL: &str = "{prefix} [{bar:24}] {wide_msg}";
const WITHOUT_TOTAL: &str = "{prefix} {spinner} {wide_msg}";

/// The bar. Drawn on standard error, so that output stays clean.
pub(crate) struct Bar {
    bar: ProgressBar,
    has_total: bool,
}

impl Bar {
    pub(crate) fn new() -> Bar {
        let bar = ProgressBar::with_draw_target(None, ProgressDrawTarget::stderr());
        bar.set_style(style_of(WITHOUT_TOTAL));
        Bar { bar, has_total: false }
    }

    fn draw(&mut self, job: &JobInfo) {
        if let Some(total) = job.progress.bytes_total {
            if !self.has_total {
                self.bar.set_style(style_of(WITH_TOTAL));
                self.has_total = true;
            }
            self.bar.set_length(total);
        }
        self.bar.set_position(job.progress.bytes_transferred);
        self.bar.set_message(message(job));
        self.bar.tick();
    }
}

impl Screen for Bar {
    fn period(&self) -> Duration {
        PERIOD
    }

    fn begin(&mut self, title: &Title, job: &JobInfo, continued: bool) {
        let name = title.to.rsplit('/').next().unwrap_or(&title.to);
        let name = console::truncate_str(name, NAME_WIDTH_MAX, "…").into_owned();
        self.bar.set_prefix(text::clean(&name).into_owned());
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
        self.bar.suspend(|| anstream::eprintln!("{}", text::clean(text)));
    }

    fn saved(&mut self, saved: &Saved) {
        self.bar.finish_and_clear();
        let good = style::GOOD;
        anstream::eprintln!("{good}✓{good:#} {}", saved_sentence(saved));
    }

    fn end(&mut self) {
        self.bar.finish_and_clear();
    }
}

/// What stands to the right of the bar.
fn message(job: &JobInfo) -> String {
    let progress = wording::progress(job);
    let files = match job.progress.files_total {
        0 | 1 => String::new(),
        total => format!(", file {} of {total}", (job.progress.files_transferred + 1).min(total)),
    };
    let moving = wording::holdup(job, wording::now()).or_else(|| wording::pace(job));
    let moving = moving.or_else(|| idle_word(job.state).map(str::to_owned));
    match moving {
        Some(moving) => format!("{progress}{files}, {moving}"),
        None => format!("{progress}{files}"),
    }
}

/// What a job without a rate and without a holdup does.
fn idle_word(state: JobState) -> Option<&'static str> {
    match state {
        JobState::Queued | JobState::Connecting => Some("connecting"),
        JobState::Transferred => Some("saving"),
        JobState::Transferring
        | JobState::Suspended
        | JobState::Error
        | JobState::TransientError
        | JobState::Acknowledged
        | JobState::Cancelled => None,
    }
}

fn style_of(template: &str) -> ProgressStyle {
    ProgressStyle::with_template(template)
        .expect("the templates above are valid")
        .progress_chars("=> ")
}

#[cfg(test)]
mod tests {
    use super::super::wording::samples::job;
    use super::*;

    #[test]
    fn the_bar_says_how_far_how_fast_and_how_long() {
        let mut job = job(JobState::Transferring);
        job.bytes_per_second = 1 << 20;
        assert_eq!(message(&job), "1.00 MiB of 10.0 MiB (10 %), 1.00 MiB/s, 9.0 s left");
        job.progress.files_total = 3;
        job.progress.files_transferred = 1;
        assert_eq!(
            message(&job),
            "1.00 MiB of 10.0 MiB (10 %), file 2 of 3, 1.00 MiB/s, 9.0 s left"
        );
    }

    #[test]
    fn the_bar_says_what_a_job_waits_for() {
        let said = |state| message(&job(state));
        assert_eq!(said(JobState::Queued), "1.00 MiB of 10.0 MiB (10 %), connecting");
        assert_eq!(said(JobState::Transferred), "1.00 MiB of 10.0 MiB (10 %), saving");
        assert_eq!(said(JobState::Suspended), "1.00 MiB of 10.0 MiB (10 %), suspended");
    }

    #[test]
    fn both_templates_are_valid() {
        let _ = (style_of(WITH_TOTAL), style_of(WITHOUT_TOTAL));
    }
}
