//! Removing what no job needs any more.

use std::fs;
use std::io;
use std::path::Path;

use dobbin_types::JobId;

use crate::error::{Doing, FileError};
use crate::staging::beside;

/// Removes the folders below `staging` of jobs that are gone; says how many. Of those that are there it
/// removes what belongs to a file that they do not have: one whose transfer had begun when the process
/// died, and whose addition was not yet in the journal.
///
/// * `files_count`: how many files a job has; `None` for one that is gone.
///
/// What does not bear the id of a job is not ours and stays. What cannot be removed stays for the next
/// start, with a warning: it costs space, not correctness.
///
/// # Errors
///
/// When `staging` itself cannot be listed.
pub fn sweep(
    staging: &Path,
    mut files_count: impl FnMut(JobId) -> Option<usize>,
) -> Result<u32, FileError> {
    let mut removed_count = 0;
    for entry in fs::read_dir(staging).doing("list", staging)? {
        let entry = entry.doing("list", staging)?;
        let Some(job) = job_named(&entry.file_name()) else { continue };
        let removed = match files_count(job) {
            Some(count) => remove_beyond(&entry.path(), count),
            None => remove_folder(&entry.path()).inspect(|()| removed_count += 1),
        };
        if let Err(error) = removed {
            tracing::warn!(%job, cause = %error.source, "orphaned pieces stay");
        }
    }
    Ok(removed_count)
}

/// Removes from the folder of a job what belongs to files from this number on, also what is elsewhere.
fn remove_beyond(folder: &Path, files_count: usize) -> Result<(), FileError> {
    for entry in fs::read_dir(folder).doing("list", folder)? {
        let path = entry.doing("list", folder)?.path();
        // A number, alone or before an ending; whatever else is kept for a job is called otherwise.
        let number = path.file_stem().and_then(|stem| stem.to_str()?.parse::<u32>().ok());
        if number.is_some_and(|number| number as usize >= files_count) {
            beside::remove_if_noted(&path)?;
            fs::remove_file(&path).doing("remove", &path)?;
        }
    }
    Ok(())
}

/// Removes the folder of one job with all that is in it, and first what the job has elsewhere; does
/// nothing when there is none.
pub(crate) fn remove_folder(folder: &Path) -> Result<(), FileError> {
    beside::remove_noted(folder)?;
    match fs::remove_dir_all(folder) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
        Ok(()) | Err(_) => Ok(()),
    }
    .doing("remove", folder)
}

/// The job whose folder has this name. Only the one spelling that we write counts.
fn job_named(name: &std::ffi::OsStr) -> Option<JobId> {
    let name = name.to_str()?;
    let job: JobId = name.parse().ok()?;
    (job.to_string() == name).then_some(job)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_folders_of_jobs_that_are_gone_are_removed() {
        let staging = tempfile::tempdir().unwrap();
        let live = JobId::from_bytes([1; 16]);
        let gone = JobId::from_bytes([0xab; 16]);
        let shouted = gone.to_string().to_uppercase();
        let names = [live.to_string(), gone.to_string(), shouted.clone(), "lost+found".to_owned()];
        for name in &names {
            fs::create_dir(staging.path().join(name)).unwrap();
            fs::write(staging.path().join(name).join("0"), "bytes").unwrap();
        }
        // Both have bytes beside a destination.
        let out = tempfile::tempdir().unwrap();
        let part = |job: &JobId| out.path().join(format!(".{job}.part"));
        for job in [&live, &gone] {
            let note = staging.path().join(job.to_string()).join("0.beside");
            fs::write(note, part(job).to_str().unwrap()).unwrap();
            fs::write(part(job), "bytes").unwrap();
        }
        let files_count = |job| (job == live).then_some(1);
        assert_eq!(sweep(staging.path(), files_count).unwrap(), 1);
        assert!(part(&live).exists() && !part(&gone).exists());
        let kept = |name: &String| staging.path().join(name).join("0").exists();
        assert_eq!(names.each_ref().map(kept), [true, false, true, true]);
        assert_eq!(sweep(staging.path(), files_count).unwrap(), 0);
        remove_folder(&staging.path().join(gone.to_string())).unwrap();
        assert!(sweep(&staging.path().join("missing"), files_count).unwrap_err().is_missing());
    }

    #[test]
    fn what_a_job_has_of_files_that_are_not_its_own_is_removed() {
        let staging = tempfile::tempdir().unwrap();
        let out = tempfile::tempdir().unwrap();
        let job = JobId::from_bytes([1; 16]);
        let folder = staging.path().join(job.to_string());
        let phf = format!("{}.phf", "1".repeat(64));
        fs::create_dir(&folder).unwrap();
        for name in ["0", "0.have", "1.have", "2", "2.have", "10.have", "x", &phf] {
            fs::write(folder.join(name), "bytes").unwrap();
        }
        let parts = [1, 10].map(|number| (number, out.path().join(format!(".{number}.part"))));
        for (number, part) in &parts {
            fs::write(part, "bytes").unwrap();
            let note = folder.join(format!("{number}.beside"));
            fs::write(note, part.to_str().unwrap()).unwrap();
        }
        assert_eq!(sweep(staging.path(), |_| Some(2)).unwrap(), 0);
        let mut left: Vec<_> = fs::read_dir(&folder)
            .unwrap()
            .map(|entry| entry.unwrap().file_name().into_string().unwrap())
            .collect();
        left.sort();
        assert_eq!(left, ["0", "0.have", "1.beside", "1.have", &phf, "x"]);
        assert_eq!(parts.map(|(_, part)| part.exists()), [true, false]);
    }
}
