//! What `dobbin why` says in tables.

use dobbin_types::FileTime;
use dobbin_types::ledger::SourceKind;
use dobbin_types::rest::{ByteSources, FileWhy, JobWhy, RequestInfo, SourceInfo};

use crate::render::amount::{Bytes, Rate};
use crate::render::table::{Align, Cell, Table};
use crate::render::text::{brief, clean};
use crate::render::{style, wording};

/// Requests that are shown where nobody asked for one file's: the newest, and all that failed.
const REQUESTS_SHOWN_MAX: usize = 8;

/// Where bytes came from and which of them do not count. The last line is the sum of those above.
pub(super) fn bytes(bytes: &ByteSources) -> Table {
    let mut table = Table::new(&[
        ("BYTES", Align::Right),
        ("REQUESTS", Align::Right),
        ("FAILED", Align::Right),
        ("FROM", Align::Flexible),
    ]);
    let mut tell = |amount: String, from: String| {
        table.row(vec![amount.into(), "".into(), "".into(), from.into()]);
    };
    if bytes.had > 0 {
        let checked = match bytes.checked {
            0 => String::new(),
            checked => format!("; {} of it checked again against its hashes", Bytes(checked)),
        };
        tell(Bytes(bytes.had).to_string(), format!("here before this agent looked{checked}"));
    }
    for given in &bytes.sources {
        let failed = match given.failures_count {
            0 => Cell::styled("0", style::QUIET),
            count => Cell::styled(count.to_string(), style::NOTE),
        };
        table.row(vec![
            Bytes(given.bytes).to_string().into(),
            given.requests_count.to_string().into(),
            failed,
            source(&given.source).into(),
        ]);
    }
    let mut tell = |amount: String, from: Cell| {
        table.row(vec![amount.into(), "".into(), "".into(), from]);
    };
    if bytes.other_sources > 0 {
        tell(Bytes(bytes.other_sources).to_string(), "other sources".into());
    }
    for discarded in &bytes.discarded {
        let why = format!("thrown away: {}", discarded.why.text());
        tell(format!("-{}", Bytes(discarded.bytes)), Cell::styled(why, style::NOTE));
    }
    tell(Bytes(bytes.here).to_string(), Cell::styled("here now", style::TITLE));
    table
}

/// Requests that run; nothing when none does.
pub(super) fn connections(files: &[&FileWhy], now: FileTime) -> Option<Table> {
    let mut table = Table::new(&[
        ("RUNS", Align::Right),
        ("FILE", Align::Right),
        ("PART", Align::Left),
        ("HERE", Align::Right),
        ("RATE", Align::Right),
        ("WHY", Align::Left),
        ("FROM", Align::Flexible),
    ]);
    let mut is_empty = true;
    for file in files {
        for connection in &file.connections {
            is_empty = false;
            table.row(vec![
                wording::age(connection.began, now).into(),
                file.number.to_string().into(),
                part(connection.start, connection.end).into(),
                Bytes(connection.bytes).to_string().into(),
                Rate(connection.bytes_per_second).to_string().into(),
                connection.reason.text().into(),
                source(&connection.source).into(),
            ]);
        }
    }
    (!is_empty).then_some(table)
}

/// Requests that ended, oldest first; nothing when none did.
///
/// * `is_short`: only those that explain most.
pub(super) fn requests(files: &[&FileWhy], now: FileTime, is_short: bool) -> Option<Table> {
    let mut told: Vec<(&FileWhy, &RequestInfo)> = files
        .iter()
        .flat_map(|file| file.requests.iter().map(move |request| (*file, request)))
        .collect();
    told.sort_by_key(|(file, request)| (request.ended, file.number, request.number));
    if is_short {
        let newest = told.len().saturating_sub(REQUESTS_SHOWN_MAX);
        let mut place = 0;
        told.retain(|(_, request)| {
            place += 1;
            place > newest || request.failure.is_some()
        });
    }
    if told.is_empty() {
        return None;
    }
    let mut table = Table::new(&[
        ("ENDED", Align::Right),
        ("FILE", Align::Right),
        ("PART", Align::Left),
        ("BROUGHT", Align::Right),
        ("FROM", Align::Left),
        ("HOW IT ENDED, AND WHY IT WAS MADE", Align::Flexible),
    ]);
    for (file, request) in told {
        table.row(vec![
            wording::age(request.ended, now).into(),
            file.number.to_string().into(),
            part(request.start, request.end).into(),
            Bytes(request.bytes).to_string().into(),
            brief(&request.source.address).into(),
            end(request),
        ]);
    }
    Some(table)
}

/// What stopped the job; nothing when nothing did, or when that is told above already.
pub(super) fn failures(why: &JobWhy) -> Option<Table> {
    let is_told = match why.failures.as_slice() {
        [] => true,
        [only] => why.job.error.as_ref() == Some(&only.failure),
        _several => false,
    };
    if is_told {
        return None;
    }
    let mut table =
        Table::new(&[("STOPPED", Align::Right), ("CODE", Align::Left), ("BY", Align::Flexible)]);
    for past in &why.failures {
        let ago = past.at.map_or("earlier".to_owned(), |at| wording::age(at, why.at));
        table.row(vec![
            ago.into(),
            past.failure.code.to_string().into(),
            clean(wording::reason(&past.failure)).into(),
        ]);
    }
    Some(table)
}

fn end(request: &RequestInfo) -> Cell {
    let reason = request.reason.text();
    match &request.failure {
        Some(failure) => {
            // The failure first: where there is no room for both, it says more.
            let message = wording::without_host(&failure.message);
            let text = format!("{message} [{}]; {reason}", failure.code);
            Cell::styled(text, style::NOTE)
        }
        None => format!("{}; {reason}", request.how.text()).into(),
    }
}

fn part(start: u64, end: Option<u64>) -> String {
    let end = end.map_or("?".to_owned(), |end| Bytes(end).to_string());
    format!("{} - {end}", Bytes(start))
}

/// A source as people know it.
fn source(source: &SourceInfo) -> String {
    match source.kind {
        SourceKind::Origin => source.address.clone(),
        SourceKind::CacheHost => format!("{} (cache host)", source.address),
        SourceKind::Mirror { number } => format!("{} (mirror {number})", source.address),
    }
}
