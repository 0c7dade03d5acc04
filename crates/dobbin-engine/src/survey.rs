//! How much of unfinished files was here when the service started: for people to see before the files
//! are gone on with.
//!
//! That stands in the store, one file for each, and nobody shall wait for a look at very many of them:
//! a few are looked at before the first answer, the others while the service works. Until then as much
//! counts as the journal says is flushed.

use std::sync::Arc;
use std::thread;

use dobbin_core::piece::PieceSet;
use dobbin_store::{Known, Place, Staging};

use crate::gauge::SharedGauge;

/// Files looked at before anybody is answered: a few hundredths of a second.
const AT_ONCE_MAX: usize = 256;

/// A file to look at.
pub(crate) struct Survey {
    pub(crate) gauge: SharedGauge,
    pub(crate) place: Place,
    /// Of the whole file, in bytes.
    pub(crate) size: u64,
    pub(crate) flushed: Option<PieceSet>,
}

impl Survey {
    fn look(&self, boot: &str) {
        let known = Known { boot, flushed: self.flushed.as_ref() };
        let layout = Staging::layout_of(&self.place, self.size);
        let had = layout.and_then(|layout| Staging::had_bytes(&self.place, layout, &known));
        if let Some(bytes) = had {
            let flushed_bytes = self.flushed.as_ref().map_or(0, PieceSet::byte_count);
            self.gauge.found(flushed_bytes, bytes);
        }
    }
}

/// Looks at all of them: at the first ones now, at the rest from a thread of its own.
pub(crate) fn run(mut surveys: Vec<Survey>, boot: &str) {
    let rest = surveys.split_off(surveys.len().min(AT_ONCE_MAX));
    surveys.iter().for_each(|survey| survey.look(boot));
    if rest.is_empty() {
        return;
    }
    let boot: Arc<str> = boot.into();
    let look = move || {
        for survey in rest {
            // Nobody but us has the gauge: the service is gone, or the job is.
            if Arc::strong_count(&survey.gauge) > 1 {
                survey.look(&boot);
            }
        }
    };
    if let Err(error) = thread::Builder::new().name("survey".to_owned()).spawn(look) {
        tracing::warn!(%error, "what is here of some files is not shown before they go on");
    }
}

#[cfg(test)]
mod tests;
