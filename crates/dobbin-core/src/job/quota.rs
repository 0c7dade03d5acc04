//! How many jobs, files and ranges there may be: the interface's limits.

use alloc::format;
use alloc::string::String;

use dobbin_types::{ErrorCode, Uid};

use super::file::Refusal;

/// The limits in force (job interface §4, "Jobs per machine/user, files per job, ranges per file").
/// `None` is no limit. The administrator has none.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct JobLimits {
    /// Jobs that are not over, of all users together.
    pub jobs_max: Option<u32>,
    /// Jobs that are not over, of one user.
    pub jobs_per_user_max: Option<u32>,
    /// Files of one job.
    pub files_per_job_max: Option<u32>,
    /// Ranges of one file.
    pub ranges_per_file_max: Option<u32>,
}

/// How many jobs there are when another one is to be created.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Population {
    /// Jobs that are not over, of all users together.
    pub jobs_count: usize,
    /// Those of them that the caller owns.
    pub jobs_of_caller_count: usize,
}

impl JobLimits {
    /// No limits: what is in force where nobody sets any.
    pub const OFF: JobLimits = JobLimits {
        jobs_max: None,
        jobs_per_user_max: None,
        files_per_job_max: None,
        ranges_per_file_max: None,
    };

    /// The limits of the service that the interface comes from: 300, 60, 200 and 500.
    pub const CLASSIC: JobLimits = JobLimits {
        jobs_max: Some(300),
        jobs_per_user_max: Some(60),
        files_per_job_max: Some(200),
        ranges_per_file_max: Some(500),
    };

    /// Whether `caller` may create another job.
    ///
    /// `BG_E_TOO_MANY_JOBS_PER_USER`, or `BG_E_TOO_MANY_JOBS_PER_MACHINE`; a message says the limit.
    pub fn another_job(&self, caller: Uid, there: Population) -> Result<(), (ErrorCode, String)> {
        if caller == Uid::ROOT {
            return Ok(());
        }
        if let Some(max) = reached(self.jobs_per_user_max, there.jobs_of_caller_count) {
            let message = format!("you have {max} jobs already, which is the most a user may have");
            return Err((ErrorCode::BG_E_TOO_MANY_JOBS_PER_USER, message));
        }
        if let Some(max) = reached(self.jobs_max, there.jobs_count) {
            let message = format!("there are {max} jobs already, which is the most there may be");
            return Err((ErrorCode::BG_E_TOO_MANY_JOBS_PER_MACHINE, message));
        }
        Ok(())
    }

    /// Whether `caller` may add files to a job that has `present_count`.
    ///
    /// * `ranges_counts`: how many ranges each of them has.
    ///
    /// `BG_E_TOO_MANY_FILES_IN_JOB` at the first file too many, `BG_E_TOO_MANY_RANGES_IN_FILE` at the
    /// first with too many ranges; whichever comes first.
    pub fn more_files(
        &self,
        caller: Uid,
        present_count: usize,
        ranges_counts: impl IntoIterator<Item = usize>,
    ) -> Result<(), Refusal> {
        if caller == Uid::ROOT {
            return Ok(());
        }
        for (index, ranges_count) in ranges_counts.into_iter().enumerate() {
            if let Some(max) = reached(self.files_per_job_max, present_count + index) {
                let message = format!("a job may have {max} files and this is one more");
                let code = ErrorCode::BG_E_TOO_MANY_FILES_IN_JOB;
                return Err(Refusal { index, field: "local_name", code, message });
            }
            if let Some(max) = reached(self.ranges_per_file_max, ranges_count.saturating_sub(1)) {
                let message =
                    format!("a file may have {max} ranges and this one has {ranges_count}");
                let code = ErrorCode::BG_E_TOO_MANY_RANGES_IN_FILE;
                return Err(Refusal { index, field: "ranges", code, message });
            }
        }
        Ok(())
    }
}

/// The limit, when `count` things leave no room for another one.
fn reached(max: Option<u32>, count: usize) -> Option<u32> {
    max.filter(|max| usize::try_from(*max).is_ok_and(|max| count >= max))
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::vec;
    use alloc::vec::Vec;

    const USER: Uid = Uid(1_000);

    fn files(count: usize, ranges_count: usize) -> Vec<usize> {
        vec![ranges_count; count]
    }

    /// conformance: code BG_E_TOO_MANY_JOBS_PER_MACHINE
    /// conformance: code BG_E_TOO_MANY_JOBS_PER_USER
    /// conformance: limit jobs-per-machine, limit jobs-per-user
    #[test]
    fn the_job_that_is_one_too_many_is_refused_with_the_code_of_its_limit() {
        use ErrorCode as E;
        for (limits, caller, all, own, expect) in [
            (JobLimits::OFF, USER, 1_000_000, 1_000_000, Ok(())),
            (JobLimits::CLASSIC, USER, 299, 59, Ok(())),
            (JobLimits::CLASSIC, USER, 300, 59, Err(E::BG_E_TOO_MANY_JOBS_PER_MACHINE)),
            (JobLimits::CLASSIC, USER, 299, 60, Err(E::BG_E_TOO_MANY_JOBS_PER_USER)),
            (JobLimits::CLASSIC, USER, 300, 60, Err(E::BG_E_TOO_MANY_JOBS_PER_USER)),
            (JobLimits::CLASSIC, Uid::ROOT, 5_000, 5_000, Ok(())),
            (
                JobLimits { jobs_per_user_max: Some(0), ..JobLimits::OFF },
                USER,
                0,
                0,
                Err(E::BG_E_TOO_MANY_JOBS_PER_USER),
            ),
        ] {
            let there = Population { jobs_count: all, jobs_of_caller_count: own };
            let got = limits.another_job(caller, there).map_err(|(code, _)| code);
            assert_eq!(got, expect, "{caller:?}, {there:?}");
        }
    }

    /// conformance: code BG_E_TOO_MANY_FILES_IN_JOB
    /// conformance: code BG_E_TOO_MANY_RANGES_IN_FILE
    /// conformance: limit files-per-job, limit ranges-per-file
    #[test]
    fn the_first_file_or_range_too_many_is_refused_where_it_stands() {
        use ErrorCode as E;
        for (limits, caller, present, offered, expect) in [
            (JobLimits::OFF, USER, 10_000, files(1, 10_000), Ok(())),
            (JobLimits::CLASSIC, USER, 199, files(1, 500), Ok(())),
            (JobLimits::CLASSIC, USER, 200, files(0, 0), Ok(())),
            (JobLimits::CLASSIC, USER, 198, files(3, 0), Err((2, E::BG_E_TOO_MANY_FILES_IN_JOB))),
            (JobLimits::CLASSIC, USER, 0, files(1, 501), Err((0, E::BG_E_TOO_MANY_RANGES_IN_FILE))),
            (JobLimits::CLASSIC, Uid::ROOT, 500, files(1, 900), Ok(())),
        ] {
            let got = limits.more_files(caller, present, offered);
            assert_eq!(got.map_err(|refusal| (refusal.index, refusal.code)), expect);
        }
    }
}
