//! Real connections over loopback, and whose they are.

use std::io::{self, Read};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::os::unix::net::UnixStream;
use std::thread;

use dobbin_types::Uid;

use crate::identity::{own_uid, tcp_peer_uid};

/// A user that is neither root nor, in all likelihood, the one who runs the tests.
const SOMEBODY: u32 = 61_235;

/// Both ends of a connection to a listener at `address`: the client's, then the server's.
fn connection(address: &str) -> io::Result<(TcpStream, TcpStream)> {
    let listener = TcpListener::bind(address)?;
    let client = TcpStream::connect(listener.local_addr()?)?;
    let (server, _) = listener.accept()?;
    Ok((client, server))
}

#[test]
fn the_other_end_of_a_loopback_connection_is_ours() {
    let (client, server) = connection("127.0.0.1:0").unwrap();
    assert_eq!(tcp_peer_uid(&server).unwrap(), Some(own_uid()));
    assert_eq!(tcp_peer_uid(&client).unwrap(), Some(own_uid()));
    match connection("[::1]:0") {
        Ok((_client, server)) => assert_eq!(tcp_peer_uid(&server).unwrap(), Some(own_uid())),
        Err(error) => eprintln!("SKIPPED: no IPv6 here: {error}"),
    }
}

#[test]
fn a_listener_of_both_versions_sees_who_came_by_the_older_one() {
    let listener = match TcpListener::bind("[::]:0") {
        Ok(listener) => listener,
        Err(error) => return eprintln!("SKIPPED: no IPv6 here: {error}"),
    };
    let port = listener.local_addr().unwrap().port();
    let client = TcpStream::connect(("127.0.0.1", port)).unwrap();
    let (server, _) = listener.accept().unwrap();
    assert_eq!(tcp_peer_uid(&server).unwrap(), Some(own_uid()));
    assert_eq!(tcp_peer_uid(&client).unwrap(), Some(own_uid()));
}

#[test]
fn somebody_elses_connection_is_theirs() {
    if own_uid() != Uid::ROOT {
        return eprintln!("SKIPPED: only root can connect as somebody else");
    }
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    let connect_as_somebody = move || {
        let uid = rustix::thread::Uid::from_raw(SOMEBODY);
        rustix::thread::set_thread_res_uid(uid, uid, uid).unwrap();
        TcpStream::connect(address).unwrap()
    };
    let client = thread::spawn(connect_as_somebody).join().unwrap();
    let (server, _) = listener.accept().unwrap();
    assert_eq!(tcp_peer_uid(&server).unwrap(), Some(Uid(SOMEBODY)));
    assert_eq!(tcp_peer_uid(&client).unwrap(), Some(Uid::ROOT));
}

#[test]
fn a_peer_that_waits_for_its_answer_with_its_side_closed_is_known() {
    let (client, server) = connection("127.0.0.1:0").unwrap();
    client.shutdown(Shutdown::Write).unwrap();
    assert_eq!((&server).read(&mut [0; 1]).unwrap(), 0);
    assert_eq!(tcp_peer_uid(&server).unwrap(), Some(own_uid()));
}

/// The kernel still lists such a connection, with user 0.
#[test]
fn a_peer_that_has_gone_is_nobody() {
    let (client, server) = connection("127.0.0.1:0").unwrap();
    drop(client);
    assert_eq!((&server).read(&mut [0; 1]).unwrap(), 0);
    assert_eq!(tcp_peer_uid(&server).unwrap(), None);
}

#[test]
fn what_is_no_connection_over_tcp_has_no_such_peer() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let error = tcp_peer_uid(&listener).unwrap_err();
    assert_eq!(error.kind(), io::ErrorKind::NotConnected, "{error}");
    let (unix, _other) = UnixStream::pair().unwrap();
    assert!(tcp_peer_uid(&unix).is_err());
}
