//! Lists of jobs, page by page, and those who follow all of them.

use dobbin_core::access::Actor;
use dobbin_types::rest::{Bookmark, Failure, JOBS_PER_PAGE_MAX, JobInfo, JobList};
use dobbin_types::{ErrorCode, JobId, JobState};

use crate::entries::place;
use crate::entry::Entry;
use crate::picture;
use crate::run::Loop;
use crate::tell::{PORTION, WATCHERS_MAX, Watcher, Watching};

/// Jobs looked at for one page, wanted or not: a page that few jobs belong on is cut short rather
/// than that everybody else waits for it.
const LOOKED_AT_MAX: usize = 4_000;

/// Which jobs of a list are wanted.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct JobFilter {
    /// Only jobs that have a file of exactly this local name.
    pub local_name: Option<String>,
    /// Only jobs in this state.
    pub state: Option<JobState>,
}

/// Which part of a list is wanted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Page {
    /// What comes behind this; from the beginning without.
    pub after: Option<Bookmark>,
    /// Jobs at most; as many as a page has ([`JOBS_PER_PAGE_MAX`]) without.
    pub limit: Option<u32>,
}

impl Page {
    /// What `pick` makes of the first jobs of `listed`, which begins behind [`Page::after`], and where
    /// the list was left if it goes on.
    pub(crate) fn cut<'a, T>(
        self,
        listed: impl Iterator<Item = &'a Entry>,
        mut pick: impl FnMut(&'a Entry) -> Option<T>,
    ) -> (Vec<T>, Option<Bookmark>) {
        let limit = self.limit.unwrap_or(JOBS_PER_PAGE_MAX).clamp(1, JOBS_PER_PAGE_MAX) as usize;
        let mut picked = Vec::new();
        let mut left_at = None;
        for (looked_at, entry) in listed.enumerate() {
            if picked.len() == limit || looked_at == LOOKED_AT_MAX {
                return (picked, left_at);
            }
            left_at = Some(place(entry));
            picked.extend(pick(entry));
        }
        (picked, None)
    }
}

impl JobFilter {
    fn wants(&self, entry: &Entry) -> bool {
        let has_name =
            |name: &String| entry.job.files().iter().any(|file| file.local_name == *name);
        self.state.is_none_or(|state| entry.job.state() == state)
            && self.local_name.as_ref().is_none_or(has_name)
    }
}

impl Loop {
    /// One page of the jobs that the actor may see, oldest first. Without a `next` it is the last one;
    /// with one it may still be empty.
    pub(crate) fn list(&self, actor: Actor, filter: &JobFilter, page: Page) -> JobList {
        let listed = self.entries.listed(actor, page.after);
        let (jobs, next) =
            page.cut(listed, |entry| filter.wants(entry).then(|| picture::job(entry, &self.clock)));
        JobList { jobs, next }
    }

    /// A new watcher, told first how the jobs it may see stand.
    pub(crate) fn subscribe(
        &mut self,
        actor: Actor,
        job: Option<JobId>,
    ) -> Result<Watching, Failure> {
        if self.watchers.count() >= WATCHERS_MAX {
            return Err(Failure::new(
                ErrorCode::DO_E_NO_SERVICE,
                "too many programs watch jobs already",
            ));
        }
        let current = match job {
            Some(job) => vec![self.info(actor, job)?],
            None => self.portion(actor, None),
        };
        Ok(self.watchers.add(actor, job, current, self.inbox.clone()))
    }

    /// A watcher has read the portion before, and is told how the next jobs stand.
    pub(crate) fn catch_up(&mut self, watcher: Watcher) {
        if let Some((actor, after)) = self.watchers.behind(watcher) {
            let portion = self.portion(actor, Some(after));
            self.watchers.catch_up(watcher, portion);
        }
    }

    fn portion(&self, actor: Actor, after: Option<Bookmark>) -> Vec<JobInfo> {
        let listed = self.entries.listed(actor, after).take(PORTION);
        listed.map(|entry| picture::job(entry, &self.clock)).collect()
    }
}
