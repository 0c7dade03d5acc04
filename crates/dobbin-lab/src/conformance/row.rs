//! A row, and where it stands.

/// One thing that the interface promises.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Row {
    /// What a mark names: `Job::Cancel`, `state-table Suspend × QUEUED`, `code E_ACCESSDENIED`.
    pub id: String,
    /// What is promised, in a sentence of our own.
    pub says: String,
    /// Whether we keep it.
    pub standing: Standing,
}

/// Whether a promise of the interface is kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Standing {
    /// Yes, and a test proves it.
    Kept,
    /// No, on purpose; why. What happens instead may have tests all the same.
    Refused(&'static str),
    /// Not yet; what it waits for. From the list in [`super::rows::NOT_YET`] and from nowhere else.
    NotYet(&'static str),
}

/// Rows that belong together: one table of the paper.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Group {
    /// Its heading.
    pub title: &'static str,
    /// Its rows, in the order of the reference.
    pub rows: Vec<Row>,
}

/// A row that is kept.
pub(super) fn kept(id: impl Into<String>, says: impl Into<String>) -> Row {
    Row { id: id.into(), says: says.into(), standing: Standing::Kept }
}

/// A row that is refused on purpose.
pub(super) fn refused(id: &str, says: &str, why: &'static str) -> Row {
    Row { id: id.into(), says: says.into(), standing: Standing::Refused(why) }
}
