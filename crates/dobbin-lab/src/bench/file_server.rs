//! A plain file server: one thread a connection, sendfile. For machines without nginx, and wherever a
//! connection is to be limited.
//!
//! nginx limits requests, not connections, and gives each of them its first second for nothing: whoever
//! asks for many small parts would not be limited at all.

use std::collections::HashMap;
use std::fs::File;
use std::io::{self, Write};
use std::net::{Ipv4Addr, Shutdown, SocketAddr, TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use crate::origin::{Asked, Request, RequestReader, asked};

/// Bytes sent at a time where there is a rate.
const PACED_BYTES: usize = 128 * 1024;

/// How late a paced connection may wake up and still catch up.
const LATE_MAX: Duration = Duration::from_millis(50);

/// Connections at once; one more is closed.
const CONNECTIONS_MAX: usize = 256;

/// Serves the files that lie directly in one folder, whole and in single ranges. Stops when dropped.
#[derive(Debug)]
pub struct FileServer {
    shared: Arc<Shared>,
    address: SocketAddr,
    accepting: Option<JoinHandle<Vec<JoinHandle<()>>>>,
}

#[derive(Debug)]
struct Shared {
    folder: PathBuf,
    /// Bytes per second of each connection.
    rate: Option<u64>,
    requests_count: AtomicUsize,
    sent_bytes: AtomicU64,
    over: AtomicBool,
    open: Mutex<HashMap<usize, TcpStream>>,
}

impl FileServer {
    /// Serves `folder`; each connection carries at most `rate` bytes a second, over all its replies.
    pub fn start(folder: &Path, rate: Option<u64>) -> io::Result<FileServer> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?;
        let address = listener.local_addr()?;
        let shared = Arc::new(Shared {
            folder: folder.to_owned(),
            rate,
            requests_count: AtomicUsize::new(0),
            sent_bytes: AtomicU64::new(0),
            over: AtomicBool::new(false),
            open: Mutex::default(),
        });
        let for_thread = Arc::clone(&shared);
        let accepting = thread::Builder::new()
            .name("lab-files".to_owned())
            .spawn(move || accept(&listener, &for_thread))?;
        Ok(FileServer { shared, address, accepting: Some(accepting) })
    }

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    pub(super) fn requests_count(&self) -> usize {
        self.shared.requests_count.load(Ordering::Relaxed)
    }

    /// Body bytes given to connections so far.
    pub(super) fn sent_bytes(&self) -> u64 {
        self.shared.sent_bytes.load(Ordering::Relaxed)
    }
}

impl Drop for FileServer {
    fn drop(&mut self) {
        self.shared.over.store(true, Ordering::SeqCst);
        // Wakes the thread that accepts.
        let _ = TcpStream::connect(self.address);
        let threads = self.accepting.take().and_then(|thread| thread.join().ok());
        for stream in self.shared.open.lock().unwrap_or_else(PoisonError::into_inner).values() {
            let _ = stream.shutdown(Shutdown::Both);
        }
        for thread in threads.into_iter().flatten() {
            let _ = thread.join();
        }
    }
}

fn accept(listener: &TcpListener, shared: &Arc<Shared>) -> Vec<JoinHandle<()>> {
    let mut threads: Vec<JoinHandle<()>> = Vec::new();
    for number in 0.. {
        let accepted = listener.accept();
        if shared.over.load(Ordering::SeqCst) {
            break;
        }
        let Ok((stream, _)) = accepted else { continue };
        threads.retain(|thread| !thread.is_finished());
        let Ok(registered) = stream.try_clone() else { continue };
        if threads.len() >= CONNECTIONS_MAX {
            continue;
        }
        shared.open.lock().unwrap_or_else(PoisonError::into_inner).insert(number, registered);
        let for_thread = Arc::clone(shared);
        let spawned = thread::Builder::new().name("lab-files-one".to_owned()).spawn(move || {
            // Whatever ends a connection, its client sees it; there is nobody else to tell.
            let _ = converse(&for_thread, &stream);
            let mut open = for_thread.open.lock().unwrap_or_else(PoisonError::into_inner);
            open.remove(&number);
        });
        threads.extend(spawned.ok());
    }
    threads
}

fn converse(shared: &Shared, mut stream: &TcpStream) -> io::Result<()> {
    let mut reader = RequestReader::default();
    let mut pace = shared.rate.map(|rate| Pace { rate, free_at: Instant::now() });
    while let Some(request) = reader.next(&mut stream)? {
        shared.requests_count.fetch_add(1, Ordering::Relaxed);
        answer(shared, stream, &request, pace.as_mut())?;
        if request.wants_close() {
            break;
        }
    }
    Ok(())
}

fn answer(
    shared: &Shared,
    mut stream: &TcpStream,
    request: &Request,
    mut pace: Option<&mut Pace>,
) -> io::Result<()> {
    let Some(file) = open(&shared.folder, request.path()) else {
        return stream.write_all(b"HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n");
    };
    let total = file.metadata()?.len();
    let wish = request.field("range").map_or(Asked::Whole, |text| asked(text, total, 0));
    let (status, range) = match wish {
        Asked::Whole => ("200 OK".to_owned(), 0..total),
        Asked::Part(range) => {
            let named = format!("{}-{}/{total}", range.start, range.end - 1);
            (format!("206 Partial Content\r\nContent-Range: bytes {named}"), range)
        }
        Asked::Beyond => {
            let status = format!("416 Range Not Satisfiable\r\nContent-Range: bytes */{total}");
            (status, 0..0)
        }
    };
    let head = format!(
        "HTTP/1.1 {status}\r\nContent-Length: {}\r\nAccept-Ranges: bytes\r\n\
         ETag: \"{total:x}\"\r\nContent-Type: application/octet-stream\r\n\r\n",
        range.end - range.start,
    );
    stream.write_all(head.as_bytes())?;
    if request.method == "HEAD" {
        return Ok(());
    }
    let mut offset = range.start;
    while offset < range.end {
        let step = if pace.is_some() { PACED_BYTES } else { 1 << 30 };
        let wanted = usize::try_from(range.end - offset).unwrap_or(usize::MAX).min(step);
        let sent = rustix::fs::sendfile(stream, &file, Some(&mut offset), wanted)?;
        if sent == 0 {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        shared.sent_bytes.fetch_add(sent as u64, Ordering::Relaxed);
        if let Some(pace) = &mut pace {
            thread::sleep(pace.wait_after(sent as u64, Instant::now()));
        }
    }
    Ok(())
}

/// Keeps one connection to its rate.
#[derive(Debug)]
struct Pace {
    rate: u64,
    /// When what was sent so far has taken its time.
    free_at: Instant,
}

impl Pace {
    /// How long to wait after these bytes.
    fn wait_after(&mut self, bytes: u64, now: Instant) -> Duration {
        // Waking up late is made good; being idle is not.
        let begin = now.checked_sub(LATE_MAX).map_or(self.free_at, |late| late.max(self.free_at));
        self.free_at = begin + Duration::from_secs_f64(bytes as f64 / self.rate as f64);
        self.free_at.saturating_duration_since(now)
    }
}

/// The file of that name directly in the folder.
fn open(folder: &Path, path: &str) -> Option<File> {
    let name = path.strip_prefix('/').filter(|name| !name.is_empty() && !name.contains('/'))?;
    File::open(folder.join(name))
        .ok()
        .filter(|file| file.metadata().is_ok_and(|metadata| metadata.is_file()))
}

#[cfg(test)]
mod tests {
    use std::io::Read;

    use super::*;

    fn ask(server: &FileServer, method: &str, path: &str, fields: &str) -> String {
        let mut stream = TcpStream::connect(server.address()).unwrap();
        write!(stream, "{method} {path} HTTP/1.1\r\nConnection: close\r\n{fields}\r\n").unwrap();
        let mut text = String::new();
        stream.read_to_string(&mut text).unwrap();
        text
    }

    #[test]
    fn a_pace_makes_good_what_came_late_and_gives_nothing_for_being_idle() {
        let begin = Instant::now() + Duration::from_secs(10);
        let mut pace = Pace { rate: 1000, free_at: begin };
        let millis = Duration::from_millis;
        for (at, bytes, wait) in [
            (millis(0), 100, millis(100)),
            // 20 ms late: the next wait is as much shorter.
            (millis(120), 100, millis(80)),
            // Idle for a second: only the small debt is given.
            (millis(1_200), 100, millis(50)),
        ] {
            let waits = pace.wait_after(bytes, begin + at);
            assert!(waits.abs_diff(wait) < millis(1), "{at:?}: {waits:?}");
        }
    }

    #[test]
    fn files_and_ranges_are_served() {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("a"), "0123456789").unwrap();
        let server = FileServer::start(folder.path(), None).unwrap();
        assert!(ask(&server, "GET", "/a", "").ends_with("\r\n\r\n0123456789"));
        let part = ask(&server, "GET", "/a", "Range: bytes=3-5\r\n");
        assert!(part.starts_with("HTTP/1.1 206 ") && part.ends_with("\r\n\r\n345"));
        assert!(part.contains("Content-Range: bytes 3-5/10\r\n"));
        assert!(ask(&server, "GET", "/a", "Range: bytes=10-\r\n").starts_with("HTTP/1.1 416 "));
        assert!(ask(&server, "HEAD", "/a", "").contains("Content-Length: 10\r\n"));
        for path in ["/b", "/", "/../a", "/%61"] {
            assert!(ask(&server, "GET", path, "").starts_with("HTTP/1.1 404 "), "{path}");
        }
        assert_eq!(server.requests_count(), 8);
        assert_eq!(server.sent_bytes(), 10 + 3);
    }

    #[test]
    fn an_open_connection_does_not_hold_up_the_end() {
        let folder = tempfile::tempdir().unwrap();
        let server = FileServer::start(folder.path(), None).unwrap();
        let mut stream = TcpStream::connect(server.address()).unwrap();
        drop(server);
        assert_eq!(stream.read(&mut [0]).unwrap_or(0), 0);
    }
}
