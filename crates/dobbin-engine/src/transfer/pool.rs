//! The threads on which transfers run.
//!
//! Each has a runtime of its own, so that a piece goes from the socket to the disk without changing
//! threads. They are started when there is first something to fetch: an idle agent has none.

use std::num::NonZeroUsize;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc::SyncSender;
use std::thread;

use dobbin_net::http::Client;
use tokio::sync::mpsc;
use tokio::task::LocalSet;

use super::budget::Budget;
use super::flush::Rest;
use super::order::Order;
use super::stop::Stop;
use super::task::{Task, With};
use crate::event::{Event, News};
use crate::hands::Hands;
use crate::transfer::trouble::fatal;
use dobbin_types::ErrorCode;

/// Threads at most. Two saturate a fast link without a manifest; four leave room for hashing.
const THREADS_MAX: usize = 4;

/// The threads.
pub(crate) struct Pool {
    client: Client,
    budget: Budget,
    hands: Hands,
    inbox: SyncSender<Event>,
    threads: Vec<Thread>,
    threads_max: usize,
}

struct Thread {
    orders: mpsc::UnboundedSender<(Order, Stop)>,
    /// Transfers on it now.
    busy: Arc<AtomicUsize>,
}

impl Pool {
    pub(crate) fn new(client: Client, hands: Hands, inbox: SyncSender<Event>) -> Pool {
        let cores = thread::available_parallelism().map_or(1, NonZeroUsize::get);
        let (budget, threads_max) = (Budget::new(), cores.min(THREADS_MAX));
        Pool { client, budget, hands, inbox, threads: Vec::new(), threads_max }
    }

    /// Starts a transfer on the least busy thread and returns what stops it.
    ///
    /// Whatever happens, an `Event::TransferEnded` or an `Event::Settled` follows when it no longer
    /// touches the disk. The schedule bounds how many there are at once.
    pub(crate) fn start(&mut self, order: Order) -> Stop {
        let stop = Stop::default();
        let least = self.threads.iter().map(|t| t.busy.load(Ordering::Relaxed)).min();
        if least != Some(0) && self.threads.len() < self.threads_max {
            self.spawn();
        }
        let (job, file, attempt) = (order.job, order.number, order.attempt);
        let thread = self.threads.iter().min_by_key(|t| t.busy.load(Ordering::Relaxed));
        let taken = thread.is_some_and(|thread| {
            thread.busy.fetch_add(1, Ordering::Relaxed);
            thread.orders.send((order, stop.clone())).is_ok()
        });
        if !taken {
            // Sent from elsewhere, because the loop cannot wait for room in its own inbox.
            let inbox = self.inbox.clone();
            self.hands.give(move || {
                let trouble = fatal(
                    ErrorCode::DO_E_FATAL_CORE_ERROR,
                    "the system gives no thread to transfer with".into(),
                );
                let news = News::Failed(trouble);
                let _ = inbox.send(Event::Transfer { job, file, attempt, news });
                let _ = inbox.send(Event::TransferEnded { job, file });
            });
        }
        stop
    }

    fn spawn(&mut self) {
        let (orders, received) = mpsc::unbounded_channel();
        let busy = Arc::new(AtomicUsize::new(0));
        let worker = Worker {
            client: self.client.for_another_thread(),
            budget: self.budget.clone(),
            hands: self.hands.clone(),
            inbox: self.inbox.clone(),
            busy: Arc::clone(&busy),
        };
        let name = format!("transfer-{}", self.threads.len());
        match thread::Builder::new().name(name).spawn(move || worker.run(received)) {
            Ok(_detached) => self.threads.push(Thread { orders, busy }),
            Err(error) => tracing::error!(%error, "cannot start a thread for transfers"),
        }
    }
}

struct Worker {
    client: Client,
    budget: Budget,
    hands: Hands,
    inbox: SyncSender<Event>,
    busy: Arc<AtomicUsize>,
}

impl Worker {
    /// Serves until the pool is dropped; transfers that are still going on then are dropped too.
    fn run(self, mut orders: mpsc::UnboundedReceiver<(Order, Stop)>) {
        let runtime = match tokio::runtime::Builder::new_current_thread().enable_all().build() {
            Ok(runtime) => runtime,
            Err(error) => {
                tracing::error!(%error, "cannot start a runtime for transfers");
                return;
            }
        };
        LocalSet::new().block_on(&runtime, async {
            while let Some((order, stop)) = orders.recv().await {
                tokio::task::spawn_local(self.transfer(order, stop));
            }
        });
    }

    /// One transfer. A panic in it ends it alone: its job goes into error, the thread lives on.
    fn transfer(&self, order: Order, stop: Stop) -> impl Future<Output = ()> + use<> {
        let (job, file, attempt) = (order.job, order.number, order.attempt);
        let (inbox, busy) = (self.inbox.clone(), Arc::clone(&self.busy));
        let with = With {
            client: self.client.clone(),
            budget: self.budget.clone(),
            hands: self.hands.clone(),
            inbox: inbox.clone(),
            stop,
        };
        let task = Task::run(order, with);
        async move {
            let outcome = tokio::task::spawn_local(task).await;
            busy.fetch_sub(1, Ordering::Relaxed);
            if matches!(outcome, Ok(Rest::Flush)) {
                return;
            }
            if outcome.is_err_and(|error| error.is_panic()) {
                let trouble = fatal(
                    ErrorCode::DO_E_FATAL_CORE_ERROR,
                    "the transfer failed in a way that is our own mistake".into(),
                );
                let news = News::Failed(trouble);
                let _ = inbox.send(Event::Transfer { job, file, attempt, news });
            }
            let _ = inbox.send(Event::TransferEnded { job, file });
        }
    }
}
