//! How one rate is shared among jobs: foreground before background, and alike within a class,
//! whatever the number of their connections.
//!
//! Every job has an account, which may be in debt: bytes are taken after they came, and whoever took
//! them waits until they are paid for. What the rate allows is dealt out to the accounts of jobs that
//! are active, to each as much as to the others of its class (max-min fairness). An account that is
//! full passes its part on: a job whose server is slow leaves what it does not use to the others.
//! Nothing is kept for jobs that rest, so that nobody comes back with the savings of an hour.

use alloc::collections::BTreeMap;
use alloc::vec::Vec;
use core::time::Duration;

use super::{BURST, BytesPerSecond, NANOS_PER_SECOND, Ticket};

/// The part of the rate that background jobs share while foreground jobs take all they can get: one
/// in twenty. Enough to keep connections alive and no-progress timeouts away, too little to be felt
/// (the interface lets foreground jobs stop the others altogether, which would starve them for ever).
pub const BACKGROUND_PART: u128 = 20;

/// How long after its last byte a job still counts as active: the pause between two reads of one
/// connection must not cost it its part.
pub const LINGER: Duration = Duration::from_millis(250);

/// A job that shares the rate.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ShareId(u64);

/// One rate and all who share it.
///
/// `now` is a time since any fixed point, the same for all calls. Time that goes backwards counts as
/// standing still.
#[derive(Debug, Clone)]
pub struct Divider {
    rate: BytesPerSecond,
    /// When the accounts were last brought up to date.
    at: Duration,
    accounts: BTreeMap<ShareId, Account>,
    joined_count: u64,
}

/// What one job was granted and what it took, both in bytes × 10⁹.
#[derive(Debug, Clone)]
struct Account {
    is_foreground: bool,
    granted: u128,
    taken: u128,
    /// When it last took; `None` before the first time.
    last: Option<Duration>,
}

impl Account {
    fn debt(&self) -> u128 {
        self.taken.saturating_sub(self.granted)
    }

    fn is_active(&self, now: Duration) -> bool {
        self.debt() > 0 || self.last.is_some_and(|last| now.saturating_sub(last) < LINGER)
    }

    /// How much may be granted until the account is `surplus_max` ahead.
    fn room(&self, surplus_max: u128) -> u128 {
        self.taken.saturating_add(surplus_max).saturating_sub(self.granted)
    }
}

impl Divider {
    /// A rate that nobody shares yet.
    pub fn new(rate: BytesPerSecond, now: Duration) -> Divider {
        Divider { rate, at: now, accounts: BTreeMap::new(), joined_count: 0 }
    }

    /// The rate in force.
    pub fn rate(&self) -> BytesPerSecond {
        self.rate
    }

    /// Changes the rate from `now` on. Debts stay what they are, in bytes.
    pub fn set_rate(&mut self, now: Duration, rate: BytesPerSecond) {
        self.settle(now);
        self.rate = rate;
    }

    /// Another job shares the rate, from its first byte on. Whoever keeps the divider bounds how many.
    pub fn join(&mut self, is_foreground: bool) -> ShareId {
        let id = ShareId(self.joined_count);
        self.joined_count += 1;
        let account = Account { is_foreground, granted: 0, taken: 0, last: None };
        self.accounts.insert(id, account);
        id
    }

    /// A job shares it no more. Leaving twice changes nothing.
    pub fn leave(&mut self, id: ShareId) {
        self.accounts.remove(&id);
    }

    /// The job's class from now on.
    pub fn set_foreground(&mut self, now: Duration, id: ShareId, is_foreground: bool) {
        self.settle(now);
        if let Some(account) = self.accounts.get_mut(&id) {
            account.is_foreground = is_foreground;
        }
    }

    /// Counts `bytes` that a job took. A job that has left takes for nothing.
    pub fn take(&mut self, now: Duration, id: ShareId, bytes: u64) -> Ticket {
        self.settle(now);
        let Some(account) = self.accounts.get_mut(&id) else {
            return Ticket(0);
        };
        account.taken = account.taken.saturating_add(u128::from(bytes) * NANOS_PER_SECOND);
        account.last = Some(now);
        Ticket(account.taken)
    }

    /// How long from `now` until the ticket's bytes may be paid for; zero when they are.
    ///
    /// At least that long if others go on as they do, and perhaps longer: ask again then. When others
    /// stop, it is shorter: who waits for long looks again in between.
    pub fn wait(&mut self, now: Duration, id: ShareId, ticket: Ticket) -> Duration {
        self.settle(now);
        let Some(account) = self.accounts.get(&id) else {
            return Duration::ZERO;
        };
        let owed = ticket.0.saturating_sub(account.granted);
        if owed == 0 {
            return Duration::ZERO;
        }
        let in_debt = |foreground: bool| {
            let peers = self.accounts.values().filter(|other| other.debt() > 0);
            peers.filter(|other| other.is_foreground == foreground).count() as u128
        };
        let rate = u128::from(self.rate.get());
        let parts = in_debt(account.is_foreground).max(1);
        let is_second = !account.is_foreground && in_debt(true) > 0;
        let parts = if is_second { parts.saturating_mul(BACKGROUND_PART) } else { parts };
        let nanos = owed.saturating_mul(parts).div_ceil(rate);
        Duration::from_nanos(nanos.try_into().unwrap_or(u64::MAX))
    }

    /// How many jobs share the rate now: those that took within [`LINGER`] or owe.
    pub fn active_count(&self, now: Duration) -> usize {
        self.accounts.values().filter(|account| account.is_active(now)).count()
    }

    /// Deals out what the time since the last call allows.
    fn settle(&mut self, now: Duration) {
        let elapsed = now.saturating_sub(self.at).as_nanos();
        if elapsed == 0 {
            return;
        }
        let since = self.at;
        self.at = self.at.max(now);
        let rate = u128::from(self.rate.get());
        let count = self.active_count(since).max(1) as u128;
        // All savings together are never more than one burst.
        let surplus_max = rate.saturating_mul(BURST.as_nanos()) / count;
        let mut credit = elapsed.saturating_mul(rate);
        let mut active: Vec<&mut Account> = Vec::new();
        for account in self.accounts.values_mut() {
            let is_active = account.is_active(since);
            let kept_max = account.taken.saturating_add(if is_active { surplus_max } else { 0 });
            // Savings do not outlive activity: they go back to the others.
            credit = credit.saturating_add(account.granted.saturating_sub(kept_max));
            account.granted = account.granted.min(kept_max);
            if is_active {
                active.push(account);
            }
        }
        let (mut foreground, mut background): (Vec<_>, Vec<_>) =
            active.into_iter().partition(|account| account.is_foreground);
        let kept = if foreground.is_empty() { 0 } else { credit / BACKGROUND_PART };
        let left = pour(&mut background, kept, surplus_max);
        let left = pour(&mut foreground, credit - kept + left, surplus_max);
        pour(&mut background, left, surplus_max);
    }
}

/// Gives each account as much as the others, as far as it has room; returns what nobody had room for.
fn pour(accounts: &mut [&mut Account], mut credit: u128, surplus_max: u128) -> u128 {
    accounts.sort_by_key(|account| account.room(surplus_max));
    let mut left = accounts.len() as u128;
    for account in accounts {
        // The last one's part is all that is left: nothing is lost to rounding.
        let part = (credit / left).min(account.room(surplus_max));
        account.granted = account.granted.saturating_add(part);
        credit -= part;
        left -= 1;
    }
    credit
}

#[cfg(test)]
mod tests;
