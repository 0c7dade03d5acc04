//! Piece-hash files, kept in the folder of the job that needs them.
//!
//! Each is named after the digest that vouches for it, so that it cannot be taken for another one and
//! is found by every file of the job that is checked by it. It goes with the folder. What is read back
//! is only text: whoever reads it checks it again.

use std::fs::File;
use std::io::{self, Read};
use std::path::{Path, PathBuf};

use dobbin_types::phf::{Digest, PHF_BYTES_MAX, digest_to_hex};

use super::place::Place;
use crate::durable;
use crate::error::{Doing, FileError};

/// Where one piece-hash file of a job is kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeptPhf {
    path: PathBuf,
}

impl KeptPhf {
    /// That for which `digest` vouches, for the file whose bytes lie at `place`.
    pub fn new(place: &Place, digest: &Digest) -> KeptPhf {
        KeptPhf::in_folder(durable::parent(place.have()), digest)
    }

    /// The same, in the folder of a job.
    pub(crate) fn in_folder(job_folder: &Path, digest: &Digest) -> KeptPhf {
        KeptPhf { path: job_folder.join(format!("{}.phf", digest_to_hex(digest))) }
    }

    /// Keeps the text, all of it or nothing, so that it survives a power cut. The folder of the job is
    /// created where there is none.
    pub fn keep(&self, text: &[u8]) -> Result<(), FileError> {
        let folder = durable::parent(&self.path);
        durable::create_folder(folder).doing("create", folder)?;
        durable::replace(&self.path, text).doing("write", &self.path)
    }

    /// The text, if there is one. One that is longer than any piece-hash file may be is cut behind
    /// [`PHF_BYTES_MAX`], by one byte, so that it is found to be too long.
    pub fn read(&self) -> Result<Option<Vec<u8>>, FileError> {
        let file = match File::open(&self.path) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            file => file.doing("open", &self.path)?,
        };
        let mut text = Vec::new();
        file.take(PHF_BYTES_MAX as u64 + 1).read_to_end(&mut text).doing("read", &self.path)?;
        Ok(Some(text))
    }
}

#[cfg(test)]
mod tests {
    use dobbin_types::FileNumber;

    use super::*;

    #[test]
    fn what_is_kept_lies_in_the_jobs_folder_under_its_digest() {
        let root = tempfile::tempdir().unwrap();
        let folder = root.path().join("job");
        let data = root.path().join("elsewhere");
        for number in [FileNumber(0), FileNumber(7)] {
            let place = Place::beside(&folder, number, data.clone());
            let kept = KeptPhf::new(&place, &[0xAB; 32]);
            let before = (number != FileNumber(0)).then(|| b"text".to_vec());
            assert_eq!(kept.read().unwrap(), before);
            kept.keep(b"text").unwrap();
            assert_eq!(kept.read().unwrap().as_deref(), Some(&b"text"[..]));
            assert_eq!(KeptPhf::new(&place, &[0xAC; 32]).read().unwrap(), None);
        }
        let names: Vec<_> = std::fs::read_dir(&folder).unwrap().collect();
        assert_eq!(names.len(), 1);
        let name = names[0].as_ref().unwrap().file_name();
        assert_eq!(name.to_str(), Some(format!("{}.phf", "ab".repeat(32)).as_str()));
    }
}
