//! Ctrl-C and its relatives, as a flag.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;

use anyhow::{Context, Result, bail};
use tokio::signal::unix::{SignalKind, signal};

/// Whether somebody wants the bench to end. Whoever waits looks at it, and returns an error; the
/// children then end with the values that own them.
#[derive(Debug, Clone)]
pub(super) struct Interrupt(Arc<AtomicBool>);

impl Interrupt {
    /// Takes over SIGINT, SIGTERM and SIGHUP for the rest of the process's life.
    pub(super) fn watch() -> Result<Interrupt> {
        let flag = Arc::new(AtomicBool::new(false));
        let raised = Arc::clone(&flag);
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_io()
            .build()
            .context("cannot prepare for signals")?;
        let (mut int, mut term, mut hup) = {
            let _inside = runtime.enter();
            let watch = |kind| signal(kind).context("cannot watch a signal");
            (
                watch(SignalKind::interrupt())?,
                watch(SignalKind::terminate())?,
                watch(SignalKind::hangup())?,
            )
        };
        thread::Builder::new()
            .name("lab-signals".to_owned())
            .spawn(move || {
                runtime.block_on(async {
                    tokio::select! {
                        _ = int.recv() => {}
                        _ = term.recv() => {}
                        _ = hup.recv() => {}
                    }
                });
                raised.store(true, Ordering::Relaxed);
            })
            .context("cannot start a thread for signals")?;
        Ok(Interrupt(flag))
    }

    /// One that is never raised.
    #[cfg(test)]
    pub(super) fn never() -> Interrupt {
        Interrupt(Arc::default())
    }

    /// Errors: once somebody wants an end.
    pub(super) fn check(&self) -> Result<()> {
        if self.0.load(Ordering::Relaxed) {
            bail!("interrupted");
        }
        Ok(())
    }
}
