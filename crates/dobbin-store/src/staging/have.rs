//! The have file: which pieces have been written, as one run of the machine knows it.
//!
//! A header and then the bitmap of a [`PieceSet`]. It is written without flushing, so what it says
//! holds only while the kernel that took the writes is running. Its header therefore names that run;
//! in the next one the file is worth nothing.

use std::fs::{File, OpenOptions};
use std::io::{self, Read};
use std::os::unix::fs::{FileExt, OpenOptionsExt};
use std::path::Path;

use dobbin_core::piece::{Layout, PieceIndex, PieceSet};
use rustix::fs::OFlags;

use crate::fnv::fnv1a;

/// What is known of a file's pieces before its staging files are looked at.
#[derive(Debug, Clone, Copy)]
pub struct Known<'a> {
    /// The id of the machine's present run, which changes with every restart. An empty one says that
    /// the system has none, and then no have file is ever believed.
    pub boot: &'a str,
    /// The pieces that the journal says are flushed; `None` when it says nothing.
    pub flushed: Option<&'a PieceSet>,
}

/// An open have file.
#[derive(Debug)]
pub(super) struct HaveFile {
    file: File,
}

const MAGIC: &[u8; 8] = b"dobbinhv";
const VERSION: u32 = 1;

/// Bytes of a boot id that fit into the header: Linux's have 36.
const BOOT_BYTES_MAX: usize = 64;

/// magic 8, version 4, piece size 4, file size 8, boot id 64 (zeros behind it), checksum 8; numbers in
/// little-endian order.
const HEADER_LEN: usize = 8 + 4 + 4 + 8 + BOOT_BYTES_MAX + 8;

impl HaveFile {
    /// Begins the file anew with `set`, for this run of the machine. Whatever was there is gone.
    ///
    /// The header is written last: a file that was cut short while it was begun has none, and says
    /// nothing.
    pub(super) fn begin(path: &Path, set: &PieceSet, boot: &str) -> io::Result<HaveFile> {
        let file = open(OpenOptions::new().read(true).write(true).create(true), path)?;
        file.set_len(0)?;
        file.write_all_at(set.as_bytes(), HEADER_LEN as u64)?;
        file.write_all_at(&header(set.layout(), boot), 0)?;
        Ok(HaveFile { file })
    }

    /// Reads the file, if it can be believed: of this run of the machine, of this layout, and whole.
    pub(super) fn read(path: &Path, layout: Layout, boot: &str) -> Option<(HaveFile, PieceSet)> {
        if boot.is_empty() || boot.len() > BOOT_BYTES_MAX {
            return None;
        }
        let file = open(OpenOptions::new().read(true).write(true), path).ok()?;
        let whole_len = HEADER_LEN + PieceSet::bytes_len(layout);
        let mut bytes = Vec::with_capacity(whole_len + 1);
        // One byte more than expected, to notice a file that is longer.
        (&file).take(whole_len as u64 + 1).read_to_end(&mut bytes).ok()?;
        let (found, bitmap) = bytes.split_at_checked(HEADER_LEN)?;
        if found != header(layout, boot) {
            return None;
        }
        let set = PieceSet::from_bytes(layout, bitmap).ok()?;
        Some((HaveFile { file }, set))
    }

    /// How the file was cut when this was begun, whatever run of the machine that was in.
    pub(super) fn layout(path: &Path) -> Option<Layout> {
        let file = open(OpenOptions::new().read(true), path).ok()?;
        let mut found = [0; HEADER_LEN];
        file.read_exact_at(&mut found, 0).ok()?;
        let piece_size = u32::from_le_bytes(found[12..16].try_into().ok()?);
        let file_size = u64::from_le_bytes(found[16..24].try_into().ok()?);
        let layout = Layout::new(file_size, piece_size)?;
        let boot = str::from_utf8(&found[24..24 + BOOT_BYTES_MAX]).ok()?.trim_end_matches('\0');
        // Made anew and compared, so that a torn or foreign one says nothing.
        (found == header(layout, boot)).then_some(layout)
    }

    /// Says in which run of the machine the file is to be believed from now on.
    pub(super) fn set_boot(&self, layout: Layout, boot: &str) -> io::Result<()> {
        self.file.write_all_at(&header(layout, boot), 0)
    }

    /// Writes the one byte of the bitmap that tells of `piece`.
    pub(super) fn write_byte_of(&self, piece: PieceIndex, set: &PieceSet) -> io::Result<()> {
        let (at, byte) = set.byte_of(piece);
        self.file.write_all_at(&[byte], (HEADER_LEN + at) as u64)
    }

    /// Makes the file say nothing: what it said turned out to be wrong.
    pub(super) fn invalidate(&self) -> io::Result<()> {
        self.file.write_all_at(&[0; HEADER_LEN], 0)
    }
}

fn open(options: &mut OpenOptions, path: &Path) -> io::Result<File> {
    options.mode(0o600).custom_flags(OFlags::NOFOLLOW.bits().cast_signed()).open(path)
}

fn header(layout: Layout, boot: &str) -> [u8; HEADER_LEN] {
    let mut boot_field = [0; BOOT_BYTES_MAX];
    // A longer one is never believed (see `read`), so that cutting it does no harm.
    let boot_len = boot.len().min(BOOT_BYTES_MAX);
    boot_field[..boot_len].copy_from_slice(&boot.as_bytes()[..boot_len]);
    let mut header = [0; HEADER_LEN];
    let mut at = 0;
    let mut put = |bytes: &[u8]| {
        header[at..at + bytes.len()].copy_from_slice(bytes);
        at += bytes.len();
    };
    put(MAGIC);
    put(&VERSION.to_le_bytes());
    put(&layout.piece_size().to_le_bytes());
    put(&layout.file_size().to_le_bytes());
    put(&boot_field);
    let (fields, checksum) = header.split_at_mut(HEADER_LEN - 8);
    // Enough to tell a whole header from a torn one.
    checksum.copy_from_slice(&fnv1a(fields.iter().copied()).to_le_bytes());
    header
}
