//! Whether a file is asked for at a cache host or at its origin.
//!
//! The rules are those of the open agent, with the mends that are noted where they are made:
//!
//! | Situation | Asked |
//! |---|---|
//! | the file is begun, after Start or Resume | a cache host, if there is one that is not banned; else the origin |
//! | a cache host failed; no delay; the origin was not tried | the origin, at once |
//! | both were tried; no delay | the other side, after [`BARREN_MAX`] tries in a row that brought nothing |
//! | a cache host failed; a delay | the next cache host, with the job's wait between; after the delay the origin, for the rest |
//! | a cache host failed; never the origin | the next cache host, with the job's wait between |
//! | what came from a cache host is wrong | the origin, for the rest; unless it is never asked |
//!
//! A ban neither ends a delay nor sends a file to an origin that is never to be asked; in the open agent
//! it does both, by mistake. A delay counts from when the file was begun, and only a failure ends the time
//! at a cache host: one that gives the file may give all of it.

use alloc::sync::Arc;

use super::bans::Bans;
use super::settings::{CacheHost, Fallback, Settings};
use crate::time::Tick;

/// So many tries in a row without new bytes, and the other side is asked.
const BARREN_MAX: u32 = 2;

/// Why a cache host did not give what it was asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Failure {
    /// It has no address, takes no connection, or sends nothing for too long: it is banned for everything.
    Unreachable,
    /// It answered with a 4xx, or is not to be believed to be who it says: it is banned for this origin.
    Refused,
    /// Its bytes do not have the file's hash, or are of another file.
    Wrong,
    /// Anything else. It may do better next time.
    Other,
}

/// What follows from the failure of a cache host.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Turn {
    /// The origin is asked, here and now.
    Origin,
    /// The attempt is over, and the next one may succeed, whatever the error is.
    Retry,
    /// The attempt is over; whether there is another one is as with any other error.
    AsItIs,
}

/// Who is asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Side {
    /// The cache host in this place of the list.
    Cache(usize),
    Origin,
}

/// The way that one file takes, from its Start or Resume to the next one.
#[derive(Debug, Clone)]
pub struct Course {
    settings: Arc<Settings>,
    began: Tick,
    side: Side,
    origin_tried: bool,
    /// The origin is asked for the rest.
    is_settled: bool,
    /// Tries in a row on this side that brought nothing.
    barren_count: u32,
    has_new_bytes: bool,
    /// Nothing came since the last failure.
    is_failing: bool,
}

impl Course {
    /// A file is begun. The settings are those that hold for it until it is begun again.
    ///
    /// * `origin`: the host of the file's URL, in lower case, without a port.
    pub fn begin(settings: Arc<Settings>, origin: &str, bans: &Bans, now: Tick) -> Course {
        let mut course = Course {
            settings,
            began: now,
            side: Side::Origin,
            origin_tried: false,
            is_settled: false,
            barren_count: 0,
            has_new_bytes: false,
            is_failing: false,
        };
        if course.settings.hosts.is_empty() {
            course.turn_to(Side::Origin);
        } else {
            course.side = Side::Cache(0);
        }
        // Who comes first of those that are not banned.
        course.next(origin, bans, now);
        course
    }

    /// Whom to ask in an attempt that begins now: a cache host, or nobody but the origin.
    pub fn next(&mut self, origin: &str, bans: &Bans, now: Tick) -> Option<&CacheHost> {
        if let Side::Cache(place) = self.side {
            let free = self.first_free(place, origin, bans, now);
            match self.settings.fallback {
                Fallback::AtOnce => self.turn_to(free.map_or(Side::Origin, Side::Cache)),
                Fallback::After(_) if self.is_failing && self.is_late(now) => self.settle(),
                Fallback::After(_) | Fallback::Never => {
                    self.side = Side::Cache(free.unwrap_or(place));
                }
            }
        }
        match self.side {
            Side::Cache(place) => self.settings.hosts.as_slice().get(place),
            Side::Origin => None,
        }
    }

    /// Bytes of the file came, from whoever was asked.
    pub fn served(&mut self) {
        self.has_new_bytes = true;
        self.is_failing = false;
    }

    /// The cache host that was asked failed.
    pub fn cache_failed(
        &mut self,
        failure: Failure,
        origin: &str,
        bans: &mut Bans,
        now: Tick,
    ) -> Turn {
        let Side::Cache(place) = self.side else {
            return Turn::Origin;
        };
        if let Some(host) = self.settings.hosts.as_slice().get(place) {
            match failure {
                Failure::Unreachable => bans.ban_host(host, now),
                Failure::Refused => bans.ban_pair(host, origin, now),
                Failure::Wrong => return self.distrust(),
                Failure::Other => {}
            }
        }
        self.count_failure();
        let another = Side::Cache((place + 1) % self.settings.hosts.as_slice().len().max(1));
        match self.settings.fallback {
            Fallback::AtOnce if !self.origin_tried => {
                self.turn_to(Side::Origin);
                Turn::Origin
            }
            Fallback::AtOnce => {
                if self.barren_count >= BARREN_MAX {
                    self.turn_to(Side::Origin);
                }
                Turn::Retry
            }
            Fallback::After(_) if self.is_late(now) => {
                self.settle();
                Turn::Origin
            }
            Fallback::After(_) => {
                self.side = another;
                Turn::Retry
            }
            Fallback::Never => {
                self.side = another;
                Turn::AsItIs
            }
        }
    }

    /// What came from a cache host, now or earlier, is not the file.
    pub fn distrust(&mut self) -> Turn {
        if self.side != Side::Origin && self.settings.fallback == Fallback::Never {
            return Turn::AsItIs;
        }
        self.settle();
        Turn::Origin
    }

    /// The origin was asked and failed.
    pub fn origin_failed(&mut self, origin: &str, bans: &Bans, now: Tick) {
        if self.side != Side::Origin || self.is_settled {
            return;
        }
        self.count_failure();
        let free = self.first_free(0, origin, bans, now);
        if let Some(place) = free.filter(|_| self.barren_count >= BARREN_MAX) {
            self.turn_to(Side::Cache(place));
        }
    }

    /// The first one from `place` on, round the list, that is not banned.
    fn first_free(&self, place: usize, origin: &str, bans: &Bans, now: Tick) -> Option<usize> {
        let hosts = self.settings.hosts.as_slice();
        let mut round = (place..hosts.len()).chain(0..place);
        round.find(|place| !bans.is_banned(&hosts[*place], origin, now))
    }

    fn is_late(&self, now: Tick) -> bool {
        match self.settings.fallback {
            Fallback::AtOnce => true,
            Fallback::After(delay) => now.since(self.began) >= delay,
            Fallback::Never => false,
        }
    }

    fn count_failure(&mut self) {
        let barren_count = self.barren_count + 1;
        self.barren_count = if self.has_new_bytes { 0 } else { barren_count };
        self.has_new_bytes = false;
        self.is_failing = true;
    }

    fn turn_to(&mut self, side: Side) {
        let is_other = (side == Side::Origin) != (self.side == Side::Origin);
        if is_other {
            self.barren_count = 0;
            self.has_new_bytes = false;
        }
        self.origin_tried |= side == Side::Origin;
        self.side = side;
    }

    fn settle(&mut self) {
        self.turn_to(Side::Origin);
        self.is_settled = true;
    }
}

#[cfg(test)]
mod tests;
