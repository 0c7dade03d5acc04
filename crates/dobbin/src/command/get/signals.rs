//! Ctrl-C, and the polite request to end.

use tokio::signal::unix::{Signal, SignalKind, signal};

use crate::trouble::Trouble;

/// Hears SIGINT and SIGTERM from when it is made; until then they end the program as usual.
#[derive(Debug)]
pub(super) struct Signals {
    interrupt: Signal,
    terminate: Signal,
}

impl Signals {
    pub(super) fn new() -> Result<Signals, Trouble> {
        let hear = |kind| {
            signal(kind).map_err(|error| Trouble::failed(format!("cannot hear signals: {error}")))
        };
        let (interrupt, terminate) =
            (hear(SignalKind::interrupt())?, hear(SignalKind::terminate())?);
        Ok(Signals { interrupt, terminate })
    }

    /// Waits for the next one.
    pub(super) async fn next(&mut self) {
        tokio::select! {
            _ = self.interrupt.recv() => {}
            _ = self.terminate.recv() => {}
        }
    }
}
