//! Programs that listen for calls: their ends of the connections.

use std::collections::BTreeMap;
use std::sync::mpsc::SyncSender;

use dobbin_core::callback::{Callbacks, Listener};
use dobbin_types::Uid;
use dobbin_types::rest::{CallbackEvent, ListenerId};
use tokio::sync::mpsc::error::TrySendError;
use tokio::sync::mpsc::{Receiver, Sender, channel};

use crate::event::Event;

/// Programs that listen at once.
pub(crate) const LISTENERS_MAX: usize = 1_024;

/// Events that a program may be behind. What does not fit is left out: owed calls are made again,
/// and everything else the program sees when it looks.
const BEHIND_MAX: usize = 256;

/// Places that modifications leave free for what matters more.
const KEPT_FREE: usize = 64;

/// What a program hears. It listens for as long as it has this.
pub struct Listening {
    events: Receiver<CallbackEvent>,
    _hang_up: HangUp,
}

impl Listening {
    /// The next event, if it is here; as of [`Receiver::poll_recv`].
    pub fn poll_recv(
        &mut self,
        context: &mut std::task::Context<'_>,
    ) -> std::task::Poll<Option<CallbackEvent>> {
        self.events.poll_recv(context)
    }

    /// Waits for the next event; nothing when the engine is gone.
    pub async fn recv(&mut self) -> Option<CallbackEvent> {
        self.events.recv().await
    }
}

/// Tells the loop that nobody listens any more.
struct HangUp {
    listener: Listener,
    inbox: SyncSender<Event>,
}

impl Drop for HangUp {
    fn drop(&mut self) {
        // If it does not get through, the loop finds out when it next wants to say something.
        let _ = self.inbox.try_send(Event::HungUp { listener: self.listener });
    }
}

/// All programs that listen, and the machine that knows when to call them.
pub(crate) struct Listeners {
    pub(crate) callbacks: Callbacks,
    ears: BTreeMap<Listener, Sender<CallbackEvent>>,
    inbox: SyncSender<Event>,
}

impl Listeners {
    pub(crate) fn new(first_number: u64, inbox: SyncSender<Event>) -> Listeners {
        Listeners { callbacks: Callbacks::new(first_number), ears: BTreeMap::new(), inbox }
    }

    /// A program of `user` listens; `None` when too many do.
    pub(crate) fn add(&mut self, user: Uid) -> Option<Listening> {
        let gone: Vec<Listener> =
            self.ears.iter().filter(|(_, ear)| ear.is_closed()).map(|(id, _)| *id).collect();
        for listener in gone {
            self.remove(listener);
        }
        if self.ears.len() >= LISTENERS_MAX {
            return None;
        }
        let listener = self.callbacks.listen(user);
        let (ear, events) = channel(BEHIND_MAX);
        self.ears.insert(listener, ear);
        self.say(listener, CallbackEvent::Listening { listener: ListenerId(listener.0) });
        let hang_up = HangUp { listener, inbox: self.inbox.clone() };
        Some(Listening { events, _hang_up: hang_up })
    }

    /// A program hung up.
    pub(crate) fn remove(&mut self, listener: Listener) {
        self.ears.remove(&listener);
        self.callbacks.hung_up(listener);
    }

    /// Whether the program is still there, and of this user.
    pub(crate) fn is_of(&self, listener: Listener, user: Uid) -> bool {
        self.is_there(listener) && self.callbacks.user(listener) == Some(user)
    }

    /// Whether the program is still there.
    pub(crate) fn is_there(&self, listener: Listener) -> bool {
        self.ears.get(&listener).is_some_and(|ear| !ear.is_closed())
    }

    /// Says something without waiting. A program that is too slow does not hear it.
    pub(crate) fn say(&mut self, listener: Listener, event: CallbackEvent) {
        let Some(ear) = self.ears.get(&listener) else {
            return;
        };
        let may_be_dropped = matches!(event, CallbackEvent::JobModification { .. });
        if may_be_dropped && ear.capacity() <= KEPT_FREE {
            return;
        }
        if let Err(TrySendError::Closed(_)) = ear.try_send(event) {
            self.remove(listener);
        }
    }
}
