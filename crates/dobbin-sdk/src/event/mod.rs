//! What happens to jobs, as it happens.

mod decode;

use std::collections::VecDeque;

use dobbin_types::rest::{Event, EventKind};
use hyper::body::Incoming;

use self::decode::{Decoder, Message};
use crate::error::Error;
use crate::transport::{Call, Connection, Transport};

/// A subscription to what happens to one job or to all of the caller's jobs
/// (`IBackgroundCopyJob::SetNotifyInterface`).
///
/// It has a connection of its own and ends with it: dropping it unsubscribes.
#[derive(Debug)]
pub struct Events {
    call: Call,
    connection: Connection,
    body: Incoming,
    decoder: Decoder,
    ready: VecDeque<Event>,
}

impl Events {
    pub(crate) async fn open(transport: &Transport, call: Call) -> Result<Events, Error> {
        let (connection, body) = transport.stream(&call).await?;
        let (decoder, ready) = (Decoder::default(), VecDeque::new());
        Ok(Events { call, connection, body, decoder, ready })
    }

    /// Waits for the next event. The first ones are [`EventKind::Current`], one for every job that the
    /// subscription covers.
    ///
    /// May be dropped while it waits; nothing is lost then.
    ///
    /// # Errors
    ///
    /// [`Error::Lost`] when the agent ends the subscription: it stops, or this reader fell too far
    /// behind. A new subscription begins with the picture as it is then.
    pub async fn next(&mut self) -> Result<Event, Error> {
        loop {
            if let Some(event) = self.ready.pop_front() {
                return Ok(event);
            }
            match self.connection.next_bytes(&self.call, &mut self.body).await? {
                Some(bytes) => self.read(&bytes)?,
                None => {
                    let source = std::io::ErrorKind::UnexpectedEof.into();
                    return Err(Error::Lost { doing: self.call.doing, source });
                }
            }
        }
    }

    fn read(&mut self, bytes: &[u8]) -> Result<(), Error> {
        let nonsense = |why: String| Error::Protocol { doing: self.call.doing, why };
        self.decoder.push(bytes).map_err(|error| nonsense(error.to_string()))?;
        while let Some(message) = self.decoder.pop() {
            match serde_json::from_slice(&message.data) {
                Ok(event) => self.ready.push_back(event),
                // A newer agent may tell of more kinds of events than this client knows.
                Err(_) if is_unknown_kind(&message) => {}
                Err(error) => return Err(nonsense(format!("an event that is no event: {error}"))),
            }
        }
        Ok(())
    }
}

fn is_unknown_kind(message: &Message) -> bool {
    const KNOWN: [EventKind; 6] = [
        EventKind::Current,
        EventKind::Created,
        EventKind::Modified,
        EventKind::Transferred,
        EventKind::Error,
        EventKind::Ended,
    ];
    !message.name.is_empty() && KNOWN.iter().all(|kind| kind.word().as_bytes() != message.name)
}
