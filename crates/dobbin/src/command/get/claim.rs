//! The job that does the work: one that was interrupted, or a new one.

use std::collections::{BTreeMap, HashMap};

use dobbin_sdk::{Job, JobFilter, Manager};
use dobbin_types::rest::{AddFile, CreateJob, FileInfo, JobInfo, REQUEST_BYTES_MAX};
use dobbin_types::{Completion, ErrorCode, JobId};

use super::hashes;
use super::plan::{Item, Plan};
use crate::args::GetArgs;
use crate::reach;
use crate::render::wording;
use crate::trouble::Trouble;

/// Up to so many destinations, the agent is asked about each; above, about all jobs at once.
const ASKED_ONE_BY_ONE_MAX: usize = 64;

/// Files of one request together, in bytes of JSON. The rest of a request has room beside them.
const FILES_BYTES_MAX: usize = REQUEST_BYTES_MAX - 256 * 1024;

/// The job of one command.
#[derive(Debug)]
pub(crate) struct Claim {
    /// The job.
    pub(crate) job: Job,
    /// Its files, in the order of their numbers.
    pub(crate) items: Vec<Item>,
    /// Whether it was there before.
    pub(crate) continued: bool,
    /// What the person should know about it.
    pub(crate) notes: Vec<String>,
}

/// Goes on with the unfinished job that does exactly this work, or creates one.
///
/// # Errors
///
/// Bad usage, when another job has one of the destinations: two jobs would overwrite each other.
pub(crate) async fn claim(
    manager: &Manager,
    plan: &Plan,
    args: &GetArgs,
) -> Result<Claim, Trouble> {
    let jobs = jobs_at(manager, plan).await?;
    let Some(found) = jobs.first() else {
        let job = create(manager, plan, args).await?;
        return Ok(Claim { job, items: plan.items.clone(), continued: false, notes: Vec::new() });
    };
    let job = manager.job(found.id).await?;
    let files = job.files().await?;
    if let Some(difference) = difference(plan, args, found, &files) {
        return Err(refusal(found.id, &difference));
    }
    let notes = adjust(&job, found, args).await?;
    let by_place: HashMap<&str, &Item> =
        plan.items.iter().map(|item| (item.local_name.as_str(), item)).collect();
    let items = files.iter().filter_map(|file| by_place.get(file.local_name.as_str()));
    let items = items.map(|item| (*item).clone()).collect();
    Ok(Claim { job, items, continued: true, notes })
}

/// The user's own jobs that have one of the plan's destinations, oldest first.
async fn jobs_at(manager: &Manager, plan: &Plan) -> Result<Vec<JobInfo>, Trouble> {
    let mut found: BTreeMap<JobId, JobInfo> = BTreeMap::new();
    if plan.items.len() <= ASKED_ONE_BY_ONE_MAX {
        for item in &plan.items {
            let local_name = Some(item.local_name.clone());
            let jobs = manager.jobs(&JobFilter { local_name, state: None }).await?;
            found.extend(jobs.into_iter().map(|job| (job.id, job)));
        }
    } else {
        let places: HashMap<&str, ()> =
            plan.items.iter().map(|item| (item.local_name.as_str(), ())).collect();
        for job in manager.jobs(&JobFilter::default()).await? {
            let files = manager.job(job.id).await?.files().await?;
            if files.iter().any(|file| places.contains_key(file.local_name.as_str())) {
                found.insert(job.id, job);
            }
        }
    }
    let own = reach::own_uid();
    let mut jobs: Vec<JobInfo> =
        found.into_values().filter(|job| job.owner == own && !job.state.is_final()).collect();
    jobs.sort_by_key(|job| (job.times.creation, job.id));
    Ok(jobs)
}

/// Why an unfinished job does not do this command's work; nothing when it does.
fn difference(plan: &Plan, args: &GetArgs, job: &JobInfo, files: &[FileInfo]) -> Option<String> {
    let by_place: HashMap<&str, &FileInfo> =
        files.iter().map(|file| (file.local_name.as_str(), file)).collect();
    for item in &plan.items {
        let shown = item.shown();
        let Some(file) = by_place.get(item.local_name.as_str()) else {
            return Some(format!("fetches some of these files, but not {shown}"));
        };
        if !item.comes_from(&file.remote_name) || !file.ranges.is_empty() {
            return Some(format!("is fetching {shown} from another address"));
        }
        if item.sha256.is_some() && file.sha256 != item.sha256 {
            return Some(format!("is fetching {shown} without this hash"));
        }
        if let Some(wanted) = &item.piece_hashes
            && !hashes::are_the_same(wanted, file.piece_hashes.as_ref())
        {
            return Some(format!("is fetching {shown} without these piece hashes"));
        }
        if item.exists && !file.replace {
            return Some(format!("is fetching {shown} without leave to replace it"));
        }
    }
    if files.len() > plan.items.len() {
        return Some(format!("fetches {} files, not only these", files.len()));
    }
    let by_agent = job.completion == Completion::Service;
    (args.background && !by_agent)
        .then(|| "was begun by a `dobbin get` without --background".to_owned())
}

fn refusal(id: JobId, difference: &str) -> Trouble {
    let id = wording::short(id);
    Trouble::usage(format!("job {id} {difference}"))
        .remedy(format!("`dobbin jobs show {id}` tells more; `dobbin jobs cancel {id}` drops it"))
}

/// Makes an old job as this command wants it, as far as that can be changed.
async fn adjust(job: &Job, found: &JobInfo, args: &GetArgs) -> Result<Vec<String>, Trouble> {
    let priority = args.effective_priority();
    if found.priority != priority {
        job.set_priority(priority).await?;
    }
    if let Some(seconds) = args.no_progress_timeout
        && found.no_progress_timeout_seconds != seconds
    {
        job.set_no_progress_timeout(seconds).await?;
    }
    if args.limit_rate.is_some() && args.limit_rate != found.bytes_per_second_max {
        job.set_rate_limit(args.limit_rate).await?;
    }
    let mut notes = Vec::new();
    if !args.headers.is_empty() {
        notes.push("note: the job sends the headers it was created with".to_owned());
    }
    Ok(notes)
}

/// Creates the job with all files. Nothing of it stays if one is refused.
async fn create(manager: &Manager, plan: &Plan, args: &GetArgs) -> Result<Job, Trouble> {
    let mut batches = batches(plan, args).into_iter();
    let wish = CreateJob {
        display_name: plan.name(),
        priority: Some(args.effective_priority()),
        no_progress_timeout_seconds: args.no_progress_timeout,
        completion: args.background.then_some(Completion::Service),
        headers: args.headers.clone(),
        bytes_per_second_max: args.limit_rate,
        files: batches.next().unwrap_or_default(),
        ..CreateJob::default()
    };
    let job = manager.create_job(&wish).await.map_err(|error| refused(error, plan))?;
    for files in batches {
        if let Err(error) = job.add_files(files).await {
            // The first failure is the one to tell; what is left of the job is visible in the list.
            let _ = job.cancel().await;
            return Err(refused(error, plan));
        }
    }
    Ok(job)
}

/// The files in portions that fit into a request each.
fn batches(plan: &Plan, args: &GetArgs) -> Vec<Vec<AddFile>> {
    let mut batches: Vec<Vec<AddFile>> = vec![Vec::new()];
    let mut bytes = 0;
    for item in &plan.items {
        let file = AddFile {
            remote_name: item.url.clone(),
            mirrors: item.mirrors.clone(),
            public_only: item.public_only,
            local_name: Some(item.local_name.clone()),
            size: item.size,
            sha256: item.sha256.clone(),
            piece_hashes: item.piece_hashes.clone(),
            replace: args.force,
            ..AddFile::default()
        };
        // The names twice, for every character that JSON would escape, and the rest of the object.
        let urls: usize = item.mirrors.iter().map(|mirror| mirror.len() + 4).sum();
        let hashes = item.piece_hashes.as_ref().map_or(0, hashes::wire_bytes);
        let size = 2 * (item.url.len() + urls + item.local_name.len()) + hashes + 256;
        if bytes + size > FILES_BYTES_MAX {
            batches.push(Vec::new());
            bytes = 0;
        }
        bytes += size;
        if let Some(batch) = batches.last_mut() {
            batch.push(file);
        }
    }
    batches
}

/// A refusal of what the command line said is bad usage; anything else is a failure.
fn refused(error: dobbin_sdk::Error, plan: &Plan) -> Trouble {
    let about_the_request =
        [ErrorCode::E_INVALIDARG, ErrorCode::INET_E_INVALID_URL].contains(&error.code());
    let trouble = Trouble::from(error).while_doing(&format!("cannot fetch {}", plan.title().from));
    if about_the_request { trouble.into_usage() } else { trouble }
}

#[cfg(test)]
mod tests {
    use clap::Parser as _;
    use dobbin_types::{FileNumber, FileProgress, JobState};

    use super::*;
    use crate::args::{Cli, Command};
    use crate::render::wording::samples;

    fn args(words: &[&str]) -> GetArgs {
        let line = ["dobbin", "get", "http://h/a"].iter().chain(words);
        let Command::Get(args) = Cli::try_parse_from(line).unwrap().command else { panic!() };
        args
    }

    fn item(name: &str) -> Item {
        let (url, local_name) = (format!("http://h/{name}"), format!("/d/{name}"));
        Item { url, local_name, ..Item::default() }
    }

    fn file(number: u32, name: &str) -> FileInfo {
        FileInfo {
            number: FileNumber(number),
            file_id: number.to_string(),
            remote_name: format!("http://h/{name}"),
            mirrors: Vec::new(),
            public_only: false,
            from_public: None,
            local_name: format!("/d/{name}"),
            ranges: Vec::new(),
            progress: FileProgress::default(),
            transferred: false,
            sha256: None,
            replace: false,
            last_modified: None,
            piece_hashes: None,
        }
    }

    #[test]
    fn an_unfinished_job_is_gone_on_with_only_if_it_does_the_same() {
        #[track_caller]
        fn check(items: &[&Item], files: &[&FileInfo], words: &[&str], expect: Option<&str>) {
            let items = items.iter().copied().cloned().collect();
            let plan = Plan { items, ..Plan::default() };
            let files: Vec<FileInfo> = files.iter().copied().cloned().collect();
            let job = samples::job(JobState::Suspended);
            let got = difference(&plan, &args(words), &job, &files);
            match (got, expect) {
                (None, None) => {}
                (Some(got), Some(expect)) => assert!(got.contains(expect), "{got}"),
                (got, expect) => panic!("{got:?} instead of {expect:?}"),
            }
        }
        let (a, b) = (item("a"), item("b"));
        let (fa, fb) = (file(0, "a"), file(1, "b"));
        let hash = "0".repeat(64);
        let hashed = FileInfo { sha256: Some(hash.clone()), ..fa.clone() };
        let elsewhere = FileInfo { remote_name: "http://g/a".to_owned(), ..fa.clone() };
        let wanted = Item { sha256: Some(hash.clone()), ..a.clone() };
        let mirrored = Item { mirrors: vec!["http://g/a".to_owned()], ..a.clone() };
        let existing = Item { exists: true, ..a.clone() };
        let replacing = FileInfo { replace: true, ..fa.clone() };

        check(&[&a], &[&fa], &[], None);
        check(&[&b, &a], &[&fa, &fb], &[], None);
        check(&[&a], &[&hashed], &[], None);
        check(&[&wanted], &[&hashed], &[], None);
        check(&[&mirrored], &[&elsewhere], &[], None);
        check(&[&existing], &[&replacing], &["-f"], None);

        check(&[&a], &[&elsewhere], &[], Some("from another address"));
        check(&[&wanted], &[&fa], &[], Some("without this hash"));
        check(&[&a, &b], &[&fa], &[], Some("but not"));
        check(&[&a], &[&fa, &fb], &[], Some("fetches 2 files"));
        check(&[&existing], &[&fa], &["-f"], Some("without leave to replace"));
        check(&[&a], &[&fa], &["--background"], Some("without --background"));
    }

    #[test]
    fn files_are_cut_into_requests_that_the_agent_reads() {
        let long = "x".repeat(1000);
        let items = (0..10_000).map(|number| item(&format!("{long}{number}"))).collect();
        let batches = batches(&Plan { items, ..Plan::default() }, &args(&[]));
        assert!(batches.len() > 1);
        assert_eq!(batches.iter().map(Vec::len).sum::<usize>(), 10_000);
        for batch in &batches {
            assert!(!batch.is_empty());
            assert!(serde_json::to_vec(batch).unwrap().len() <= FILES_BYTES_MAX);
        }
    }
}
