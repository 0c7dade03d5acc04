//! Who may do what: one table for every face of the service.

use dobbin_types::Uid;

/// Who asks, as the operating system says.
///
/// Whoever accepts connections makes one from what the kernel reports of the other end; nothing
/// that a caller sends ever becomes one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Actor {
    uid: Uid,
}

impl Actor {
    /// The user whom the kernel names as the other end of a connection.
    pub fn from_kernel(uid: Uid) -> Actor {
        Actor { uid }
    }

    /// The user.
    pub fn uid(self) -> Uid {
        self.uid
    }
}

/// What is asked of a job.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Act {
    /// Find it in a list: nobody is refused, but what may not be seen is left out.
    List,
    /// Look at it: getters, files, error, events.
    Read,
    /// Change it, resume it, complete it, cancel it.
    Change,
}

/// Whether `actor` may do `act` with a job of `owner`; `false` is `E_ACCESSDENIED`, or for
/// [`Act::List`] absence.
///
/// The owner and the administrator may do everything, others nothing (`GetJob`; owners as the
/// interface defines them).
pub fn allows(actor: Actor, act: Act, owner: Uid) -> bool {
    match act {
        Act::List | Act::Read | Act::Change => actor.uid == owner || actor.uid == Uid::ROOT,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// conformance: access owner, access others
    #[test]
    fn owner_and_root_may_everything_and_others_nothing() {
        let owner = Uid(1_000);
        for act in [Act::List, Act::Read, Act::Change] {
            for (uid, expect) in [(owner, true), (Uid::ROOT, true), (Uid(1_001), false)] {
                assert_eq!(allows(Actor::from_kernel(uid), act, owner), expect, "{uid} {act:?}");
            }
        }
    }
}
