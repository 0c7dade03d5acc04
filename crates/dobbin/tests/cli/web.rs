//! A server of a few texts, for commands that fetch with an agent of their own.

use std::collections::BTreeMap;
use std::io::{BufRead as _, BufReader, Write as _};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::{Arc, Mutex};

/// What is served under one path.
#[derive(Debug, Clone)]
pub(crate) enum Page {
    /// This text, whole.
    Text(String),
    /// So many bytes are promised, and a few of them come.
    Endless(u64),
}

/// The server. Its threads end with the test's process.
pub(crate) struct Web {
    address: SocketAddr,
    asked: Arc<Mutex<Vec<String>>>,
    pages: Arc<Mutex<BTreeMap<String, Page>>>,
}

impl Web {
    /// Listens on a free port, with nothing to serve.
    pub(crate) fn start() -> Web {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let (asked, pages) = (Arc::default(), Arc::default());
        let web = Web { address, asked: Arc::clone(&asked), pages: Arc::clone(&pages) };
        std::thread::spawn(move || {
            for stream in listener.incoming() {
                let (asked, pages) = (Arc::clone(&asked), Arc::clone(&pages));
                std::thread::spawn(move || serve(stream.unwrap(), &asked, &pages));
            }
        });
        web
    }

    /// Serves this from now on.
    pub(crate) fn serve(&self, path: &str, page: Page) {
        self.pages.lock().unwrap().insert(path.to_owned(), page);
    }

    pub(crate) fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.address)
    }

    /// The paths that were asked for, in order.
    pub(crate) fn asked(&self) -> Vec<String> {
        self.asked.lock().unwrap().clone()
    }
}

fn serve(mut stream: TcpStream, asked: &Mutex<Vec<String>>, pages: &Mutex<BTreeMap<String, Page>>) {
    let mut lines = BufReader::new(stream.try_clone().unwrap()).lines();
    while let Some(Ok(first)) = lines.next() {
        let path = first.split(' ').nth(1).unwrap_or_default().to_owned();
        for line in lines.by_ref() {
            if line.is_ok_and(|line| line.is_empty()) {
                break;
            }
        }
        asked.lock().unwrap().push(path.clone());
        let page = pages.lock().unwrap().get(&path).cloned();
        let reply = match &page {
            None => "HTTP/1.1 404 Not Found\r\ncontent-length: 0\r\n\r\n".to_owned(),
            Some(Page::Text(text)) => {
                let length = text.len();
                format!("HTTP/1.1 200 OK\r\netag: \"1\"\r\ncontent-length: {length}\r\n\r\n{text}")
            }
            Some(Page::Endless(length)) => {
                format!("HTTP/1.1 200 OK\r\ncontent-length: {length}\r\n\r\n<metalink")
            }
        };
        if stream.write_all(reply.as_bytes()).is_err() {
            return;
        }
    }
}
