//! The words of a handover, said by hand: what a client that dies, or means no good, can say.

use std::io::{BufRead, BufReader, Read, Write};
use std::os::fd::{AsFd, BorrowedFd};
use std::os::unix::net::UnixStream;
use std::path::Path;

use dobbin_platform::descriptor::send;
use dobbin_types::JobId;
use dobbin_types::rest::{AgentWord, ClientWord, Failure, Handover, OpenedFile, route};
use serde::de::DeserializeOwned;

/// A connection for open files.
pub(crate) struct Words {
    pub(crate) stream: UnixStream,
}

impl Words {
    pub(crate) fn open(api: &Path) -> Words {
        Words { stream: UnixStream::connect(api.with_file_name("files.sock")).unwrap() }
    }

    /// Asks for leave and begins.
    pub(crate) fn begin(api: &Path, job: JobId) -> (Words, AgentWord) {
        let leave: Handover = post(api, &route::of_job(route::HANDOVER, job)).unwrap();
        assert_eq!(leave.socket, "files.sock");
        let mut words = Words::open(api);
        let first = words.ask(&ClientWord::Begin { token: leave.token }, &[]);
        (words, first)
    }

    pub(crate) fn say(&mut self, word: &ClientWord, files: &[BorrowedFd<'_>]) {
        let mut text = serde_json::to_vec(word).unwrap();
        text.push(b'\n');
        let sent = send(&self.stream, &text, files).unwrap();
        assert_eq!(sent, text.len());
    }

    pub(crate) fn hear(&mut self) -> AgentWord {
        let mut line = String::new();
        BufReader::new(&self.stream).read_line(&mut line).unwrap();
        serde_json::from_str(&line).unwrap_or_else(|error| panic!("{error}: {line:?}"))
    }

    pub(crate) fn ask(&mut self, word: &ClientWord, files: &[BorrowedFd<'_>]) -> AgentWord {
        self.say(word, files);
        self.hear()
    }

    /// Asks for the first file to be filled into `file`.
    pub(crate) fn fill(&mut self, identity: &str, file: &impl AsFd) -> AgentWord {
        let files =
            vec![OpenedFile { number: dobbin_types::FileNumber(0), identity: identity.into() }];
        self.ask(&ClientWord::Fill { files }, &[file.as_fd()])
    }
}

/// One POST without body.
pub(crate) fn post<T: DeserializeOwned>(api: &Path, path: &str) -> Result<T, Failure> {
    let mut stream = UnixStream::connect(api).unwrap();
    let request = format!("POST {path} HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n");
    stream.write_all(request.as_bytes()).unwrap();
    let mut reply = String::new();
    stream.read_to_string(&mut reply).unwrap();
    let (head, body) = reply.split_once("\r\n\r\n").unwrap();
    if head.starts_with("HTTP/1.1 2") {
        return Ok(serde_json::from_str(body).unwrap());
    }
    Err(serde_json::from_str(body).unwrap_or_else(|error| panic!("{error}: {reply}")))
}
