//! One transfer, from its order to its end.

use std::ops::Range;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::sync::mpsc::SyncSender;

use dobbin_core::job::{Facts, Judgement, Known, RangeMap, Trouble, Validator, judge};
use dobbin_core::piece::Manifest;
use dobbin_core::piece::wrong::Wrongs;
use dobbin_net::http::{Client, Extent, FetchErrorKind, HeaderText, Request, Response};
use dobbin_store::Staging;
use dobbin_types::{Discard, ErrorCode, Reason, SourceKind};
use http::{HeaderName, HeaderValue};
use tokio::sync::oneshot;
use url::Url;

use super::end::End;
use super::hash::WholeHash;
use super::ledger::{HowEnded, Line, SourceName};
use super::order::Order;
use super::stop::Stop;
use super::stream::Writer;
use super::trouble::{fatal, of_fetch, of_refusal, passing};
use crate::event::{Event, News};
use crate::gauge::Connection;
use crate::hands::Hands;

mod hashes;
mod staging;

/// How often a file may start from zero within one transfer; the next change of it is an error.
const RESTARTS_MAX: u32 = 2;

/// Bytes of a file that may be here before its record says of which version they are. After a crash
/// they are fetched again, so this is part of what a kill may cost (8 MiB).
const UNNOTED_BYTES_MAX: u64 = 4 * 1024 * 1024;

/// What was learnt of the file, on its way to the journal.
struct Unnoted {
    answer: oneshot::Receiver<bool>,
    /// Bytes taken meanwhile.
    bytes: u64,
}

/// A transfer at work.
pub(super) struct Task {
    order: Order,
    client: Client,
    hands: Hands,
    inbox: SyncSender<Event>,
    stop: Stop,
    /// The URL that is asked, as its owner said it: the name under which origins' marks are kept.
    address: Arc<str>,
    /// The same, read.
    url: Url,
    headers: Vec<(HeaderName, HeaderValue)>,
    /// What is known of the file, the newest reply included.
    facts: Option<Facts>,
    writer: Option<Writer>,
    /// The hashes of its pieces, as long as they are believed.
    manifest: Option<Arc<Manifest>>,
    wrongs: Wrongs,
    restarts_count: u32,
    /// Why the next request is made.
    reason: Reason,
    unnoted: Option<Unnoted>,
    /// Bytes of a version without a validator, or from another origin, were taken over: if the hash
    /// is wrong in the end, one more try from zero is due before that is an error.
    glued_blindly: bool,
}

impl Task {
    /// Runs the order to its end and reports it.
    pub(super) async fn run(
        order: Order,
        client: Client,
        hands: Hands,
        inbox: SyncSender<Event>,
        stop: Stop,
    ) {
        let (job, file, attempt) = (order.job, order.number, order.attempt);
        let tell = inbox.clone();
        let report = move |news| {
            // The loop may be gone: then nobody waits for the news.
            let _ = tell.send(Event::Transfer { job, file, attempt, news });
        };
        match Task::new(order, client, hands, inbox, stop) {
            Ok(mut task) => match task.fetch().await {
                Ok(()) => report(News::Finished),
                Err(End::Failed(trouble)) => report(News::Failed(trouble)),
                Err(End::Stopped) => {}
            },
            Err(trouble) => report(News::Failed(trouble)),
        }
    }

    fn new(
        order: Order,
        client: Client,
        hands: Hands,
        inbox: SyncSender<Event>,
        stop: Stop,
    ) -> Result<Task, Trouble> {
        if let Some((code, why)) = order.file.obstacle() {
            return Err(fatal(code, why.into()));
        }
        let address = order.source.url();
        let url = read(&address)?;
        Ok(Task {
            headers: parsed(&order.headers).collect(),
            address,
            url,
            facts: order.file.facts.clone(),
            order,
            client,
            hands,
            inbox,
            stop,
            writer: None,
            manifest: None,
            wrongs: Wrongs::default(),
            restarts_count: 0,
            reason: Reason::First,
            unnoted: None,
            glued_blindly: false,
        })
    }

    /// Fetches until every byte is here, checked and flushed.
    async fn fetch(&mut self) -> Result<(), End> {
        let outcome = self.fetch_all().await;
        if let Some(writer) = &mut self.writer
            && outcome.is_err()
        {
            let here = self.order.gauge.transferred();
            writer.leave();
            let kept = self.order.gauge.transferred();
            self.order.ledger.discard(Discard::Unfinished, here.saturating_sub(kept));
        }
        outcome
    }

    async fn fetch_all(&mut self) -> Result<(), End> {
        self.obtain_manifest().await?;
        let checked_bytes = self.open_staging().await?;
        self.order.ledger.opened(self.order.gauge.transferred(), checked_bytes);
        self.reason = self.order.ledger.first_reason(self.has_anything());
        loop {
            while !self.is_complete() {
                self.fetch_once().await?;
            }
            if self.is_hash_right()? {
                break;
            }
            if !std::mem::take(&mut self.glued_blindly) {
                return Err(self.wrong_hash().await);
            }
            self.restart(Discard::WrongHash).await?;
        }
        match &mut self.writer {
            Some(writer) => Ok(writer.flusher.finish().await?),
            None => Ok(()),
        }
    }

    /// Whether any byte is here that a reply would have to go with.
    fn has_anything(&self) -> bool {
        self.writer.as_ref().is_some_and(Writer::has_anything)
    }

    fn is_complete(&self) -> bool {
        self.writer.as_ref().is_some_and(Writer::is_complete)
    }

    /// One request and what comes of it.
    async fn fetch_once(&mut self) -> Result<(), End> {
        self.follow_source()?;
        let (local, asked) = self.next_part()?;
        let _connection = Connection::begin(&self.order.gauge);
        let source = SourceName::new(SourceKind::Origin, &self.url);
        let reason = std::mem::replace(&mut self.reason, Reason::Next);
        let line = self.order.ledger.begin(&source, local.clone(), reason);
        match self.ask(local, asked, &line).await {
            Ok(how) => {
                line.end(how);
                Ok(())
            }
            Err(end) => {
                line.end(end.of_request());
                Err(end)
            }
        }
    }

    async fn ask(
        &mut self,
        local: Range<u64>,
        asked: Option<Range<u64>>,
        line: &Line,
    ) -> Result<HowEnded, End> {
        let request = Request {
            url: self.url.clone(),
            range: asked.clone(),
            if_range: self.if_range(asked.as_ref()),
            headers: self.headers.clone(),
            allow_downgrade: self.order.allow_downgrade,
            public_only: false,
        };
        let opened = tokio::select! {
            biased;
            () = self.stop.wished() => return Err(End::Stopped),
            opened = self.client.open(&request) => opened,
        };
        let mut response = match opened {
            Ok(response) => response,
            Err(mut error) => {
                if let Some(HeaderText(text)) = error.reply_headers.take() {
                    self.order.gauge.set_reply_headers(Some(text.into()));
                }
                if self.is_asked_who(&error) {
                    self.reason = Reason::Credentials;
                    return Ok(HowEnded::Credentials);
                }
                return self.not_opened(error).await;
            }
        };
        let headers = std::mem::take(&mut response.header_text);
        self.order.gauge.set_reply_headers(Some(headers.into()));
        let part = match response.extent {
            Extent::Whole => None,
            Extent::Part { start, end } => Some(start..end),
        };
        match self.judge(asked.as_ref(), part.as_ref(), &response) {
            Judgement::Refuse(code, why) => {
                let host = self.url.host_str().unwrap_or_default();
                Err(End::Failed(fatal(code, format!("cannot fetch from {host}: {why}"))))
            }
            Judgement::Doubt(code, why) => {
                let host = self.url.host_str().unwrap_or_default();
                Err(End::Failed(passing(code, format!("cannot fetch from {host} now: {why}"))))
            }
            Judgement::AskAnew => {
                drop(response);
                self.restart(Discard::OtherVersion).await?;
                Ok(HowEnded::OtherVersion)
            }
            Judgement::Take { facts, body_start, restart } => {
                if restart {
                    self.restart(Discard::OtherVersion).await?;
                    self.reason = Reason::Next;
                }
                self.learn(facts)?;
                let local = self.place_of(local, body_start);
                line.set_span(local.clone());
                self.take(&mut response, local, line).await?;
                Ok(HowEnded::Complete)
            }
        }
    }

    /// The owner may have named another URL since the last request. What is had stays until the new
    /// origin has said what its file is.
    fn follow_source(&mut self) -> Result<(), End> {
        let address = self.order.source.url();
        if address != self.address {
            self.url = read(&address).map_err(End::Failed)?;
            self.address = address;
        }
        Ok(())
    }

    /// Whether what is known of the file was said by another origin than the one that is asked.
    fn is_moved(&self) -> bool {
        self.facts.as_ref().is_some_and(|facts| *facts.url != *self.address)
    }

    /// The next missing stretch of the local file and the remote range that holds it; no range when
    /// everything is to be asked for.
    fn next_part(&self) -> Result<(Range<u64>, Option<Range<u64>>), End> {
        let file = &self.order.file;
        let Some((writer, facts)) = self.writer.as_ref().zip(self.facts.as_ref()) else {
            // Nothing is known yet. The first reply tells; a file with ranges asks for its first.
            let first = file.ranges.first().map(|range| {
                let end = range.length.and_then(|length| range.offset.checked_add(length));
                range.offset..end.unwrap_or(u64::MAX)
            });
            return Ok((0..u64::MAX, first));
        };
        let map = self.map(facts)?;
        let missing = writer.next_missing().unwrap_or(0..0);
        let Some((local, remote)) = map.first_stretch(missing) else {
            return Err(End::Failed(fatal(
                ErrorCode::DO_E_FATAL_CORE_ERROR,
                "a missing piece lies outside the file".into(),
            )));
        };
        let is_everything = remote == (0..facts.remote_size) && writer.have().is_empty();
        Ok((local, (!is_everything).then_some(remote)))
    }

    fn map(&self, facts: &Facts) -> Result<RangeMap, End> {
        RangeMap::new(&self.order.file.ranges, facts.remote_size).map_err(|code| {
            End::Failed(fatal(code, "a range lies outside the server's file".into()))
        })
    }

    fn if_range(&self, asked: Option<&Range<u64>>) -> Option<Validator> {
        asked?;
        if self.is_moved() {
            // The mark of another origin would mean nothing to this one, or something else.
            return None;
        }
        self.facts.as_ref().filter(|_| self.has_anything())?.validator.clone()
    }

    /// Whether the origin wants to know who asks, and the caller has said that it may: then the same
    /// request goes out again, with those headers (`HttpCustomAuthHeaders`). Once only: an origin
    /// that asks again did not like them.
    fn is_asked_who(&mut self, error: &dobbin_net::http::FetchError) -> bool {
        let wants = matches!(error.http_status, Some(401 | 407));
        let auth = std::mem::take(&mut self.order.auth_headers);
        if !wants {
            self.order.auth_headers = auth;
            return false;
        }
        self.headers.extend(parsed(&auth));
        !auth.is_empty()
    }

    /// A request that brought no body. A file that shrank or changed shows as "no such range", and so
    /// does a server that has lost its way: asked for the whole, it may find it again.
    async fn not_opened(&mut self, error: dobbin_net::http::FetchError) -> Result<HowEnded, End> {
        let is_another = match &error.kind {
            FetchErrorKind::Changed => true,
            FetchErrorKind::RangeNotSatisfiable { .. } => true,
            _other_trouble => false,
        };
        if self.has_anything() && is_another {
            self.restart(Discard::OtherVersion).await?;
            Ok(HowEnded::OtherVersion)
        } else {
            let was_served = self.facts.is_some() && !self.is_moved();
            Err(End::Failed(of_refusal(&error, was_served)))
        }
    }

    fn judge(
        &mut self,
        asked: Option<&Range<u64>>,
        part: Option<&Range<u64>>,
        response: &Response,
    ) -> Judgement {
        let file = &self.order.file;
        let known = Known {
            url: &self.address,
            facts: self.facts.as_ref(),
            declared_size: file.declared_size,
            ranges: &file.ranges,
            anything_had: self.has_anything(),
            is_hashed: file.sha256.is_some(),
        };
        let no_proof = |facts: &Facts| facts.validator.is_none() || known.is_moved();
        if known.anything_had && known.facts.is_some_and(no_proof) {
            self.glued_blindly = known.is_hashed;
        }
        let validator = response.validator.as_ref();
        judge(known, asked, part, response.total, validator, response.last_modified)
    }

    /// What the reply says of the file is news, or it is what we knew.
    fn learn(&mut self, facts: Facts) -> Result<(), End> {
        if self.facts.as_ref() != Some(&facts) {
            let (noted, answer) = oneshot::channel();
            self.send(News::Known(facts.clone(), noted))?;
            self.unnoted = Some(Unnoted { answer, bytes: 0 });
            self.facts = Some(facts);
        }
        if self.writer.is_none() {
            self.create_staging()?;
        }
        Ok(())
    }

    /// Where the body's first byte stands in the local file. With ranges the body is exactly the
    /// stretch that was asked for; without, local and remote offsets are the same.
    fn place_of(&self, local: Range<u64>, body_start: u64) -> Range<u64> {
        let size = self.writer.as_ref().map_or(0, |writer| writer.staging.layout().file_size());
        if self.order.file.ranges.is_empty() {
            return body_start..size;
        }
        let first = self.order.file.ranges.first().and_then(|range| range.length);
        match local {
            // The very first request of a ranged file: its first range, as far as the file goes.
            Range { start: 0, end: u64::MAX } => 0..first.unwrap_or(size).min(size),
            known => known,
        }
    }

    /// Takes the body: `local` is where its bytes belong. What comes behind that is not wanted.
    async fn take(
        &mut self,
        response: &mut Response,
        local: Range<u64>,
        line: &Line,
    ) -> Result<(), End> {
        let Some(writer) = &mut self.writer else {
            return Err(End::Stopped);
        };
        writer.seek(local.start);
        let mut left = local.end - local.start;
        while left > 0 {
            let next = tokio::select! {
                biased;
                () = self.stop.wished() => return Err(End::Stopped),
                next = response.body.next() => next,
            };
            let Some(bytes) = next.map_err(|error| End::Failed(of_fetch(&error)))? else {
                break;
            };
            self.order.gauge.fetched_bytes.fetch_add(bytes.len() as u64, Ordering::Relaxed);
            line.add(bytes.len() as u64);
            let take = usize::try_from(left).unwrap_or(usize::MAX).min(bytes.len());
            let before = self.order.gauge.transferred();
            let Some(writer) = &mut self.writer else {
                return Err(End::Stopped);
            };
            writer.write(&bytes[..take])?;
            let written = self.order.gauge.transferred() - before;
            self.order.ledger.discard(Discard::Surplus, bytes.len() as u64 - written);
            self.judge_wrong_pieces()?;
            left -= take as u64;
            if let Some(unnoted) = &mut self.unnoted {
                unnoted.bytes += take as u64;
                if unnoted.bytes >= UNNOTED_BYTES_MAX {
                    // A failed write is tried again by the loop; waiting longer helps nobody.
                    let _ = (&mut unnoted.answer).await;
                    self.unnoted = None;
                }
            }
            if let Some(throttle) = &self.order.throttle {
                tokio::select! {
                    biased;
                    () = self.stop.wished() => return Err(End::Stopped),
                    () = throttle.take(bytes.len() as u64) => {}
                }
            }
        }
        // A body that is read to its very end leaves its connection fit for the next request.
        if response.body.remaining() == Some(0) {
            let _ = response.body.next().await;
        }
        Ok(())
    }

    /// The file is another one than before: what was had of it goes.
    async fn restart(&mut self, why: Discard) -> Result<(), End> {
        self.restarts_count += 1;
        if self.restarts_count > RESTARTS_MAX {
            let host = self.url.host_str().unwrap_or_default();
            return Err(End::Failed(fatal(
                ErrorCode::E_UNEXPECTED,
                format!("the file at {host} keeps changing while it is fetched"),
            )));
        }
        self.reason = match why {
            Discard::WrongHash | Discard::WrongPiece => Reason::WrongHash,
            Discard::OtherVersion | Discard::Unfinished | Discard::Surplus | Discard::Lost => {
                Reason::OtherVersion
            }
        };
        self.forget(why).await
    }

    /// Drops what was had of the file, in the journal first and then here. Only when the journal has
    /// forgotten the old bytes may new ones be written; else a crash could leave them under the old
    /// ones' name.
    async fn forget(&mut self, why: Discard) -> Result<(), End> {
        self.writer = None;
        self.facts = None;
        self.wrongs = Wrongs::default();
        self.order.ledger.discard(why, self.order.gauge.transferred());
        self.order.gauge.set_transferred(0);
        let (noted, answer) = oneshot::channel();
        self.send(News::Restarted(noted))?;
        if !answer.await.unwrap_or(false) {
            // Where a newer attempt has overtaken this one, nobody listens to that any more.
            let why = "the journal cannot be written, so the old bytes cannot be replaced yet";
            return Err(End::Failed(passing(ErrorCode::ENOSPC, why.into())));
        }
        self.order.generation += 1;
        Ok(Staging::discard_at(&self.order.place)?)
    }

    /// Whether the whole file has the hash that the caller gave, if any.
    fn is_hash_right(&mut self) -> Result<bool, End> {
        let Some((writer, expected)) = self.writer.as_mut().zip(self.order.file.sha256) else {
            return Ok(true);
        };
        let hash = writer.hash.take().unwrap_or_else(WholeHash::new);
        Ok(hash.finish(&writer.staging)? == expected)
    }

    /// The bytes are not those that the caller meant: none of them is kept.
    async fn wrong_hash(&mut self) -> End {
        if let Err(end) = self.forget(Discard::WrongHash).await {
            return end;
        }
        let host = self.url.host_str().unwrap_or_default();
        End::Failed(fatal(
            ErrorCode::DO_E_BAD_PIECE_HASH,
            format!("the file from {host} does not have the SHA-256 that was given"),
        ))
    }

    fn send(&self, news: News) -> Result<(), End> {
        let (job, file, attempt) = (self.order.job, self.order.number, self.order.attempt);
        let event = Event::Transfer { job, file, attempt, news };
        self.inbox.send(event).map_err(|_loop_is_gone| End::Stopped)
    }
}

/// Headers as they are sent. All were checked at the door.
fn parsed(headers: &[(String, String)]) -> impl Iterator<Item = (HeaderName, HeaderValue)> + '_ {
    headers.iter().filter_map(|(name, value)| Some((name.parse().ok()?, value.parse().ok()?)))
}

/// A URL that was checked when it was given.
fn read(address: &str) -> Result<Url, Trouble> {
    Url::parse(address).map_err(|error| fatal(ErrorCode::INET_E_INVALID_URL, error.to_string()))
}
