//! The files of an entry. Most files of a long queue were never begun and have nothing to keep: they
//! take no room here.

use std::collections::BTreeMap;
use std::sync::LazyLock;

use dobbin_types::FileNumber;

use crate::entry::LiveFile;

/// What the loop keeps with the files of one job.
#[derive(Default)]
pub(crate) struct LiveFiles {
    count: usize,
    /// Those with something to keep.
    begun: BTreeMap<usize, Box<LiveFile>>,
}

/// A file with nothing to keep. Only ever looked at: who changes one gets a file of its own.
static UNTOUCHED: LazyLock<LiveFile> = LazyLock::new(LiveFile::untouched);

impl LiveFiles {
    /// How many files there are.
    pub(crate) fn len(&self) -> usize {
        self.count
    }

    pub(crate) fn get(&self, index: usize) -> Option<&LiveFile> {
        let untouched = || -> &LiveFile { &UNTOUCHED };
        let begun = self.begun.get(&index).map(Box::as_ref);
        (index < self.count).then(|| begun.unwrap_or_else(untouched))
    }

    /// The file, to change it: from now on it takes room.
    pub(crate) fn get_mut(&mut self, index: usize) -> Option<&mut LiveFile> {
        let own = || Box::new(LiveFile::untouched());
        (index < self.count).then(|| self.begun.entry(index).or_insert_with(own).as_mut())
    }

    pub(crate) fn first(&self) -> Option<&LiveFile> {
        self.get(0)
    }

    pub(crate) fn first_mut(&mut self) -> Option<&mut LiveFile> {
        self.get_mut(0)
    }

    /// All of them.
    pub(crate) fn iter(&self) -> impl Iterator<Item = &LiveFile> {
        (0..self.count).filter_map(|index| self.get(index))
    }

    /// Those from `first` on that have something to keep.
    pub(crate) fn begun_from(
        &self,
        first: FileNumber,
    ) -> impl Iterator<Item = (FileNumber, &LiveFile)> {
        let begun = self.begun.range(first.index()..);
        begun.filter_map(|(index, live)| Some((FileNumber(u32::try_from(*index).ok()?), &**live)))
    }

    /// Adds files behind the others.
    pub(crate) fn extend(&mut self, files: impl IntoIterator<Item = LiveFile>) {
        for live in files {
            if !live.is_untouched() {
                self.begun.insert(self.count, Box::new(live));
            }
            self.count += 1;
        }
    }
}

impl FromIterator<LiveFile> for LiveFiles {
    fn from_iter<I: IntoIterator<Item = LiveFile>>(files: I) -> LiveFiles {
        let mut live = LiveFiles::default();
        live.extend(files);
        live
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_files_with_something_to_keep_take_room() {
        let mut files: LiveFiles = (0..1_000).map(|_| LiveFile::untouched()).collect();
        assert_eq!((files.len(), files.iter().count(), files.begun.len()), (1_000, 1_000, 0));
        files.get_mut(7).unwrap().generation = 3;
        files.get_mut(3).unwrap().gauge.set_transferred(5);
        files.extend([LiveFile { generation: 1, ..LiveFile::untouched() }]);
        assert_eq!(files.begun.len(), 3);
        let generations: Vec<u64> = [7, 8, 1_000].map(|i| files.get(i).unwrap().generation).into();
        assert_eq!(generations, [3, 0, 1]);
        assert_eq!(files.get(8).unwrap().gauge.transferred(), 0);
        assert!(files.get(1_001).is_none() && files.get_mut(1_001).is_none());
        let begun = |first| files.begun_from(FileNumber(first)).map(|(n, _)| n.0).collect();
        let begun: [Vec<u32>; 2] = [begun(0), begun(4)];
        assert_eq!(begun, [vec![3, 7, 1_000], vec![7, 1_000]]);
    }
}
