//! How many connections one file should have.
//!
//! One is best where one fills the link or keeps a machine busy: each further one costs both sides
//! memory and work. Several are best where a server gives each so much and no more, or where the way is
//! long. Nobody says which it is, so it is measured: begin with one, double while that pays, go back
//! when it does not, and look again now and then.
//!
//! Pure: told what came by when, it says how many there should be.

use core::time::Duration;

/// Connections of one file at most, and to one origin for a job that somebody waits for: as many as
/// the impatient tools open when asked for all they have, and as fair servers let in.
pub const CONNECTIONS_MAX: usize = 16;

/// Connections of one file to one origin at most for a background job: more would be felt by those
/// who use the same server or line for something that somebody waits for.
pub const CONNECTIONS_BACKGROUND_MAX: usize = 8;

/// How long a number of connections is measured at least. Short, so that a server's limit for each is
/// outgrown within some tenths of a second; longer than what a timer or a full buffer makes of a rate.
const WINDOW: Duration = Duration::from_millis(60);

/// How many bytes a measure needs, unless [`PATIENCE`] passes: a few packets are no rate.
const WINDOW_BYTES_MIN: u64 = 512 * 1024;

/// How long a new connection may take until its first byte, and slow ones to be measured.
const PATIENCE: Duration = Duration::from_secs(1);

/// A link on which nothing at all comes for so long has room, whatever was measured: the server sends
/// in gulps and holds back in between.
const SILENCE: Duration = Duration::from_millis(25);

/// How long to leave things as they are after a measure, at first; doubled each time that nothing was
/// found out, up to [`REST_MAX`].
const REST: Duration = Duration::from_secs(1);

/// See [`REST`].
const REST_MAX: Duration = Duration::from_secs(32);

/// Bytes a second of one connection beyond which there are no more: over one gigabit. What holds such a
/// connection back is the machine, and others beside it only cost it more.
const FAST_ENOUGH: u64 = 128 * 1024 * 1024;

/// What is known of a file's connections at one moment.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Sample {
    /// Time since any fixed point, the same for all samples.
    pub now: Duration,
    /// Bytes that came for the file, over all connections, since any fixed point.
    pub bytes: u64,
    /// Connections whose bytes have begun to come.
    pub streaming: usize,
    /// How many there may be.
    pub limit: usize,
}

/// How many connections a file should have.
#[derive(Debug, Clone)]
pub struct Width {
    count: usize,
    /// When bytes came last, and how many there were then.
    last: (Duration, u64),
    doing: Doing,
    rest: Duration,
    /// The rest before this one ended with going up and coming back, so now it is tried downwards.
    try_down: bool,
}

/// What is being found out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Doing {
    /// Waiting until as many are streaming as there should be.
    Settle { since: Duration, from: Before },
    /// Measuring.
    Measure { since: Duration, bytes: u64, settled: Duration, from: Before },
    /// Leaving it as it is.
    Rest { since: Duration, bytes: u64, until: Duration },
}

/// What there was before the number was changed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Before {
    count: usize,
    /// `None` when it is unknown, or says nothing.
    bytes_per_second: Option<u64>,
}

const NOTHING: Before = Before { count: 0, bytes_per_second: None };

impl Width {
    /// One connection, at the time and with the bytes of `sample`.
    pub fn new(sample: Sample) -> Width {
        Width {
            count: 1,
            last: (sample.now, sample.bytes),
            doing: Doing::Settle { since: sample.now, from: NOTHING },
            rest: REST,
            try_down: false,
        }
    }

    /// How many connections there should be.
    pub fn count(&self) -> usize {
        self.count
    }

    /// Looks again and says how many there should be now: from 1 to the limit.
    ///
    /// To be asked every 10 to 50 ms while bytes come. Cost: O(1).
    pub fn look(&mut self, sample: Sample) -> usize {
        let limit = sample.limit.max(1);
        if self.count > limit {
            self.turn_to(limit, NOTHING, sample);
        }
        if sample.bytes > self.last.1 {
            self.last = (sample.now, sample.bytes);
        }
        match self.doing {
            Doing::Settle { since, from } => self.settle(since, from, sample),
            Doing::Measure { since, bytes, settled, from } => {
                self.measure(since, bytes, settled, from, sample);
            }
            Doing::Rest { since, bytes, until } => self.sit(since, bytes, until, sample),
        }
        self.count
    }

    fn settle(&mut self, since: Duration, from: Before, sample: Sample) {
        let waited = sample.now.saturating_sub(since);
        let is_there = if self.count >= from.count {
            sample.streaming >= self.count
        } else {
            sample.streaming <= self.count
        };
        // A connection that was told to go finishes what it has begun, so that takes longer.
        if is_there || waited >= PATIENCE * if self.count < from.count { 5 } else { 1 } {
            let (since, bytes) = (sample.now, sample.bytes);
            self.doing = Doing::Measure { since, bytes, settled: waited, from };
        }
    }

    fn measure(
        &mut self,
        since: Duration,
        bytes: u64,
        settled: Duration,
        from: Before,
        sample: Sample,
    ) {
        let passed = sample.now.saturating_sub(since);
        let came = sample.bytes.saturating_sub(bytes);
        if self.is_silent(came, sample) && self.count < sample.limit {
            return self.turn_to(self.count * 2, self.unmeasured(), sample);
        }
        // On a long way the first bytes come slowly, so that it takes as long again to see a rate.
        let enough = passed >= WINDOW.max(settled.min(PATIENCE) * 2);
        if !enough || (came < WINDOW_BYTES_MIN && passed < PATIENCE) {
            return;
        }
        let rate = per_second(came, passed);
        let here = Before { count: self.count, bytes_per_second: Some(rate) };
        let pays = came > 0 && has_paid(from, self.count, rate);
        if self.count < from.count {
            // Fewer do as well: stay, and try still fewer soon.
            if pays {
                self.rest_from(sample, REST, true);
            } else {
                self.turn_back(from, sample);
            }
        } else if !pays {
            self.turn_back(from, sample);
        } else if self.count < sample.limit && !is_fast_enough(self.count, rate) {
            self.turn_to(self.count * 2, here, sample);
        } else {
            self.rest_from(sample, self.rest, true);
        }
    }

    /// Nothing to do until it is time to look again; or earlier, when the link falls silent.
    fn sit(&mut self, since: Duration, bytes: u64, until: Duration, sample: Sample) {
        let came = sample.bytes.saturating_sub(bytes);
        if self.is_silent(came, sample) && self.count < sample.limit {
            return self.turn_to(self.count * 2, self.unmeasured(), sample);
        }
        if sample.now < until {
            return;
        }
        if came == 0 {
            // A server that sends nothing at all is not asked for more.
            return self.rest_from(sample, self.rest, self.try_down);
        }
        let rate = per_second(came, sample.now.saturating_sub(since));
        let here = Before { count: self.count, bytes_per_second: Some(rate) };
        let down = (self.try_down || self.count >= sample.limit) && self.count > 1;
        self.try_down = !down;
        if down {
            self.turn_to(self.count / 2, here, sample);
        } else if self.count < sample.limit && !is_fast_enough(self.count, rate) {
            self.turn_to(self.count * 2, here, sample);
        } else {
            self.rest_from(sample, REST_MAX, false);
        }
    }

    /// The present number, of which nothing can be said.
    fn unmeasured(&self) -> Before {
        Before { count: self.count, bytes_per_second: None }
    }

    fn is_silent(&self, came: u64, sample: Sample) -> bool {
        came >= WINDOW_BYTES_MIN && sample.now.saturating_sub(self.last.0) >= SILENCE
    }

    fn turn_to(&mut self, count: usize, from: Before, sample: Sample) {
        self.count = count.clamp(1, sample.limit.max(1));
        self.doing = Doing::Settle { since: sample.now, from };
    }

    /// It was better before: so it will be again, and the next look comes later than this one.
    fn turn_back(&mut self, from: Before, sample: Sample) {
        let was_up = self.count > from.count;
        self.count = from.count.clamp(1, sample.limit.max(1));
        let rest = self.rest;
        self.rest = (rest * 2).min(REST_MAX);
        self.rest_from(sample, rest, was_up);
    }

    fn rest_from(&mut self, sample: Sample, rest: Duration, try_down: bool) {
        self.try_down = try_down;
        let (since, bytes) = (sample.now, sample.bytes);
        self.doing = Doing::Rest { since, bytes, until: sample.now + rest };
    }
}

/// Whether changing from one number of connections to another was worth it. Each added one must bring
/// at least half of what one brought before; of those that were taken away nothing must be missed.
fn has_paid(from: Before, count: usize, rate: u64) -> bool {
    let Some(before) = from.bytes_per_second else {
        return true;
    };
    let (rate, before) = (u128::from(rate), u128::from(before));
    let (count, from_count) = (count as u128, from.count.max(1) as u128);
    if count >= from_count {
        // rate ≥ before × (1 + (count / from - 1) / 2)
        rate * 2 * from_count >= before * (from_count + count)
    } else {
        rate * 20 >= before * 19
    }
}

/// Whether each connection brings so much that no server holds it back.
fn is_fast_enough(count: usize, rate: u64) -> bool {
    rate / count.max(1) as u64 >= FAST_ENOUGH
}

fn per_second(bytes: u64, time: Duration) -> u64 {
    let micros = time.as_micros().max(1);
    u64::try_from(u128::from(bytes) * 1_000_000 / micros).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests;
