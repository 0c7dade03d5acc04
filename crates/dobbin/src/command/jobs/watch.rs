//! `dobbin jobs watch`.

use dobbin_types::ErrorCode;
use dobbin_types::rest::{Event, EventKind};

use super::{list, pick};
use crate::reach::{self, Place, Whose};
use crate::render::text::clean;
use crate::render::{output, wording};
use crate::trouble::{Exit, Trouble};

/// Prints events: of one job until it is over, or of all until Ctrl-C.
///
/// # Errors
///
/// Without a running agent nothing happens that could be watched.
pub(super) async fn watch(place: &Place, job: Option<&str>, json: bool) -> Result<Exit, Trouble> {
    let Some(agent) = reach::running(place, Whose::Any).await? else {
        return Err(Trouble::failed("no agent is running, so nothing happens")
            .code(ErrorCode::DO_E_NO_SERVICE)
            .remedy("start one with `dobbin serve`"));
    };
    let manager = &agent.manager;
    let job = match job {
        Some(text) => Some(pick::pick(manager, text).await?.id()),
        None => None,
    };
    let mut events = manager.events(job).await?;
    loop {
        let event = match events.next().await {
            Err(error) if error.is_disconnected() => {
                return Err(Trouble::failed("the agent ended").code(error.code()));
            }
            event => event?,
        };
        if json {
            output::json(&event);
        } else {
            output::line(&line(&event));
        }
        if job.is_some() && event.kind == EventKind::Ended {
            return Ok(Exit::Done);
        }
    }
}

/// `0f0d3b2e  modified     transferring  1.00 of 10.0 MiB (10 %)  disk.iso`.
fn line(event: &Event) -> String {
    let job = &event.job;
    let state = list::style_of(job.state);
    let mut line = format!(
        "{}  {:<11}  {state}{:<15}{state:#}  {}",
        wording::short(job.id),
        event.kind.word(),
        job.state,
        wording::progress(job),
    );
    let more = wording::holdup(job, wording::now()).filter(|holdup| holdup != "suspended");
    for more in [more, wording::pace(job)].into_iter().flatten() {
        line.push_str(&format!(", {more}"));
    }
    format!("{line}  {}", clean(&job.display_name))
}

#[cfg(test)]
mod tests {
    use dobbin_types::JobState;

    use super::*;
    use crate::render::wording::samples::{answered, job};

    #[test]
    fn an_event_is_one_line() {
        let mut job = job(JobState::Error);
        job.error = Some(answered(404));
        let line = line(&Event { kind: EventKind::Error, job });
        assert_eq!(
            anstream::adapter::strip_str(&line).to_string(),
            "0f0d3b2e  error        error            1.00 of 10.0 MiB (10 %), example.com \
             answered 404 [HTTP_E_STATUS_NOT_FOUND (0x80190194)]  disk.iso"
        );
    }
}
