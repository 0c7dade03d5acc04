//! `dobbin jobs error`, `stats` and `headers`: what became of a job's work.

use std::time::Duration;

use dobbin_sdk::Manager;
use dobbin_types::rest::{FileStats, JobFailure, PropertyBody};
use dobbin_types::{ErrorCode, FileNumber};

use super::pick;
use super::show::NAME_WIDTH;
use crate::render::amount::{Bytes, Span};
use crate::render::output;
use crate::render::table::{Align, Table, named};
use crate::render::text::clean;
use crate::trouble::{Exit, Trouble};

pub(super) async fn error(manager: &Manager, job: &str, json: bool) -> Result<Exit, Trouble> {
    let failure = pick::pick(manager, job).await?.error().await?;
    if json {
        output::json(&failure);
    } else {
        output::line(&page(&failure).join("\n"));
    }
    Ok(Exit::Done)
}

fn page(failure: &JobFailure) -> Vec<String> {
    let mut lines = Vec::new();
    let mut tell = |name: &str, value: String| lines.push(named(name, NAME_WIDTH, &value));
    tell("code", failure.code.to_string());
    tell("meaning", clean(&failure.text).into_owned());
    tell("message", clean(&failure.message).into_owned());
    tell("context", failure.context.to_string());
    if let Some(status) = failure.http_status {
        tell("HTTP status", status.to_string());
    }
    if let Some(extended) = failure.extended {
        tell("behind it", format!("{} [{extended}]", extended.text()));
    }
    if let Some(file) = failure.file {
        tell("file", file.to_string());
    }
    lines
}

pub(super) async fn stats(manager: &Manager, job: &str, json: bool) -> Result<Exit, Trouble> {
    let files = pick::pick(manager, job).await?.stats().await?;
    output::list(&files, json, "no files", table);
    Ok(Exit::Done)
}

fn table(files: &[FileStats]) -> Table {
    let mut table = Table::new(&[
        ("FILE", Align::Right),
        ("STATUS", Align::Left),
        ("MODE", Align::Left),
        ("SIZE", Align::Right),
        ("FETCHED", Align::Right),
        ("ORIGIN", Align::Right),
        ("CACHE", Align::Right),
        ("PEERS", Align::Right),
        ("TIME", Align::Right),
        ("FROM", Align::Flexible),
    ]);
    for (number, file) in files.iter().enumerate() {
        let peers = [
            file.bytes_from_lan_peers,
            file.bytes_from_group_peers,
            file.bytes_from_internet_peers,
        ];
        let peers = peers.into_iter().fold(0, u64::saturating_add);
        let bytes = |bytes: u64| Bytes(bytes).to_string().into();
        let time = Duration::from_millis(u64::from(file.download_duration_ms));
        table.row(vec![
            number.to_string().into(),
            file.status.word().into(),
            file.download_mode.word().into(),
            file.file_size.map_or("?".to_owned(), |size| Bytes(size).to_string()).into(),
            bytes(file.total_bytes_downloaded),
            bytes(file.bytes_from_http.saturating_sub(file.bytes_from_doinc)),
            bytes(file.bytes_from_doinc),
            bytes(peers),
            Span(time).to_string().into(),
            file.source_url.as_str().into(),
        ]);
    }
    table
}

pub(super) async fn headers(
    manager: &Manager,
    job: &str,
    file: u32,
    json: bool,
) -> Result<Exit, Trouble> {
    let job = pick::pick(manager, job).await?;
    let text = match job.file(FileNumber(file)).response_headers().await {
        Ok(text) => text,
        Err(error) if error.code() == ErrorCode::E_NOT_SET => {
            return Err(Trouble::failed("no server has answered for this file yet")
                .code(ErrorCode::E_NOT_SET));
        }
        Err(error) => return Err(error.into()),
    };
    if json {
        output::json(&PropertyBody { value: text.into() });
    } else {
        let lines: Vec<_> = text.lines().map(clean).collect();
        output::line(&lines.join("\n"));
    }
    Ok(Exit::Done)
}

#[cfg(test)]
mod tests {
    use dobbin_types::{DownloadMode, SwarmStatus};

    use super::*;
    use crate::render::wording::samples::answered;

    #[test]
    fn the_error_is_told_line_by_line() {
        let mut failure = answered(503);
        failure.extended = Some(ErrorCode::WININET_E_TIMEOUT);
        let page = page(&failure).join("\n");
        let plain = anstream::adapter::strip_str(&page).to_string();
        assert!(plain.starts_with("code        HTTP_E_STATUS_SERVICE_UNAVAIL"), "{plain}");
        for line in ["HTTP status 503", "context     none", "WININET_E_TIMEOUT"] {
            assert!(plain.contains(line), "{plain}");
        }
    }

    #[test]
    fn figures_are_told_by_source() {
        let stats = FileStats {
            file_id: "x".to_owned(),
            source_url: "https://example.com/disk.iso".to_owned(),
            file_size: Some(10 << 20),
            total_bytes_downloaded: 4 << 20,
            bytes_from_lan_peers: 1 << 20,
            bytes_from_group_peers: 1 << 20,
            bytes_from_internet_peers: 0,
            bytes_from_http: 2 << 20,
            bytes_from_doinc: 1 << 19,
            bytes_to_lan_peers: 0,
            bytes_to_group_peers: 0,
            bytes_to_internet_peers: 0,
            http_connection_count: 1,
            doinc_connection_count: 0,
            lan_connection_count: 0,
            group_connection_count: 0,
            internet_connection_count: 0,
            download_duration_ms: 17_000,
            download_mode: DownloadMode::Simple,
            status: SwarmStatus::Downloading,
            is_background: true,
        };
        let lines = table(&[stats]).lines(None);
        let plain: Vec<String> =
            lines.iter().map(|line| anstream::adapter::strip_str(line).to_string()).collect();
        assert_eq!(
            plain,
            [
                "FILE  STATUS       MODE        SIZE   FETCHED    ORIGIN    CACHE     PEERS  TIME  FROM",
                "   0  downloading  simple  10.0 MiB  4.00 MiB  1.50 MiB  512 KiB  2.00 MiB  17 s  \
                 https://example.com/disk.iso",
            ]
        );
    }
}
