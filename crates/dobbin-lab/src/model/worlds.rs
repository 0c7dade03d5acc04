//! What may be true of a job that moves by itself: all worlds that agree with what was seen.
//!
//! Between two looks an agent may have done anything that the tables allow it to do by itself. So a
//! set of worlds is kept: before each look it grows by all that may have happened, with each look it
//! shrinks to what agrees. An empty set is a disagreement.

use std::collections::BTreeSet;

use dobbin_types::{ErrorCode, JobState};

use super::shape::{Answer, Call, Shape};
use crate::conformance::tables::{self, Cell, Event};

/// What an origin does with a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    /// It serves it.
    Good,
    /// It has none: 404.
    Missing,
    /// It is overloaded: 503, every time.
    Busy,
    /// It breaks off the first reply, and serves the rest.
    Cut,
    /// It says nothing more after the head.
    Silent,
}

impl Kind {
    /// All kinds.
    pub(super) const ALL: [Kind; 5] =
        [Kind::Good, Kind::Missing, Kind::Busy, Kind::Cut, Kind::Silent];

    /// Whether its file may come to an end.
    fn may_finish(self) -> bool {
        matches!(self, Kind::Good | Kind::Cut)
    }

    /// The failure that it may be, and whether that may pass.
    fn failure(self) -> Option<(ErrorCode, &'static Event)> {
        match self {
            Kind::Good => None,
            Kind::Missing => Some((ErrorCode::from_http_status(404), &tables::FATAL)),
            Kind::Busy => Some((ErrorCode::from_http_status(503), &tables::TRANSIENT)),
            Kind::Cut => Some((ErrorCode::CURL_PARTIAL_FILE, &tables::TRANSIENT)),
            Kind::Silent => Some((ErrorCode::WININET_E_TIMEOUT, &tables::TRANSIENT)),
        }
    }
}

/// One thing that may be true.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct World {
    pub(super) shape: Shape,
    /// Why the job rests; `None` where it has no error object.
    pub(super) error: Option<ErrorCode>,
}

impl World {
    /// Everything that may happen next by itself.
    fn next(self, kinds: &[Kind]) -> Vec<World> {
        let mut next = Vec::new();
        let goes = |event: &Event, error| {
            let state = event.leads(self.shape.state)?;
            Some(World { shape: Shape { state, ..self.shape }, error })
        };
        for event in [&tables::SLOT_FREE, &tables::SLOT_NEEDED, &tables::RETRY] {
            next.extend(goes(event, None));
        }
        if self.shape.state == JobState::Transferring {
            for number in self.shape.unfinished() {
                let kind = kinds[number as usize];
                if kind.may_finish() {
                    next.push(self.finish(number));
                }
                next.extend(kind.failure().and_then(|(code, event)| goes(event, Some(code))));
            }
        }
        next
    }

    fn finish(self, number: u32) -> World {
        let mut shape = Shape { finished: self.shape.finished | 1 << number, ..self.shape };
        if shape.all_finished()
            && let Some(state) = tables::ALL_FINISHED.leads(shape.state)
        {
            shape.state = state;
        }
        World { shape, error: None }
    }

    fn call(self, call: Call) -> (Answer, World) {
        let (answer, shape) = self.shape.call(call);
        let has_error = matches!(tables::GET_ERROR.cell(shape.state), Cell::Ok(..));
        (answer, World { shape, error: self.error.filter(|_| has_error) })
    }
}

/// All worlds that agree with what was seen so far.
#[derive(Debug, Clone)]
pub(super) struct Worlds {
    all: BTreeSet<World>,
    kinds: Vec<Kind>,
}

impl Worlds {
    /// A new job, whose files will be of these kinds.
    pub(super) fn new(kinds: Vec<Kind>) -> Worlds {
        Worlds { all: BTreeSet::from([World { shape: Shape::new(), error: None }]), kinds }
    }

    /// Grows by all that may have happened meanwhile.
    fn grow(&mut self) {
        let mut fresh: Vec<World> = self.all.iter().copied().collect();
        while let Some(world) = fresh.pop() {
            let next = world.next(&self.kinds).into_iter();
            fresh.extend(next.filter(|world| self.all.insert(*world)));
        }
    }

    /// Somebody looked: what does not agree with it is not true.
    ///
    /// Errors: nothing agrees; what might have been.
    pub(super) fn see(
        &mut self,
        what: &str,
        agrees: impl Fn(&World) -> bool,
    ) -> Result<(), String> {
        self.grow();
        let before = self.all.clone();
        self.all.retain(agrees);
        if self.all.is_empty() {
            Err(format!("{what}, but only {before:?} may be"))
        } else {
            Ok(())
        }
    }

    /// Somebody called, and got this answer.
    ///
    /// * `state`: the state after the call, where the answer names it.
    pub(super) fn called(
        &mut self,
        call: Call,
        answer: Answer,
        state: Option<JobState>,
    ) -> Result<(), String> {
        self.grow();
        let outcomes: Vec<(Answer, World)> =
            self.all.iter().map(|world| world.call(call)).collect();
        let agrees = |(said, after): &&(Answer, World)| {
            *said == answer && state.is_none_or(|state| state == after.shape.state)
        };
        let all: BTreeSet<World> =
            outcomes.iter().filter(agrees).map(|(_, after)| *after).collect();
        if all.is_empty() {
            return Err(format!(
                "{call:?} answered {answer:?} ({state:?}), not one of {outcomes:?}"
            ));
        }
        self.all = all;
        Ok(())
    }

    /// The service ended and began anew.
    pub(super) fn restarted(&mut self) {
        self.grow();
        let lead = |world: &World| {
            let state = tables::RESTART.leads(world.shape.state).unwrap_or(world.shape.state);
            let has_error = matches!(tables::GET_ERROR.cell(state), Cell::Ok(..));
            let error = world.error.filter(|_| has_error);
            World { shape: Shape { state, ..world.shape }, error }
        };
        self.all = self.all.iter().map(lead).collect();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn worlds() -> Worlds {
        let mut worlds = Worlds::new(vec![Kind::Good, Kind::Missing]);
        let ok = Answer::Ok(ErrorCode::S_OK);
        worlds.called(Call::AddFile, ok, None).unwrap();
        worlds.called(Call::AddFile, ok, None).unwrap();
        worlds
    }

    #[test]
    fn a_suspended_job_stays_where_it_is() {
        let mut worlds = worlds();
        worlds.see("at rest", |world| world.shape.state == JobState::Suspended).unwrap();
        let moves = worlds.see("moves", |world| world.shape.state == JobState::Transferring);
        assert!(moves.is_err());
    }

    #[test]
    fn a_missing_file_stops_the_job_before_or_after_the_other_is_here() {
        let mut worlds = worlds();
        worlds.called(Call::Resume, Answer::Ok(ErrorCode::S_OK), Some(JobState::Queued)).unwrap();
        let missing = ErrorCode::from_http_status(404);
        worlds.see("stopped", |world| world.error == Some(missing)).unwrap();
        let finished: BTreeSet<u32> = worlds.all.iter().map(|w| w.shape.finished).collect();
        assert_eq!(finished, BTreeSet::from([0b00, 0b01]));
        let mut never = worlds.clone();
        let done = |world: &World| world.shape.state == JobState::Transferred;
        assert!(never.see("transferred", done).is_err());
    }

    #[test]
    fn an_answer_that_no_world_gives_is_a_disagreement() {
        let mut worlds = worlds();
        let refused = Answer::Refused(ErrorCode::DO_E_INVALID_STATE);
        assert!(worlds.called(Call::Cancel, refused, None).is_err());
        worlds.called(Call::Cancel, Answer::Ok(ErrorCode::S_OK), None).unwrap();
        worlds.called(Call::Cancel, refused, None).unwrap();
    }

    #[test]
    fn a_restart_queues_what_moved() {
        let mut worlds = worlds();
        let to = |state| (Answer::Ok(ErrorCode::S_OK), Some(state));
        let (ok, queued) = to(JobState::Queued);
        worlds.called(Call::Resume, ok, queued).unwrap();
        worlds.see("moves", |world| world.shape.state == JobState::Transferring).unwrap();
        worlds.restarted();
        assert!(worlds.all.iter().any(|world| world.shape.state == JobState::Queued));
        assert!(worlds.all.iter().all(|world| world.shape.state != JobState::Transferring));
    }
}
