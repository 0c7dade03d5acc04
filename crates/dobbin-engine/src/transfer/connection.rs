//! One connection of a file: takes a span, asks for it, and brings its bytes, until there is nothing
//! left for it.

use std::cell::Cell;
use std::ops::Range;
use std::rc::Rc;
use std::sync::atomic::Ordering;
use std::time::Instant;

use dobbin_core::cache::{CONNECT_TIMEOUT, Failure};
use dobbin_core::job::{Judgement, Trouble};
use dobbin_core::piece::spans::{Seeker, SpanId};
use dobbin_core::source::share::SourceId;
use dobbin_net::cache_host;
use dobbin_net::http::{Extent, FetchError, FetchErrorKind, HeaderText, Request, Response};
use dobbin_types::{Discard, ErrorCode, Reason, RequestEnd};
use http::Version;
use url::Url;

use super::end::End;
use super::ledger::Line;
use super::stream::Stream;
use super::trouble::{fatal, of_fetch, of_refusal, passing};
use super::work::Work;
use crate::gauge;

/// Bytes of a file that may be here before its record says of which version they are. After a crash
/// they are fetched again, so this is part of what a kill may cost (8 MiB).
const UNNOTED_BYTES_MAX: u64 = 4 * 1024 * 1024;

/// Why a connection ended.
pub(super) enum Leave {
    /// There is nothing left for it to fetch.
    Idle,
    /// It was sent away.
    Dismissed,
    /// The file is another one than the one that the others fetch.
    Changed,
    /// Its source sends no parts, and others fetch too.
    NoParts,
    /// A piece from its source was wrong, and is to be fetched again.
    WrongPiece,
    /// A piece will not come right, and need not: the hashes are not to be believed.
    Distrust,
    /// Its source failed.
    Failed {
        /// In words.
        trouble: Trouble,
        /// It has another file than the one that is meant.
        is_another_file: bool,
        /// What that says of a cache host, if it was one.
        failure: Failure,
    },
    /// It was a cache host's, and the origin is to be asked instead: a piece was wrong.
    LeftCache,
    /// The whole transfer is over.
    Over(End),
}

impl Leave {
    fn failed(trouble: Trouble) -> Leave {
        Leave::Failed { trouble, is_another_file: false, failure: Failure::Other }
    }

    /// A request that failed, in words.
    ///
    /// * `asked`: the URL that was asked.
    fn of(error: &FetchError, asked: &Url, trouble: Trouble) -> Leave {
        let failure = cache_host::failure(error, asked);
        Leave::Failed { trouble, is_another_file: false, failure }
    }

    /// Writes into the ledger how the request ended that ended the connection.
    fn close(&self, line: Line) {
        match self {
            Leave::Idle | Leave::Dismissed => line.end(RequestEnd::Relieved),
            Leave::Changed => line.end(RequestEnd::OtherVersion),
            Leave::Over(End::Stopped) => line.end(RequestEnd::Stopped),
            Leave::NoParts => line.fail(&fatal(
                ErrorCode::DO_E_INSUFFICIENT_RANGE_SUPPORT,
                "the server does not send byte ranges".into(),
            )),
            Leave::WrongPiece | Leave::LeftCache | Leave::Distrust => line.fail(&fatal(
                ErrorCode::DO_E_BAD_PIECE_HASH,
                "a piece did not have the right hash".into(),
            )),
            Leave::Failed { trouble, .. } | Leave::Over(End::Failed(trouble)) => line.fail(trouble),
        }
    }
}

impl<E: Into<End>> From<E> for Leave {
    fn from(error: E) -> Leave {
        Leave::Over(error.into())
    }
}

/// What the part in control sees of a connection, and tells it.
#[derive(Debug)]
pub(super) struct Member {
    pub(super) source: SourceId,
    /// Whether its present request goes to a cache host.
    pub(super) to_cache: Cell<bool>,
    /// Bytes of bodies so far.
    pub(super) bytes: Cell<u64>,
    /// Whether the body of its present request has begun.
    pub(super) is_streaming: Cell<bool>,
    /// It is to go when the piece that it is at is whole.
    pub(super) is_dismissed: Cell<bool>,
    /// What it fetches.
    pub(super) span: Cell<Option<SpanId>>,
    /// Lately; 0 while nobody knows.
    pub(super) bytes_per_second: Cell<u64>,
}

impl Member {
    pub(super) fn new(source: SourceId) -> Member {
        Member {
            source,
            to_cache: Cell::new(false),
            bytes: Cell::new(0),
            is_streaming: Cell::new(false),
            is_dismissed: Cell::new(false),
            span: Cell::new(None),
            bytes_per_second: Cell::new(0),
        }
    }
}

/// One connection at work.
pub(super) struct Connection {
    work: Rc<Work>,
    member: Rc<Member>,
    stream: Stream,
    /// Why the next request is made, if that is known.
    reason: Option<Reason>,
}

impl Connection {
    /// A connection that goes on where `stream` is.
    pub(super) fn new(work: Rc<Work>, member: Rc<Member>, stream: Stream) -> Connection {
        Connection { work, member, stream, reason: None }
    }

    /// Fetches until there is nothing left for it, or it must end.
    pub(super) async fn run(mut self) -> Leave {
        let leave = self.fetch().await;
        let mut state = self.work.state();
        if let Some(sink) = &mut state.sink {
            let lost = self.stream.give_up(sink);
            if let Some(span) = self.member.span.take() {
                sink.spans.give_back(span);
            }
            self.work.order.ledger.discard(Discard::Unfinished, lost);
        }
        leave
    }

    async fn fetch(&mut self) -> Leave {
        loop {
            if self.work.stop.is_wished() {
                return Leave::Over(End::Stopped);
            }
            if self.member.is_dismissed.get() {
                return Leave::Dismissed;
            }
            if self.work.is_complete() {
                return Leave::Idle;
            }
            if let Err(leave) = self.fetch_once().await {
                return leave;
            }
        }
    }

    /// One request and what comes of it.
    async fn fetch_once(&mut self) -> Result<(), Leave> {
        let (local, asked) = self.next_part()?;
        let (name, reason) = {
            let mut state = self.work.state();
            if self.member.source.is_own() {
                let text = self.work.order.source.url();
                state.sources.follow(text).map_err(Leave::failed)?;
                self.member.to_cache.set(state.sources.is_via_cache());
            }
            let known = self.reason.take().or_else(|| state.next_reason.take());
            let name = state.sources.get(self.member.source).name.clone();
            (name, known.unwrap_or_else(|| self.reason_of_span(&state)))
        };
        let order = &self.work.order;
        let _connection = gauge::Connection::begin(&order.gauge, self.member.to_cache.get());
        let line = order.ledger.begin(&name, local.clone(), reason);
        match self.ask(local, asked, &line).await {
            Ok(how) => {
                line.end(how);
                Ok(())
            }
            Err(leave) => {
                leave.close(line);
                Err(leave)
            }
        }
    }

    fn reason_of_span(&self, state: &super::work::State) -> Reason {
        let Some((sink, span)) = state.sink.as_ref().zip(self.member.span.get()) else {
            return Reason::Next;
        };
        let first = sink.spans.left(span).map(|left| left.first());
        match first {
            Some(piece) if state.wrongs.contains(piece) => Reason::WrongHash,
            Some(_) if sink.spans.was_stolen(span) => Reason::Stolen,
            Some(_) | None => Reason::Next,
        }
    }

    /// The next missing stretch of the local file and the remote range that holds it; no range when
    /// everything is to be asked for.
    fn next_part(&mut self) -> Result<(Range<u64>, Option<Range<u64>>), Leave> {
        let mut state = self.work.state();
        let Some(facts) = state.facts.clone().filter(|_| state.sink.is_some()) else {
            // Nothing is known yet. The first reply tells; a file with ranges asks for its first.
            let first = self.work.order.file.ranges.first().map(|range| {
                let end = range.length.and_then(|length| range.offset.checked_add(length));
                range.offset..end.unwrap_or(u64::MAX)
            });
            return Ok((0..u64::MAX, first));
        };
        let missing = self.missing(&mut state).ok_or(Leave::Idle)?;
        let map = self.work.map(&facts)?;
        let Some((local, remote)) = map.first_stretch(missing) else {
            return Err(Leave::Over(End::Failed(fatal(
                ErrorCode::DO_E_FATAL_CORE_ERROR,
                "a missing piece lies outside the file".into(),
            ))));
        };
        let has_none = state.sink.as_ref().is_some_and(|sink| sink.spans.had().is_empty());
        let is_everything = remote == (0..facts.remote_size) && has_none;
        Ok((local, (!is_everything).then_some(remote)))
    }

    /// What is left of the span, or the next one; from where the connection stands, if it can go on
    /// there. `None` when there is nothing for it.
    fn missing(&self, state: &mut super::work::State) -> Option<Range<u64>> {
        let except = state.not_for(self.member.source, self.work.now());
        let (among, wait) = (state.connections_count, state.wait);
        let sink = state.sink.as_mut()?;
        let present = self.member.span.get().and_then(|span| sink.spans.left(span));
        let left = match present {
            Some(left) => left,
            None => {
                if let Some(done) = self.member.span.take() {
                    sink.spans.give_back(done);
                }
                let bytes_per_second = self.member.bytes_per_second.get();
                let seeker = Seeker { among, bytes_per_second, wait, except: &except };
                let span = sink.spans.take(&seeker)?;
                self.member.span.set(Some(span));
                sink.spans.left(span)?
            }
        };
        let bytes = left.bytes();
        let goes_on = self.stream.goes_on_in(bytes.start, bytes.end);
        Some(if goes_on { self.stream.position()..bytes.end } else { bytes })
    }

    /// Whether any byte is here that a reply would have to go with.
    fn has_anything(&self) -> bool {
        self.stream.is_within() || self.work.has_pieces() || !self.is_alone()
    }

    fn is_alone(&self) -> bool {
        self.work.state().connections_count <= 1
    }

    async fn ask(
        &mut self,
        local: Range<u64>,
        asked: Option<Range<u64>>,
        line: &Line,
    ) -> Result<RequestEnd, Leave> {
        let source = self.member.source;
        let has_anything = self.has_anything();
        let if_range = asked.as_ref().and_then(|_| self.work.if_range(source, has_anything));
        let request = {
            let state = self.work.state();
            let address = state.sources.get(source);
            Request {
                url: address.url.clone(),
                range: asked.clone(),
                if_range,
                headers: address.headers.clone(),
                allow_downgrade: self.work.order.allow_downgrade,
                public_only: state.sources.is_public_only(source),
                speaks_for_public: state.sources.speaks_for_public(source),
                connect_timeout: self.member.to_cache.get().then_some(CONNECT_TIMEOUT),
            }
        };
        self.member.is_streaming.set(false);
        let asked_at = Instant::now();
        let mut response = match self.work.client.open(&request).await {
            Ok(response) => response,
            Err(error) => return self.not_opened(&request.url, error).await,
        };
        self.work.state().waited(asked_at.elapsed());
        if let Some(throttle) = &self.work.order.throttle {
            response.body.keep_pace(throttle);
        }
        self.note_reply(&mut response);
        let part = match response.extent {
            Extent::Whole => None,
            Extent::Part { start, end } => Some(start..end),
        };
        let judgement =
            self.work.judge(source, has_anything, asked.as_ref(), part.as_ref(), &response);
        match judgement {
            Judgement::Refuse(code, why) => Err(self.refused(code, why, true)),
            Judgement::Doubt(code, why) => Err(self.refused(code, why, false)),
            Judgement::AskAnew => {
                drop(response);
                self.restart().await?;
                Ok(RequestEnd::OtherVersion)
            }
            Judgement::Take { facts, body_start, restart } => {
                if restart {
                    self.restart().await?;
                }
                if source.is_own() {
                    self.work.hear(&response);
                }
                self.join_duplicates(&mut response);
                let is_known = self.work.state().facts.is_some();
                if source.is_own() || !is_known {
                    self.work.learn(facts)?;
                }
                let local = self.place_of(local, body_start, part.is_none())?;
                line.set_span(local.clone());
                self.take(&request.url, &mut response, local, line).await
            }
        }
    }

    /// What a reply says beside its body.
    fn note_reply(&self, response: &mut Response) {
        let headers = std::mem::take(&mut response.header_text);
        self.work.order.gauge.set_reply_headers(Some(headers.into()));
        let mut state = self.work.state();
        if self.member.source.is_own() && !self.member.to_cache.get() {
            state.sources.own_answered(response.from_public);
            self.work.order.gauge.set_from_public(response.from_public);
        }
        let can_split = response.accepts_ranges && response.version == Version::HTTP_11;
        state.has_parts = can_split && !state.never_parts;
        state.parts_shown |= matches!(response.extent, Extent::Part { .. });
        self.work.ripe.notify_one();
    }

    /// Where else a reply says that the file is, if a hash will tell whether it is.
    fn join_duplicates(&self, response: &mut Response) {
        let mut state = self.work.state();
        if state.is_proved(self.work.order.file.sha256.is_some()) {
            state.sources.join(std::mem::take(&mut response.duplicates));
        }
    }

    /// A reply that cannot be used.
    fn refused(&self, code: ErrorCode, why: &str, is_final: bool) -> Leave {
        let state = self.work.state();
        let host = state.sources.get(self.member.source).host();
        let trouble = if is_final {
            fatal(code, format!("cannot fetch from {host}: {why}"))
        } else {
            passing(code, format!("cannot fetch from {host} now: {why}"))
        };
        let failure = if is_final { Failure::Wrong } else { Failure::Other };
        Leave::Failed { trouble, is_another_file: is_final, failure }
    }

    /// A request that brought no body. A file that shrank or changed shows as "no such range", and so
    /// does a server that has lost its way: asked for the whole, it may find it again.
    async fn not_opened(
        &mut self,
        asked: &Url,
        mut error: FetchError,
    ) -> Result<RequestEnd, Leave> {
        if let Some(HeaderText(text)) = error.reply_headers.take() {
            self.work.order.gauge.set_reply_headers(Some(text.into()));
        }
        if self.work.state().sources.is_asked_who(self.member.source, &error) {
            self.reason = Some(Reason::Credentials);
            return Ok(RequestEnd::Credentials);
        }
        let is_another = match &error.kind {
            FetchErrorKind::Changed | FetchErrorKind::RangeNotSatisfiable { .. } => true,
            _other_trouble => false,
        };
        if self.has_anything() && is_another {
            self.restart().await?;
            Ok(RequestEnd::OtherVersion)
        } else {
            // What a cache host does not have is to be had elsewhere.
            let may_come_back =
                !self.member.to_cache.get() && self.work.has_served(self.member.source);
            Err(Leave::of(&error, asked, of_refusal(&error, may_come_back)))
        }
    }

    /// The source has another file than the one that is known. If it is the file's own and nobody else
    /// fetches, it is begun anew here and now.
    async fn restart(&mut self) -> Result<(), Leave> {
        let is_own = self.member.source.is_own();
        if !is_own && self.work.state().facts.is_some() {
            let code = ErrorCode::DO_E_HTTP_BLOCKSIZE_MISMATCH;
            return Err(self.refused(code, "it has another file than the one that is meant", true));
        }
        if !self.is_alone() {
            return Err(Leave::Changed);
        }
        self.stream = Stream::new();
        self.member.span.set(None);
        Ok(self.work.restart(Discard::OtherVersion).await?)
    }

    /// Where the body's first byte stands in the local file, and how far it may go. With ranges the
    /// body is exactly the stretch that was asked for; without, local and remote offsets are the same.
    fn place_of(
        &mut self,
        local: Range<u64>,
        body_start: u64,
        is_whole: bool,
    ) -> Result<Range<u64>, Leave> {
        let mut state = self.work.state();
        // Of a file that is new there was no span to take before.
        self.missing(&mut state);
        let state = &mut *state;
        let Some((sink, span)) = state.sink.as_mut().zip(self.member.span.get()) else {
            return Ok(0..0);
        };
        let size = sink.staging.layout().file_size();
        if self.work.order.file.ranges.is_empty() {
            let begins = sink.spans.left(span).map(|left| left.bytes().start);
            if is_whole && begins.is_some_and(|begins| begins != 0) {
                // An origin that always sends everything: alone, that is a detour and no more.
                state.never_parts = true;
                if !sink.spans.widen(span) {
                    return Err(Leave::NoParts);
                }
            }
            return Ok(body_start..size);
        }
        let first = self.work.order.file.ranges.first().and_then(|range| range.length);
        Ok(match local {
            // The very first request of a ranged file: its first range, as far as the file goes.
            Range { start: 0, end: u64::MAX } => 0..first.unwrap_or(size).min(size),
            known => known,
        })
    }

    /// Takes the body: `local` is where its bytes belong, as far as the span goes. What comes behind
    /// that is not wanted.
    async fn take(
        &mut self,
        asked: &Url,
        response: &mut Response,
        local: Range<u64>,
        line: &Line,
    ) -> Result<RequestEnd, Leave> {
        if let Some(sink) = &mut self.work.state().sink {
            let lost = self.stream.seek(sink, local.start);
            self.work.order.ledger.discard(Discard::Unfinished, lost);
        }
        self.member.is_streaming.set(true);
        while self.left(&local) > 0 {
            if self.work.stop.is_wished() {
                return Err(Leave::Over(End::Stopped));
            }
            let next = response.body.next().await;
            let next = next.map_err(|error| Leave::of(&error, asked, of_fetch(&error)))?;
            let Some(bytes) = next else {
                break;
            };
            self.write(&bytes, &local, line)?;
            self.keep_bounds(bytes.len() as u64).await;
        }
        self.work.state().sources.share.proved(self.member.source);
        match response.body.remaining() {
            // A body that is read to its very end leaves its connection fit for the next request.
            Some(0) => {
                let _ = response.body.next().await;
                Ok(RequestEnd::Complete)
            }
            Some(_) if self.stream.position() < local.end => {
                line.set_span(local.start..self.stream.position());
                Ok(RequestEnd::Relieved)
            }
            Some(_) | None => Ok(RequestEnd::Complete),
        }
    }

    /// How many bytes of `local` are still to come over this connection.
    fn left(&self, local: &Range<u64>) -> u64 {
        let state = self.work.state();
        let span = state.sink.as_ref().zip(self.member.span.get());
        let left = span.and_then(|(sink, span)| sink.spans.left(span));
        let end: u64 = left.map_or(0, |left| left.bytes().end.min(local.end));
        end.saturating_sub(self.stream.position())
    }

    /// Writes what of these bytes is wanted, and sees to pieces that turn out to be wrong.
    fn write(&mut self, bytes: &[u8], local: &Range<u64>, line: &Line) -> Result<(), Leave> {
        // Somebody may have taken over the back while they were on their way.
        let left = usize::try_from(self.left(local)).unwrap_or(usize::MAX);
        let length = bytes.len() as u64;
        let order = &self.work.order;
        order.gauge.fetched_bytes.fetch_add(length, Ordering::Relaxed);
        line.add(length);
        let mut state = self.work.state();
        if self.member.to_cache.get() {
            order.gauge.cache_bytes.fetch_add(length, Ordering::Relaxed);
            state.from_cache = true;
        }
        if self.member.bytes.get() == 0 && self.member.source.is_own() {
            state.sources.served();
        }
        self.member.bytes.set(self.member.bytes.get() + length);
        state.came_from(self.member.source);
        let Some((sink, span)) = state.sink.as_mut().zip(self.member.span.get()) else {
            return Err(Leave::Over(End::Stopped));
        };
        let written = self.stream.write(sink, span, &bytes[..left.min(bytes.len())])?;
        order.ledger.discard(Discard::Surplus, length - written.new_bytes);
        order.ledger.discard(Discard::Unfinished, written.lost_bytes);
        drop(state);
        if written.wrong.is_empty() {
            return Ok(());
        }
        let is_of_cache = self.member.to_cache.get();
        Err(self.work.wrong(self.member.source, is_of_cache, &written.wrong))
    }

    /// Waits where something is to wait for: until the version of these bytes is noted, and as a rate
    /// limit wants it. Of a file that is not all here yet the loop hears what it is.
    async fn keep_bounds(&self, bytes: u64) {
        if !self.work.is_complete() {
            self.work.tell_facts();
        }
        let unnoted = {
            let mut state = self.work.state();
            state.unnoted.take_if(|unnoted| {
                unnoted.bytes += bytes;
                unnoted.bytes >= UNNOTED_BYTES_MAX || unnoted.is_answered()
            })
        };
        if let Some(mut unnoted) = unnoted {
            if !unnoted.is_answered() {
                // A failed write is tried again by the loop; waiting longer helps nobody.
                let _ = unnoted.answer.await;
            }
            self.work.ripe.notify_one();
        }
        if let Some(throttle) = &self.work.order.throttle {
            let began = Instant::now();
            throttle.take(bytes).await;
            if began.elapsed().as_millis() > 0 {
                let now = self.work.now();
                self.work.state().throttled_at = Some(now);
            }
        }
    }
}
