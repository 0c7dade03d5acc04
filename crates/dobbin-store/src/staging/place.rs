//! Where the two files of an unfinished download lie.

use std::path::{Path, PathBuf};

use dobbin_types::FileNumber;

/// Where the bytes of one file are kept until it is finished, and where it is noted which are there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Place {
    data: PathBuf,
    have: PathBuf,
}

impl Place {
    /// Both in the folder of the job.
    pub fn in_folder(job_folder: &Path, file: FileNumber) -> Place {
        Place { data: job_folder.join(file.to_string()), have: have_path(job_folder, file) }
    }

    /// The bytes at `data`, on the destination's own file system, so that showing the file is a
    /// rename; the rest in the folder of the job.
    pub fn beside(job_folder: &Path, file: FileNumber, data: PathBuf) -> Place {
        Place { data, have: have_path(job_folder, file) }
    }

    /// The file with the bytes.
    pub fn data(&self) -> &Path {
        &self.data
    }

    /// The file that tells which pieces are there.
    pub fn have(&self) -> &Path {
        &self.have
    }
}

fn have_path(job_folder: &Path, file: FileNumber) -> PathBuf {
    job_folder.join(format!("{file}.have"))
}
