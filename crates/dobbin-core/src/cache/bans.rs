//! Which cache hosts are left alone for a while.

use alloc::borrow::ToOwned as _;
use alloc::string::String;
use alloc::vec::Vec;
use core::time::Duration;

use super::settings::CacheHost;
use crate::time::Tick;

/// How long a ban lasts. The open agent's figure.
pub const BAN: Duration = Duration::from_secs(15 * 60);

/// Bans that are remembered. Beyond that the one that would end first is forgotten, which costs a request.
pub const BANS_MAX: usize = 256;

/// A cache host that is not asked, for one origin's files or for all.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Ban {
    host: CacheHost,
    /// `None` for all origins.
    origin: Option<String>,
    until: Tick,
}

/// The cache hosts that are not asked now: those that could not be reached, and those that refused the
/// files of some origin. Shared by all jobs, so that each such host costs one of them its patience.
#[derive(Debug, Clone, Default)]
pub struct Bans {
    list: Vec<Ban>,
}

impl Bans {
    /// It cannot be reached: from `now` on it is left alone for [`BAN`], whatever the file.
    pub fn ban_host(&mut self, host: &CacheHost, now: Tick) {
        self.ban(host, None, now);
    }

    /// It refuses what is of this origin host: it is left alone for that, for [`BAN`].
    pub fn ban_pair(&mut self, host: &CacheHost, origin: &str, now: Tick) {
        self.ban(host, Some(origin), now);
    }

    /// Whether it is left alone now, as far as this origin host's files are concerned.
    ///
    /// Cost: O([`BANS_MAX`]).
    pub fn is_banned(&self, host: &CacheHost, origin: &str, now: Tick) -> bool {
        self.list.iter().any(|ban| {
            let concerns = ban.origin.as_deref().is_none_or(|banned| banned == origin);
            concerns && ban.host == *host && now < ban.until
        })
    }

    fn ban(&mut self, host: &CacheHost, origin: Option<&str>, now: Tick) {
        // Of one thing there is one ban, the newest.
        let is_same = |ban: &Ban| ban.host == *host && ban.origin.as_deref() == origin;
        self.list.retain(|ban| now < ban.until && !is_same(ban));
        if self.list.len() >= BANS_MAX {
            let ends = self.list.iter().enumerate().map(|(place, ban)| (ban.until, place));
            if let Some((_, first)) = ends.min() {
                self.list.remove(first);
            }
        }
        let (host, origin) = (host.clone(), origin.map(str::to_owned));
        self.list.push(Ban { host, origin, until: now.after(BAN) });
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::format;
    use proptest::prelude::*;

    const MINUTE: u64 = 60_000;

    fn host(text: &str) -> CacheHost {
        text.parse().unwrap()
    }

    #[test]
    fn a_host_that_is_not_there_is_banned_for_every_origin_and_a_refusal_for_one() {
        let mut bans = Bans::default();
        bans.ban_host(&host("down"), Tick(0));
        bans.ban_pair(&host("picky"), "a.example", Tick(0));
        for (name, origin, expect) in [
            ("down", "a.example", true),
            ("down", "b.example", true),
            ("picky", "a.example", true),
            ("picky", "b.example", false),
            ("picky:81", "a.example", false),
            ("other", "a.example", false),
        ] {
            assert_eq!(bans.is_banned(&host(name), origin, Tick(1)), expect, "{name} {origin}");
        }
    }

    /// conformance: cache-host bans
    #[test]
    fn a_ban_lasts_fifteen_minutes_from_its_last_reason() {
        let mut bans = Bans::default();
        let host = host("down");
        bans.ban_host(&host, Tick(0));
        assert!(bans.is_banned(&host, "a", Tick(15 * MINUTE - 1)));
        assert!(!bans.is_banned(&host, "a", Tick(15 * MINUTE)));
        bans.ban_host(&host, Tick(10 * MINUTE));
        assert!(bans.is_banned(&host, "a", Tick(25 * MINUTE - 1)));
        assert!(!bans.is_banned(&host, "a", Tick(25 * MINUTE)));
        assert_eq!(bans.list.len(), 1, "one of it is enough");
    }

    #[test]
    fn where_there_are_too_many_the_one_that_ends_first_is_forgotten() {
        let mut bans = Bans::default();
        let host = host("picky");
        let origin = |number: usize| format!("o{number}.example");
        for number in 0..=BANS_MAX {
            bans.ban_pair(&host, &origin(number), Tick(number as u64));
        }
        let now = Tick(MINUTE);
        assert!(!bans.is_banned(&host, &origin(0), now));
        assert!((1..=BANS_MAX).all(|number| bans.is_banned(&host, &origin(number), now)));
    }

    proptest! {
        #[test]
        fn there_are_never_more_than_are_remembered_and_none_that_is_over_is_kept(
            steps in proptest::collection::vec((0_u32..600, 0_u64..2 * MINUTE), 0..600)
        ) {
            let mut bans = Bans::default();
            let mut now = Tick(0);
            for (number, wait) in steps {
                now = Tick(now.0 + wait);
                let banned = host(&format!("c{number}"));
                bans.ban_host(&banned, now);
                prop_assert!(bans.is_banned(&banned, "any", now));
                prop_assert!(bans.list.len() <= BANS_MAX);
                prop_assert!(bans.list.iter().all(|ban| now < ban.until));
            }
        }
    }
}
