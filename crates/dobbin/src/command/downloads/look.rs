//! The verbs that only look.

use anstyle::Style;
use dobbin_sdk::{Download, DownloadManager};
use dobbin_types::rest::{DownloadInfo, DownloadStatus, PropertyBody};
use dobbin_types::{DownloadProperty, DownloadState, ErrorCode};
use serde::Serialize;

use super::value;
use crate::render::amount::{Bytes, percent};
use crate::render::table::{Align, Cell, Table};
use crate::render::{output, style, text, wording};
use crate::trouble::{Exit, Trouble};

pub(super) async fn list(
    manager: &DownloadManager,
    category: Option<(DownloadProperty, String)>,
    json: bool,
) -> Result<Exit, Trouble> {
    let category = category.as_ref().map(|(property, value)| (*property, value.as_str()));
    let downloads = match manager.enum_downloads(category).await {
        // A list may be empty; only programs want that told as an error.
        Err(error) if error.code() == ErrorCode::DO_E_NO_DOWNLOADS => Vec::new(),
        listed => listed?,
    };
    output::list(&downloads, json, "no downloads", table);
    Ok(Exit::Done)
}

fn table(downloads: &[DownloadInfo]) -> Table {
    let mut table = Table::new(&[
        ("DOWNLOAD", Align::Left),
        ("STATE", Align::Left),
        ("DONE", Align::Right),
        ("SIZE", Align::Right),
        ("NAME", Align::Left),
        ("TO", Align::Flexible),
    ]);
    for download in downloads {
        let status = &download.status;
        let done = status.bytes_total.map(|all| percent(status.bytes_transferred, all));
        let name = download.display_name.clone();
        let name = name.or_else(|| download.uri.as_deref().map(text::brief));
        table.row(vec![
            wording::short(download.id).into(),
            Cell::styled(status.state.word(), style_of(status)),
            done.map_or("?".to_owned(), |done| format!("{done} %")).into(),
            status.bytes_total.map_or("?".to_owned(), |all| Bytes(all).to_string()).into(),
            name.unwrap_or_default().into(),
            download.local_path.as_deref().unwrap_or_default().into(),
        ]);
    }
    table
}

fn style_of(status: &DownloadStatus) -> Style {
    match status.state {
        DownloadState::Transferring | DownloadState::Transferred | DownloadState::Finalized => {
            style::GOOD
        }
        DownloadState::Paused if status.is_error() => style::ERROR,
        DownloadState::Paused if status.is_transient_error() => style::NOTE,
        DownloadState::Created | DownloadState::Paused | DownloadState::Aborted => style::QUIET,
    }
}

/// The object that `--json` prints for a property.
#[derive(Serialize)]
struct Got {
    property: DownloadProperty,
    #[serde(flatten)]
    body: PropertyBody,
}

pub(super) async fn get(
    download: &Download,
    property: DownloadProperty,
    json: bool,
) -> Result<Exit, Trouble> {
    let value = download.property(property).await?;
    if json {
        output::json(&Got { property, body: PropertyBody { value } });
    } else {
        output::line(&text::clean(&value::told(&value)));
    }
    Ok(Exit::Done)
}

pub(super) async fn status(download: &Download, json: bool) -> Result<Exit, Trouble> {
    let status = download.status().await?;
    if json {
        output::json(&status);
    } else {
        output::line(&sentence(&status));
    }
    Ok(Exit::Done)
}

/// `paused, 1.00 of 10.0 MiB (10 %): no network [DO_E_…]`.
fn sentence(status: &DownloadStatus) -> String {
    let have = wording::part(status.bytes_transferred, status.bytes_total);
    let style = style_of(status);
    let mut text = format!("{style}{}{style:#}, {have}", status.state);
    for code in [status.error, status.extended_error] {
        if code != ErrorCode::S_OK {
            text.push_str(&format!(": {} [{code}]", code.text()));
        }
    }
    if status.is_transient_error() {
        text.push_str("; goes on by itself");
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    fn status(state: DownloadState, error: ErrorCode, extended_error: ErrorCode) -> DownloadStatus {
        DownloadStatus {
            bytes_total: Some(10 << 20),
            bytes_transferred: 1 << 20,
            state,
            error,
            extended_error,
        }
    }

    #[test]
    fn a_status_is_one_sentence() {
        let (ok, paused) = (ErrorCode::S_OK, DownloadState::Paused);
        let no_progress = ErrorCode::DO_E_DOWNLOAD_NO_PROGRESS;
        let timeout = ErrorCode::WININET_E_TIMEOUT;
        for (status, expect) in [
            (status(DownloadState::Created, ok, ok), "created, 1.00 of 10.0 MiB (10 %)".to_owned()),
            (
                status(paused, ok, timeout),
                format!(
                    "paused, 1.00 of 10.0 MiB (10 %): {} [{timeout}]; goes on by itself",
                    timeout.text()
                ),
            ),
            (
                status(paused, no_progress, timeout),
                format!(
                    "paused, 1.00 of 10.0 MiB (10 %): {} [{no_progress}]: {} [{timeout}]",
                    no_progress.text(),
                    timeout.text()
                ),
            ),
        ] {
            assert_eq!(anstream::adapter::strip_str(&sentence(&status)).to_string(), expect);
        }
    }

    #[test]
    fn the_list_shows_what_a_person_asks_first() {
        let mut unknown = status(DownloadState::Created, ErrorCode::S_OK, ErrorCode::S_OK);
        unknown.bytes_total = None;
        let named = DownloadInfo {
            id: "0f0d3b2e-5a0e-4d9c-8f4b-1c2f3a4b5c6d".parse().unwrap(),
            display_name: Some("disk".to_owned()),
            uri: Some("https://example.com/a?secret".to_owned()),
            content_id: None,
            local_path: Some("/d/disk.iso".to_owned()),
            status: status(DownloadState::Transferring, ErrorCode::S_OK, ErrorCode::S_OK),
        };
        let nameless =
            DownloadInfo { display_name: None, local_path: None, status: unknown, ..named.clone() };
        let lines = table(&[named, nameless]).lines(None);
        let plain: Vec<String> =
            lines.iter().map(|line| anstream::adapter::strip_str(line).to_string()).collect();
        assert_eq!(
            plain,
            [
                "DOWNLOAD  STATE         DONE      SIZE  NAME           TO",
                "0f0d3b2e  transferring  10 %  10.0 MiB  disk           /d/disk.iso",
                "0f0d3b2e  created          ?         ?  example.com/a",
            ]
        );
    }
}
