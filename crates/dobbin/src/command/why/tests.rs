use dobbin_types::rest::{
    ByteSources, CheckingInfo, ConnectionInfo, DiscardedBytes, Holdup, LimitScope, PastFailure,
    RateLimit, RequestFailure, RequestInfo, SourceBytes, SourceInfo,
};
use dobbin_types::{
    Completion, Discard, ErrorCode, FileTime, JobState, Reason, RequestEnd, SourceKind, Uid,
};

use super::*;
use crate::render::wording::samples::{answered, job};

const NOW: u64 = 2_000_000;

fn at(millis: u64) -> FileTime {
    FileTime::from_unix_millis(millis)
}

fn source(kind: SourceKind, address: &str) -> SourceInfo {
    SourceInfo { kind, address: address.to_owned() }
}

fn origin() -> SourceInfo {
    source(SourceKind::Origin, "https://example.com/disk.iso")
}

fn why(state: JobState) -> JobWhy {
    JobWhy {
        job: job(state),
        at: at(NOW),
        holdup: None,
        gives_up_at: None,
        expires_at: Some(at(NOW + 86_400_000)),
        limits: Vec::new(),
        bytes: ByteSources { here: 1 << 20, had: 1 << 20, ..ByteSources::default() },
        failures: Vec::new(),
        files: vec![file()],
    }
}

fn file() -> FileWhy {
    FileWhy {
        number: FileNumber(0),
        local_name: "/d/disk.iso".to_owned(),
        bytes_total: Some(10 << 20),
        transferred: false,
        completed: false,
        bytes: ByteSources { here: 1 << 20, had: 1 << 20, ..ByteSources::default() },
        connections: Vec::new(),
        requests: Vec::new(),
        checking: CheckingInfo {
            pieces: Some(false),
            whole_file: true,
            text: "nobody gave hashes of its pieces".to_owned(),
        },
    }
}

fn request(number: u64, failure: Option<RequestFailure>) -> RequestInfo {
    RequestInfo {
        number,
        source: origin(),
        reason: if number == 0 { Reason::First } else { Reason::Next },
        start: 0,
        end: (number > 0).then_some(10 << 20),
        bytes: number << 20,
        began: at(NOW - 60_000),
        ended: at(NOW - 30_000 + number),
        how: if failure.is_some() { RequestEnd::Failed } else { RequestEnd::Complete },
        failure,
    }
}

#[track_caller]
fn plain(why: &JobWhy, file: Option<&FileWhy>, width: Option<usize>) -> String {
    let page = page(why, file, width).join("\n");
    anstream::adapter::strip_str(&page).to_string()
}

#[test]
fn a_page_of_a_job_that_moves_tells_source_and_reason_of_every_byte() {
    let mut why = why(JobState::Transferring);
    why.job.bytes_per_second = 1 << 20;
    why.gives_up_at = Some(at(NOW + 3_599_500));
    why.limits = vec![RateLimit { of: LimitScope::Job, bytes_per_second: 1 << 20, binds: true }];
    let mirror = source(SourceKind::Mirror { number: 2 }, "https://m.example/disk.iso");
    why.bytes = ByteSources {
        here: 6 << 20,
        had: 3 << 20,
        checked: 1 << 20,
        sources: vec![
            SourceBytes { source: origin(), bytes: 3 << 20, requests_count: 2, failures_count: 1 },
            SourceBytes {
                source: mirror.clone(),
                bytes: 1 << 20,
                requests_count: 1,
                failures_count: 0,
            },
        ],
        other_sources: 0,
        discarded: vec![DiscardedBytes { why: Discard::Unfinished, bytes: 1 << 20 }],
        fetched_ever: 7 << 20,
    };
    why.files[0].connections = vec![ConnectionInfo {
        number: 2,
        source: mirror,
        reason: Reason::Next,
        start: 5 << 20,
        end: Some(10 << 20),
        bytes: 1 << 20,
        bytes_per_second: 1 << 20,
        began: at(NOW - 2_000),
    }];
    assert_eq!(
        plain(&why, None, None),
        "\
disk.iso is being fetched: 1.00 of 10.0 MiB (10 %), 1.00 MiB/s, 9 s left

next      when everything is here it waits for `dobbin jobs complete 0f0d3b2e`
limit     1.00 MiB/s for this job; it is what holds the job back
gives up  at 1970-01-01T01:33:19Z (in 1 h 0 min), 1 h 0 min after the last byte
ends      at 1970-01-02T00:33:20Z (in 1 d 0 h), unless it is completed before
checked   not piece by piece: nobody gave hashes of its pieces; in the end the whole file, against \
the SHA-256 that was given

    BYTES  REQUESTS  FAILED  FROM
 3.00 MiB                    here before this agent looked; 1.00 MiB of it checked again against its \
hashes
 3.00 MiB         2       1  https://example.com/disk.iso
 1.00 MiB         1       0  https://m.example/disk.iso (mirror 2)
-1.00 MiB                    thrown away: the last piece was not whole when the transfer stopped
 6.00 MiB                    here now

RUNS  FILE  PART                     HERE        RATE  WHY            FROM
 2 s     0  5.00 MiB - 10.0 MiB  1.00 MiB  1.00 MiB/s  the next part  https://m.example/disk.iso \
(mirror 2)"
    );
}

#[test]
fn requests_that_failed_are_shown_however_old_and_fit_the_terminal() {
    let mut why = why(JobState::TransientError);
    why.job.failures_count = 2;
    why.job.error = Some(answered(503));
    why.holdup = Some(Holdup::Retry { at: at(NOW + 4_000), not_before: Some(at(NOW + 4_000)) });
    let failure = RequestFailure::new(
        ErrorCode::from_http_status(503),
        "cannot fetch from example.com: the server answered 503".to_owned(),
        Some(503),
    );
    why.files[0].requests = vec![request(0, Some(failure))];
    why.files[0].requests.extend((1..30).map(|number| request(number, None)));
    let said = plain(&why, None, Some(100));
    assert!(
        said.contains("\nwaits     for try 3 at 1970-01-01T00:33:24Z (in 4 s); the server asked")
    );
    assert!(said.contains("\nbecause   example.com answered 503 [HTTP_E_STATUS_SERVICE_UNAVAIL"));
    assert!(said.contains("the server answered 503"), "{said}");
    let table: Vec<&str> = said.lines().skip_while(|line| !line.contains("BROUGHT")).collect();
    assert_eq!(table.len(), 1 + 1 + 8, "{said}");
    assert!(said.contains("in the end the whole file, against\n          the SHA-256"), "{said}");
    assert!(said.lines().all(|line| line.chars().count() <= 100), "{said}");
    // Asked for by itself, the file tells of all of them.
    let file = why.files[0].clone();
    assert_eq!(plain(&why, Some(&file), None).matches("complete; the next part").count(), 29);
}

#[test]
fn everything_a_job_waits_for_has_its_sentence_and_what_can_be_done() {
    #[track_caller]
    fn check(state: JobState, holdup: Holdup, waits: &str, next: &str) {
        let why = JobWhy { holdup: Some(holdup), ..why(state) };
        let said = plain(&why, None, None);
        assert!(said.contains(&format!("\nwaits     {waits}\n")), "{said}");
        assert!(said.contains(&format!("\nnext      {next}\n")), "{said}");
    }
    use JobState as S;
    let starts = "it starts as soon as a slot is free";
    let slot = |jobs_before| Holdup::Slot { jobs_before, jobs_moving: 8 };
    let first = "for a slot; it is the next one, 8 jobs being fetched";
    check(S::Queued, slot(0), first, starts);
    check(
        S::Queued,
        slot(3),
        "for a slot; 3 jobs before it in the queue, 8 jobs being fetched",
        starts,
    );
    let resume = "`dobbin jobs resume 0f0d3b2e` puts it into the queue";
    let by = |user, ago| Holdup::Resume {
        suspended_by: Some(Uid(user)),
        suspended_at: Some(at(NOW - ago)),
    };
    check(
        S::Suspended,
        by(7, 90_000),
        "until somebody resumes it; user 7 suspended it, 1 min ago",
        resume,
    );
    check(
        S::Suspended,
        by(7, 5),
        "until somebody resumes it; user 7 suspended it, just now",
        resume,
    );
    check(
        S::Suspended,
        Holdup::Resume { suspended_by: None, suspended_at: None },
        "until somebody resumes it; nobody has since the agent started",
        resume,
    );
    check(
        S::Transferred,
        Holdup::Complete,
        "for whoever created it to complete it",
        "`dobbin jobs complete 0f0d3b2e` shows the files under their names",
    );
    let code = ErrorCode::DO_E_BLOCKED_BY_NO_NETWORK;
    check(
        S::TransientError,
        Holdup::Condition { code, text: "there is no network".to_owned() },
        &format!("until that is over: there is no network [{code}]"),
        "it goes on by itself then",
    );
}

#[test]
fn a_job_that_is_over_waits_for_nothing() {
    let mut why = why(JobState::Acknowledged);
    why.job.completion = Completion::Service;
    why.expires_at = None;
    let said = plain(&why, None, None);
    assert!(said.starts_with("disk.iso was completed: "), "{said}");
    assert!(!said.contains("next") && !said.contains("waits") && !said.contains("ends"), "{said}");
}

#[test]
fn a_past_with_one_failure_is_told_once_and_a_longer_one_in_a_table() {
    let mut why = why(JobState::TransientError);
    why.job.error = Some(answered(503));
    why.failures = vec![PastFailure { at: Some(at(NOW - 5_000)), failure: answered(503) }];
    assert!(!plain(&why, None, None).contains("STOPPED"));
    why.failures.insert(0, PastFailure { at: None, failure: answered(404) });
    let said = plain(&why, None, None);
    assert!(said.contains("earlier  HTTP_E_STATUS_NOT_FOUND (0x80190194)"), "{said}");
    assert!(said.contains("    5 s  HTTP_E_STATUS_SERVICE_UNAVAIL (0x801901F7)"), "{said}");
}

#[test]
fn what_a_server_or_a_caller_wrote_steers_no_terminal() {
    let mut why = why(JobState::Transferring);
    why.job.display_name = "a\u{1b}[2Jb".to_owned();
    why.files[0].checking.text = "x\u{1b}[31my".to_owned();
    let page = page(&why, None, None).join("\n");
    assert!(!page.contains("\u{1b}[2J") && !page.contains("\u{1b}[31m"), "{page}");
}
