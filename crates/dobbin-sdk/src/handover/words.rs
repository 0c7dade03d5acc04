//! The connection for open files.

use std::io::{self, IoSlice};
use std::mem::MaybeUninit;
use std::os::fd::BorrowedFd;

use dobbin_types::rest::{AgentWord, ClientWord, HANDOVER_FILES_MAX, HANDOVER_WORD_BYTES_MAX};
use rustix::net::{SendAncillaryBuffer, SendAncillaryMessage, SendFlags, sendmsg};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _, Interest};
use tokio::net::UnixStream;

use super::DOING;
use crate::error::{Error, Tried, Unreachable};
use crate::manager::Manager;
use crate::transport::dial;

/// The connection over which a job is handed over.
pub(super) struct Words {
    stream: UnixStream,
}

impl Words {
    /// Connects to the socket of this name beside the agent's own. Whoever listens there must be the
    /// agent itself: open files are given to nobody else.
    pub(super) async fn open(manager: &Manager, name: &str) -> Result<Words, Error> {
        if name.is_empty() || name.contains('/') {
            return Err(misunderstood("it names no socket beside its own".to_owned()));
        }
        let socket = manager.socket().with_file_name(name);
        let no_service =
            |why| Error::NoService { tried: vec![Tried { socket: socket.clone(), why }] };
        let stream = dial(&socket).await.map_err(|error| no_service(error.into()))?;
        let uid = stream.peer_cred().map_err(|error| no_service(error.into()))?.uid();
        if uid != manager.agent_uid().0 {
            return Err(no_service(Unreachable::Impostor { uid }));
        }
        Ok(Words { stream })
    }

    /// Says a word, with open files beside its first byte.
    pub(super) async fn say(
        &mut self,
        word: &ClientWord,
        files: &[BorrowedFd<'_>],
    ) -> Result<(), Error> {
        let mut bytes =
            serde_json::to_vec(word).map_err(|error| misunderstood(error.to_string()))?;
        bytes.push(b'\n');
        let send = || send(&self.stream, &bytes, files);
        let sent = self.stream.async_io(Interest::WRITABLE, send).await.map_err(lost)?;
        self.stream.write_all(&bytes[sent..]).await.map_err(lost)
    }

    /// The agent's next word.
    pub(super) async fn hear(&mut self) -> Result<AgentWord, Error> {
        let mut bytes = Vec::new();
        // The agent waits for us after each word, so nothing stands behind it.
        while bytes.last() != Some(&b'\n') {
            if self.stream.read_buf(&mut bytes).await.map_err(lost)? == 0 {
                return Err(lost(io::ErrorKind::UnexpectedEof.into()));
            }
            if bytes.len() > HANDOVER_WORD_BYTES_MAX {
                return Err(misunderstood("its word has no end".to_owned()));
            }
        }
        serde_json::from_slice(&bytes).map_err(|error| misunderstood(error.to_string()))
    }
}

fn send(stream: &UnixStream, bytes: &[u8], files: &[BorrowedFd<'_>]) -> io::Result<usize> {
    let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(HANDOVER_FILES_MAX))];
    let mut control = SendAncillaryBuffer::new(&mut space);
    if !files.is_empty() && !control.push(SendAncillaryMessage::ScmRights(files)) {
        return Err(io::ErrorKind::InvalidInput.into());
    }
    Ok(sendmsg(stream, &[IoSlice::new(bytes)], &mut control, SendFlags::NOSIGNAL)?)
}

fn lost(source: io::Error) -> Error {
    Error::Lost { doing: DOING, source }
}

fn misunderstood(why: String) -> Error {
    Error::Protocol { doing: DOING, why }
}
