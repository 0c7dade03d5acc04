//! A connection through a SOCKS 5 proxy (RFC 1928), with a user name if need be (RFC 1929).

use std::io;
use std::net::SocketAddr;

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

use super::error::FetchErrorKind;
use super::wire::Wire;

/// Where the proxy is to connect to.
#[derive(Debug, Clone, Copy)]
pub(super) enum Goal<'a> {
    /// A name, for the proxy to look up (`socks5h`).
    Name(&'a str, u16),
    /// An address that we looked up and judged (`socks5`).
    Address(SocketAddr),
}

const VERSION: u8 = 5;
const NO_CREDENTIALS: u8 = 0;
const USER_AND_PASSWORD: u8 = 2;
const NONE_OF_THESE: u8 = 0xff;
const CONNECT: u8 = 1;
const IPV4: u8 = 1;
const NAME: u8 = 3;
const IPV6: u8 = 4;

/// Asks the proxy at the other end for a connection. Time is the caller's to bound.
pub(super) async fn open(
    wire: &mut Wire,
    goal: Goal<'_>,
    credentials: Option<(&str, &str)>,
) -> Result<(), FetchErrorKind> {
    let request = request(goal).ok_or(FetchErrorKind::Url)?;
    match credentials {
        Some(_) => send(wire, &[VERSION, 2, NO_CREDENTIALS, USER_AND_PASSWORD]).await?,
        None => send(wire, &[VERSION, 1, NO_CREDENTIALS]).await?,
    }
    match (receive(wire).await?, credentials) {
        ([VERSION, NO_CREDENTIALS], _) => {}
        ([VERSION, USER_AND_PASSWORD], Some((user, password))) => {
            let login = login(user, password).ok_or(FetchErrorKind::ProxyAuthentication)?;
            send(wire, &login).await?;
            let [_, status] = receive(wire).await?;
            if status != 0 {
                return Err(FetchErrorKind::ProxyAuthentication);
            }
        }
        ([VERSION, NONE_OF_THESE], _) => return Err(FetchErrorKind::ProxyAuthentication),
        _ => return Err(FetchErrorKind::ProxyRefused(0)),
    }
    send(wire, &request).await?;
    let [version, reply, _, kind] = receive(wire).await?;
    if version != VERSION {
        return Err(FetchErrorKind::ProxyRefused(0));
    }
    if reply != 0 {
        return Err(FetchErrorKind::ProxyRefused(reply.into()));
    }
    skip_address(wire, kind).await
}

/// Reads over the address from which the proxy connected, which concerns nobody.
async fn skip_address(wire: &mut Wire, kind: u8) -> Result<(), FetchErrorKind> {
    let length = match kind {
        IPV4 => 4,
        IPV6 => 16,
        NAME => {
            let [length] = receive(wire).await?;
            usize::from(length)
        }
        _ => return Err(FetchErrorKind::ProxyRefused(0)),
    };
    let mut address_and_port = vec![0; length + 2];
    wire.read_exact(&mut address_and_port).await.map_err(|error| broken(&error))?;
    Ok(())
}

/// `None` if the name is too long for the protocol.
fn request(goal: Goal<'_>) -> Option<Vec<u8>> {
    let mut bytes = vec![VERSION, CONNECT, 0];
    let port = match goal {
        Goal::Name(name, port) => {
            bytes.extend([NAME, u8::try_from(name.len()).ok()?]);
            bytes.extend(name.as_bytes());
            port
        }
        Goal::Address(SocketAddr::V4(address)) => {
            bytes.push(IPV4);
            bytes.extend(address.ip().octets());
            address.port()
        }
        Goal::Address(SocketAddr::V6(address)) => {
            bytes.push(IPV6);
            bytes.extend(address.ip().octets());
            address.port()
        }
    };
    bytes.extend(port.to_be_bytes());
    Some(bytes)
}

/// `None` if either is too long for the protocol.
fn login(user: &str, password: &str) -> Option<Vec<u8>> {
    let mut bytes = vec![1];
    for text in [user, password] {
        bytes.push(u8::try_from(text.len()).ok()?);
        bytes.extend(text.as_bytes());
    }
    Some(bytes)
}

async fn send(wire: &mut Wire, bytes: &[u8]) -> Result<(), FetchErrorKind> {
    wire.write_all(bytes).await.map_err(|error| broken(&error))?;
    wire.flush().await.map_err(|error| broken(&error))
}

async fn receive<const N: usize>(wire: &mut Wire) -> Result<[u8; N], FetchErrorKind> {
    let mut bytes = [0; N];
    wire.read_exact(&mut bytes).await.map_err(|error| broken(&error))?;
    Ok(bytes)
}

fn broken(error: &io::Error) -> FetchErrorKind {
    FetchErrorKind::ProxyConnect(error.kind())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_goal_is_written_as_the_protocol_wants_it() {
        let address = |text: &str| Goal::Address(text.parse().unwrap());
        let v6 = [&[5, 1, 0, 4, 0x20, 1][..], &[0; 13], &[7, 1, 187]].concat();
        for (goal, expect) in [
            (Goal::Name("a.b", 80), vec![5, 1, 0, 3, 3, b'a', b'.', b'b', 0, 80]),
            (address("1.2.3.4:8080"), vec![5, 1, 0, 1, 1, 2, 3, 4, 0x1f, 0x90]),
            (address("[2001::7]:443"), v6),
        ] {
            assert_eq!(request(goal), Some(expect), "{goal:?}");
        }
        assert_eq!(request(Goal::Name(&"x".repeat(256), 80)), None);
        assert_eq!(login("me", "pw"), Some(vec![1, 2, b'm', b'e', 2, b'p', b'w']));
        assert_eq!(login("me", &"x".repeat(256)), None);
    }
}
