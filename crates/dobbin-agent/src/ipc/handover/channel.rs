//! Words and open files on one connection.

use std::fs::File;
use std::io::{self, Write};
use std::os::unix::net::UnixStream;
use std::time::Duration;

use dobbin_platform::descriptor::{self, DESCRIPTORS_MAX};
use dobbin_types::rest::{AgentWord, ClientWord, HANDOVER_FILES_MAX, HANDOVER_WORD_BYTES_MAX};

/// How long a client may take from one word to the next. Between them it creates, renames and flushes
/// a few files, which on a busy disk takes seconds.
const PATIENCE: Duration = Duration::from_secs(60);

/// Bytes read at a time.
const READ_BYTES: usize = 4 * 1024;

const _: () = assert!(HANDOVER_FILES_MAX <= DESCRIPTORS_MAX);

/// One connection.
pub(super) struct Channel {
    stream: UnixStream,
}

/// Why there is no next word.
#[derive(Debug, thiserror::Error)]
pub(super) enum Broken {
    /// The other end hung up, or is too slow.
    #[error("the connection ended")]
    Ended(#[source] Option<io::Error>),
    /// What came is no word.
    #[error("{0}")]
    Nonsense(String),
}

impl Channel {
    pub(super) fn new(stream: UnixStream) -> io::Result<Channel> {
        stream.set_nonblocking(false)?;
        stream.set_read_timeout(Some(PATIENCE))?;
        stream.set_write_timeout(Some(PATIENCE))?;
        Ok(Channel { stream })
    }

    /// The next word and the open files that came with it.
    ///
    /// A client speaks when it is asked and then waits, so that nothing may stand behind its word.
    pub(super) fn read(&mut self) -> Result<(ClientWord, Vec<File>), Broken> {
        let mut bytes = Vec::new();
        let mut files = Vec::new();
        let mut buffer = [0; READ_BYTES];
        while bytes.last() != Some(&b'\n') {
            let got = descriptor::receive(&self.stream, &mut buffer).map_err(broken)?;
            if got.bytes_count == 0 {
                return Err(Broken::Ended(None));
            }
            bytes.extend_from_slice(&buffer[..got.bytes_count]);
            files.extend(got.files.into_iter().map(File::from));
            if files.len() > HANDOVER_FILES_MAX || bytes.len() > HANDOVER_WORD_BYTES_MAX {
                return Err(Broken::Nonsense("the word is too long".to_owned()));
            }
        }
        let word = serde_json::from_slice(&bytes)
            .map_err(|error| Broken::Nonsense(format!("this is no word: {error}")))?;
        Ok((word, files))
    }

    pub(super) fn write(&mut self, word: &AgentWord) -> Result<(), Broken> {
        let mut bytes =
            serde_json::to_vec(word).map_err(|error| Broken::Nonsense(error.to_string()))?;
        bytes.push(b'\n');
        self.stream.write_all(&bytes).map_err(|error| Broken::Ended(Some(error)))
    }
}

fn broken(error: io::Error) -> Broken {
    match error.kind() {
        io::ErrorKind::InvalidData => Broken::Nonsense(error.to_string()),
        _ => Broken::Ended(Some(error)),
    }
}
