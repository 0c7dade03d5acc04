//! Version 1 of the records. Never edited once it is released.

use std::num::NonZeroU64;
use std::path::PathBuf;
use std::time::Duration;

use dobbin_core::download::Download;
use dobbin_core::job::{Check, Facts, File, JobError, NewJob, Saved, Validator};
use dobbin_types::{
    ByteRange, Clsid, Completion, CostFlags, ErrorCode, FileNumber, FileTime, JobId, JobState,
    JobTimes, JobType, NotifyFlags, Priority, Uid,
};
use serde::{Deserialize, Serialize};

use super::{Figures, FileExtras, RecordError};
use crate::publish::Intent;

pub(super) const VERSION: u32 = 1;

#[derive(Serialize, Deserialize)]
struct JobRecordV1 {
    version: u32,
    id: JobId,
    owner: u32,
    display_name: String,
    job_type: i32,
    priority: i32,
    no_progress_timeout_seconds: Option<u32>,
    completion: i32,
    headers: Vec<(String, String)>,
    bytes_per_second_max: Option<NonZeroU64>,
    state: i32,
    notify_flags: u32,
    /// None follows the priority.
    cost_flags: Option<u32>,
    /// All zero for none.
    notification_clsid: Clsid,
    error: Option<ErrorRecordV1>,
    /// `FILETIME` ticks.
    creation: u64,
    modification: u64,
    transfer_completion: Option<u64>,
    failures_count: u32,
    quiet_millis: u64,
    age_millis: u64,
    /// Left out when false, as by programs that did not know it.
    #[serde(default, skip_serializing_if = "is_false")]
    call_owed: bool,
    /// What it has as a download; nothing for a job that is none.
    download: Option<DownloadRecordV1>,
}

/// The callback is missing: it dies with its caller's connection.
#[derive(Serialize, Deserialize)]
struct DownloadRecordV1 {
    started: bool,
    content_id: Option<String>,
    no_cellular: bool,
    security_flags: u32,
    callback_percent: u32,
    callback_seconds: Option<u32>,
    blocking: bool,
    correlation_vector: Option<String>,
    disallow_cellular: bool,
    auth_headers: Vec<(String, String)>,
    allow_downgrade: bool,
    non_volatile: bool,
    /// Left out when false, as by programs that did not know it.
    #[serde(default, skip_serializing_if = "is_false")]
    in_place: bool,
}

#[derive(Serialize, Deserialize)]
struct ErrorRecordV1 {
    code: u32,
    extended: Option<u32>,
    http_status: Option<u16>,
    message: String,
    file: Option<u32>,
}

#[derive(Serialize, Deserialize)]
struct FileRecordV1 {
    version: u32,
    file_id: String,
    remote_name: String,
    /// Came later than the first version 1: an older program fetches from `remote_name` alone, which is
    /// right, and drops these.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    mirrors: Vec<String>,
    /// Came later than the first version 1, too.
    #[serde(default, skip_serializing_if = "is_false")]
    public_only: bool,
    local_name: String,
    /// Offset and length of each; no length is to the end.
    ranges: Vec<(u64, Option<u64>)>,
    declared_size: Option<u64>,
    sha256: Option<[u8; 32]>,
    replace: bool,
    /// JSON text.
    integrity_check_info: Option<String>,
    integrity_check_mandatory: Option<bool>,
    facts: Option<FactsRecordV1>,
    finished: bool,
    published: bool,
    earlier_ranges_count: usize,
    streams: bool,
    beside: Option<PathBuf>,
    intent: Option<Intent>,
    http_bytes: u64,
    /// Came later than the first version 1; left out when 0. An older program loses the figure.
    #[serde(default, skip_serializing_if = "is_zero")]
    cache_bytes: u64,
    fetching_millis: u64,
    reply_headers: Option<String>,
    identity: Option<String>,
}

#[derive(Serialize, Deserialize)]
struct FactsRecordV1 {
    /// Where it was said, if not at the file's remote name.
    url: Option<String>,
    remote_size: u64,
    strong_etag: Option<String>,
    last_modified_validator: Option<String>,
    last_modified: Option<u64>,
}

pub(super) fn write_job(about: &NewJob, saved: &Saved) -> String {
    let record = JobRecordV1 {
        version: VERSION,
        id: about.id,
        owner: about.owner.0,
        display_name: about.display_name.clone(),
        job_type: about.job_type.number(),
        priority: about.priority.number(),
        no_progress_timeout_seconds: about.no_progress_timeout,
        completion: about.completion.number(),
        headers: about.headers.clone(),
        bytes_per_second_max: about.bytes_per_second_max,
        state: saved.state.number(),
        notify_flags: saved.notify_flags.0,
        cost_flags: saved.cost_flags.map(|flags| flags.0),
        notification_clsid: saved.notification_clsid,
        error: saved.error.as_ref().map(|error| ErrorRecordV1 {
            code: error.code.0,
            extended: error.extended.map(|code| code.0),
            http_status: error.http_status,
            message: error.message.clone(),
            file: error.file.map(|file| file.0),
        }),
        creation: saved.times.creation.0,
        modification: saved.times.modification.0,
        transfer_completion: saved.times.transfer_completion.map(|time| time.0),
        failures_count: saved.failures_count,
        quiet_millis: millis(saved.quiet),
        age_millis: millis(saved.age),
        call_owed: saved.call_owed,
        download: about.download.as_deref().map(write_download),
    };
    to_json(&record)
}

/// A later record may look like one of this version and mean something else.
fn check(version: u32) -> Result<(), RecordError> {
    if version == VERSION { Ok(()) } else { Err(RecordError::Version(version)) }
}

pub(super) fn read_job(text: &str) -> Result<(NewJob, Saved), RecordError> {
    let record: JobRecordV1 = serde_json::from_str(text)?;
    check(record.version)?;
    let about = NewJob {
        id: record.id,
        owner: Uid(record.owner),
        display_name: record.display_name,
        job_type: JobType::from_number(record.job_type).ok_or(RecordError::Meaning("job type"))?,
        priority: Priority::from_number(record.priority).ok_or(RecordError::Meaning("priority"))?,
        no_progress_timeout: record.no_progress_timeout_seconds,
        completion: Completion::from_number(record.completion)
            .ok_or(RecordError::Meaning("completion"))?,
        headers: record.headers,
        bytes_per_second_max: record.bytes_per_second_max,
        download: record.download.map(|record| Box::new(read_download(record))),
    };
    let saved = Saved {
        state: JobState::from_number(record.state).ok_or(RecordError::Meaning("state"))?,
        notify_flags: NotifyFlags(record.notify_flags),
        cost_flags: record.cost_flags.map(CostFlags),
        notification_clsid: record.notification_clsid,
        error: record.error.map(|error| JobError {
            code: ErrorCode(error.code),
            extended: error.extended.map(ErrorCode),
            http_status: error.http_status,
            message: error.message,
            file: error.file.map(FileNumber),
        }),
        times: JobTimes {
            creation: FileTime(record.creation),
            modification: FileTime(record.modification),
            transfer_completion: record.transfer_completion.map(FileTime),
        },
        failures_count: record.failures_count,
        quiet: Duration::from_millis(record.quiet_millis),
        age: Duration::from_millis(record.age_millis),
        call_owed: record.call_owed,
    };
    Ok((about, saved))
}

fn write_download(download: &Download) -> DownloadRecordV1 {
    DownloadRecordV1 {
        started: download.started,
        content_id: download.content_id.clone(),
        no_cellular: download.no_cellular,
        security_flags: download.security_flags,
        callback_percent: download.callback_percent,
        callback_seconds: download.callback_seconds,
        blocking: download.blocking,
        correlation_vector: download.correlation_vector.clone(),
        disallow_cellular: download.disallow_cellular,
        auth_headers: download.auth_headers.clone(),
        allow_downgrade: download.allow_downgrade,
        non_volatile: download.non_volatile,
        in_place: download.in_place,
    }
}

fn read_download(record: DownloadRecordV1) -> Download {
    Download {
        started: record.started,
        callback: false,
        content_id: record.content_id,
        no_cellular: record.no_cellular,
        security_flags: record.security_flags,
        callback_percent: record.callback_percent,
        callback_seconds: record.callback_seconds,
        blocking: record.blocking,
        correlation_vector: record.correlation_vector,
        disallow_cellular: record.disallow_cellular,
        auth_headers: record.auth_headers,
        allow_downgrade: record.allow_downgrade,
        non_volatile: record.non_volatile,
        in_place: record.in_place,
    }
}

pub(super) fn write_file(file: &File, extras: &FileExtras) -> String {
    // A new URL counts only once the job was resumed with it.
    let remote_name = file.recorded_name.as_ref().unwrap_or(&file.remote_name);
    let figures = &extras.figures;
    let record = FileRecordV1 {
        version: VERSION,
        file_id: file.file_id.clone(),
        remote_name: remote_name.clone(),
        mirrors: file.mirrors.clone(),
        public_only: file.public_only,
        local_name: file.local_name.clone(),
        ranges: file.ranges.iter().map(|range| (range.offset, range.length)).collect(),
        declared_size: file.declared_size,
        sha256: file.sha256,
        replace: file.replace,
        integrity_check_info: file.check.info.clone(),
        integrity_check_mandatory: file.check.mandatory,
        facts: file.facts.as_ref().map(|facts| write_facts(facts, remote_name)),
        finished: file.finished,
        published: file.published,
        earlier_ranges_count: file.earlier_ranges_count,
        streams: file.streams,
        beside: extras.beside.clone(),
        intent: extras.intent.clone(),
        http_bytes: figures.http_bytes,
        cache_bytes: figures.cache_bytes,
        fetching_millis: millis(figures.fetching),
        reply_headers: figures.reply_headers.as_deref().map(str::to_owned),
        identity: extras.identity.clone(),
    };
    to_json(&record)
}

pub(super) fn read_file(text: &str) -> Result<(File, FileExtras), RecordError> {
    let record: FileRecordV1 = serde_json::from_str(text)?;
    check(record.version)?;
    let ranges = record.ranges.into_iter();
    let facts = record.facts.map(|facts| read_facts(facts, &record.remote_name));
    let figures = Figures {
        http_bytes: record.http_bytes,
        cache_bytes: record.cache_bytes,
        fetching: Duration::from_millis(record.fetching_millis),
        reply_headers: record.reply_headers.map(Into::into),
    };
    let file = File {
        file_id: record.file_id,
        remote_name: record.remote_name,
        mirrors: record.mirrors,
        public_only: record.public_only,
        recorded_name: None,
        local_name: record.local_name,
        ranges: ranges.map(|(offset, length)| ByteRange { offset, length }).collect(),
        declared_size: record.declared_size,
        sha256: record.sha256,
        replace: record.replace,
        check: Check {
            info: record.integrity_check_info,
            mandatory: record.integrity_check_mandatory,
        },
        facts,
        finished: record.finished,
        published: record.published,
        earlier_ranges_count: record.earlier_ranges_count,
        streams: record.streams,
    };
    let FileRecordV1 { beside, intent, identity, .. } = record;
    Ok((file, FileExtras { beside, intent, identity, figures }))
}

fn write_facts(facts: &Facts, remote_name: &str) -> FactsRecordV1 {
    let (strong_etag, last_modified_validator) = match &facts.validator {
        Some(Validator::StrongEtag(text)) => (Some(text.clone()), None),
        Some(Validator::LastModified(text)) => (None, Some(text.clone())),
        None => (None, None),
    };
    FactsRecordV1 {
        url: (facts.url != remote_name).then(|| facts.url.clone()),
        remote_size: facts.remote_size,
        strong_etag,
        last_modified_validator,
        last_modified: facts.last_modified.map(|time| time.0),
    }
}

fn read_facts(record: FactsRecordV1, remote_name: &str) -> Facts {
    let etag = record.strong_etag.map(Validator::StrongEtag);
    Facts {
        url: record.url.unwrap_or_else(|| remote_name.to_owned()),
        remote_size: record.remote_size,
        validator: etag.or(record.last_modified_validator.map(Validator::LastModified)),
        last_modified: record.last_modified.map(FileTime),
    }
}

fn millis(time: Duration) -> u64 {
    u64::try_from(time.as_millis()).unwrap_or(u64::MAX)
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde hands out references")]
fn is_false(flag: &bool) -> bool {
    !flag
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde hands out references")]
fn is_zero(count: &u64) -> bool {
    *count == 0
}

fn to_json(record: &impl Serialize) -> String {
    serde_json::to_string(record).expect("records hold nothing that JSON cannot")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::record;

    fn job() -> (NewJob, Saved) {
        let about = NewJob {
            id: "0f0d3b2e-5a0e-4d9c-8f4b-1c2f3a4b5c6d".parse().unwrap(),
            owner: Uid(1_000),
            display_name: "a \"name\"".into(),
            job_type: JobType::Download,
            priority: Priority::Low,
            no_progress_timeout: Some(7),
            completion: Completion::Service,
            headers: vec![("authorization".into(), "x".into())],
            bytes_per_second_max: NonZeroU64::new(5),
            download: Some(Box::new(download())),
        };
        let saved = Saved {
            state: JobState::TransientError,
            notify_flags: NotifyFlags(9),
            cost_flags: Some(CostFlags::NOT_ROAMING),
            notification_clsid: "1b4e28ba-2fa1-11d2-883f-0016d3cca427".parse().unwrap(),
            error: Some(JobError {
                code: ErrorCode::WININET_E_TIMEOUT,
                extended: Some(ErrorCode::E_FAIL),
                http_status: Some(503),
                message: "busy".into(),
                file: Some(FileNumber(2)),
            }),
            times: JobTimes {
                creation: FileTime(1),
                modification: FileTime(2),
                transfer_completion: Some(FileTime(3)),
            },
            failures_count: 4,
            quiet: Duration::from_millis(5),
            age: Duration::from_millis(6),
            call_owed: false,
        };
        (about, saved)
    }

    fn download() -> Download {
        Download {
            started: true,
            callback: false,
            content_id: Some("content".into()),
            no_cellular: true,
            security_flags: 1,
            callback_percent: 10,
            callback_seconds: Some(7),
            blocking: true,
            correlation_vector: Some("cV.1".into()),
            disallow_cellular: true,
            auth_headers: vec![("authorization".into(), "y".into())],
            allow_downgrade: true,
            non_volatile: true,
            in_place: false,
        }
    }

    fn file() -> (File, FileExtras) {
        let file = File {
            file_id: "id".into(),
            remote_name: "http://origin.example/a?b".into(),
            mirrors: Vec::new(),
            public_only: false,
            recorded_name: None,
            local_name: "/tmp/ä".into(),
            ranges: vec![
                ByteRange { offset: 1, length: Some(2) },
                ByteRange { offset: 9, length: None },
            ],
            declared_size: Some(10),
            sha256: Some([7; 32]),
            replace: true,
            check: Check { info: Some("{}".into()), mandatory: Some(true) },
            facts: Some(Facts {
                url: "http://elsewhere.example/".into(),
                remote_size: 10,
                validator: Some(Validator::StrongEtag("\"v\"".into())),
                last_modified: Some(FileTime(4)),
            }),
            finished: true,
            published: false,
            earlier_ranges_count: 1,
            streams: true,
        };
        let figures = Figures {
            http_bytes: 11,
            cache_bytes: 0,
            fetching: Duration::from_millis(12),
            reply_headers: Some("HTTP/1.1 200 OK\r\n".into()),
        };
        let identity = Some("1:2:3".to_owned());
        (file, FileExtras { beside: Some("/tmp/.ä.part".into()), intent: None, identity, figures })
    }

    #[test]
    fn records_lead_back_to_what_was_written() {
        let (about, saved) = job();
        assert_eq!(record::read_job(&write_job(&about, &saved)).unwrap(), (about, saved));
        let owing = Saved { call_owed: true, ..job().1 };
        let (_, read) = record::read_job(&write_job(&job().0, &owing)).unwrap();
        assert_eq!(read, owing);
        let mut about = job().0;
        let in_place = Download { in_place: true, ..download() };
        about.download = Some(Box::new(in_place));
        let (read, _) = record::read_job(&write_job(&about, &job().1)).unwrap();
        assert_eq!(read, about);
        let (one, mut extras) = file();
        assert!(!write_file(&one, &extras).contains("cache_bytes"), "no word of what is not there");
        extras.figures.cache_bytes = 7;
        assert_eq!(record::read_file(&write_file(&one, &extras)).unwrap(), (one, extras));
    }

    /// conformance: File2::SetRemoteName
    #[test]
    fn a_new_url_that_was_not_confirmed_is_not_recorded() {
        let (mut moved, extras) = file();
        let facts = moved.facts.as_mut().unwrap();
        facts.url = "http://new.example/".into();
        moved.recorded_name = Some(std::mem::replace(&mut moved.remote_name, facts.url.clone()));
        let (back, _) = record::read_file(&write_file(&moved, &extras)).unwrap();
        assert_eq!(back.remote_name, "http://origin.example/a?b");
        // What the new origin said is still known as its word and nobody else's.
        assert_eq!(back.facts, moved.facts);
        moved.recorded_name = None;
        let (back, _) = record::read_file(&write_file(&moved, &extras)).unwrap();
        assert_eq!(back, moved);
    }

    #[test]
    fn a_callback_is_in_no_record() {
        let (mut about, saved) = job();
        about.download = Some(Box::new(Download { callback: true, ..download() }));
        let (read, _) = record::read_job(&write_job(&about, &saved)).unwrap();
        assert_eq!(read.download.as_deref(), Some(&download()));
    }

    #[test]
    fn todays_program_reads_what_version_1_wrote() {
        let (about, saved) = job();
        assert_eq!(record::read_job(include_str!("golden/job-v1.json")).unwrap(), (about, saved));
        assert_eq!(record::read_file(include_str!("golden/file-v1.json")).unwrap(), file());
    }

    #[test]
    fn mirrors_are_recorded_and_a_record_without_them_reads_as_before() {
        let (mut mirrored, extras) = file();
        let plain = write_file(&mirrored, &extras);
        assert!(!plain.contains("mirrors") && !plain.contains("public_only"));
        mirrored.public_only = true;
        mirrored.mirrors = vec!["http://one.example/a".into(), "https://two.example/a".into()];
        let golden = include_str!("golden/file-v1-mirrors.json");
        assert_eq!(write_file(&mirrored, &extras), golden.trim_end());
        assert_eq!(record::read_file(golden).unwrap(), (mirrored, extras));
    }

    #[test]
    fn a_record_of_a_newer_program_is_refused_by_its_number() {
        let newer = r#"{"version": 2, "id": 5}"#;
        assert!(matches!(record::read_job(newer), Err(RecordError::Version(2))));
        // Also one that is otherwise as those of today.
        let (about, saved) = job();
        let newer = write_job(&about, &saved).replacen("\"version\":1", "\"version\":2", 1);
        assert!(matches!(record::read_job(&newer), Err(RecordError::Version(2))));
        assert!(matches!(record::read_file("{}"), Err(RecordError::Syntax(_))));
    }
}
