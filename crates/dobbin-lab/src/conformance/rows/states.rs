//! The state machine: calls, events, and what completing does.

use super::table;
use crate::conformance::row::{Group, Row, kept};
use crate::conformance::tables::{Cell, EVENTS, OPERATIONS, STATES, name};

/// Every call in every state.
pub(super) fn operations() -> Group {
    let rows = OPERATIONS.iter().flat_map(|operation| {
        STATES.into_iter().filter_map(|state| {
            let says = match operation.cell(state) {
                Cell::Never => return None,
                Cell::Ok(code, None) => format!("{}, the state stays", symbol(code)),
                Cell::Ok(code, Some(to)) => format!("{}, {}", symbol(code), name(to)),
                Cell::Refused(code) => symbol(code).to_owned(),
                Cell::Fails => "what the system says, the state stays".to_owned(),
            };
            Some(kept(format!("state-table {} × {}", operation.name, name(state)), says))
        })
    });
    Group { title: "State table: calls", rows: rows.collect() }
}

fn symbol(code: dobbin_types::ErrorCode) -> &'static str {
    code.symbol().expect("the tables use named codes")
}

/// Every event in every state in which it means something.
pub(super) fn events() -> Group {
    let rows = EVENTS.iter().flat_map(|event| {
        let nowhere = kept(
            format!("event {} elsewhere", event.name),
            "nothing happens in the states that the table does not name",
        );
        let moves = event.moves.iter().map(|(from, to)| {
            let leads = if from == to { "the state stays" } else { name(*to) };
            kept(
                format!("event {} × {}", event.name, name(*from)),
                format!("{leads}: {}", event.says),
            )
        });
        moves.chain([nowhere]).collect::<Vec<Row>>()
    });
    Group { title: "State table: events", rows: rows.collect() }
}

/// What becomes of the files.
pub(super) fn completing() -> Group {
    table(
        "Completing and temporary files",
        &[
            ("complete visible", "nothing appears under a file's name before Complete"),
            (
                "complete temp-file",
                "a temporary file has a name of the service's own, is nobody else's to read, and is renamed into place",
            ),
            ("complete owner", "the file belongs to whoever called Complete"),
            (
                "complete caller-descriptor",
                "ours: the caller opens the new file with its own rights and passes it; the agent fills it",
            ),
            (
                "complete path-only",
                "ours: an agent opens no path of another user's; DO_E_FILE_DOWNLOADSINK_UNSPECIFIED",
            ),
            (
                "complete administrator",
                "root may complete another's job, where that user could have saved the file",
            ),
            (
                "complete interrupted",
                "ours: a caller or an agent that dies at any step loses nothing; Complete goes on",
            ),
            ("complete time-stamp", "the server's Last-Modified"),
            ("complete partial-files", "finished files are kept, unfinished ones deleted"),
            (
                "complete replace",
                "ours: what stands under the name already is replaced only where the caller said so",
            ),
            ("complete one-step", "other calls see the job before or after, never in between"),
            ("cancel files", "nothing of a cancelled job is left, finished or not"),
        ],
    )
}
