//! From a connection to a thread that serves it.

use std::collections::BTreeMap;
use std::net::Shutdown;
use std::sync::{Arc, Mutex, PoisonError, Weak};
use std::time::Duration;

use dobbin_engine::{Actor, Handle};
use dobbin_types::Uid;
use tokio::net::{UnixListener, UnixStream};
use tokio::sync::Semaphore;
use tokio::time::timeout;

use super::channel::Channel;
use super::serve;
use crate::ipc::actor::at_other_end;
use crate::ipc::incoming::serve_until_told;
use crate::ipc::leave::Leave;
use crate::ipc::limit::Limits;
use crate::ipc::seats::{Seat, Seats};
use crate::ipc::tokens::Tokens;

/// Jobs of one user that are handed over at the same time, each on a thread. With four open files
/// for each, the most descriptors that one user can have here is sixteen.
const HANDOVERS_PER_USER_MAX: usize = 4;

/// Jobs that are handed over at the same time.
const HANDOVERS_MAX: usize = 64;

/// Whoever serves handovers. Cheap to clone.
#[derive(Clone)]
pub(crate) struct Desk {
    engine: Handle,
    tokens: Tokens,
    seats: Seats,
    turns: Arc<Semaphore>,
    /// Only of users who are here.
    turns_of_users: Arc<Mutex<BTreeMap<Uid, Weak<Semaphore>>>>,
}

impl Desk {
    pub(crate) fn new(engine: Handle, tokens: Tokens, limits: Limits) -> Desk {
        Desk {
            engine,
            tokens,
            seats: Seats::new(limits),
            turns: Arc::new(Semaphore::new(HANDOVERS_MAX)),
            turns_of_users: Arc::default(),
        }
    }

    fn turns_of(&self, uid: Uid) -> Arc<Semaphore> {
        let mut users = self.turns_of_users.lock().unwrap_or_else(PoisonError::into_inner);
        users.retain(|_, turns| turns.strong_count() > 0);
        if let Some(turns) = users.get(&uid).and_then(Weak::upgrade) {
            return turns;
        }
        let turns = Arc::new(Semaphore::new(HANDOVERS_PER_USER_MAX));
        users.insert(uid, Arc::downgrade(&turns));
        turns
    }

    /// Who is at the other end, with a seat; nothing for a caller for whom there is none.
    fn seat(&self, stream: &UnixStream) -> Option<(Actor, Seat)> {
        let actor = at_other_end(stream)
            .inspect_err(|error| tracing::warn!(%error, "caller is not known to the kernel"))
            .ok()?;
        let seat = self.seats.take(actor.uid());
        if let Err(full) = &seat {
            tracing::debug!(uid = %actor.uid(), ?full, "connection for open files refused");
        }
        Some((actor, seat.ok()?))
    }

    /// Serves one connection when it is its turn, until either side ends it.
    async fn serve(
        self,
        stream: UnixStream,
        actor: Actor,
        _seat: Seat,
        mut leave: Leave,
        grace: Duration,
    ) {
        let own = self.turns_of(actor.uid());
        let (Ok(_own), Ok(_turn)) = (own.acquire().await, self.turns.acquire().await) else {
            // They are never closed.
            return;
        };
        let opened = stream.into_std().and_then(|stream| Ok((stream.try_clone()?, stream)));
        let (end, channel) = match opened.and_then(|(end, stream)| Ok((end, Channel::new(stream)?)))
        {
            Ok(opened) => opened,
            Err(error) => return tracing::warn!(%error, "connection for open files cannot be used"),
        };
        let (engine, tokens) = (self.engine.clone(), self.tokens.clone());
        let runtime = tokio::runtime::Handle::current();
        let mut serving = tokio::task::spawn_blocking(move || {
            serve::serve(channel, actor, &engine, &tokens, &runtime);
        });
        tokio::select! {
            ended = &mut serving => report(ended),
            () = leave.told() => {
                // Whoever waits for the client's next word stops waiting. Whoever waits for the
                // client's file is left behind.
                let _ = end.shutdown(Shutdown::Both);
                if timeout(grace, serving).await.is_err() {
                    tracing::warn!(uid = %actor.uid(), "a caller's file hangs; it was left behind");
                }
            }
        }
    }
}

/// Serves handovers at this socket until it is told to leave: see [`serve_until_told`].
pub(crate) async fn accept_until_told(
    listener: UnixListener,
    desk: Desk,
    leave: Leave,
    grace: Duration,
) {
    let hears = leave.clone();
    let serve = move |stream| {
        let (actor, seat) = desk.seat(&stream)?;
        Some(desk.clone().serve(stream, actor, seat, hears.clone(), grace))
    };
    serve_until_told(listener, "files", leave, grace, serve).await;
}

/// A panic ends one handover and is our mistake, so it must be seen.
fn report(ended: Result<(), tokio::task::JoinError>) {
    if let Err(error) = ended {
        tracing::error!(%error, "handover ended in a panic");
    }
}
