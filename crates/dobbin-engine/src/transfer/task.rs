//! One transfer, from its order to its end.

use std::rc::Rc;
use std::sync::mpsc::SyncSender;

use dobbin_core::job::Trouble;
use dobbin_core::piece::{Layout, PieceSet};
use dobbin_core::source::share::SourceId;
use dobbin_net::http::Client;
use dobbin_store::Staging;
use dobbin_types::{Discard, ErrorCode, Reason};

use super::budget::Budget;
use super::crew::Crew;
use super::end::End;
use super::flush::Rest;
use super::order::Order;
use super::reopen::reopen;
use super::sources::Sources;
use super::stop::Stop;
use super::stream::Stream;
use super::trouble::fatal;
use super::whole::Whole;
use super::work::Work;
use crate::event::{Event, News};
use crate::hands::Hands;

/// What a transfer works with.
pub(super) struct With {
    pub(super) client: Client,
    pub(super) budget: Budget,
    pub(super) hands: Hands,
    pub(super) inbox: SyncSender<Event>,
    pub(super) stop: Stop,
}

/// A transfer at work.
pub(super) struct Task {
    work: Rc<Work>,
    crew: Crew,
}

impl Task {
    /// Runs the order to its end and reports it, unless that is left to the flush of its file.
    pub(super) async fn run(order: Order, with: With) -> Rest {
        let (job, file, attempt) = (order.job, order.number, order.attempt);
        let tell = with.inbox.clone();
        let report = move |news| {
            // The loop may be gone: then nobody waits for the news.
            let _ = tell.send(Event::Transfer { job, file, attempt, news });
        };
        match Task::new(order, with) {
            Ok(mut task) => match task.fetch().await {
                Ok(Rest::Flush) => return Rest::Flush,
                Ok(Rest::Nothing) => report(News::Finished),
                Err(End::Failed(trouble)) => report(News::Failed(trouble)),
                Err(End::Stopped) => {}
            },
            Err(trouble) => report(News::Failed(trouble)),
        }
        Rest::Nothing
    }

    fn new(mut order: Order, with: With) -> Result<Task, Trouble> {
        if let Some((code, why)) = order.file.obstacle() {
            return Err(fatal(code, why.into()));
        }
        let sources = Sources::new(&mut order)?;
        let With { client, budget, hands, inbox, stop } = with;
        let work = Rc::new(Work::new(order, sources, client, hands, inbox, stop));
        Ok(Task { crew: Crew::new(Rc::clone(&work), budget), work })
    }

    /// Fetches until every byte is here, checked, and flushed or about to be.
    async fn fetch(&mut self) -> Result<Rest, End> {
        let outcome = self.fetch_all().await;
        if outcome.is_err() {
            self.crew.dismiss_all().await;
            self.work.tell_facts();
            let gauge = &self.work.order.gauge;
            if let Some(sink) = &mut self.work.state().sink {
                let here = gauge.transferred();
                sink.leave();
                let lost = here.saturating_sub(gauge.transferred());
                self.work.order.ledger.discard(Discard::Unfinished, lost);
            }
        }
        outcome
    }

    async fn fetch_all(&mut self) -> Result<Rest, End> {
        self.work.obtain_manifest().await?;
        let checked_bytes = self.open_staging().await?;
        let ledger = &self.work.order.ledger;
        ledger.opened(self.work.order.gauge.transferred(), checked_bytes);
        let reason = ledger.first_reason(self.work.has_pieces());
        self.work.state().next_reason = Some(reason);
        loop {
            self.crew.fetch().await?;
            match self.work.judge_whole().await? {
                Whole::Right => break,
                _wrong if self.work.blames_cache() => {
                    self.work.state().next_reason = Some(Reason::WrongHash);
                    self.work.forget(Discard::WrongHash).await?;
                    continue;
                }
                Whole::Again => {}
                Whole::AgainFromOwn => self.crew.keep_to_own(),
                Whole::Blame(liar) if self.crew.go_on_alone(liar) => {
                    self.work.state().next_reason = Some(Reason::WrongHash);
                    self.work.forget(Discard::WrongHash).await?;
                    continue;
                }
                Whole::Blame(_) => {
                    let why = "does not have the SHA-256 that was given";
                    return Err(self.wrong_hash(why).await);
                }
                Whole::Wrong(why) => return Err(self.wrong_hash(why).await),
            }
            self.work.restart(Discard::WrongHash).await?;
        }
        self.flush().await
    }

    /// Has all of it flushed.
    async fn flush(&self) -> Result<Rest, End> {
        // Taken out for the wait: nobody else is at work on it any more.
        let (sink, untold, last_modified) = {
            let mut state = self.work.state();
            let facts = state.facts.as_ref();
            let last_modified = facts.and_then(|facts| facts.last_modified);
            (state.sink.take(), state.untold.take(), last_modified)
        };
        let Some(mut sink) = sink else {
            return Ok(Rest::Nothing);
        };
        let outcome = sink.finish(self.work.order.attempt, last_modified, untold).await;
        self.work.state().sink = Some(sink);
        Ok(outcome?)
    }

    /// Opens what an earlier attempt left. Bytes whose version nobody noted are of no use.
    ///
    /// Returns how many bytes count because they were read back and had their hashes.
    async fn open_staging(&mut self) -> Result<u64, End> {
        let order = &self.work.order;
        let facts = self.work.state().facts.clone();
        let Some(facts) = facts else {
            // Of a file that was never begun there is nothing, and looking for it would cost more than
            // writing it, where it is small.
            if order.was_here_before || order.ledger.was_opened() {
                Staging::discard_at(&order.place)?;
            }
            return Ok(0);
        };
        let size = self.work.map(&facts)?.local_size();
        let manifest = self.work.manifest_for(size)?;
        let earlier = order.file.earlier_bytes();
        let flushed = |layout| self.flushed(layout, earlier);
        let tools = self.work.disk_tools();
        let Some(left) = reopen(order, size, manifest.as_ref(), flushed, tools).await? else {
            // Gone, although the journal knows the file: somebody removed it. The journal must not
            // go on calling pieces flushed that will be fetched anew.
            order.ledger.opened(order.gauge.transferred(), 0);
            self.work.forget(Discard::Lost).await?;
            return Ok(0);
        };
        self.work.begin_writing(left.staging);
        if let Some(sink) = &mut self.work.state().sink {
            let mut stream = Stream::new();
            stream.resume_behind(sink, earlier);
            self.crew.begin_at(stream);
        }
        Ok(left.checked_bytes)
    }

    /// The pieces that survive a power cut: those that the journal names, and those that earlier
    /// portions of the file filled. When these were finished the file was shorter, and its journal's
    /// pieces were cut for that length.
    fn flushed(&self, layout: Layout, earlier: u64) -> Option<PieceSet> {
        let noted = self.work.order.flushed.as_ref();
        let noted = noted.filter(|noted| noted.layout() == layout).cloned();
        if earlier == 0 {
            return noted;
        }
        let mut flushed = noted.unwrap_or_else(|| PieceSet::empty(layout));
        for piece in layout.pieces().take_while(|piece| layout.byte_range(*piece).end <= earlier) {
            flushed.insert(piece);
        }
        Some(flushed)
    }

    /// The bytes are not those that are meant: none of them is kept.
    async fn wrong_hash(&self, why: &str) -> End {
        if let Err(end) = self.work.forget(Discard::WrongHash).await {
            return end;
        }
        let host = self.work.state().sources.get(SourceId::OWN).host().to_owned();
        End::Failed(fatal(ErrorCode::DO_E_BAD_PIECE_HASH, format!("the file from {host} {why}")))
    }
}
