//! What lies on the disk while no agent runs, read without its help.

use std::collections::BTreeSet;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use anyhow::{Context, Result, bail, ensure};
use dobbin_core::piece::{Layout, PieceSet};
use dobbin_store::publish::{part_path, part_tag};
use dobbin_types::{FileNumber, JobId};

use super::stretches::Stretches;

/// The header of a have file, version 1: magic 8, version 4, piece size 4, file size 8, boot id 64,
/// checksum 8.
const HAVE_HEADER_LEN: usize = 96;

/// What a file may hold: one of these, whole.
type Versions<'a> = &'a [Arc<Vec<u8>>];

/// A file's bytes before they are shown.
#[derive(Debug)]
pub(crate) struct Staged {
    /// What the have file says; `None` where it says nothing.
    pub(super) had: Option<PieceSet>,
    /// In which run of the machine it says so; empty where it says nothing.
    boot: String,
    data: Vec<u8>,
}

impl Staged {
    /// Reads what there is of a file; `None` where there is no data.
    pub(crate) fn read(
        state: &Path,
        job: JobId,
        number: FileNumber,
        destination: &Path,
    ) -> Result<Option<Staged>> {
        let folder = state.join("staging").join(job.to_string());
        let in_store = folder.join(number.to_string());
        let beside = part_path(destination, part_tag(job, number));
        let Some(data) = [in_store, beside].iter().find_map(|path| read(path).transpose()) else {
            return Ok(None);
        };
        let have = read(&folder.join(format!("{number}.have")))?.unwrap_or_default();
        Ok(Some(Staged { had: had(&have), boot: boot(&have), data: data? }))
    }

    /// The same bytes, of which others say which pieces are there.
    pub(crate) fn called_had(self, had: PieceSet) -> Staged {
        Staged { had: Some(had), ..self }
    }

    /// Every piece that is called had is right, and all of them are of one version.
    pub(crate) fn check(&self, versions: Versions<'_>) -> Result<()> {
        let Some(had) = self.had.as_ref().filter(|had| !had.is_empty()) else { return Ok(()) };
        let layout = had.layout();
        let is_of = |version: &Arc<Vec<u8>>| {
            had.iter().all(|piece| {
                let range = layout.byte_range(piece);
                let range = range.start as usize..range.end as usize;
                let (ours, right) = (self.data.get(range.clone()), version.get(range));
                ours.is_some() && ours == right
            })
        };
        ensure!(
            versions.iter().any(is_of),
            "pieces are called had that are not of one version: {:?} of {}",
            had.iter().map(|piece| piece.number()).collect::<Vec<_>>(),
            layout.piece_count()
        );
        Ok(())
    }

    /// All of it is one of the versions.
    pub(crate) fn is_whole(&self, versions: Versions<'_>) -> bool {
        versions.iter().any(|version| **version == self.data)
    }

    /// Whether the have file is of the run of the machine with this id: else it counts for nothing.
    pub(super) fn is_of_run(&self, boot: &str) -> bool {
        self.boot == boot
    }

    /// Bytes of the pieces that are called had. Of a file of one piece nothing calls them so beside the
    /// data: it may be had when it is whole.
    pub(super) fn had_bytes(&self, versions: Versions<'_>) -> u64 {
        match &self.had {
            Some(had) => had.byte_count(),
            None if self.is_whole(versions) => self.data.len() as u64,
            None => 0,
        }
    }

    /// Which bytes are right: those were written. To [`WRITTEN_STEP`], less at the ends of what was.
    pub(super) fn written(&self, version: &[u8]) -> Stretches {
        let mut written = Stretches::default();
        let steps = self.data.chunks(WRITTEN_STEP).zip(version.chunks(WRITTEN_STEP));
        for ((ours, right), from) in steps.zip((0_u64..).step_by(WRITTEN_STEP)) {
            if ours == right {
                written.add(from..from + ours.len() as u64);
            }
        }
        written
    }
}

/// As many bytes are compared at a time. Contents are noise: none of them is right by chance.
const WRITTEN_STEP: usize = 4 * 1024;

/// The id in a have file of the run of the machine that wrote it.
fn boot(bytes: &[u8]) -> String {
    let field = bytes.get(24..88).unwrap_or_default();
    String::from_utf8_lossy(field).trim_end_matches('\0').to_owned()
}

/// What a have file says, whichever run of the machine it is of.
fn had(bytes: &[u8]) -> Option<PieceSet> {
    let (header, bitmap) = bytes.split_at_checked(HAVE_HEADER_LEN)?;
    if !header.starts_with(b"dobbinhv") {
        return None;
    }
    let piece_size = u32::from_le_bytes(header[12..16].try_into().ok()?);
    let file_size = u64::from_le_bytes(header[16..24].try_into().ok()?);
    PieceSet::from_bytes(Layout::new(file_size, piece_size)?, bitmap).ok()
}

/// What a published file must be: there and one of the versions, or not there.
///
/// * Returns: whether it is there.
pub(super) fn check_published(path: &Path, versions: Versions<'_>) -> Result<bool> {
    let Some(bytes) = read(path)? else { return Ok(false) };
    if versions.iter().any(|version| **version == bytes) {
        return Ok(true);
    }
    let right = versions.iter().map(|version| {
        let pairs = version.iter().zip(&bytes);
        pairs.take_while(|(right, ours)| right == ours).count()
    });
    let right: Vec<usize> = right.collect();
    bail!("{} holds {} wrong bytes (right up to {right:?})", path.display(), bytes.len())
}

/// The names in a folder.
pub(super) fn names(folder: &Path) -> Result<BTreeSet<PathBuf>> {
    let entries =
        fs::read_dir(folder).with_context(|| format!("cannot list {}", folder.display()))?;
    entries.map(|entry| Ok(entry?.path())).collect()
}

fn read(path: &Path) -> Result<Option<Vec<u8>>> {
    match fs::read(path) {
        Ok(bytes) => Ok(Some(bytes)),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error).with_context(|| format!("cannot read {}", path.display())),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const PIECE: usize = 4;

    fn staged(data: &[u8], pieces: &[u32]) -> Staged {
        let layout = Layout::new(10, PIECE as u32).unwrap();
        let mut had = PieceSet::empty(layout);
        for number in pieces {
            had.insert(layout.index(*number).unwrap());
        }
        Staged { had: Some(had), boot: String::new(), data: data.to_vec() }
    }

    #[test]
    fn a_lie_about_a_piece_is_found() {
        let (one, two) = (Arc::new(b"aaaabbbbcc".to_vec()), Arc::new(b"AAAABBBBCC".to_vec()));
        let both = [one, two];
        for (data, pieces, right) in [
            (&b"aaaabbbbcc"[..], &[0, 1, 2][..], true),
            (b"AAAABBBBCC", &[0, 1, 2], true),
            (b"aaaa????cc", &[0, 2], true),
            (b"aaaa????", &[0, 2], false),
            (b"aaaabbbXcc", &[0, 1], false),
            (b"aaaaBBBBcc", &[0, 1], false),
            (b"aaaaBBBBcc", &[1], true),
            (b"", &[], true),
        ] {
            assert_eq!(staged(data, pieces).check(&both).is_ok(), right, "{data:?} {pieces:?}");
        }
        assert!(staged(b"aaaabbbbcc", &[]).is_whole(&both));
        assert!(!staged(b"aaaabbbbc", &[]).is_whole(&both));
    }

    #[test]
    fn what_is_right_was_written() {
        let step = WRITTEN_STEP as u64;
        let version: Vec<u8> = (0..=255).cycle().take(WRITTEN_STEP * 4 + 7).collect();
        let mut data = version.clone();
        data[WRITTEN_STEP..WRITTEN_STEP * 3].fill(0);
        let common = |data: &[u8], range: std::ops::Range<u64>| {
            let mut asked = Stretches::default();
            asked.add(range);
            staged(data, &[]).written(&version).common_bytes(&asked)
        };
        assert_eq!(common(&data, 0..u64::MAX), step * 2 + 7);
        assert_eq!(common(&data, 0..step), step);
        assert_eq!(common(&data, step..step * 3), 0);
        assert_eq!(common(&data[..WRITTEN_STEP * 3], 0..u64::MAX), step);
        assert_eq!(common(&[], 0..u64::MAX), 0);
    }

    #[test]
    fn a_wrong_file_under_its_name_is_found() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("file");
        let versions = [Arc::new(b"right".to_vec())];
        assert!(!check_published(&path, &versions).unwrap());
        fs::write(&path, b"right").unwrap();
        assert!(check_published(&path, &versions).unwrap());
        for wrong in [&b"righ"[..], b"righT", b"right!", b""] {
            fs::write(&path, wrong).unwrap();
            assert!(check_published(&path, &versions).is_err());
        }
    }
}
