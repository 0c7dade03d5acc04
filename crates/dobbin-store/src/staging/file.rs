//! One unfinished file.

use std::fs::{self, File, OpenOptions};
use std::io;
use std::ops::Range;
use std::os::fd::{AsFd, BorrowedFd};
use std::os::unix::fs::{FileExt, MetadataExt, OpenOptionsExt, PermissionsExt};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::SystemTime;

use dobbin_core::piece::{Layout, PieceIndex, PieceSet};
use dobbin_types::ErrorCode;
use rustix::fs::{OFlags, SeekFrom};

use super::beside;
use super::have::{HaveFile, Known};
use super::place::Place;
use crate::cache::{Caching, Written};
use crate::durable::{self, FlushedFolders};
use crate::error::{Doing, FileError};
use crate::publish::mode_of_new_files;

/// The bytes of one unfinished file. May be used from several threads at once.
///
/// For each piece, in this order: [`write_at`](Staging::write_at) all of its bytes, then
/// [`mark_have`](Staging::mark_have). Now and then [`flush`](Staging::flush), and write what it
/// returns to the journal.
#[derive(Debug)]
pub struct Staging {
    place: Place,
    layout: Layout,
    data: File,
    /// Its permissions, as it was created or found.
    mode: u32,
    written: Written,
    /// None for a file of one piece: it is there wholly or not at all, and when it is wholly there it
    /// is flushed soon. What the journal says of it is enough.
    have: Option<HaveFile>,
    /// Held for a moment, and never while data is read, written or flushed.
    sets: Mutex<Sets>,
    /// Held while data is flushed. An error of the disk is told to one flush only; a second one at the
    /// same time would be told that all is well.
    flushing: Mutex<()>,
}

#[derive(Debug)]
struct Sets {
    had: PieceSet,
    flushed: PieceSet,
    /// Whether the names of the files are durable too.
    names_flushed: bool,
    /// Whether mode and time were set since the last flush, and are to be flushed with the data.
    sealed: bool,
    /// Set when a flush failed; see [`StagingError::Lost`].
    lost: bool,
}

/// Why a staging file did not do what it was asked.
#[derive(Debug, thiserror::Error)]
pub enum StagingError {
    /// The operating system refused a step. What was had before is still had.
    #[error(transparent)]
    File(#[from] FileError),
    /// A flush of this file failed, now or earlier. The kernel may have thrown away any of the data
    /// that was not flushed, and would report success if it were asked again. So every piece that was
    /// not flushed counts as lost, [`Staging::have`] is what was flushed, and nothing more can be
    /// written here: the file is to be opened again with [`Staging::reopen`].
    #[error("pieces that were not flushed are lost")]
    Lost(#[source] FileError),
    /// The bytes lie, at least in part, beyond the end of the file: a mistake of the caller.
    #[error("bytes {}..{} are not in the file", range.start, range.end)]
    Outside {
        /// The bytes that were to be written or read.
        range: Range<u64>,
    },
}

impl StagingError {
    /// The code a caller sees.
    pub fn code(&self) -> ErrorCode {
        match self {
            StagingError::File(error) | StagingError::Lost(error) => error.code(),
            StagingError::Outside { .. } => ErrorCode::DO_E_FATAL_CORE_ERROR,
        }
    }

    /// Whether the data file is not there: nothing is had, and the file is to be created.
    pub fn is_missing(&self) -> bool {
        matches!(self, StagingError::File(error) if error.is_missing())
    }
}

impl Staging {
    /// Creates the data file, and the have file where the layout has more than one piece, with no
    /// piece had. Folders are created as needed.
    ///
    /// # Errors
    ///
    /// `EEXIST` when anything has the name of the data file, be it a link.
    pub fn create(place: Place, layout: Layout, boot: &str) -> Result<Staging, StagingError> {
        beside::note(place.have(), place.data())?;
        // Nobody else can enter the job's folder: a file in it may have the mode that it will be shown
        // with from the start. One that lies elsewhere is ours alone until then.
        let mode = if is_inside(&place) { mode_of_new_files() } else { 0o600 };
        let create = || data_options().create_new(true).mode(mode).open(place.data());
        let data = match create() {
            // The first file of its job.
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                let folder = durable::parent(place.have());
                durable::create_folder(folder).doing("create", folder)?;
                create()
            }
            outcome => outcome,
        };
        let data = data.doing("create", place.data())?;
        let had = PieceSet::empty(layout);
        let have = begin_have(&place, &had, boot)?;
        Ok(Staging::new(place, (data, mode), have, Sets::new(had.clone(), had, false)))
    }

    /// Opens the files of an earlier life of this process.
    ///
    /// The pieces had are those that the have file of this run of the machine names. Where there is
    /// none (it is missing, torn, of another layout or of an earlier run) they are those that the
    /// journal says are flushed, and the have file is begun anew with them. In both cases the data
    /// file must be long enough to hold them.
    ///
    /// # Errors
    ///
    /// [`StagingError::is_missing`] when there is no data file. A data file that is not a plain file
    /// of our own with one name is refused: somebody else may have put it there.
    pub fn reopen(
        place: Place,
        layout: Layout,
        known: &Known<'_>,
    ) -> Result<Staging, StagingError> {
        let data = data_options().open(place.data()).doing("open", place.data())?;
        let (data_len, mode) = check_ours(&data).doing("open", place.data())?;
        let mut flushed = match known.flushed {
            Some(flushed) if flushed.layout() == layout => flushed.clone(),
            Some(_) | None => PieceSet::empty(layout),
        };
        // No piece is called flushed before the names are: see `flush`.
        let names_flushed = !flushed.is_empty();
        drop_beyond(&mut flushed, data_len);
        let found = needs_have(layout).then(|| HaveFile::read(place.have(), layout, known.boot));
        let (have, had) = match found.flatten() {
            Some((have, mut had)) => {
                drop_beyond(&mut had, data_len);
                flushed.intersect_with(&had);
                (Some(have), had)
            }
            None => (begin_have(&place, &flushed, known.boot)?, flushed.clone()),
        };
        Ok(Staging::new(place, (data, mode), have, Sets::new(had, flushed, names_flushed)))
    }

    /// As [`Staging::reopen`], for bytes that are about to be read back and compared with their hashes
    /// one by one: the pieces had are those that the journal calls flushed, and the have file counts
    /// for nothing until [`Staging::believe`], even if the process dies in between.
    pub fn reopen_doubted(
        place: Place,
        layout: Layout,
        flushed: Option<&PieceSet>,
    ) -> Result<Staging, StagingError> {
        Staging::reopen(place, layout, &Known { boot: "", flushed })
    }

    /// Whether the have file at `place` can be believed: it is of this run of the machine, of this
    /// layout, and whole.
    pub fn is_believed(place: &Place, layout: Layout, boot: &str) -> bool {
        HaveFile::read(place.have(), layout, boot).is_some()
    }

    /// From now on the have file counts, in the present run of the machine: every piece that it names
    /// was written or compared in it.
    pub fn believe(&self, boot: &str) -> Result<(), StagingError> {
        let _unchanged = self.sets();
        let Some(have) = &self.have else {
            return Ok(());
        };
        Ok(have.set_boot(self.layout, boot).doing("write", self.place.have())?)
    }

    /// How an unfinished or finished file of `size` bytes at `place` is cut: as when it was begun, and
    /// by [`Layout::without_manifest`] if nothing tells.
    ///
    /// `None` for a file that no piece size fits.
    pub fn layout_of(place: &Place, size: u64) -> Option<Layout> {
        let begun = HaveFile::layout(place.have()).filter(|layout| layout.file_size() == size);
        begun.or_else(|| Layout::without_manifest(size))
    }

    /// How many bytes of the file at `place` are had, for people to see: what [`Staging::reopen`] would
    /// find, without touching anything. `None` when there is no data file.
    pub fn had_bytes(place: &Place, layout: Layout, known: &Known<'_>) -> Option<u64> {
        let data_len = fs::symlink_metadata(place.data()).ok()?.len();
        let mut had = match HaveFile::read(place.have(), layout, known.boot) {
            Some((_have, had)) => had,
            None => known.flushed.filter(|flushed| flushed.layout() == layout)?.clone(),
        };
        drop_beyond(&mut had, data_len);
        Some(had.byte_count())
    }

    /// The pieces whose bytes may be there, going by the length of the data file alone.
    pub fn written(&self) -> Result<PieceSet, StagingError> {
        let data_len = self.data.metadata().doing("read", self.place.data())?.len();
        let mut written = PieceSet::full(self.layout);
        drop_beyond(&mut written, data_len);
        Ok(written)
    }

    fn new(place: Place, (data, mode): (File, u32), have: Option<HaveFile>, sets: Sets) -> Staging {
        Staging {
            place,
            layout: sets.had.layout(),
            data,
            mode,
            written: Written::new(Caching::Keep),
            have,
            sets: Mutex::new(sets),
            flushing: Mutex::new(()),
        }
    }

    /// Says what becomes of the memory that bytes written from now on take up; at first they are
    /// kept.
    pub fn set_caching(&self, caching: Caching) {
        self.written.set(caching);
    }

    /// Whether what is written is on its way to the disk at once (see [`Caching::Spare`]), so that
    /// nobody need ask for that.
    pub fn writes_back_by_itself(&self) -> bool {
        self.written.spares()
    }

    /// How the file is cut.
    pub fn layout(&self) -> Layout {
        self.layout
    }

    /// Where the files lie.
    pub fn place(&self) -> &Place {
        &self.place
    }

    /// The pieces that are had now.
    pub fn have(&self) -> PieceSet {
        self.sets().had.clone()
    }

    /// The pieces that survive a power cut, if the journal was told.
    pub fn flushed(&self) -> PieceSet {
        self.sets().flushed.clone()
    }

    /// Writes all of `bytes` at `offset` of the file, or fails. No piece is had by that.
    pub fn write_at(&self, bytes: &[u8], offset: u64) -> Result<(), StagingError> {
        self.check_range(bytes.len(), offset)?;
        Ok(self
            .written
            .write_all_at(&self.data, bytes, offset)
            .doing("write", self.place.data())?)
    }

    /// Fills `buffer` with the bytes at `offset` of the file. What was not written reads as zeros, or
    /// fails.
    pub fn read_at(&self, buffer: &mut [u8], offset: u64) -> Result<(), StagingError> {
        self.check_range(buffer.len(), offset)?;
        Ok(self.data.read_exact_at(buffer, offset).doing("read", self.place.data())?)
    }

    /// Whether some stretch of the file was never stored, as far as the file system tells
    /// (`lseek(2)`, `SEEK_HOLE`): a write that the system called done and did not do. One that keeps
    /// zeros as holes says so of a file that is whole; so this is a reason to look, and no proof.
    pub fn may_have_a_hole(&self) -> bool {
        rustix::fs::seek(&self.data, SeekFrom::Hole(0))
            .is_ok_and(|first_hole| first_hole < self.layout.file_size())
    }

    /// Notes that `piece` is had. Only after all of its bytes were written and found right; the order
    /// is never reversed, because a set bit is believed after the death of the process.
    pub fn mark_have(&self, piece: PieceIndex) -> Result<(), StagingError> {
        self.change_have(piece, PieceSet::insert)
    }

    /// Notes that `piece` is not had after all: it was read back, and its hash is wrong. The journal
    /// still names it until it is told the set of the next flush.
    pub fn drop_have(&self, piece: PieceIndex) -> Result<(), StagingError> {
        self.change_have(piece, |had, piece| had.remove(piece))
    }

    fn change_have(
        &self,
        piece: PieceIndex,
        change: impl Fn(&mut PieceSet, PieceIndex) -> bool,
    ) -> Result<(), StagingError> {
        let mut sets = self.sets();
        if sets.lost {
            return Err(self.already_lost());
        }
        let was_had = sets.had.contains(piece);
        if !change(&mut sets.had, piece) {
            return Ok(());
        }
        // Under the lock, although it is a write: two pieces may share the byte, and the older value
        // must not overwrite the newer one. It is one byte into the page cache.
        let noted = self.have.as_ref().map_or(Ok(()), |have| have.write_byte_of(piece, &sets.had));
        if let Err(error) = noted {
            if was_had {
                sets.had.insert(piece);
            } else {
                sets.had.remove(piece);
            }
            return Err(FileError::new("write", self.place.have(), error).into());
        }
        if was_had {
            sets.flushed.remove(piece);
        }
        Ok(())
    }

    /// Gives the file the mode and the time of the user's file it is to become, ahead of its last
    /// flush, which then covers them: showing it needs no other one. Only in the job's own folder,
    /// which nobody else can enter; a file that lies elsewhere stays ours alone until it is shown.
    ///
    /// * `mode`: as [`crate::publish::mode_of_new_files`] says.
    /// * `modified`: as the origin said; nothing leaves the time of writing.
    pub fn seal(&self, mode: u32, modified: Option<SystemTime>) -> Result<(), StagingError> {
        if !is_inside(&self.place) {
            return Ok(());
        }
        set_mode_and_time(&self.data, self.mode, mode, modified)
            .doing("set mode and time of", self.place.data())?;
        self.sets().sealed = true;
        Ok(())
    }

    /// Waits until every piece that was had when the call began survives a power cut, and returns
    /// the set of all that do. That set, and nothing else, may be written to the journal as flushed.
    ///
    /// # Errors
    ///
    /// [`StagingError::Lost`], whatever the disk said: see there. It is never tried a second time.
    pub fn flush(&self) -> Result<PieceSet, StagingError> {
        let covered = self.flush_data()?;
        if !covered.names_flushed {
            self.flush_names(&mut FlushedFolders::default())?;
        }
        Ok(self.note_flushed(covered))
    }

    /// The first half of [`Staging::flush`]: the data, without the names.
    pub(super) fn flush_data(&self) -> Result<Covered, StagingError> {
        let _one_at_a_time = self.flushing.lock().unwrap_or_else(PoisonError::into_inner);
        let (covered, sealed) = {
            let mut sets = self.sets();
            if sets.lost {
                return Err(self.already_lost());
            }
            let covered = Covered { had: sets.had.clone(), names_flushed: sets.names_flushed };
            if sets.names_flushed && sets.had == sets.flushed && !sets.sealed {
                return Ok(covered);
            }
            (covered, std::mem::take(&mut sets.sealed))
        };
        let flush = if sealed { durable::flush_all } else { durable::flush_data };
        if let Err(error) = flush(&self.data).doing("flush", self.place.data()) {
            self.lose_unflushed();
            return Err(StagingError::Lost(error));
        }
        Ok(covered)
    }

    /// The second half of [`Staging::flush`], when the names are durable too.
    pub(super) fn note_flushed(&self, covered: Covered) -> PieceSet {
        let mut sets = self.sets();
        sets.names_flushed = true;
        // A piece dropped meanwhile is not brought back.
        let mut flushed = covered.had;
        flushed.intersect_with(&sets.had);
        sets.flushed.union_with(&flushed);
        sets.flushed.clone()
    }

    /// The names of the data file and of the folder that holds it: a file without a name is as lost
    /// as one without bytes. The have file needs none, because it is not believed after a power cut.
    pub(super) fn flush_names<'a>(
        &'a self,
        folders: &mut FlushedFolders<'a>,
    ) -> Result<(), FileError> {
        let folder = durable::parent(self.place.data());
        folders.flush(folder).doing("flush", folder)?;
        let above = durable::parent(folder);
        folders.flush(above).doing("flush", above)
    }

    /// Removes the data and the have file; says nothing of files that are gone already. The folder of
    /// the job stays until the job is over, even when nothing is in it: another file of the job may
    /// be about to be created there.
    pub fn discard(self) -> Result<(), StagingError> {
        Staging::discard_at(&self.place)
    }

    /// As [`Staging::discard`], for a file that is not open.
    pub fn discard_at(place: &Place) -> Result<(), StagingError> {
        // The have file first: without data it would be a lie, without it the data is merely unused.
        for path in [place.have(), place.data()] {
            match fs::remove_file(path) {
                Err(error) if error.kind() != io::ErrorKind::NotFound => {
                    return Err(FileError::new("remove", path, error).into());
                }
                Ok(()) | Err(_) => {}
            }
        }
        Ok(())
    }

    /// The open data file, for publishing.
    pub(crate) fn data(&self) -> &File {
        &self.data
    }

    fn lose_unflushed(&self) {
        let mut sets = self.sets();
        sets.lost = true;
        sets.had = sets.flushed.clone();
        drop(sets);
        let Some(have) = &self.have else {
            return;
        };
        // Without it, a reopening in the same run of the machine would believe what is lost.
        if let Err(error) = fs::remove_file(self.place.have()).or_else(|_| have.invalidate()) {
            tracing::error!(cause = %error, "the have file of lost pieces stays");
        }
    }

    fn already_lost(&self) -> StagingError {
        let error = io::Error::from(rustix::io::Errno::IO);
        StagingError::Lost(FileError::new("flush", self.place.data(), error))
    }

    fn check_range(&self, len: usize, offset: u64) -> Result<(), StagingError> {
        match offset.checked_add(len as u64) {
            Some(end) if end <= self.layout.file_size() => Ok(()),
            end => Err(StagingError::Outside { range: offset..end.unwrap_or(u64::MAX) }),
        }
    }

    fn sets(&self) -> MutexGuard<'_, Sets> {
        self.sets.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// What a flush of the data covers.
#[derive(Debug)]
pub(super) struct Covered {
    had: PieceSet,
    /// Whether the names need no flush any more.
    pub(super) names_flushed: bool,
}

impl Sets {
    fn new(had: PieceSet, flushed: PieceSet, names_flushed: bool) -> Sets {
        Sets { had, flushed, names_flushed, sealed: false, lost: false }
    }
}

/// The open data file, for whoever asks the system something about it.
impl AsFd for Staging {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.data.as_fd()
    }
}

/// Whether it must be noted beside the data which pieces are had.
fn needs_have(layout: Layout) -> bool {
    layout.piece_count() > 1
}

/// Begins the have file with `had`, where one is needed.
fn begin_have(place: &Place, had: &PieceSet, boot: &str) -> Result<Option<HaveFile>, StagingError> {
    if !needs_have(had.layout()) {
        return Ok(None);
    }
    let folder = durable::parent(place.have());
    durable::create_folder(folder).doing("create", folder)?;
    Ok(Some(HaveFile::begin(place.have(), had, boot).doing("create", place.have())?))
}

/// Whether the data lies in the job's own folder, which nobody else can enter.
fn is_inside(place: &Place) -> bool {
    durable::parent(place.data()) == durable::parent(place.have())
}

/// Gives a file its final mode and time. No set-id bits, whoever asks for them.
///
/// * `has_mode`: the permissions that it has.
pub(crate) fn set_mode_and_time(
    file: &File,
    has_mode: u32,
    mode: u32,
    modified: Option<SystemTime>,
) -> io::Result<()> {
    if has_mode & 0o7777 != mode & 0o777 {
        file.set_permissions(fs::Permissions::from_mode(mode & 0o777))?;
    }
    match modified {
        Some(time) => file.set_modified(time),
        None => Ok(()),
    }
}

fn data_options() -> OpenOptions {
    let mut options = OpenOptions::new();
    let flags = OFlags::NOFOLLOW | OFlags::NONBLOCK;
    options.read(true).write(true).custom_flags(flags.bits().cast_signed());
    options
}

/// Refuses what is not a plain file of our own with a single name; returns its length and its mode.
fn check_ours(data: &File) -> io::Result<(u64, u32)> {
    let found = data.metadata()?;
    let ours = found.uid() == rustix::process::geteuid().as_raw();
    if !found.is_file() || !ours || found.nlink() != 1 {
        return Err(rustix::io::Errno::PERM.into());
    }
    Ok((found.len(), found.mode()))
}

/// Takes out the pieces whose bytes are not all in a data file of this length.
fn drop_beyond(set: &mut PieceSet, data_len: u64) {
    let layout = set.layout();
    let is_beyond = |piece: &PieceIndex| layout.byte_range(*piece).end > data_len;
    for piece in layout.pieces().rev().take_while(is_beyond) {
        set.remove(piece);
    }
}
