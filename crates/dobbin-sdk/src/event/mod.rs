//! What happens to jobs, as it happens.

mod decode;
mod stream;

use dobbin_types::rest::Event;

pub(crate) use self::stream::{Stream, Told};
use crate::error::Error;
use crate::transport::{Call, Transport};

/// A subscription to what happens to one job or to all of the caller's jobs, for whoever wants to
/// watch. A program that must not miss the end of its jobs is called back instead: see
/// [`crate::Listener`].
///
/// It has a connection of its own and ends with it: dropping it unsubscribes.
#[derive(Debug)]
pub struct Events(Stream<Event>);

impl Events {
    pub(crate) async fn open(transport: &Transport, call: Call) -> Result<Events, Error> {
        Stream::open(transport, call).await.map(Events)
    }

    /// Waits for the next event. The first ones are
    /// [`EventKind::Current`](dobbin_types::rest::EventKind::Current), one for every job that the
    /// subscription covers.
    ///
    /// May be dropped while it waits; nothing is lost then.
    ///
    /// # Errors
    ///
    /// [`Error::Lost`] when the agent ends the subscription: it stops, or this reader fell too far
    /// behind. A new subscription begins with the picture as it is then.
    pub async fn next(&mut self) -> Result<Event, Error> {
        self.0.next().await
    }
}

impl Told for Event {
    const WORDS: &'static [&'static str] =
        &["current", "created", "modified", "transferred", "error", "ended"];
}
