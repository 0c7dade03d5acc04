//! Removing what no job needs any more.

use std::fs;
use std::io;
use std::path::Path;

use dobbin_types::JobId;

use crate::error::{Doing, FileError};
use crate::staging::beside;

/// Removes the folders below `staging` whose job `is_live` denies; says how many.
///
/// What does not bear the id of a job is not ours and stays. A folder that cannot be removed stays
/// for the next start, with a warning: it costs space, not correctness.
///
/// # Errors
///
/// When `staging` itself cannot be listed.
pub fn sweep(staging: &Path, mut is_live: impl FnMut(JobId) -> bool) -> Result<u32, FileError> {
    let mut removed_count = 0;
    for entry in fs::read_dir(staging).doing("list", staging)? {
        let entry = entry.doing("list", staging)?;
        let Some(job) = job_named(&entry.file_name()) else { continue };
        if is_live(job) {
            continue;
        }
        match remove_folder(&entry.path()) {
            Ok(()) => removed_count += 1,
            Err(error) => tracing::warn!(%job, cause = %error.source, "orphaned pieces stay"),
        }
    }
    Ok(removed_count)
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
        assert_eq!(sweep(staging.path(), |job| job == live).unwrap(), 1);
        assert!(part(&live).exists() && !part(&gone).exists());
        let kept = |name: &String| staging.path().join(name).join("0").exists();
        assert_eq!(names.each_ref().map(kept), [true, false, true, true]);
        assert_eq!(sweep(staging.path(), |job| job == live).unwrap(), 0);
        remove_folder(&staging.path().join(gone.to_string())).unwrap();
        assert!(sweep(&staging.path().join("missing"), |_| true).unwrap_err().is_missing());
    }
}
