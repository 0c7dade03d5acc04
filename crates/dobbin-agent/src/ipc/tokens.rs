//! Leave to take a job's files, as a secret that works once.
//!
//! The token ties the connection for open files to the REST call that asked for it. It is no
//! identity: the kernel's word on the second connection must name the same user again.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use dobbin_types::{JobId, Uid};
use uuid::Uuid;

/// How long a token waits for its connection.
const LIFE: Duration = Duration::from_secs(60);

/// Tokens of one user that wait; beyond it the oldest is forgotten.
const TOKENS_PER_USER_MAX: usize = 64;

/// Tokens that wait, of all users together.
const TOKENS_MAX: usize = 4_096;

/// The tokens that wait. Cheap to clone.
#[derive(Debug, Clone, Default)]
pub(crate) struct Tokens {
    // Held for a moment, never while anything waits.
    waiting: Arc<Mutex<BTreeMap<String, Leave>>>,
}

#[derive(Debug, Clone, Copy)]
struct Leave {
    uid: Uid,
    job: JobId,
    made: Instant,
}

impl Tokens {
    /// A new token for `uid` to take the files of `job`; `None` when too many wait.
    pub(crate) fn mint(&self, uid: Uid, job: JobId, now: Instant) -> Option<String> {
        let mut waiting = self.waiting.lock().unwrap_or_else(PoisonError::into_inner);
        waiting.retain(|_, leave| now.saturating_duration_since(leave.made) < LIFE);
        let own = || waiting.iter().filter(|(_, leave)| leave.uid == uid);
        if own().count() >= TOKENS_PER_USER_MAX
            && let Some((oldest, _)) = own().min_by_key(|(_, leave)| leave.made)
        {
            let oldest = oldest.clone();
            waiting.remove(&oldest);
        }
        if waiting.len() >= TOKENS_MAX {
            return None;
        }
        // Twice 122 bits of chance.
        let token = format!("{}{}", Uuid::new_v4().simple(), Uuid::new_v4().simple());
        waiting.insert(token.clone(), Leave { uid, job, made: now });
        Some(token)
    }

    /// The job that the token is for, if it is this user's. It is used up either way: whoever holds
    /// another's token is not to try it again.
    pub(crate) fn redeem(&self, token: &str, uid: Uid, now: Instant) -> Option<JobId> {
        let mut waiting = self.waiting.lock().unwrap_or_else(PoisonError::into_inner);
        let leave = waiting.remove(token)?;
        let is_valid = leave.uid == uid && now.saturating_duration_since(leave.made) < LIFE;
        is_valid.then_some(leave.job)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const JOB: JobId = JobId(Uuid::from_u128(1));

    #[test]
    fn a_token_works_once_for_its_user_and_not_for_long() {
        let tokens = Tokens::default();
        let now = Instant::now();
        let [one, other, late] = [(); 3].map(|()| tokens.mint(Uid(1), JOB, now).unwrap());
        assert_eq!(one.len(), 64);
        assert_eq!(tokens.redeem(&one, Uid(1), now), Some(JOB));
        assert_eq!(tokens.redeem(&one, Uid(1), now), None, "once");
        assert_eq!(tokens.redeem(&other, Uid(2), now), None, "another user");
        assert_eq!(tokens.redeem(&other, Uid(1), now), None, "and then nobody");
        assert_eq!(tokens.redeem(&late, Uid(1), now + LIFE), None, "too late");
        assert_eq!(tokens.redeem("", Uid(1), now), None);
    }

    #[test]
    fn one_user_cannot_fill_the_house() {
        let tokens = Tokens::default();
        let now = Instant::now();
        let theirs = tokens.mint(Uid(2), JOB, now).unwrap();
        let first = tokens.mint(Uid(1), JOB, now).unwrap();
        for later in 1..=u64::try_from(2 * TOKENS_MAX).unwrap() {
            tokens.mint(Uid(1), JOB, now + Duration::from_nanos(later)).unwrap();
        }
        assert_eq!(tokens.redeem(&first, Uid(1), now), None, "the oldest was forgotten");
        assert_eq!(tokens.redeem(&theirs, Uid(2), now), Some(JOB));
    }
}
