//! How fast a job may be fetched: its own limit, and its part of the service's.

use std::num::NonZeroU64;

use dobbin_core::job::Job;
use dobbin_core::limit::BytesPerSecond;
use dobbin_net::throttle::{Binding, Service, Throttle};

/// A job's limits while it is fetched. Jobs that rest have none, so that the service's rate is divided
/// among those alone that move.
pub(crate) struct Pace {
    throttle: Throttle,
    wished: Wished,
}

/// What the job's owner wants of its rate.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Wished {
    bytes_per_second_max: Option<NonZeroU64>,
    is_foreground: bool,
}

impl Wished {
    fn of(job: &Job) -> Wished {
        Wished {
            bytes_per_second_max: job.about().bytes_per_second_max,
            is_foreground: job.priority().is_foreground(),
        }
    }

    fn rate(self) -> Option<BytesPerSecond> {
        rate(self.bytes_per_second_max)
    }
}

impl Pace {
    pub(crate) fn new(service: &Service, job: &Job) -> Pace {
        let wished = Wished::of(job);
        Pace { throttle: service.job(wished.is_foreground, wished.rate()), wished }
    }

    /// Brings the limits up to date with what the job's owner wants. Cheap when nothing changed.
    pub(crate) fn follow(&mut self, job: &Job) {
        self.turn_to(Wished::of(job));
    }

    fn turn_to(&mut self, wished: Wished) {
        if wished.bytes_per_second_max != self.wished.bytes_per_second_max {
            self.throttle.set_rate(wished.rate());
        }
        if wished.is_foreground != self.wished.is_foreground {
            self.throttle.set_foreground(wished.is_foreground);
        }
        self.wished = wished;
    }

    /// What the job's transfers call.
    pub(crate) fn throttle(&self) -> Throttle {
        self.throttle.clone()
    }

    /// Which limits hold the job back.
    pub(crate) fn binding(&self) -> Binding {
        self.throttle.binding()
    }
}

/// A rate as core counts it.
pub(crate) fn rate(bytes_per_second: Option<NonZeroU64>) -> Option<BytesPerSecond> {
    bytes_per_second.and_then(|rate| BytesPerSecond::new(rate.get()))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// How much is read at a time tells which limit is in force.
    #[test]
    fn a_limit_comes_and_goes_and_comes_back_while_the_job_runs() {
        let none = Wished { bytes_per_second_max: None, is_foreground: false };
        let throttle = Service::new(None).job(none.is_foreground, none.rate());
        let mut pace = Pace { throttle, wished: none };
        for mega in [None, Some(8), None, Some(16), Some(8), None, Some(8)] {
            let rate = mega.and_then(|mega| NonZeroU64::new(mega * 1_000_000));
            pace.turn_to(Wished { bytes_per_second_max: rate, ..none });
            // A fiftieth of a second's bytes.
            assert_eq!(pace.throttle().read_max(), mega.map(|mega| mega as usize * 20_000));
        }
    }
}
