//! The files of a job, and what holds of all of them together.
//!
//! A job may have very many files, and is asked after every event what is left of them. So the sums
//! are kept, and brought up to date with each file that changes: whoever changes one gets it from
//! [`Files::edit`], which sees what became of it. No answer here costs a walk over all files.

use alloc::vec::Vec;
use core::ops::{Deref, DerefMut};

use dobbin_types::FileNumber;

use super::file::File;

/// Sums over the files of a job.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Totals {
    /// Files that are wholly here.
    pub finished_count: usize,
    /// Those of them that do not stand under their names yet.
    pub unpublished_count: usize,
    /// Files whose local size nobody knows.
    pub unsized_count: usize,
    /// Local sizes of all others, in bytes. Wider than one size, so that no sum of them overflows.
    pub bytes: u128,
    /// Local sizes of the finished ones, in bytes.
    pub finished_bytes: u128,
}

/// The files of a job, in the order in which they were added.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(super) struct Files {
    all: Vec<File>,
    /// A bit for each file, set while it is to be fetched. Beyond the last file all are clear.
    unfinished: Vec<u64>,
    totals: Totals,
}

/// One file that is being changed. What became of it is noted when this is dropped.
pub(super) struct Edit<'a> {
    files: &'a mut Files,
    index: usize,
}

impl Files {
    pub(super) fn new(files: Vec<File>) -> Files {
        let mut new = Files { all: files, ..Files::default() };
        new.count_from(0);
        new
    }

    /// Adds files behind the others.
    pub(super) fn extend(&mut self, files: Vec<File>) {
        let first = self.all.len();
        if first == 0 {
            // As it came, without room for more: most jobs get all their files at once.
            self.all = files;
        } else {
            self.all.extend(files);
        }
        self.count_from(first);
    }

    /// The file with this number, to change it.
    pub(super) fn edit(&mut self, number: FileNumber) -> Option<Edit<'_>> {
        let index = number.index();
        let file = self.all.get(index)?;
        self.totals.remove(file);
        Some(Edit { files: self, index })
    }

    /// Changes each of the files.
    pub(super) fn edit_all(&mut self, mut change: impl FnMut(FileNumber, &mut File)) {
        for (file, number) in self.all.iter_mut().zip((0_u32..).map(FileNumber)) {
            change(number, file);
        }
        self.totals = Totals::default();
        self.unfinished.clear();
        self.count_from(0);
    }

    pub(super) fn totals(&self) -> &Totals {
        &self.totals
    }

    /// The numbers of the files that are still to be fetched, in their order.
    ///
    /// Cost: of the next one, O(1), and for each stretch of 64 finished files before it.
    pub(super) fn unfinished(&self) -> impl Iterator<Item = FileNumber> + '_ {
        let words = self.unfinished.iter().zip((0_u32..).step_by(64));
        words.flat_map(|(word, first)| bits(*word).map(move |bit| FileNumber(first + bit)))
    }

    fn count_from(&mut self, first: usize) {
        self.unfinished.resize(self.all.len().div_ceil(64), 0);
        for index in first..self.all.len() {
            self.count(index);
        }
    }

    fn count(&mut self, index: usize) {
        let (Some(file), Some(word)) = (self.all.get(index), self.unfinished.get_mut(index / 64))
        else {
            return;
        };
        let bit = 1 << (index % 64);
        if file.finished {
            *word &= !bit
        } else {
            *word |= bit
        }
        self.totals.add(file);
    }
}

/// The places of the bits that are set, the lowest first.
fn bits(mut word: u64) -> impl Iterator<Item = u32> {
    core::iter::from_fn(move || {
        let lowest = (word != 0).then(|| word.trailing_zeros())?;
        word &= word - 1;
        Some(lowest)
    })
}

impl Deref for Files {
    type Target = [File];

    fn deref(&self) -> &[File] {
        &self.all
    }
}

impl Deref for Edit<'_> {
    type Target = File;

    fn deref(&self) -> &File {
        &self.files.all[self.index]
    }
}

impl DerefMut for Edit<'_> {
    fn deref_mut(&mut self) -> &mut File {
        &mut self.files.all[self.index]
    }
}

impl Drop for Edit<'_> {
    fn drop(&mut self) {
        self.files.count(self.index);
    }
}

impl Totals {
    fn add(&mut self, file: &File) {
        let size = file.local_size().map(u128::from);
        self.unsized_count += usize::from(size.is_none());
        self.bytes += size.unwrap_or(0);
        if file.finished {
            self.finished_count += 1;
            self.unpublished_count += usize::from(!file.published);
            self.finished_bytes += size.unwrap_or(0);
        }
    }

    fn remove(&mut self, file: &File) {
        let size = file.local_size().map(u128::from);
        self.unsized_count -= usize::from(size.is_none());
        self.bytes -= size.unwrap_or(0);
        if file.finished {
            self.finished_count -= 1;
            self.unpublished_count -= usize::from(!file.published);
            self.finished_bytes -= size.unwrap_or(0);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::job::{NewFile, door};

    fn files(count: usize) -> Files {
        let offered: Vec<NewFile> = (0..count)
            .map(|number| NewFile { size: (number % 3 > 0).then_some(10), ..NewFile::default() })
            .collect();
        let mut files = Files::default();
        files.extend(door(&offered, |_| Ok(())).unwrap());
        files
    }

    /// Everything, the slow way.
    fn check(files: &Files) {
        let anew = Files::new(files.to_vec());
        assert_eq!(*files, anew);
        let slow = files.iter().zip(0_u32..).filter(|(file, _)| !file.finished);
        assert!(files.unfinished().eq(slow.map(|(_, number)| FileNumber(number))));
        let finished = files.iter().filter(|file| file.finished);
        assert_eq!(files.totals().finished_count, finished.clone().count());
        let sizes = |file: &File| u128::from(file.local_size().unwrap_or(0));
        assert_eq!(files.totals().bytes, files.iter().map(sizes).sum());
        assert_eq!(files.totals().finished_bytes, finished.map(sizes).sum());
        let unsized_count = files.iter().filter(|file| file.local_size().is_none()).count();
        assert_eq!(files.totals().unsized_count, unsized_count);
    }

    #[test]
    fn the_sums_follow_every_file_that_changes() {
        for count in [0, 1, 63, 64, 65, 200] {
            let mut files = files(count);
            check(&files);
            for step in [7, 3, 1] {
                for number in (0..count as u32).step_by(step).map(FileNumber) {
                    let mut file = files.edit(number).unwrap();
                    file.finished = !file.finished;
                    file.published = file.finished && step == 3;
                    file.declared_size = Some(u64::MAX);
                    drop(file);
                    check(&files);
                }
            }
            assert!(files.edit(FileNumber(count as u32)).is_none());
            files.edit_all(|number, file| file.finished = number.0 % 2 == 0);
            check(&files);
        }
    }

    #[test]
    fn files_that_come_later_stand_behind_the_others() {
        let mut files = files(63);
        files.edit(FileNumber(0)).unwrap().finished = true;
        let more = self::files(70).to_vec();
        files.extend(more);
        check(&files);
        assert_eq!(files.unfinished().count(), 132);
        assert_eq!(files.unfinished().next(), Some(FileNumber(1)));
    }
}
