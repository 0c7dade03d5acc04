//! Who takes up how many places, and who is next.

use alloc::collections::{BTreeMap, BTreeSet};

use dobbin_types::{JobId, Uid};

use super::{Listener, OUTSTANDING_PER_USER_MAX};

/// Where a waiting call stands among those of its listener: what was never said comes before what
/// is said again, and what happened first before what happened later.
pub(super) type Place = (u32, u64, JobId);

/// The listeners of all users, and the users who may be called.
#[derive(Debug, Default)]
pub(super) struct Users {
    listeners: BTreeMap<Listener, Ears>,
    users: BTreeMap<Uid, User>,
    /// Users with a place and with somebody who waits for it.
    ready: BTreeSet<Uid>,
}

/// One listener.
#[derive(Debug)]
struct Ears {
    user: Uid,
    jobs: BTreeSet<JobId>,
    waiting: BTreeSet<Place>,
    out_count: usize,
}

/// One user, for as long as a listener of theirs is there.
#[derive(Debug, Default)]
struct User {
    listeners: BTreeSet<Listener>,
    out_count: usize,
}

impl Users {
    pub(super) fn add(&mut self, listener: Listener, user: Uid) {
        let ears = Ears { user, jobs: BTreeSet::new(), waiting: BTreeSet::new(), out_count: 0 };
        self.listeners.insert(listener, ears);
        self.users.entry(user).or_default().listeners.insert(listener);
    }

    /// A listener that has no call any more, waiting or out, is gone.
    pub(super) fn remove(&mut self, listener: Listener) {
        let Some(ears) = self.listeners.remove(&listener) else {
            return;
        };
        debug_assert!(ears.waiting.is_empty() && ears.out_count == 0, "a call was left behind");
        if let Some(user) = self.users.get_mut(&ears.user) {
            user.listeners.remove(&listener);
            if user.listeners.is_empty() {
                self.users.remove(&ears.user);
                self.ready.remove(&ears.user);
            }
        }
    }

    pub(super) fn user(&self, listener: Listener) -> Option<Uid> {
        self.listeners.get(&listener).map(|ears| ears.user)
    }

    /// The jobs registered with a listener; nothing for one that is gone.
    pub(super) fn jobs(&mut self, listener: Listener) -> Option<&mut BTreeSet<JobId>> {
        self.listeners.get_mut(&listener).map(|ears| &mut ears.jobs)
    }

    pub(super) fn wait(&mut self, listener: Listener, place: Place) {
        if let Some(ears) = self.listeners.get_mut(&listener) {
            ears.waiting.insert(place);
            self.ready.insert(ears.user);
        }
    }

    pub(super) fn stop_waiting(&mut self, listener: Listener, place: Place) {
        if let Some(ears) = self.listeners.get_mut(&listener) {
            ears.waiting.remove(&place);
        }
    }

    pub(super) fn go_out(&mut self, listener: Listener) {
        if let Some(ears) = self.listeners.get_mut(&listener) {
            ears.out_count += 1;
            self.users.entry(ears.user).or_default().out_count += 1;
        }
    }

    pub(super) fn come_back(&mut self, listener: Listener) {
        if let Some(ears) = self.listeners.get_mut(&listener) {
            ears.out_count -= 1;
            self.users.entry(ears.user).or_default().out_count -= 1;
            self.ready.insert(ears.user);
        }
    }

    /// Whose call is next, if a user has a place for it: of the listener with the fewest calls out,
    /// so that a program that does not answer holds up no other one; then in the calls' own order.
    pub(super) fn next(&mut self) -> Option<(Listener, Place)> {
        while let Some(uid) = self.ready.first().copied() {
            match self.next_of(uid) {
                Some(next) => return Some(next),
                None => self.ready.remove(&uid),
            };
        }
        None
    }

    fn next_of(&self, uid: Uid) -> Option<(Listener, Place)> {
        let user = self.users.get(&uid)?;
        if user.out_count >= OUTSTANDING_PER_USER_MAX {
            return None;
        }
        let ears = user.listeners.iter().filter_map(|id| Some((*id, self.listeners.get(id)?)));
        let first =
            ears.filter_map(|(id, ears)| Some((ears.out_count, *ears.waiting.first()?, id)));
        first.min().map(|(_, place, listener)| (listener, place))
    }
}
