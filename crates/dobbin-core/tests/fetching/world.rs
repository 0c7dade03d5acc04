//! A link, a server behind it, and a file whose connections go by [`Width`] and [`Spans`], as a
//! transfer's do. Time passes when a step is over.

use core::time::Duration;

use dobbin_core::piece::spans::{Seeker, is_worth_sharing};
use dobbin_core::piece::{Layout, PieceSet, SpanId, Spans};
use dobbin_core::source::width::{Sample, Width};

pub(crate) const MIB: u64 = 1024 * 1024;

const STEP: Duration = Duration::from_millis(1);

/// As a transfer: over what time a connection's rate is taken, and how long no more are opened after
/// one found nothing to do.
const RATE_OVER: Duration = Duration::from_millis(100);
const QUIET: Duration = Duration::from_secs(1);

/// A link and a server as a file's connections meet them.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Link {
    /// What the link carries, in bytes a second.
    pub(crate) rate: u64,
    /// What the server gives each connection, in bytes a second.
    pub(crate) each: u64,
    /// From asking to the first byte.
    pub(crate) way: Duration,
    /// By how much of its rate, in hundredths, the link is slower for each connection beside the first:
    /// that of a machine with nothing left.
    pub(crate) cost_percent: u64,
    /// How far its rate swings to both sides from one moment to the next, in hundredths.
    pub(crate) swing_percent: u64,
}

impl Link {
    /// One that carries `rate`, however many share it.
    pub(crate) fn of(rate: u64) -> Link {
        let way = Duration::from_millis(1);
        Link { rate: rate * MIB, each: u64::MAX, way, cost_percent: 0, swing_percent: 0 }
    }

    /// The bytes of one connection in the step that ends `now`, if so many share the link.
    fn bring(&self, now: Duration, sharing: u64) -> u64 {
        let costs = self.cost_percent * (sharing - 1);
        // Neither regular nor left to chance: 35 ms long each.
        let moment = now.as_millis() as u64 / 35;
        let swung = moment.wrapping_mul(0x9E37_79B9_7F4A_7C15) >> 32;
        let swing = 100 + swung % (2 * self.swing_percent + 1) - self.swing_percent;
        let rate = self.rate / 100 * 100_u64.saturating_sub(costs) / 100 * swing;
        (rate / sharing).min(self.each) * STEP.as_millis() as u64 / 1_000
    }
}

/// What came of fetching a file.
#[derive(Debug)]
pub(crate) struct Outcome {
    pub(crate) time: Duration,
    /// For each step, how many connections there should have been.
    pub(crate) counts: Vec<usize>,
    pub(crate) requests_count: usize,
}

impl Outcome {
    pub(crate) fn most(&self) -> usize {
        self.counts.iter().copied().max().unwrap_or(0)
    }

    /// When there should first have been so many.
    pub(crate) fn reached(&self, count: usize) -> Option<Duration> {
        let step = self.counts.iter().position(|c| *c >= count)?;
        Some(STEP * u32::try_from(step).unwrap())
    }

    /// In how many hundredths of the time there should have been so many at most.
    pub(crate) fn percent_with(&self, most: usize) -> usize {
        self.counts.iter().filter(|count| **count <= most).count() * 100 / self.counts.len()
    }
}

struct Mate {
    span: Option<SpanId>,
    asked_at: Duration,
    /// Bytes of the piece in progress, and of all.
    within: u64,
    bytes: u64,
    rated: Option<(Duration, u64)>,
    bytes_per_second: u64,
    is_dismissed: bool,
}

/// A file being fetched.
pub(crate) struct World {
    link: Link,
    limit: usize,
    spans: Spans,
    mates: Vec<Mate>,
    now: Duration,
    bytes: u64,
    quiet_until: Duration,
    requests_count: usize,
}

impl World {
    /// Fetches a file of so many MiB with at most `limit` connections.
    pub(crate) fn fetch(link: Link, size_mib: u64, limit: usize) -> Outcome {
        let layout = Layout::new(size_mib * MIB, MIB as u32).unwrap();
        let mut world = World {
            link,
            limit,
            spans: Spans::new(PieceSet::empty(layout)),
            mates: Vec::new(),
            now: Duration::ZERO,
            bytes: 0,
            quiet_until: Duration::ZERO,
            requests_count: 0,
        };
        world.join();
        let mut width = Width::new(world.sample());
        let (mut look_at, mut counts) = (Duration::ZERO, Vec::new());
        while !world.spans.had().is_full() {
            world.now += STEP;
            world.step();
            if world.mates.is_empty() {
                world.join();
            }
            if world.now >= look_at && world.mates.iter().any(|mate| world.is_streaming(mate)) {
                world.rate();
                let count = width.look(world.sample());
                world.turn_to(count);
                look_at = world.now + width.next_look();
            }
            counts.push(width.count());
            assert!(world.now < Duration::from_hours(1), "it comes to an end");
        }
        Outcome { time: world.now, counts, requests_count: world.requests_count }
    }

    fn sample(&self) -> Sample {
        let present = self.mates.iter().filter(|mate| !mate.is_dismissed);
        let streaming = present.filter(|mate| self.is_streaming(mate)).count();
        Sample { now: self.now, bytes: self.bytes, streaming, limit: self.limit }
    }

    fn is_streaming(&self, mate: &Mate) -> bool {
        mate.span.is_some() && self.now >= mate.asked_at + self.link.way
    }

    fn join(&mut self) {
        self.mates.push(Mate {
            span: None,
            asked_at: self.now,
            within: 0,
            bytes: 0,
            rated: None,
            bytes_per_second: 0,
            is_dismissed: false,
        });
        let new = self.mates.len() - 1;
        self.ask(new);
    }

    /// Gives a connection its next span; `span` stays empty where there is none for it.
    fn ask(&mut self, which: usize) {
        let among = self.mates.len();
        let mate = &mut self.mates[which];
        let wait = (self.requests_count > 0).then_some(self.link.way);
        let bytes_per_second = mate.bytes_per_second;
        mate.span = match mate.is_dismissed {
            true => None,
            false => self.spans.take(&Seeker { among, bytes_per_second, wait, except: &[] }),
        };
        (mate.asked_at, mate.within, mate.rated) = (self.now, 0, None);
        self.requests_count += usize::from(mate.span.is_some());
    }

    /// Lets bytes come, and sends those on who are done with their spans.
    fn step(&mut self) {
        let is_streaming: Vec<bool> = self.mates.iter().map(|m| self.is_streaming(m)).collect();
        let sharing = is_streaming.iter().filter(|is| **is).count() as u64;
        for (which, _) in is_streaming.iter().enumerate().filter(|(_, is)| **is) {
            let Some(span) = self.mates[which].span else { continue };
            let came = self.link.bring(self.now, sharing);
            let mate = &mut self.mates[which];
            (mate.within, mate.bytes, self.bytes) =
                (mate.within + came, mate.bytes + came, self.bytes + came);
            while mate.within >= MIB
                && let Some(left) = self.spans.left(span)
            {
                assert!(self.spans.have(left.first()), "no piece is fetched twice");
                let next = self.spans.layout().index(left.first().number() + 1);
                self.spans.advance(span, next);
                mate.within -= MIB;
            }
            if self.spans.left(span).is_none() {
                self.spans.give_back(span);
                self.ask(which);
            }
        }
        let idle = |mate: &Mate| mate.span.is_none() && !mate.is_dismissed;
        if self.mates.iter().any(idle) {
            self.quiet_until = self.now + QUIET;
        }
        self.mates.retain(|mate| mate.span.is_some());
    }

    fn rate(&mut self) {
        let is_streaming: Vec<bool> = self.mates.iter().map(|m| self.is_streaming(m)).collect();
        for (mate, _) in self.mates.iter_mut().zip(is_streaming).filter(|(_, is)| *is) {
            let (since, before) = *mate.rated.get_or_insert((self.now, mate.bytes));
            let over = self.now - since;
            if over < RATE_OVER {
                continue;
            }
            mate.rated = Some((self.now, mate.bytes));
            let rate = (mate.bytes - before) * 1_000 / over.as_millis() as u64;
            let last = mate.bytes_per_second;
            mate.bytes_per_second = if last == 0 { rate } else { last / 4 * 3 + rate / 4 };
            if let Some(span) = mate.span {
                self.spans.measured(span, mate.bytes_per_second);
            }
        }
    }

    fn turn_to(&mut self, count: usize) {
        let present = self.mates.iter().filter(|mate| !mate.is_dismissed).count();
        for _ in present..count {
            if self.now < self.quiet_until || !is_worth_sharing(self.spans.missing_bytes()) {
                break;
            }
            self.join();
        }
        for _ in count..present {
            let present = self.mates.iter_mut().filter(|mate| !mate.is_dismissed);
            if let Some(mate) = present.min_by_key(|mate| mate.bytes_per_second) {
                mate.is_dismissed = true;
                mate.span.map(|span| self.spans.cut(span));
            }
        }
    }
}
