//! All jobs that are not over: by their ids, and in the order in which lists show them.

use std::collections::btree_map::{BTreeMap, Values};
use std::collections::{BTreeSet, BinaryHeap};
use std::ops::Bound;

use dobbin_core::access::{Act, Actor, allows};
use dobbin_types::rest::Bookmark;
use dobbin_types::{JobId, Uid};

use crate::entry::Entry;

/// The jobs. Sorted, so that two runs do things in the same order; each in a box, because the map
/// leaves a third of its room unused.
#[derive(Default)]
pub(crate) struct Entries {
    by_id: BTreeMap<JobId, Box<Entry>>,
    /// The jobs of each user, oldest first. No user without a job.
    lists: BTreeMap<Uid, BTreeSet<Bookmark>>,
}

impl Entries {
    pub(crate) fn get(&self, job: &JobId) -> Option<&Entry> {
        self.by_id.get(job).map(Box::as_ref)
    }

    pub(crate) fn get_mut(&mut self, job: &JobId) -> Option<&mut Entry> {
        self.by_id.get_mut(job).map(Box::as_mut)
    }

    pub(crate) fn contains_key(&self, job: &JobId) -> bool {
        self.by_id.contains_key(job)
    }

    pub(crate) fn insert(&mut self, entry: Entry) {
        let owned = self.lists.entry(entry.job.owner()).or_default();
        owned.insert(place(&entry));
        self.by_id.insert(entry.job.id(), Box::new(entry));
    }

    pub(crate) fn remove(&mut self, job: &JobId) -> Option<Box<Entry>> {
        let entry = self.by_id.remove(job)?;
        let owner = entry.job.owner();
        if let Some(owned) = self.lists.get_mut(&owner) {
            owned.remove(&place(&entry));
            if owned.is_empty() {
                self.lists.remove(&owner);
            }
        }
        Some(entry)
    }

    pub(crate) fn len(&self) -> usize {
        self.by_id.len()
    }

    /// How many jobs a user has. Cost: O(1).
    pub(crate) fn count_of(&self, owner: Uid) -> usize {
        self.lists.get(&owner).map_or(0, BTreeSet::len)
    }

    /// By their ids.
    pub(crate) fn values(&self) -> Values<'_, JobId, Box<Entry>> {
        self.by_id.values()
    }

    /// The jobs that an actor may list, oldest first, from behind `after` on.
    ///
    /// Cost: of each, a walk down the sorted maps, however many jobs there are before it.
    pub(crate) fn listed(
        &self,
        actor: Actor,
        after: Option<Bookmark>,
    ) -> impl Iterator<Item = &Entry> {
        let visible = self.lists.iter().filter(move |(owner, _)| allows(actor, Act::List, **owner));
        let lists = visible.map(|(_, list)| list.range(behind(after)).copied());
        merged(lists.collect()).filter_map(|place| self.get(&place.job))
    }

    /// All jobs, oldest first.
    pub(crate) fn oldest_first(&self) -> impl Iterator<Item = JobId> {
        merged(self.lists.values().map(|list| list.iter()).collect()).map(|place| place.job)
    }

    /// A user's own jobs, oldest first, from behind `after` on.
    pub(crate) fn of(&self, owner: Uid, after: Option<Bookmark>) -> impl Iterator<Item = &Entry> {
        let list = self.lists.get(&owner).into_iter();
        let places = list.flat_map(move |list| list.range(behind(after)));
        places.filter_map(|place| self.get(&place.job))
    }
}

/// A job's place in lists, which it never leaves.
pub(crate) fn place(entry: &Entry) -> Bookmark {
    Bookmark { creation: entry.job.times().creation, job: entry.job.id() }
}

/// What of a list comes behind this; all of it without.
fn behind(after: Option<Bookmark>) -> (Bound<Bookmark>, Bound<Bookmark>) {
    (after.map_or(Bound::Unbounded, Bound::Excluded), Bound::Unbounded)
}

/// Sorted sequences as one. Cost: of each item, O(log n) in the number of sequences.
fn merged<T: Ord, I: Iterator<Item = T>>(mut lists: Vec<I>) -> impl Iterator<Item = T> {
    let heads = lists.iter_mut().enumerate();
    let heads = heads.filter_map(|(index, list)| Some(std::cmp::Reverse((list.next()?, index))));
    let mut heads: BinaryHeap<_> = heads.collect();
    std::iter::from_fn(move || {
        let std::cmp::Reverse((item, index)) = heads.pop()?;
        let next = lists.get_mut(index).and_then(Iterator::next);
        heads.extend(next.map(|next| std::cmp::Reverse((next, index))));
        Some(item)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sorted_sequences_become_one() {
        #[track_caller]
        fn check(lists: &[&[u32]]) {
            let mut expect: Vec<u32> = lists.concat();
            expect.sort_unstable();
            let lists = lists.iter().map(|list| list.iter().copied()).collect();
            assert_eq!(merged(lists).collect::<Vec<_>>(), expect);
        }
        check(&[]);
        check(&[&[], &[]]);
        check(&[&[1, 2, 9], &[], &[0, 3], &[3, 4, 5, 6]]);
    }
}
