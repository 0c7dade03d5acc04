//! Flushing many small files at once.
//!
//! A flush waits for two things: the file's own bytes, and the file system's note of where they lie.
//! The note of one moment serves every file of that moment, and so does a flush of the folder that
//! holds their names. So the writing of all is begun first, then each is flushed, several side by
//! side, and the folders last, each once.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, PoisonError};
use std::thread;

use dobbin_core::piece::PieceSet;

use super::file::{Covered, Staging, StagingError};
use crate::durable::FlushedFolders;

/// Flushes that wait for the disk side by side: the disk serves together what waits together.
const SIDE_BY_SIDE_MAX: usize = 4;

/// Files that are worth a thread more.
const FILES_PER_THREAD_MIN: usize = 8;

/// [`Staging::flush`] of every one of `files`: the outcomes in their order, each as if its file had
/// been flushed alone. What is told of one file says nothing of the others.
///
/// * `begin`: asks the system to begin writing a file back, without waiting.
pub fn flush_together(
    files: &[&Staging],
    begin: impl Fn(&Staging),
) -> Vec<Result<PieceSet, StagingError>> {
    if files.len() > 1 {
        files.iter().copied().filter(|file| !file.writes_back_by_itself()).for_each(begin);
    }
    let flushed = flush_data_of(files);
    let mut folders = FlushedFolders::default();
    let mut outcomes = Vec::with_capacity(files.len());
    for (file, flushed) in files.iter().zip(flushed) {
        outcomes.push(flushed.and_then(|covered| {
            if !covered.names_flushed {
                file.flush_names(&mut folders)?;
            }
            Ok(file.note_flushed(covered))
        }));
    }
    outcomes
}

/// The data of all files, on a few threads.
fn flush_data_of(files: &[&Staging]) -> Vec<Result<Covered, StagingError>> {
    let threads_count = files.len().div_ceil(FILES_PER_THREAD_MIN).min(SIDE_BY_SIDE_MAX);
    if threads_count <= 1 {
        return files.iter().map(|file| file.flush_data()).collect();
    }
    let next = AtomicUsize::new(0);
    let done = Mutex::new(Vec::with_capacity(files.len()));
    let work = || {
        loop {
            let index = next.fetch_add(1, Ordering::Relaxed);
            let Some(file) = files.get(index) else { return };
            let outcome = file.flush_data();
            done.lock().unwrap_or_else(PoisonError::into_inner).push((index, outcome));
        }
    };
    thread::scope(|scope| {
        for _ in 1..threads_count {
            // Without a thread to give the flushing takes longer, nothing worse.
            let _ = thread::Builder::new().name("flush".to_owned()).spawn_scoped(scope, work);
        }
        work();
    });
    let mut done = done.into_inner().unwrap_or_else(PoisonError::into_inner);
    done.sort_unstable_by_key(|(index, _)| *index);
    done.into_iter().map(|(_, outcome)| outcome).collect()
}
