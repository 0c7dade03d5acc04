//! A reply that has no end, read event by event.

use std::collections::VecDeque;

use hyper::body::Incoming;
use serde::de::DeserializeOwned;

use super::decode::{Decoder, Message};
use crate::error::Error;
use crate::transport::{Call, Connection, Transport};

/// Something that a stream tells.
pub(crate) trait Told: DeserializeOwned {
    /// The names on the wire of all that this client knows.
    const WORDS: &'static [&'static str];
}

/// A stream of events on a connection of its own.
#[derive(Debug)]
pub(crate) struct Stream<E> {
    call: Call,
    connection: Connection,
    body: Incoming,
    decoder: Decoder,
    ready: VecDeque<E>,
}

impl<E: Told> Stream<E> {
    pub(crate) async fn open(transport: &Transport, call: Call) -> Result<Stream<E>, Error> {
        let (connection, body) = transport.stream(&call).await?;
        let (decoder, ready) = (Decoder::default(), VecDeque::new());
        Ok(Stream { call, connection, body, decoder, ready })
    }

    /// Waits for the next event. May be dropped while it waits; nothing is lost then.
    pub(crate) async fn next(&mut self) -> Result<E, Error> {
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
                Err(_) if is_unknown::<E>(&message) => {}
                Err(error) => return Err(nonsense(format!("an event that is no event: {error}"))),
            }
        }
        Ok(())
    }
}

fn is_unknown<E: Told>(message: &Message) -> bool {
    !message.name.is_empty() && E::WORDS.iter().all(|word| word.as_bytes() != message.name)
}
