//! The word that the agent is about to leave, told once to everybody who waits for something.

use std::future::Future;
use std::pin::Pin;

use tokio::sync::watch;

/// Says when to leave. Dropping it says it too.
#[derive(Debug)]
pub(crate) struct LeaveSign(watch::Sender<bool>);

/// Hears when to leave. Cheap to clone.
#[derive(Debug, Clone)]
pub(crate) struct Leave(watch::Receiver<bool>);

impl LeaveSign {
    /// A sign and who hears it.
    pub(crate) fn new() -> (LeaveSign, Leave) {
        let (sender, receiver) = watch::channel(false);
        (LeaveSign(sender), Leave(receiver))
    }

    /// Tells everybody, now and for good.
    pub(crate) fn give(&self) {
        self.0.send_replace(true);
    }
}

impl Leave {
    /// Waits until it is time to leave.
    pub(crate) async fn told(&mut self) {
        // An error means that the sign was dropped: then it is time as well.
        let _ = self.0.wait_for(|told| *told).await;
    }

    /// The same, for those who poll by hand.
    pub(crate) fn into_future(mut self) -> Pin<Box<dyn Future<Output = ()> + Send>> {
        Box::pin(async move { self.told().await })
    }
}
