//! What becomes of a job that failed for good, and what the person is told.

use dobbin_sdk::Job;
use dobbin_types::rest::{JobFailure, JobInfo};
use dobbin_types::{ErrorCode, FileNumber};

use super::plan::Item;
use crate::render::amount::Bytes;
use crate::render::wording;
use crate::trouble::Trouble;

/// Whether what was fetched is worth keeping for another try.
///
/// It is not when no byte arrived (the same command begins anew just as well) or when the bytes that
/// arrived are not the ones wanted. Everything else stays: an expired link, a full disk or a dead
/// network say nothing against the bytes that are here.
fn is_worth_keeping(job: &JobInfo, failure: &JobFailure) -> bool {
    job.progress.bytes_transferred > 0 && !is_about_wrong_bytes(failure.code)
}

fn is_about_wrong_bytes(code: ErrorCode) -> bool {
    [
        ErrorCode::DO_E_BAD_PIECE_HASH,
        ErrorCode::DO_E_BAD_INCOMING_DATA,
        ErrorCode::DO_E_HTTP_BLOCKSIZE_MISMATCH,
    ]
    .contains(&code)
}

/// Ends a job that failed, or leaves it for another try, and says which.
pub(crate) async fn conclude(job: &Job, picture: &JobInfo, items: &[Item]) -> Trouble {
    let Some(failure) = &picture.error else {
        let what = format!("job {} stopped without a reason", wording::short(picture.id));
        return Trouble::failed(what);
    };
    let keep = is_worth_keeping(picture, failure);
    // If it cannot be cancelled it stays in the list, where its owner finds it.
    let kept = keep || job.cancel().await.is_err();
    tell(picture, failure, items, kept)
}

fn tell(picture: &JobInfo, failure: &JobFailure, items: &[Item], kept: bool) -> Trouble {
    let from = match (failure.file.map(FileNumber::index), items) {
        (Some(index), items) if index < items.len() => items[index].from(),
        (_, [one]) => one.from(),
        (_, several) => format!("{} files", several.len()),
    };
    let trouble = Trouble::failed(wording::reason(failure))
        .while_doing(&format!("cannot fetch {from}"))
        .code(failure.code);
    let trouble = match advice(failure) {
        Some(advice) => trouble.remedy(advice),
        None => trouble,
    };
    if !kept {
        return trouble;
    }
    let (id, have) = (wording::short(picture.id), Bytes(picture.progress.bytes_transferred));
    let trouble = trouble
        .remedy(format!("{have} are kept: the same command goes on from there"))
        .remedy(format!("`dobbin jobs cancel {id}` drops them"));
    match (picture.progress.files_transferred, picture.progress.files_total) {
        (0, _) => trouble,
        (here, total) => trouble.remedy(format!(
            "{here} of {total} files are whole: `dobbin jobs complete {id}` saves these and drops \
             the rest"
        )),
    }
}

/// What the person can do about it themselves.
fn advice(failure: &JobFailure) -> Option<&'static str> {
    match failure.http_status {
        Some(404 | 410) => return Some("check the address"),
        Some(401 | 403) => return Some("if it needs a login, pass it with -H 'Authorization: …'"),
        Some(407) => return Some("put the proxy's login into its address"),
        _ => {}
    }
    let table: &[(ErrorCode, &str)] = &[
        (
            ErrorCode::DO_E_BAD_PIECE_HASH,
            "compare the hashes that you gave with what the publisher says",
        ),
        (
            ErrorCode::DO_E_DOWNLOAD_NO_PROGRESS,
            "check the network, or wait longer with --no-progress-timeout",
        ),
        (ErrorCode::WIN32_NAME_NOT_RESOLVED, "check the host's name"),
        (ErrorCode::DO_E_HTTP_CERT_VALIDATION, "check the address and this machine's clock"),
        (ErrorCode::CURL_CERTIFICATE, "check the address and this machine's clock"),
        (ErrorCode::ENOSPC, "make room on the disk"),
    ];
    table.iter().find(|(code, _)| *code == failure.code).map(|(_, advice)| *advice)
}

#[cfg(test)]
mod tests {
    use dobbin_types::JobState;

    use super::*;
    use crate::render::wording::samples::{answered, job};

    fn items() -> Vec<Item> {
        let item = |name: &str| Item {
            url: format!("https://example.com/{name}?secret"),
            local_name: format!("/d/{name}"),
            ..Item::default()
        };
        vec![item("a"), item("b")]
    }

    #[test]
    fn only_bytes_that_may_be_right_are_kept() {
        #[track_caller]
        fn check(code: ErrorCode, bytes: u64, expect: bool) {
            let mut picture = job(JobState::Error);
            picture.progress.bytes_transferred = bytes;
            let failure = JobFailure { code, ..answered(404) };
            assert_eq!(is_worth_keeping(&picture, &failure), expect, "{code} after {bytes}");
        }
        check(ErrorCode::HTTP_E_STATUS_NOT_FOUND, 0, false);
        check(ErrorCode::HTTP_E_STATUS_NOT_FOUND, 1, true);
        check(ErrorCode::ENOSPC, 1 << 20, true);
        check(ErrorCode::DO_E_DOWNLOAD_NO_PROGRESS, 1 << 20, true);
        check(ErrorCode::DO_E_BAD_PIECE_HASH, 1 << 20, false);
        check(ErrorCode::DO_E_HTTP_BLOCKSIZE_MISMATCH, 1 << 20, false);
    }

    #[test]
    fn the_message_names_the_file_the_reason_and_the_way_out() {
        let mut failure = answered(404);
        failure.file = Some(FileNumber(1));
        let said = format!("{:?}", tell(&job(JobState::Error), &failure, &items(), false));
        assert!(said.contains("cannot fetch example.com/b: example.com answered 404"), "{said}");
        assert!(said.contains("HTTP_E_STATUS_NOT_FOUND"), "{said}");
        assert!(said.contains("check the address"), "{said}");
        assert!(!said.contains("kept") && !said.contains("secret"), "{said}");
    }

    #[test]
    fn what_is_kept_is_told_with_how_to_go_on() {
        let mut picture = job(JobState::Error);
        picture.progress.files_transferred = 1;
        picture.progress.files_total = 2;
        let failure = JobFailure { file: None, ..answered(403) };
        let said = format!("{:?}", tell(&picture, &failure, &items(), true));
        assert!(said.contains("cannot fetch 2 files"), "{said}");
        assert!(said.contains("1.00 MiB are kept: the same command"), "{said}");
        assert!(said.contains("dobbin jobs cancel 0f0d3b2e"), "{said}");
        assert!(said.contains("1 of 2 files are whole: `dobbin jobs complete 0f0d3b2e`"), "{said}");
    }
}
