//! Opening the store: its folders, its lock, its journal.

use std::fs::{File, OpenOptions};
use std::io::{self, Read, Write};
use std::os::unix::fs::{MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use dobbin_types::phf::Digest;
use dobbin_types::{ErrorCode, FileNumber, JobId};
use rustix::fs::{FlockOperation, OFlags};
use rustix::io::Errno;

use crate::error::{Doing, FileError};
use crate::journal::{Journal, JournalError};
use crate::staging::{KeptPhf, Place};
use crate::{durable, sweep};

/// The store of one agent: everything it keeps on disk, used by no other process.
#[derive(Debug)]
pub struct Store {
    root: PathBuf,
    journal: Journal,
    quarantined: Option<PathBuf>,
    // Declared last, so that it is let go only after the journal is closed.
    _lock: File,
}

impl Store {
    /// Opens the store under `root`, and creates it where there is none: folders for us alone.
    ///
    /// # Errors
    ///
    /// [`OpenError::InUse`] while another process has it open; [`OpenError::Exposed`] when somebody
    /// else owns the folder or may write to it (then nothing in it can be believed);
    /// [`OpenError::Journal`] when the journal can neither be read nor set aside.
    pub fn open(root: &Path) -> Result<Store, OpenError> {
        durable::create_folder(root).doing("create", root)?;
        check_folder(root)?;
        let lock = take_lock(&root.join("lock"))?;
        let staging = staging_folder(root);
        durable::create_folder(&staging).doing("create", &staging)?;
        let (journal, quarantined) = Journal::open(root)?;
        Ok(Store { root: root.to_path_buf(), journal, quarantined, _lock: lock })
    }

    /// The journal.
    pub fn journal(&self) -> &Journal {
        &self.journal
    }

    /// Where the journal was put that could not be read, when there was one at opening. The store
    /// has then started with what could be saved out of it, each job stopped with an error that says
    /// so, and whoever opened it must say so too.
    pub fn quarantined(&self) -> Option<&Path> {
        self.quarantined.as_deref()
    }

    /// The folder that holds the store.
    pub fn root(&self) -> &Path {
        &self.root
    }

    /// Where the bytes of a file are kept in the store itself.
    pub fn place(&self, job: JobId, file: FileNumber) -> Place {
        Place::in_folder(&self.job_folder(job), file)
    }

    /// Where they are kept when the store lies on another file system than the destination: at
    /// `data`, beside the destination. What tells which pieces are there stays in the store.
    pub fn place_beside(&self, job: JobId, file: FileNumber, data: PathBuf) -> Place {
        Place::beside(&self.job_folder(job), file, data)
    }

    /// Removes what the store keeps of jobs that are gone, and of files that those it has do not have;
    /// says of how many jobs. Called once at start, when the journal has told which there are.
    ///
    /// * `files_count`: how many files a job has; `None` for one that is gone.
    pub fn sweep(&self, files_count: impl FnMut(JobId) -> Option<usize>) -> Result<u32, FileError> {
        sweep::sweep(&staging_folder(&self.root), files_count)
    }

    /// Removes what the store keeps of one job.
    pub fn remove_job_folder(&self, job: JobId) -> Result<(), FileError> {
        sweep::remove_folder(&self.job_folder(job))
    }

    /// Where the store under `root` keeps a piece-hash file for a job, which need not be there yet.
    /// Needs no open store: whoever takes the file from a caller does not own it.
    pub fn kept_phf(root: &Path, job: JobId, digest: &Digest) -> KeptPhf {
        KeptPhf::in_folder(&folder_of(root, job), digest)
    }

    /// Removes what the store under `root` keeps of a job that never came to be.
    pub fn remove_folder_under(root: &Path, job: JobId) -> Result<(), FileError> {
        sweep::remove_folder(&folder_of(root, job))
    }

    /// Writes what is still waiting, closes the journal and lets go of the lock.
    pub fn close(self) -> Result<(), JournalError> {
        self.journal.close()
    }

    fn job_folder(&self, job: JobId) -> PathBuf {
        folder_of(&self.root, job)
    }
}

fn folder_of(root: &Path, job: JobId) -> PathBuf {
    staging_folder(root).join(job.to_string())
}

/// Why a store cannot be opened.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// Another process uses it.
    #[error("the store is in use by {}", match pid { Some(pid) => format!("process {pid}"), None => "another process".to_owned() })]
    InUse {
        /// Which process, when it has said so.
        pid: Option<u32>,
    },
    /// Others could change what is in it.
    #[error("the store at {} belongs to somebody else or may be written by others", path.display())]
    Exposed {
        /// Its folder.
        path: PathBuf,
    },
    /// The operating system refused a step.
    #[error(transparent)]
    File(#[from] FileError),
    /// The journal cannot be used.
    #[error(transparent)]
    Journal(#[from] JournalError),
}

impl OpenError {
    /// The code a caller sees.
    pub fn code(&self) -> ErrorCode {
        match self {
            OpenError::InUse { .. } => ErrorCode::DO_E_NO_SERVICE,
            OpenError::Exposed { .. } => ErrorCode::from_errno(Errno::ACCESS.raw_os_error()),
            OpenError::File(error) => error.code(),
            OpenError::Journal(error) => error.code(),
        }
    }
}

fn staging_folder(root: &Path) -> PathBuf {
    root.join("staging")
}

/// Refuses a folder that is not ours alone to write.
fn check_folder(root: &Path) -> Result<(), OpenError> {
    let found = std::fs::metadata(root).doing("look at", root)?;
    let ours = found.uid() == rustix::process::geteuid().as_raw();
    if !ours || found.mode() & 0o022 != 0 {
        return Err(OpenError::Exposed { path: root.to_path_buf() });
    }
    Ok(())
}

/// Takes the lock for as long as the returned file is open, and leaves our process id in it for
/// whoever comes next. The kernel lets go of it when the process dies, however it dies.
fn take_lock(path: &Path) -> Result<File, OpenError> {
    let mut file = OpenOptions::new()
        .read(true)
        .write(true)
        .create(true)
        .truncate(false)
        .mode(0o600)
        .custom_flags(OFlags::NOFOLLOW.bits().cast_signed())
        .open(path)
        .doing("open", path)?;
    match rustix::fs::flock(&file, FlockOperation::NonBlockingLockExclusive) {
        Ok(()) => {}
        Err(Errno::WOULDBLOCK) => return Err(OpenError::InUse { pid: read_pid(&mut file) }),
        Err(error) => return Err(FileError::new("lock", path, error).into()),
    }
    note_pid(&mut file).doing("write", path)?;
    Ok(file)
}

fn note_pid(file: &mut File) -> io::Result<()> {
    file.set_len(0)?;
    writeln!(file, "{}", std::process::id())
}

/// The process id in the lock file; `None` when its holder has not written it (yet).
fn read_pid(file: &mut File) -> Option<u32> {
    let mut text = String::new();
    file.take(32).read_to_string(&mut text).ok()?;
    text.trim().parse().ok()
}

#[cfg(test)]
mod tests {
    use std::fs::{self, Permissions};
    use std::os::unix::fs::PermissionsExt;

    use super::*;

    #[test]
    fn a_store_is_created_with_its_folders_for_us_alone() {
        let folder = tempfile::tempdir().unwrap();
        let root = folder.path().join("state/dobbin");
        Store::open(&root).unwrap().close().unwrap();
        for path in [root.clone(), root.join("staging")] {
            assert_eq!(fs::metadata(&path).unwrap().mode() & 0o7777, 0o700, "{}", path.display());
        }
        for path in [root.join("lock"), root.join("journal.db")] {
            assert_eq!(fs::metadata(&path).unwrap().mode() & 0o7777, 0o600, "{}", path.display());
        }
    }

    #[test]
    fn a_second_opener_is_told_who_has_it_until_the_first_lets_go() {
        let folder = tempfile::tempdir().unwrap();
        let root = folder.path().join("store");
        let first = Store::open(&root).unwrap();
        match Store::open(&root) {
            Err(OpenError::InUse { pid }) => assert_eq!(pid, Some(std::process::id())),
            other => panic!("{other:?}"),
        }
        first.close().unwrap();
        Store::open(&root).unwrap();
    }

    #[test]
    fn a_folder_that_others_may_write_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        for (mode, allowed) in [(0o700, true), (0o755, true), (0o775, false), (0o702, false)] {
            let root = folder.path().join(format!("{mode:o}"));
            fs::create_dir(&root).unwrap();
            fs::set_permissions(&root, Permissions::from_mode(mode)).unwrap();
            match Store::open(&root) {
                Ok(_) => assert!(allowed, "{mode:o}"),
                Err(OpenError::Exposed { .. }) => assert!(!allowed, "{mode:o}"),
                Err(other) => panic!("{mode:o}: {other}"),
            }
        }
    }

    #[test]
    fn a_folder_of_somebody_else_is_refused() {
        if !rustix::process::geteuid().is_root() {
            eprintln!("skipped: only root can make a folder of somebody else");
            return;
        }
        let folder = tempfile::tempdir().unwrap();
        std::os::unix::fs::chown(folder.path(), Some(12_345), None).unwrap();
        assert!(matches!(Store::open(folder.path()), Err(OpenError::Exposed { .. })));
    }

    #[test]
    fn a_link_in_place_of_the_lock_is_not_followed() {
        let folder = tempfile::tempdir().unwrap();
        let root = folder.path().join("store");
        durable::create_folder(&root).unwrap();
        let victim = folder.path().join("victim");
        fs::write(&victim, "precious").unwrap();
        std::os::unix::fs::symlink(&victim, root.join("lock")).unwrap();
        assert!(matches!(Store::open(&root), Err(OpenError::File(_))));
        assert_eq!(fs::read(&victim).unwrap(), b"precious");
    }
}
