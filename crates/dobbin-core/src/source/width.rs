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

/// Bytes of pieces that are not whole at most: what a crash may cost one transfer (goal "crash").
pub const BROKEN_BYTES_MAX: u64 = 8 * 1024 * 1024;

/// As many connections as one file has at most even where its pieces are so large that a crash costs
/// more: a slow server is met every day.
const CONNECTIONS_OF_LARGE_PIECES: usize = 4;

/// Connections of a file at most that is cut into pieces of so many bytes: each of them is at a piece
/// that is not whole.
pub fn connections_max(piece_size: u32) -> usize {
    // No more than `BROKEN_BYTES_MAX`.
    let count = (BROKEN_BYTES_MAX / u64::from(piece_size).max(1)) as usize;
    count.clamp(CONNECTIONS_OF_LARGE_PIECES, CONNECTIONS_MAX)
}

/// How long a number of connections is measured at least. Short, so that a server's limit for each is
/// outgrown within some tenths of a second; longer than what a timer or a full buffer makes of a rate.
const WINDOW: Duration = Duration::from_millis(60);

/// The same where the bytes come so evenly that more of them would say the same, as those of a server
/// do that gives each connection so much.
const WINDOW_EVEN: Duration = Duration::from_millis(30);

/// What is compared to find out whether bytes come evenly: those of at least so long a time each.
const STRETCH: Duration = Duration::from_millis(9);

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

/// See [`REST`]. Also the rest where each connection up to the last one brought all that the first one
/// did: nothing says that fewer would do, and trying costs half of the rate as long as it takes.
const REST_MAX: Duration = Duration::from_secs(32);

/// By how much the number of connections changes.
const STEP: usize = 2;

/// The same where the last step brought all that it could.
const STEP_LONG: usize = 4;

/// When to look again while something is being found out: what is waited for here is lost to a file
/// whose server limits each connection.
const LOOK_SOON: Duration = Duration::from_millis(5);

/// When to look again otherwise: in time to see that a link fell silent.
const LOOK_LATER: Duration = Duration::from_millis(20);

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
    Measure { since: Duration, bytes: u64, settled: Duration, from: Before, flow: Flow },
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

/// What a number of connections brought, beside the number before.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Gain {
    /// Less than it must.
    TooLittle,
    /// Enough to stay, or nothing to compare it with.
    Enough,
    /// As much for each added one as for one before: nothing but a limit for each holds them back.
    Full,
}

/// Whether bytes come evenly: the least and the most of them in a stretch of a measure.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Flow {
    since: Duration,
    bytes: u64,
    least: u64,
    most: u64,
}

impl Flow {
    fn new(sample: Sample) -> Flow {
        Flow { since: sample.now, bytes: sample.bytes, least: u64::MAX, most: 0 }
    }

    fn see(&mut self, sample: Sample) {
        let passed = sample.now.saturating_sub(self.since);
        if passed < STRETCH {
            return;
        }
        let rate = per_second(sample.bytes.saturating_sub(self.bytes), passed);
        let (least, most) = (self.least.min(rate), self.most.max(rate));
        *self = Flow { since: sample.now, bytes: sample.bytes, least, most };
    }

    fn is_even(&self) -> bool {
        self.most <= self.least.saturating_mul(3) / 2
    }
}

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

    /// How long to wait before the next look.
    pub fn next_look(&self) -> Duration {
        match self.doing {
            Doing::Settle { .. } | Doing::Measure { .. } => LOOK_SOON,
            Doing::Rest { .. } => LOOK_LATER,
        }
    }

    /// Looks again and says how many there should be now: from 1 to the limit.
    ///
    /// To be asked after [`Width::next_look`] while bytes come. Cost: O(1).
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
            Doing::Measure { since, bytes, settled, from, mut flow } => {
                flow.see(sample);
                self.doing = Doing::Measure { since, bytes, settled, from, flow };
                let passed = sample.now.saturating_sub(since);
                let window = if flow.is_even() { WINDOW_EVEN } else { WINDOW };
                // On a long way the first bytes come slowly, so that it takes as long again to see a
                // rate.
                let is_long_enough = passed >= window.max(settled.min(PATIENCE) * 2);
                self.measure(
                    passed,
                    sample.bytes.saturating_sub(bytes),
                    is_long_enough,
                    from,
                    sample,
                );
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
            let flow = Flow::new(sample);
            self.doing = Doing::Measure { since, bytes, settled: waited, from, flow };
        }
    }

    /// So many bytes came in the time that has `passed`.
    fn measure(
        &mut self,
        passed: Duration,
        came: u64,
        is_long_enough: bool,
        from: Before,
        sample: Sample,
    ) {
        if self.is_silent(came, sample) && self.count < sample.limit {
            return self.turn_to(self.count * STEP, self.unmeasured(), sample);
        }
        if !is_long_enough || (came < WINDOW_BYTES_MIN && passed < PATIENCE) {
            return;
        }
        let rate = per_second(came, passed);
        let here = Before { count: self.count, bytes_per_second: Some(rate) };
        let gain = if came > 0 { gain(from, self.count, rate) } else { Gain::TooLittle };
        match gain {
            // Half of a long step may do.
            Gain::TooLittle if self.count > from.count * STEP => {
                self.turn_to(from.count * STEP, from, sample);
            }
            Gain::TooLittle => self.turn_back(from, sample),
            // Fewer do as well: stay, and try still fewer soon.
            Gain::Enough | Gain::Full if self.count < from.count => {
                self.rest_from(sample, REST, true);
            }
            Gain::Enough | Gain::Full
                if self.count < sample.limit && !is_fast_enough(self.count, rate) =>
            {
                let step = if gain == Gain::Full { STEP_LONG } else { STEP };
                self.turn_to(self.count * step, here, sample);
            }
            Gain::Full => self.rest_from(sample, REST_MAX, true),
            Gain::Enough => self.rest_from(sample, self.rest, true),
        }
    }

    /// Nothing to do until it is time to look again; or earlier, when the link falls silent.
    fn sit(&mut self, since: Duration, bytes: u64, until: Duration, sample: Sample) {
        let came = sample.bytes.saturating_sub(bytes);
        if self.is_silent(came, sample) && self.count < sample.limit {
            return self.turn_to(self.count * STEP, self.unmeasured(), sample);
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
            self.turn_to(self.count / STEP, here, sample);
        } else if self.count < sample.limit && !is_fast_enough(self.count, rate) {
            self.turn_to(self.count * STEP, here, sample);
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
fn gain(from: Before, count: usize, rate: u64) -> Gain {
    let Some(before) = from.bytes_per_second else {
        return Gain::Enough;
    };
    let (rate, before) = (u128::from(rate), u128::from(before));
    let (count, from_count) = (count as u128, from.count.max(1) as u128);
    if count < from_count {
        return if rate * 20 >= before * 19 { Gain::Enough } else { Gain::TooLittle };
    }
    let added = count - from_count;
    // rate ≥ before × (1 + added / from × share), with the share in tenths.
    let brings =
        |tenths: u128| rate * 10 * from_count >= before * (from_count * 10 + added * tenths);
    match (brings(9), brings(5)) {
        (true, _) if added > 0 => Gain::Full,
        (_, true) => Gain::Enough,
        (_, false) => Gain::TooLittle,
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
