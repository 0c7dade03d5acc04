//! One file under way: what all of its connections share.
//!
//! Everything runs on one thread, so there is no lock: the state is borrowed for a few lines at a time
//! and never across a wait.

use std::cell::{RefCell, RefMut};
use std::ops::Range;
use std::sync::Arc;
use std::sync::mpsc::SyncSender;
use std::time::{Duration, Instant};

use dobbin_core::job::{Facts, Judgement, Known, RangeMap, Validator, judge};
use dobbin_core::piece::wrong::{Next, Wrongs};
use dobbin_core::piece::{Layout, Manifest, PieceIndex};
use dobbin_core::source::share::SourceId;
use dobbin_core::source::word::Word;
use dobbin_net::http::{Client, Response};
use dobbin_store::Staging;
use dobbin_types::{Discard, ErrorCode, Reason};
use tokio::sync::oneshot::error::TryRecvError;
use tokio::sync::{Notify, oneshot};

use super::connection::Leave;
use super::end::{End, too_large};
use super::flush::Flusher;
use super::hash::WholeHash;
use super::manifest;
use super::order::Order;
use super::sink::Sink;
use super::sources::Sources;
use super::stop::Stop;
use super::trouble::{fatal, passing};
use crate::event::{Event, News};
use crate::hands::Hands;

/// How often a file may start from zero within one transfer; the next change of it is an error.
const RESTARTS_MAX: u32 = 2;

/// What was learnt of the file, on its way to the journal.
pub(super) struct Unnoted {
    pub(super) answer: oneshot::Receiver<bool>,
    /// Bytes taken meanwhile.
    pub(super) bytes: u64,
}

impl Unnoted {
    /// Whether the journal has spoken, well or ill.
    pub(super) fn is_answered(&mut self) -> bool {
        !matches!(self.answer.try_recv(), Err(TryRecvError::Empty))
    }
}

/// One file under way.
pub(super) struct Work {
    pub(super) order: Order,
    pub(super) client: Client,
    pub(super) stop: Stop,
    /// Told when there may be reason for more connections than before.
    pub(super) ripe: Notify,
    hands: Hands,
    inbox: SyncSender<Event>,
    epoch: Instant,
    state: RefCell<State>,
}

/// What changes while it is fetched.
pub(super) struct State {
    pub(super) sources: Sources,
    /// What is known of the file, the newest reply included.
    pub(super) facts: Option<Facts>,
    /// The hashes of its pieces, as long as they are believed.
    pub(super) manifest: Option<Arc<Manifest>>,
    /// `None` before it is known how long the file is.
    pub(super) sink: Option<Sink>,
    pub(super) wrongs: Wrongs,
    /// What the file's own URL says that its hash is.
    pub(super) word: Word,
    pub(super) unnoted: Option<Unnoted>,
    /// What was learnt of a small file, as long as the loop was not told: it mostly hears of it with
    /// the file's end.
    pub(super) untold: Option<Facts>,
    /// Connections at work.
    pub(super) connections_count: usize,
    /// Whether replies have shown that parts can be asked for, over connections of their own.
    pub(super) has_parts: bool,
    /// Some byte of what is here may have come from a cache host.
    pub(super) from_cache: bool,
    /// Bytes of a version without a validator, or from another origin, were taken over: if the hash
    /// is wrong in the end, one more try from zero is due before that is an error.
    pub(super) glued_blindly: bool,
    /// Where bytes came from; `None` while none did, `Some(None)` once they came from several sources.
    pub(super) came_from: Option<Option<SourceId>>,
    /// When a rate limit last held a connection back.
    pub(super) throttled_at: Option<Duration>,
    /// How long requests have taken lately until their replies began; `None` before the first one.
    pub(super) wait: Option<Duration>,
    /// Why the next request is made, if it is no ordinary one.
    pub(super) next_reason: Option<Reason>,
    /// A source has sent a part that it was asked for: it not only says that it can.
    pub(super) parts_shown: bool,
    /// A source was found to send everything whatever is asked for.
    pub(super) never_parts: bool,
    generation: u64,
    /// How often it was begun anew because it is another one than before.
    pub(super) restarts_count: u32,
}

impl Work {
    pub(super) fn new(
        order: Order,
        sources: Sources,
        client: Client,
        hands: Hands,
        inbox: SyncSender<Event>,
        stop: Stop,
    ) -> Work {
        let state = State {
            sources,
            facts: order.file.facts.clone(),
            manifest: None,
            sink: None,
            wrongs: Wrongs::default(),
            word: Word::default(),
            unnoted: None,
            untold: None,
            connections_count: 0,
            has_parts: false,
            from_cache: order.cache_bytes_before > 0,
            glued_blindly: false,
            came_from: None,
            throttled_at: None,
            wait: None,
            next_reason: None,
            parts_shown: false,
            never_parts: false,
            generation: order.generation,
            restarts_count: 0,
        };
        let (epoch, state) = (Instant::now(), RefCell::new(state));
        let ripe = Notify::new();
        Work { order, client, stop, ripe, hands, inbox, epoch, state }
    }

    /// The state, for a few lines. Never to be held across a wait, nor while another method is called.
    pub(super) fn state(&self) -> RefMut<'_, State> {
        self.state.borrow_mut()
    }

    /// Time since the transfer began.
    pub(super) fn now(&self) -> Duration {
        self.epoch.elapsed()
    }

    /// What reading back from the disk takes.
    pub(super) fn disk_tools(&self) -> (&Hands, &Stop) {
        (&self.hands, &self.stop)
    }

    /// Whether every piece is had.
    pub(super) fn is_complete(&self) -> bool {
        self.state().sink.as_ref().is_some_and(Sink::is_complete)
    }

    /// Whether any piece is had.
    pub(super) fn has_pieces(&self) -> bool {
        self.state().sink.as_ref().is_some_and(|sink| !sink.spans.had().is_empty())
    }

    /// Where the bytes of the local file stand in the remote one.
    pub(super) fn map(&self, facts: &Facts) -> Result<RangeMap, End> {
        RangeMap::new(&self.order.file.ranges, facts.remote_size).map_err(|code| {
            End::Failed(fatal(code, "a range lies outside the server's file".into()))
        })
    }

    /// The hashes, if the file is as large as they say; where it is not, they are given up, or the file.
    pub(super) fn manifest_for(&self, size: u64) -> Result<Option<Arc<Manifest>>, End> {
        // Kept where it is refused: whoever asks again is to be refused again.
        let said = self.state().manifest.clone();
        let manifest = manifest::of_size(&self.order, said, size).map_err(End::Failed)?;
        self.state().manifest.clone_from(&manifest);
        Ok(manifest)
    }

    /// Asks for the hashes of the file's pieces, where there are any to be had.
    pub(super) async fn obtain_manifest(&self) -> Result<(), End> {
        let (url, headers) = {
            let state = self.state();
            let sources = &state.sources;
            (sources.own_url().clone(), sources.get(SourceId::OWN).headers.clone())
        };
        let seeker = manifest::Seeker {
            order: &self.order,
            client: &self.client,
            hands: &self.hands,
            url: &url,
            headers: &headers,
        };
        let obtained = tokio::select! {
            biased;
            () = self.stop.wished() => return Err(End::Stopped),
            obtained = manifest::obtain(&seeker) => obtained,
        };
        self.state().manifest = obtained.map_err(End::Failed)?.map(Arc::new);
        Ok(())
    }

    /// The version to ask for, so that parts of another one do not come.
    ///
    /// * `has_anything`: whether any byte is here that the reply would have to go with.
    pub(super) fn if_range(&self, source: SourceId, has_anything: bool) -> Option<Validator> {
        let state = self.state();
        let facts = state.facts.as_ref().filter(|_| has_anything)?;
        // The mark of another origin would mean nothing to this one, or something else.
        (*facts.url == *state.sources.get(source).text).then(|| facts.validator.clone())?
    }

    /// Whether what is known of the file was said by this source.
    pub(super) fn has_served(&self, source: SourceId) -> bool {
        let state = self.state();
        let text = &state.sources.get(source).text;
        state.facts.as_ref().is_some_and(|facts| *facts.url == **text)
    }

    /// What to do with a reply of this source.
    pub(super) fn judge(
        &self,
        source: SourceId,
        has_anything: bool,
        asked: Option<&Range<u64>>,
        part: Option<&Range<u64>>,
        response: &Response,
    ) -> Judgement {
        let state = &mut *self.state();
        let file = &self.order.file;
        let is_proved = state.is_proved(file.sha256.is_some());
        let address = state.sources.get(source);
        // Sources of one content need not agree on when it was changed, nor on a mark for it, as long as
        // hashes tell whether it is the same: only its size must be.
        let mut known_facts = state.facts.clone();
        if let Some(facts) = &mut known_facts
            && *facts.url != *address.text
            && is_proved
            && (!source.is_own() || state.sources.is_further(&facts.url))
        {
            facts.last_modified = None;
        }
        let known = Known {
            url: &address.text,
            facts: known_facts.as_ref(),
            declared_size: file.declared_size,
            ranges: &file.ranges,
            anything_had: has_anything,
            is_hashed: is_proved,
        };
        let no_proof = |facts: &Facts| facts.validator.is_none() || known.is_moved();
        let glued = has_anything && known.facts.is_some_and(no_proof);
        let validator = response.validator.as_ref();
        let judgement =
            judge(known, asked, part, response.total, validator, response.last_modified);
        if glued {
            state.glued_blindly = is_proved;
        }
        let before = state.facts.as_ref().filter(|_| !source.is_own());
        let marks = before
            .filter(|facts| address.is_same_origin(&facts.url))
            .map(|facts| (facts.validator.as_ref(), response.validator.as_ref()));
        if let Some((Some(before), Some(now))) = marks
            && before != now
        {
            // One server's mark means the same under each of its names.
            let why = "it has another version of the file than the one that is meant";
            return Judgement::Refuse(ErrorCode::E_UNEXPECTED, why);
        }
        judgement
    }

    /// What the reply says of the file is news, or it is what we knew.
    pub(super) fn learn(&self, facts: Facts) -> Result<(), End> {
        let is_news = self.state().facts.as_ref() != Some(&facts);
        if is_news {
            let is_small = self.cut(&facts).is_ok_and(|layout| layout.piece_count() <= 1);
            let (unnoted, untold) = if is_small {
                (None, Some(facts.clone()))
            } else {
                let (noted, answer) = oneshot::channel();
                self.send(News::Known(facts.clone(), Some(noted)))?;
                (Some(Unnoted { answer, bytes: 0 }), None)
            };
            let mut state = self.state();
            state.unnoted = unnoted;
            state.untold = untold;
            state.facts = Some(facts);
        }
        let is_new = self.state().sink.is_none();
        if is_new { self.create_staging() } else { Ok(()) }
    }

    /// Tells the loop what was learnt of a small file, if it was not told yet.
    pub(super) fn tell_facts(&self) {
        let untold = self.state().untold.take();
        if let Some(facts) = untold {
            // The loop may be gone: then nobody waits for the news.
            let _ = self.send(News::Known(facts, None));
        }
    }

    /// How a file of which the origin says this is cut when it is begun.
    fn cut(&self, facts: &Facts) -> Result<Layout, End> {
        let size = self.map(facts)?.local_size();
        match self.manifest_for(size)? {
            Some(manifest) => Ok(manifest.layout()),
            None => Layout::without_manifest(size).ok_or_else(too_large),
        }
    }

    /// Nothing lies at the file's place: whoever drops what was had there removes it.
    fn create_staging(&self) -> Result<(), End> {
        let facts = self.state().facts.clone();
        let Some(facts) = facts else {
            return Err(End::Stopped);
        };
        let layout = self.cut(&facts)?;
        let staging = Staging::create(self.order.place.clone(), layout, &self.order.boot)?;
        self.begin_writing(Arc::new(staging));
        Ok(())
    }

    /// From here on bytes go to `staging`.
    pub(super) fn begin_writing(&self, staging: Arc<Staging>) {
        staging.set_caching(self.order.caching);
        let mut state = self.state();
        let flusher = Flusher::new(
            self.order.job,
            self.order.number,
            state.generation,
            Arc::clone(&staging),
            self.hands.clone(),
            self.inbox.clone(),
        );
        let hash = self.hashes_whole(&state).then(WholeHash::new);
        let layout = staging.layout();
        let manifest = state.manifest.clone().filter(|manifest| manifest.layout() == layout);
        let gauge = self.order.gauge.clone();
        state.sink = Some(Sink::new(staging, flusher, hash, manifest, gauge));
    }

    /// The file is another one than before: what was had of it goes.
    pub(super) async fn restart(&self, why: Discard) -> Result<(), End> {
        let (is_too_often, host) = {
            let mut state = self.state();
            state.restarts_count += 1;
            let host = state.sources.get(SourceId::OWN).host().to_owned();
            (state.restarts_count > RESTARTS_MAX && !state.leave_cache(), host)
        };
        if is_too_often {
            return Err(End::Failed(fatal(
                ErrorCode::E_UNEXPECTED,
                format!("the file at {host} keeps changing while it is fetched"),
            )));
        }
        self.state().next_reason = Some(match why {
            Discard::WrongHash | Discard::WrongPiece => Reason::WrongHash,
            Discard::OtherVersion | Discard::Unfinished | Discard::Surplus | Discard::Lost => {
                Reason::OtherVersion
            }
        });
        self.forget(why).await
    }

    /// Drops what was had of the file, in the journal first and then here. Only when the journal has
    /// forgotten the old bytes may new ones be written; else a crash could leave them under the old
    /// ones' name.
    pub(super) async fn forget(&self, why: Discard) -> Result<(), End> {
        {
            let mut state = self.state();
            state.sink = None;
            state.facts = None;
            state.unnoted = None;
            state.untold = None;
            state.came_from = None;
            state.from_cache = false;
            state.has_parts = false;
            state.wrongs = Wrongs::default();
            state.word.forget();
        }
        self.order.ledger.discard(why, self.order.gauge.transferred());
        self.order.gauge.set_transferred(0);
        let (noted, answer) = oneshot::channel();
        self.send(News::Restarted(noted))?;
        if !answer.await.unwrap_or(false) {
            // Where a newer attempt has overtaken this one, nobody listens to that any more.
            let why = "the journal cannot be written, so the old bytes cannot be replaced yet";
            return Err(End::Failed(passing(ErrorCode::ENOSPC, why.into())));
        }
        self.state().generation += 1;
        Ok(Staging::discard_at(&self.order.place)?)
    }

    /// Pieces from `source` turned out to be wrong. Says what follows for the connection that brought
    /// them.
    ///
    /// * `is_of_cache`: whether a cache host brought them for the file's own URL.
    pub(super) fn wrong(
        &self,
        source: SourceId,
        is_of_cache: bool,
        pieces: &[PieceIndex],
    ) -> Leave {
        let now = self.now();
        let mut state = self.state();
        if is_of_cache && (!state.sources.is_via_cache() || state.leave_cache()) {
            return self.wrong_from_cache(&state, pieces);
        }
        let State { sources, wrongs, sink, .. } = &mut *state;
        let mut is_hopeless = false;
        for piece in pieces {
            sources.share.wrong(source);
            let share = &sources.share;
            let next = wrongs.note(*piece, source, |id| share.is_usable(id, now));
            is_hopeless |= next == Next::Hopeless;
            let length = sink.as_ref().map_or(0, |sink| sink.staging.layout().piece_len(*piece));
            self.order.ledger.discard(Discard::WrongPiece, u64::from(length));
        }
        let host = sources.get(source).host();
        let (job, file) = (self.order.job, self.order.number);
        tracing::warn!(%job, %file, host, count = pieces.len(), "pieces came wrong");
        if !is_hopeless {
            return Leave::WrongPiece;
        }
        let why = format!("pieces of the file from {host} are not as their hashes say");
        match manifest::give_up(&self.order, fatal(ErrorCode::DO_E_BAD_PIECE_HASH, why)) {
            Ok(()) => Leave::Distrust,
            Err(trouble) => Leave::Over(End::Failed(trouble)),
        }
    }

    /// The hashes do not fit what the own URL has, and need not: the file goes on without them. Says
    /// whether what is here may stay: only if all of it came from there.
    pub(super) fn distrust(&self) -> bool {
        let mut state = self.state();
        let State { sources, manifest, sink, wrongs, came_from, .. } = &mut *state;
        *manifest = None;
        *wrongs = Wrongs::default();
        if let Some(sink) = sink {
            sink.manifest = None;
        }
        if self.order.file.sha256.is_none() {
            for id in sources.share.ids() {
                sources.share.strike(id);
            }
        }
        *came_from == Some(Some(SourceId::OWN))
    }

    /// Tells the loop.
    pub(super) fn send(&self, news: News) -> Result<(), End> {
        let (job, file, attempt) = (self.order.job, self.order.number, self.order.attempt);
        let event = Event::Transfer { job, file, attempt, news };
        self.inbox.send(event).map_err(|_loop_is_gone| End::Stopped)
    }
}

impl State {
    /// Whether a hash tells in the end, or piece by piece, that the bytes are the right ones, whoever
    /// they are from.
    ///
    /// * `has_sha256`: whether the caller named the hash of the whole file. Else its origin may have.
    pub(super) fn is_proved(&self, has_sha256: bool) -> bool {
        has_sha256 || self.manifest.is_some() || self.word.expected().is_some()
    }

    /// The pieces that `source` is not to be asked for, in their order: wrong ones that are for others.
    pub(super) fn not_for(&self, source: SourceId, now: Duration) -> Vec<PieceIndex> {
        if self.wrongs.is_empty() {
            return Vec::new();
        }
        let share = &self.sources.share;
        let others = share.ids().filter(|id| *id != source && share.is_usable(*id, now));
        self.wrongs.not_for(source, others)
    }

    /// A request took so long until its reply began. Of several that are made at once the slowest one
    /// says most, so a long wait counts at once and is forgotten by and by.
    pub(super) fn waited(&mut self, wait: Duration) {
        self.wait = Some(self.wait.map_or(wait, |before| (before * 3 + wait) / 4).max(wait));
    }

    /// Bytes came from `source`.
    pub(super) fn came_from(&mut self, source: SourceId) {
        self.came_from = match self.came_from {
            None => Some(Some(source)),
            Some(Some(one)) if one == source => Some(Some(one)),
            Some(_) => Some(None),
        };
    }
}
