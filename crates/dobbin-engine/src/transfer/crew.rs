//! The part of a transfer that is in control: how many connections a file has, to whom, and what to do
//! when one ends. It touches no byte.

use std::collections::{BTreeMap, BTreeSet};
use std::rc::Rc;
use std::time::Duration;

use dobbin_core::cache::{Failure, Turn};
use dobbin_core::job::Trouble;
use dobbin_core::piece::spans::is_worth_sharing;
use dobbin_core::source::share::SourceId;
use dobbin_core::source::width::{
    CONNECTIONS_BACKGROUND_MAX, CONNECTIONS_MAX, Sample, Width, connections_max,
};
use dobbin_types::{Discard, ErrorCode, Reason};
use tokio::task::{JoinError, JoinSet};
use tokio::time::sleep;

use super::budget::{Allowance, Budget};
use super::connection::{Connection, Leave, Member};
use super::end::End;
use super::stream::Stream;
use super::trouble::{fatal, spread};
use super::work::Work;

/// When to look for the first time whether there should be several connections.
const FIRST_LOOK: Duration = Duration::from_millis(1);

/// The shortest time over which the rate of one connection is taken.
const RATE_OVER: Duration = Duration::from_millis(100);

/// How long a connection may be slow before it counts as a laggard's.
const LAGGARD_AFTER: Duration = Duration::from_secs(3);

/// How long to open no more after one found nothing to do, or after a rate limit held one back.
const QUIET: Duration = Duration::from_secs(1);

/// How often a whole file may turn out to have the wrong hash, each time from other sources, before that
/// is an error: a list of liars must not have it fetched forever.
const WRONG_FILES_MAX: u32 = 4;

/// A connection as the crew knows it.
struct Mate {
    member: Rc<Member>,
    began: Duration,
    /// When its rate was looked at last, and its bytes then; `None` while nothing comes.
    rated: Option<(Duration, u64)>,
    _allowance: Allowance,
}

/// The connections of one file.
pub(super) struct Crew {
    work: Rc<Work>,
    budget: Budget,
    tasks: JoinSet<(u64, Leave)>,
    /// At most [`CONNECTIONS_MAX`].
    mates: BTreeMap<u64, Mate>,
    next_number: u64,
    /// `None` until there may be several.
    width: Option<Width>,
    /// As many as the origin was found to let in.
    let_in_max: usize,
    /// Whom to ask where nothing proves that several sources have the same bytes.
    only: SourceId,
    /// How often the whole file had the wrong hash. From the first time on each source is asked alone.
    wrong_files_count: u32,
    /// What befell the file's own URL last: what its owner hears if nobody has it.
    own_trouble: Option<Trouble>,
    /// Sources that had nothing to do when the last connection ended.
    idle: BTreeSet<SourceId>,
    quiet_until: Duration,
    /// Where the first connection goes on, if an earlier portion of the file ends within a piece.
    first: Option<Stream>,
}

impl Crew {
    /// Nobody yet.
    pub(super) fn new(work: Rc<Work>, budget: Budget) -> Crew {
        Crew {
            work,
            budget,
            tasks: JoinSet::new(),
            mates: BTreeMap::new(),
            next_number: 0,
            width: None,
            let_in_max: CONNECTIONS_MAX,
            only: SourceId::OWN,
            wrong_files_count: 0,
            own_trouble: None,
            idle: BTreeSet::new(),
            quiet_until: Duration::ZERO,
            first: None,
        }
    }

    /// The first connection goes on where this is.
    pub(super) fn begin_at(&mut self, stream: Stream) {
        self.first = Some(stream);
    }

    /// Only the file's own URL is asked from here on.
    pub(super) fn keep_to_own(&mut self) {
        self.only = SourceId::OWN;
        let share = &mut self.work.state().sources.share;
        for id in share.ids() {
            share.strike(id);
        }
    }

    /// The file does not have its hash, and nothing tells which bytes are wrong. From here on its sources
    /// are asked one after the other, each alone and from zero, the own URL first. Says whether anybody is
    /// left to ask.
    ///
    /// * `liar`: who brought all of it; `None` where several did, or nobody knows.
    pub(super) fn go_on_alone(&mut self, liar: Option<SourceId>) -> bool {
        let was_alone = self.wrong_files_count > 0;
        self.wrong_files_count += 1;
        let share = &mut self.work.state().sources.share;
        let next = match liar {
            Some(liar) if was_alone || liar.is_own() => {
                share.ids().find(|id| *id > liar && !share.is_struck(*id))
            }
            Some(_) | None => Some(SourceId::OWN),
        };
        if let Some(liar) = liar {
            share.strike(liar);
            if liar.is_own() {
                let why = "the file's own URL has another file than the SHA-256 that was given";
                self.own_trouble = Some(fatal(ErrorCode::DO_E_BAD_PIECE_HASH, why.into()));
            }
        }
        let Some(next) = next.filter(|_| self.wrong_files_count < WRONG_FILES_MAX) else {
            return false;
        };
        self.only = next;
        true
    }

    /// Fetches until every piece is had.
    pub(super) async fn fetch(&mut self) -> Result<(), End> {
        // What came of an earlier fetch of the same file says nothing of this one.
        self.idle.clear();
        self.width = None;
        loop {
            if self.mates.is_empty() {
                if self.work.is_complete() {
                    return Ok(());
                }
                self.add_first().await?;
            }
            let (may_share, next_look) = (self.may_share(), self.next_look());
            tokio::select! {
                biased;
                () = self.work.stop.wished() => return Err(End::Stopped),
                Some(joined) = self.tasks.join_next() => self.joined(joined).await?,
                () = sleep(next_look), if may_share => self.look(),
                () = self.work.ripe.notified(), if !may_share => {}
            }
        }
    }

    /// Ends all connections. Nothing of them touches the file afterwards.
    pub(super) async fn dismiss_all(&mut self) {
        self.tasks.shutdown().await;
        self.mates.clear();
        let mut state = self.work.state();
        state.connections_count = 0;
    }

    /// Whether several sources may be asked: a hash will tell if their bytes are of one file, and never
    /// said that they are not. While a cache host is asked, nobody else is: it spares them.
    fn is_proved(&self) -> bool {
        if self.wrong_files_count > 0 {
            return false;
        }
        let has_sha256 = self.work.order.file.sha256.is_some();
        let state = self.work.state();
        !state.sources.is_via_cache() && state.is_proved(has_sha256)
    }

    /// The one connection that a file must have; waits for its turn.
    async fn add_first(&mut self) -> Result<(), End> {
        let source = self.source_alone()?;
        let host = self.host_of(source);
        let allowance = tokio::select! {
            biased;
            () = self.work.stop.wished() => return Err(End::Stopped),
            allowance = self.budget.first(&host) => allowance,
        };
        let stream = self.first.take().unwrap_or_else(Stream::new);
        self.spawn(source, stream, allowance.ok_or(End::Stopped)?);
        Ok(())
    }

    fn source_alone(&self) -> Result<SourceId, End> {
        if !self.is_proved() {
            return Ok(self.only);
        }
        let now = self.work.now();
        let is_busy = |id: SourceId| !self.idle.contains(&id);
        let chosen = self.work.state().sources.share.choose(now, is_busy);
        chosen.ok_or_else(|| End::Failed(self.own_trouble.clone().unwrap_or_else(nobody)))
    }

    fn host_of(&self, source: SourceId) -> String {
        let state = self.work.state();
        let url = &state.sources.get(source).url;
        let port = url.port_or_known_default().unwrap_or(0);
        format!("{}:{port}", url.host_str().unwrap_or_default())
    }

    fn spawn(&mut self, source: SourceId, stream: Stream, allowance: Allowance) {
        let member = Rc::new(Member::new(source));
        let number = self.next_number;
        self.next_number += 1;
        {
            let mut state = self.work.state();
            state.sources.share.began(source);
            state.connections_count += 1;
        }
        let connection = Connection::new(Rc::clone(&self.work), Rc::clone(&member), stream);
        self.tasks.spawn_local(async move { (number, connection.run().await) });
        let began = self.work.now();
        let mate = Mate { member, began, rated: None, _allowance: allowance };
        self.mates.insert(number, mate);
    }

    /// A connection is over. A panic in it is one of the transfer.
    async fn joined(&mut self, joined: Result<(u64, Leave), JoinError>) -> Result<(), End> {
        let (number, leave) = match joined {
            Ok(left) => left,
            Err(error) if error.is_panic() => std::panic::resume_unwind(error.into_panic()),
            Err(_cancelled) => return Ok(()),
        };
        let Some(mate) = self.mates.remove(&number) else {
            return Ok(());
        };
        let source = mate.member.source;
        {
            let mut state = self.work.state();
            state.connections_count -= 1;
            state.sources.share.ended(source);
        }
        if !matches!(leave, Leave::Idle) {
            self.idle.clear();
        }
        match leave {
            Leave::Idle => {
                self.idle.insert(source);
                self.quiet_until = self.work.now() + QUIET;
                Ok(())
            }
            Leave::Dismissed | Leave::WrongPiece => Ok(()),
            Leave::NoParts => {
                self.work.state().has_parts = false;
                Ok(())
            }
            Leave::Changed => {
                self.dismiss_all().await;
                self.work.restart(Discard::OtherVersion).await
            }
            Leave::Distrust => self.go_on_without_hashes().await,
            Leave::LeftCache => {
                self.dismiss_everybody();
                Ok(())
            }
            Leave::Failed { trouble, failure, .. } if mate.member.to_cache.get() => {
                self.cache_failed(&mate, trouble, failure)
            }
            Leave::Failed { trouble, is_another_file, .. } => {
                let outcome = self.failed(&mate, trouble, is_another_file).await;
                if outcome.is_err() {
                    self.work.state().sources.origin_failed();
                }
                outcome
            }
            Leave::Over(end) => Err(end),
        }
    }

    /// The pieces cannot be checked after all. What came from several sources is mixed unproved then, and
    /// goes.
    async fn go_on_without_hashes(&mut self) -> Result<(), End> {
        if self.work.distrust() {
            return Ok(());
        }
        self.dismiss_all().await;
        self.keep_to_own();
        self.work.restart(Discard::WrongPiece).await
    }

    /// A source failed one connection. Others go on; if there are none, another source does, or the
    /// transfer is over and the job's own retries begin.
    async fn failed(
        &mut self,
        mate: &Mate,
        trouble: Trouble,
        is_another_file: bool,
    ) -> Result<(), End> {
        let (source, now) = (mate.member.source, self.work.now());
        if source.is_own() {
            self.own_trouble = Some(trouble.clone());
        }
        {
            let share = &mut self.work.state().sources.share;
            if is_another_file || !trouble.transient {
                share.strike(source);
            }
            share.failed(source, now, trouble.retry_after, trouble.spread_thousandths);
        }
        if !self.mates.is_empty() {
            if mate.member.bytes.get() == 0 {
                // It may let in no more than those that are at work.
                self.let_in_max = self.mates.len();
            }
            return Ok(());
        }
        if !self.is_proved() {
            return self.turn_to_another(mate, trouble).await;
        }
        match self.work.state().sources.share.choose(now, |_| true) {
            Some(_another) => Ok(()),
            None => Err(End::Failed(self.own_trouble.clone().unwrap_or(trouble))),
        }
    }

    /// A cache host failed one connection. Others go on, unless what it has is wrong; if there are none,
    /// the origin is asked, or the transfer is over.
    fn cache_failed(&mut self, mate: &Mate, trouble: Trouble, failure: Failure) -> Result<(), End> {
        if !self.mates.is_empty() && failure != Failure::Wrong {
            if mate.member.bytes.get() == 0 {
                self.let_in_max = self.mates.len();
            }
            return Ok(());
        }
        let turn = {
            let mut state = self.work.state();
            // One that was left already has said all that it had to say.
            if state.sources.is_via_cache() {
                state.sources.cache_failed(failure)
            } else {
                Turn::Origin
            }
        };
        match turn {
            Turn::Origin => {
                tracing::debug!(job = %self.work.order.job, why = trouble.message, "a cache host is left");
                self.work.state().next_reason = Some(Reason::AfterFailure);
                self.let_in_max = CONNECTIONS_MAX;
                self.dismiss_everybody();
                Ok(())
            }
            Turn::Retry => Err(End::Failed(Trouble { transient: true, ..trouble })),
            Turn::AsItIs => Err(End::Failed(trouble)),
        }
    }

    /// The source that alone is asked failed. One that brought anything since the transfer began is worth
    /// the job's retries; else the next one is asked, from zero: bytes of two hosts must not be mixed
    /// where nothing proves that they are of one file.
    async fn turn_to_another(&mut self, mate: &Mate, trouble: Trouble) -> Result<(), End> {
        let next = {
            let share = &self.work.state().sources.share;
            share.ids().find(|id| *id > self.only && !share.is_struck(*id))
        };
        let Some(next) = next.filter(|_| mate.member.bytes.get() == 0) else {
            return Err(End::Failed(self.own_trouble.clone().unwrap_or(trouble)));
        };
        self.only = next;
        let is_known = self.work.state().facts.is_some();
        if is_known { self.work.forget(Discard::OtherVersion).await } else { Ok(()) }
    }

    /// Whether the file may have several connections as things stand: parts of it can be asked for, each
    /// is sure to be of the same version, and the journal knows which that is.
    fn may_share(&self) -> bool {
        let state = self.work.state();
        let is_marked = state.facts.as_ref().is_some_and(|facts| facts.validator.is_some());
        let is_proved = is_marked || state.manifest.is_some();
        let missing = state.sink.as_ref().map_or(0, |sink| sink.spans.missing_bytes());
        state.has_parts
            && is_proved
            && state.unnoted.is_none()
            && self.work.order.file.ranges.is_empty()
            && (self.mates.len() > 1 || is_worth_sharing(missing))
    }

    fn next_look(&self) -> Duration {
        self.width.as_ref().map_or(FIRST_LOOK, Width::next_look)
    }

    /// Takes stock: how fast everybody is, how many there should be, and who should go.
    fn look(&mut self) {
        let now = self.work.now();
        self.rate(now);
        let present = || self.mates.values().filter(|mate| !mate.member.is_dismissed.get());
        let sample = Sample {
            now,
            bytes: self.work.order.gauge.fetched(),
            streaming: present().filter(|mate| mate.member.is_streaming.get()).count(),
            limit: self.limit(now),
        };
        let count = self.width.get_or_insert_with(|| Width::new(sample)).look(sample);
        let present_count = present().count();
        for _ in present_count..count {
            if now < self.quiet_until || !self.add_another(now) {
                break;
            }
        }
        for _ in count..present_count {
            self.dismiss_slowest();
        }
        self.dismiss_laggards(now);
    }

    fn limit(&self, now: Duration) -> usize {
        let throttled_at = self.work.state().throttled_at;
        let is_throttled = throttled_at.is_some_and(|at| now < at + QUIET);
        if is_throttled || self.budget.is_wanted() {
            return 1;
        }
        if !self.work.state().parts_shown {
            // One more finds out whether parts really come.
            return self.let_in_max.min(2);
        }
        let of_host = self.of_host_max();
        let several = self.is_proved() && self.work.state().sources.share.len() > 1;
        let of_sources = if several { CONNECTIONS_MAX } else { of_host };
        self.let_in_max.min(of_sources).min(self.of_pieces_max())
    }

    /// As many as may each be at a piece that is not whole.
    fn of_pieces_max(&self) -> usize {
        let state = self.work.state();
        let piece_size = state.sink.as_ref().map(|sink| sink.spans.layout().piece_size());
        piece_size.map_or(CONNECTIONS_MAX, connections_max)
    }

    fn of_host_max(&self) -> usize {
        if self.work.order.is_foreground { CONNECTIONS_MAX } else { CONNECTIONS_BACKGROUND_MAX }
    }

    /// One more connection, if there is anybody to ask and anything worth it left. Says whether.
    fn add_another(&mut self, now: Duration) -> bool {
        let missing = self.work.state().sink.as_ref().map_or(0, |sink| sink.spans.missing_bytes());
        if !is_worth_sharing(missing) {
            return false;
        }
        let of_host_max = self.of_host_max();
        let source = if self.is_proved() {
            let hosts: Vec<(SourceId, String)> = {
                let ids = self.work.state().sources.share.ids();
                ids.map(|id| (id, self.host_of(id))).collect()
            };
            let is_open = |id: SourceId| self.budget.is_open(&hosts[id.0].1, of_host_max);
            self.work.state().sources.share.choose(now, is_open)
        } else {
            Some(self.only).filter(|id| self.work.state().sources.share.is_usable(*id, now))
        };
        let Some(source) = source else {
            return false;
        };
        let Some(allowance) = self.budget.another(&self.host_of(source), of_host_max) else {
            return false;
        };
        self.spawn(source, Stream::new(), allowance);
        true
    }

    /// How fast each connection and each source has been.
    fn rate(&mut self, now: Duration) {
        let mut state = self.work.state();
        for mate in self.mates.values_mut() {
            let member = &mate.member;
            let bytes = member.bytes.get();
            if !member.is_streaming.get() {
                mate.rated = None;
                continue;
            }
            let (since, bytes_before) = *mate.rated.get_or_insert((now, bytes));
            let over = now.saturating_sub(since);
            if over < RATE_OVER {
                continue;
            }
            mate.rated = Some((now, bytes));
            let millis = u64::try_from(over.as_millis()).unwrap_or(u64::MAX);
            let rate = (bytes - bytes_before).saturating_mul(1_000) / millis;
            let before = member.bytes_per_second.get();
            let smooth = if before == 0 { rate } else { before / 4 * 3 + rate / 4 };
            member.bytes_per_second.set(smooth);
            state.sources.share.measured(member.source, rate);
            if let Some((sink, span)) = state.sink.as_mut().zip(member.span.get()) {
                sink.spans.measured(span, smooth);
            }
        }
    }

    fn dismiss_everybody(&self) {
        self.mates.values().for_each(|mate| self.dismiss(mate));
    }

    fn dismiss_slowest(&self) {
        let present = self.mates.values().filter(|mate| !mate.member.is_dismissed.get());
        // Of two that are equally fast the younger one.
        let slowest = present
            .min_by_key(|mate| (mate.member.bytes_per_second.get(), std::cmp::Reverse(mate.began)));
        if let Some(mate) = slowest {
            self.dismiss(mate);
        }
    }

    /// Sends connections of a source away that is many times slower than another one, and leaves it in
    /// peace for a while.
    fn dismiss_laggards(&self, now: Duration) {
        if !self.is_proved() || self.mates.len() < 2 {
            return;
        }
        let is_due = |mate: &&Mate| {
            let is_old = now.saturating_sub(mate.began) >= LAGGARD_AFTER;
            is_old && !mate.member.is_dismissed.get()
        };
        for mate in self.mates.values().filter(is_due) {
            let source = mate.member.source;
            let is_laggard = self.work.state().sources.share.is_laggard(source, now);
            if is_laggard {
                self.dismiss(mate);
                self.work.state().sources.share.failed(source, now, None, spread());
            }
        }
    }

    /// Sends a connection away: it ends with the piece that it is at, and the rest is for others.
    fn dismiss(&self, mate: &Mate) {
        mate.member.is_dismissed.set(true);
        let mut state = self.work.state();
        if let Some((sink, span)) = state.sink.as_mut().zip(mate.member.span.get()) {
            sink.spans.cut(span);
        }
    }
}

/// There is nobody left who could be asked for what is missing.
fn nobody() -> Trouble {
    fatal(
        ErrorCode::DO_E_BAD_PIECE_HASH,
        "no source has a piece as its hash says; try again later or without the hashes".into(),
    )
}
