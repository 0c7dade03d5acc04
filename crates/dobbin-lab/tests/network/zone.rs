//! A name server of our own (RFC 1035), at the far end, which says what a test wants.

use std::collections::HashMap;
use std::io::{Read, Write};
use std::net::{IpAddr, TcpListener, UdpSocket};
use std::sync::{Arc, Mutex};
use std::thread;

use crate::stage::{FAR_V4, Net};

/// What it says of a name.
#[derive(Clone)]
pub(crate) enum Word {
    /// These addresses, for no time at all.
    Addresses(Vec<IpAddr>),
    /// There is no such name.
    NoSuchName,
    /// Something is wrong with the server.
    Failure,
    /// Nothing.
    Silence,
}

/// Names and what is said of them. A name that is not in it does not exist.
#[derive(Clone, Default)]
pub(crate) struct Zone(Arc<Mutex<HashMap<String, Word>>>);

/// The longest answer over UDP (§2.3.4).
const UDP_BYTES_MAX: usize = 512;

impl Zone {
    /// Serves an empty zone at the far end, and has the near one ask there and nowhere else. It ends
    /// with the process.
    pub(crate) fn start(net: &Net) -> Zone {
        let zone = Zone::default();
        let (udp, tcp) = net.over_there(|| {
            (UdpSocket::bind((FAR_V4, 53)).unwrap(), TcpListener::bind((FAR_V4, 53)).unwrap())
        });
        let for_udp = zone.clone();
        thread::spawn(move || for_udp.over_udp(&udp));
        let for_tcp = zone.clone();
        thread::spawn(move || for_tcp.over_tcp(&tcp));
        let folder = tempfile::tempdir().unwrap();
        for (name, text) in [
            ("resolv.conf", format!("nameserver {FAR_V4}\noptions timeout:1 attempts:1\n")),
            ("nsswitch.conf", "hosts: dns\n".to_owned()),
        ] {
            let path = folder.path().join(name);
            std::fs::write(&path, text).unwrap();
            // Its own mounts: nobody else sees them, and they keep the file when its folder goes.
            net.near(&format!("mount --bind {} /etc/{name}", path.display()));
        }
        zone
    }

    /// From now on says this of a name.
    pub(crate) fn say(&self, name: &str, word: Word) {
        self.0.lock().unwrap().insert(name.to_owned(), word);
    }

    fn over_udp(&self, socket: &UdpSocket) {
        let mut question = [0; UDP_BYTES_MAX];
        while let Ok((length, asker)) = socket.recv_from(&mut question) {
            let Some(mut answer) = self.answer(&question[..length]) else { continue };
            if answer.len() > UDP_BYTES_MAX {
                // "Truncated": ask again over TCP.
                answer.truncate(length);
                answer[2] |= 2;
                answer[6..12].fill(0);
            }
            let _ = socket.send_to(&answer, asker);
        }
    }

    fn over_tcp(&self, listener: &TcpListener) {
        for mut stream in listener.incoming().map_while(Result::ok) {
            let mut length = [0; 2];
            while stream.read_exact(&mut length).is_ok() {
                let mut question = vec![0; u16::from_be_bytes(length).into()];
                stream.read_exact(&mut question).unwrap();
                let Some(answer) = self.answer(&question) else { continue };
                stream.write_all(&(answer.len() as u16).to_be_bytes()).unwrap();
                stream.write_all(&answer).unwrap();
            }
        }
    }

    /// The answer to a query with one question; `None` where silence is the answer.
    fn answer(&self, query: &[u8]) -> Option<Vec<u8>> {
        let (name, end) = name(query)?;
        let kind = u16::from_be_bytes([query[end], query[end + 1]]);
        let word = self.0.lock().unwrap().get(&name).cloned().unwrap_or(Word::NoSuchName);
        let (code, addresses) = match word {
            Word::Addresses(addresses) => (0, addresses),
            Word::NoSuchName => (3, Vec::new()),
            Word::Failure => (2, Vec::new()),
            Word::Silence => return None,
        };
        // The question with its type and class, as an answer, recursion available.
        let mut answer = query[..end + 4].to_vec();
        answer[2] = 0x81;
        answer[3] = 0x80 | code;
        let mut count: u16 = 0;
        for address in addresses {
            let (its_kind, bytes) = match address {
                IpAddr::V4(v4) => (1_u16, v4.octets().to_vec()),
                IpAddr::V6(v6) => (28, v6.octets().to_vec()),
            };
            if its_kind != kind {
                continue;
            }
            count += 1;
            // The name is the question's; class IN; no time to live.
            answer.extend([0xC0, 12]);
            answer.extend(its_kind.to_be_bytes());
            answer.extend([0, 1, 0, 0, 0, 0]);
            answer.extend((bytes.len() as u16).to_be_bytes());
            answer.extend(bytes);
        }
        answer[6..8].copy_from_slice(&count.to_be_bytes());
        answer[8..12].fill(0);
        Some(answer)
    }
}

/// The name of the first question, and where it ends.
fn name(query: &[u8]) -> Option<(String, usize)> {
    let mut labels = Vec::new();
    let mut at = 12;
    loop {
        let length = usize::from(*query.get(at)?);
        at += 1;
        if length == 0 {
            return Some((labels.join("."), at));
        }
        labels.push(String::from_utf8_lossy(query.get(at..at + length)?).to_lowercase());
        at += length;
    }
}
