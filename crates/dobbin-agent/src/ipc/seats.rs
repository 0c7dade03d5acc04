//! Places for connections: a limit for all and a smaller one for each user.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

use dobbin_types::Uid;
use tokio::sync::Semaphore;

use super::limit::{LARGE_BODIES_PER_USER_MAX, Limits};

/// Who sits where. Cheap to clone; all clones share the seats.
///
/// A plain mutex: nobody waits for anything while holding it.
#[derive(Debug, Clone)]
pub(crate) struct Seats {
    limits: Limits,
    users: Arc<Mutex<BTreeMap<Uid, User>>>,
}

/// What one user takes up. Forgotten with the user's last connection.
#[derive(Debug)]
struct User {
    connections_count: usize,
    large_bodies: Arc<Semaphore>,
}

/// Why there was no seat.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Full {
    /// All seats are taken.
    House,
    /// The user has as many connections as one user may have.
    User,
}

/// The place of one connection; given back when the last clone is dropped.
#[derive(Debug, Clone)]
pub(crate) struct Seat {
    _taken: Arc<Taken>,
    /// Turns for reading large bodies, shared by all connections of the user.
    pub(crate) large_bodies: Arc<Semaphore>,
}

#[derive(Debug)]
struct Taken {
    seats: Seats,
    uid: Uid,
}

impl Seats {
    /// An empty house with these limits.
    pub(crate) fn new(limits: Limits) -> Seats {
        Seats { limits, users: Arc::default() }
    }

    /// A place for one more connection of `uid`.
    ///
    /// Costs O(users), of which there are at most as many as connections.
    pub(crate) fn take(&self, uid: Uid) -> Result<Seat, Full> {
        let mut users = self.users.lock().unwrap_or_else(PoisonError::into_inner);
        let taken_count: usize = users.values().map(|user| user.connections_count).sum();
        if taken_count >= self.limits.connections_max {
            return Err(Full::House);
        }
        let user = users.entry(uid).or_insert_with(|| User {
            connections_count: 0,
            large_bodies: Arc::new(Semaphore::new(LARGE_BODIES_PER_USER_MAX)),
        });
        if user.connections_count >= self.limits.connections_per_user_max {
            return Err(Full::User);
        }
        user.connections_count += 1;
        let large_bodies = Arc::clone(&user.large_bodies);
        Ok(Seat { _taken: Arc::new(Taken { seats: self.clone(), uid }), large_bodies })
    }
}

impl Drop for Taken {
    fn drop(&mut self) {
        let mut users = self.seats.users.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(user) = users.get_mut(&self.uid) {
            user.connections_count -= 1;
            if user.connections_count == 0 {
                users.remove(&self.uid);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn house(connections_max: usize, connections_per_user_max: usize) -> Seats {
        Seats::new(Limits { connections_max, connections_per_user_max, ..Limits::PRODUCT })
    }

    #[test]
    fn one_user_cannot_take_the_seats_of_others() {
        let seats = house(4, 2);
        let _first = [seats.take(Uid(1)).unwrap(), seats.take(Uid(1)).unwrap()];
        assert_eq!(seats.take(Uid(1)).unwrap_err(), Full::User);
        let _second = [seats.take(Uid(2)).unwrap(), seats.take(Uid(2)).unwrap()];
        assert_eq!(seats.take(Uid(3)).unwrap_err(), Full::House);
    }

    #[test]
    fn a_seat_is_free_again_when_its_last_clone_is_gone() {
        let seats = house(1, 1);
        let seat = seats.take(Uid(1)).unwrap();
        let clone = seat.clone();
        drop(seat);
        assert_eq!(seats.take(Uid(2)).unwrap_err(), Full::House);
        drop(clone);
        assert!(seats.take(Uid(2)).is_ok());
        assert!(seats.users.lock().unwrap().is_empty(), "nobody is remembered");
    }

    #[test]
    fn turns_for_large_bodies_are_shared_by_a_users_connections_and_by_nobody_else() {
        let seats = house(4, 4);
        let [one, other] = [seats.take(Uid(1)).unwrap(), seats.take(Uid(1)).unwrap()];
        let stranger = seats.take(Uid(2)).unwrap();
        let _turns: Vec<_> = (0..LARGE_BODIES_PER_USER_MAX)
            .map(|_| one.large_bodies.try_acquire().unwrap())
            .collect();
        assert!(other.large_bodies.try_acquire().is_err());
        assert!(stranger.large_bodies.try_acquire().is_ok());
    }
}
