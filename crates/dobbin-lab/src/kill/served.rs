//! What the origin serves during a run: files in one or two versions, well or badly.

use std::sync::Arc;
use std::time::Duration;

use dobbin_types::ByteRange;

use crate::chance::Chance;
use crate::origin::{Answer, Behaviour, Content, End, Length, Pace, Ranges, Route, Version, When};

const MIB: u64 = 1024 * 1024;

/// Requests of a path that single faults are strewn over.
const STREWN_OVER: u64 = 60;

/// How an origin treats a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Habit {
    Honest,
    Resets,
    CutsShort,
    Refuses,
    Stammers,
    TwoVersions,
    Changes,
    NoRanges,
    Nameless,
}

/// All of them, with the sizes that suit them.
const HABITS: [(Habit, u64, u64); 14] = [
    (Habit::Honest, 0, 1),
    (Habit::Honest, 1, 200_000),
    (Habit::Honest, MIB, 3 * MIB),
    (Habit::Honest, 3 * MIB, 8 * MIB),
    (Habit::Honest, 16 * MIB, 16 * MIB + 5),
    (Habit::Resets, 2 * MIB, 6 * MIB),
    (Habit::CutsShort, 2 * MIB, 6 * MIB),
    (Habit::Refuses, MIB, 3 * MIB),
    (Habit::Stammers, MIB, 3 * MIB),
    (Habit::TwoVersions, 2 * MIB, 5 * MIB),
    (Habit::TwoVersions, 300_000, MIB),
    (Habit::Changes, 2 * MIB, 5 * MIB),
    (Habit::NoRanges, MIB, 3 * MIB),
    (Habit::Nameless, MIB, 3 * MIB),
];

/// One path of the origin.
#[derive(Debug, Clone)]
pub(super) struct Served {
    /// With its leading slash.
    pub(super) path: String,
    /// Every version that the origin ever shows.
    pub(super) versions: Vec<Arc<Vec<u8>>>,
    /// Whether what was fetched of it is good for ever: what is fetched again shows.
    pub(super) resumes: bool,
    /// Whether parts of it can be put together: it has a version and knows ranges.
    pub(super) joins: bool,
    content: Content,
    habit: Habit,
}

/// The files of a run, made once: their bytes are compared with often.
#[derive(Debug)]
pub(super) struct Library {
    files: Vec<Served>,
}

impl Library {
    pub(super) fn new(chance: &mut Chance) -> Library {
        let files = HABITS.iter().zip(0_u64..).map(|((habit, least, most), number)| {
            let size = chance.within(*least..*most);
            Served::new(number, Content::new(number + 1, size), *habit)
        });
        Library { files: files.collect() }
    }

    pub(super) fn files(&self) -> &[Served] {
        &self.files
    }
}

impl Served {
    fn new(number: u64, content: Content, habit: Habit) -> Served {
        let has_two = matches!(habit, Habit::TwoVersions | Habit::Changes);
        let contents = if has_two { vec![content, content.changed()] } else { vec![content] };
        Served {
            path: format!("/{number}-{habit:?}"),
            versions: contents.iter().map(|content| Arc::new(content.all())).collect(),
            resumes: !has_two && !matches!(habit, Habit::NoRanges | Habit::Nameless),
            joins: !matches!(habit, Habit::NoRanges | Habit::Nameless),
            content,
            habit,
        }
    }

    /// Bytes of every version.
    pub(super) fn size(&self) -> u64 {
        self.content.size()
    }

    /// SHA-256 of the first version, as callers give it.
    pub(super) fn sha256(&self) -> String {
        self.content.sha256().iter().map(|byte| format!("{byte:02x}")).collect()
    }

    /// What a file of these ranges holds in each version; all of it for no range.
    pub(super) fn results(&self, ranges: &[ByteRange]) -> Vec<Arc<Vec<u8>>> {
        if ranges.is_empty() {
            return self.versions.clone();
        }
        let cut = |version: &Arc<Vec<u8>>| {
            let parts = ranges.iter().flat_map(|range| {
                let start = range.offset as usize;
                let end = range.length.map_or(version.len(), |length| start + length as usize);
                &version[start..end]
            });
            Arc::new(parts.copied().collect())
        };
        self.versions.iter().map(cut).collect()
    }

    /// The route for one run of the origin.
    pub(super) fn route(&self, chance: &mut Chance) -> Route {
        let rate = chance.weighted(&[(2, 20 * MIB), (3, 80 * MIB), (3, 400 * MIB)]);
        let mut route = Route::honest(self.content).always(Pace::RatePerConnection(rate));
        let behaviours = |chance: &mut Chance| -> Vec<Behaviour> {
            let somewhere = chance.within(0..self.size().max(1));
            match self.habit {
                Habit::Honest => vec![],
                Habit::Resets => vec![End::ResetAfter(somewhere).into()],
                Habit::CutsShort => vec![End::FinAfter(somewhere).into()],
                Habit::Refuses => vec![Answer::Status(503).into()],
                Habit::Stammers => vec![Pace::Drip(50_000, Duration::from_millis(7)).into()],
                // Two servers behind one name that have different versions, one of which breaks off.
                Habit::TwoVersions => {
                    vec![
                        Version::NewTag.into(),
                        Version::NewBytes.into(),
                        End::ResetAfter(somewhere).into(),
                    ]
                }
                Habit::NoRanges => vec![End::ResetAfter(somewhere).into()],
                Habit::Nameless => vec![End::FinAfter(somewhere).into()],
                Habit::Changes => vec![Length::Longer(1).into()],
            }
        };
        for nth in 1..=STREWN_OVER as u32 {
            if chance.one_in(3) {
                for behaviour in behaviours(chance) {
                    route = route.when(When::Only(nth), behaviour);
                }
            }
        }
        match self.habit {
            Habit::NoRanges => route.always(Ranges::Ignored),
            Habit::Nameless => route.always(Version::NoTag).always(Version::NoDate),
            Habit::Changes => {
                let after = When::After(chance.within(1..30) as u32);
                route.when(after, Version::NewTag).when(after, Version::NewBytes)
            }
            Habit::Honest
            | Habit::Resets
            | Habit::CutsShort
            | Habit::Refuses
            | Habit::Stammers
            | Habit::TwoVersions => route,
        }
    }

    /// The route with which everything ends well, and soon.
    pub(super) fn healed(&self) -> Route {
        let route = Route::honest(self.content);
        match self.habit {
            Habit::Changes => route.always(Version::NewTag).always(Version::NewBytes),
            _ => route,
        }
    }
}
