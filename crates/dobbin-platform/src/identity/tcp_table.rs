//! The kernel's table of TCP connections as text (`proc_pid_net(5)`, `tcp` and `tcp6`), and whose
//! socket one line of it is. Reads no file by itself.

use std::io::{self, BufRead};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

/// How much of a table is read, in bytes: some 400,000 connections.
pub(super) const TABLE_BYTES_MAX: u64 = 64 * 1024 * 1024;

/// The user whose socket has the address `here` and is connected to `there`.
///
/// `None` when no such socket is listed, or when the kernel does not know whose it is any more: it
/// writes user 0 for a connection that no process holds (one that waits out its end, or begins),
/// and that 0 is not root. Those have no inode.
///
/// Lines of another form are passed over, such as the heading. Addresses of version 4 and the same
/// ones mapped into version 6 are alike: one connection is seen as either, depending on the end.
///
/// # Errors
///
/// Those of the reader; `FileTooLarge` when nothing was found within [`TABLE_BYTES_MAX`].
pub(super) fn uid_of(
    table: impl BufRead,
    here: SocketAddr,
    there: SocketAddr,
) -> io::Result<Option<u32>> {
    let wanted = (plain(here), plain(there));
    let mut table = table.take(TABLE_BYTES_MAX);
    let mut line = Vec::new();
    while table.read_until(b'\n', &mut line)? > 0 {
        let row = std::str::from_utf8(&line).ok().and_then(row);
        if let Some(row) = row.filter(|row| (row.here, row.there) == wanted && row.inode != 0) {
            return Ok(Some(row.uid));
        }
        line.clear();
    }
    if table.limit() == 0 {
        let what = "the kernel's table of connections is longer than is read";
        return Err(io::Error::new(io::ErrorKind::FileTooLarge, what));
    }
    Ok(None)
}

/// What a line says of one socket.
#[derive(Debug, PartialEq, Eq)]
struct Row {
    here: (IpAddr, u16),
    there: (IpAddr, u16),
    uid: u32,
    inode: u64,
}

/// Fields of a line: number, local address, remote address, state, queues, timer, retransmissions,
/// user, timeout, inode, and more that nobody needs.
fn row(line: &str) -> Option<Row> {
    let mut fields = line.split_ascii_whitespace();
    Some(Row {
        here: address(fields.nth(1)?)?,
        there: address(fields.next()?)?,
        uid: fields.nth(4)?.parse().ok()?,
        inode: fields.nth(1)?.parse().ok()?,
    })
}

/// `0100007F:C350` or the same with 32 digits: words of the address as this machine keeps them in
/// memory, and the port as a number.
fn address(text: &str) -> Option<(IpAddr, u16)> {
    let (ip, port) = text.split_once(':')?;
    let is_hex = |text: &str| text.bytes().all(|byte| byte.is_ascii_hexdigit());
    if port.len() != 4 || !is_hex(port) || !is_hex(ip) {
        return None;
    }
    let word = |at: usize| Some(u32::from_str_radix(ip.get(at..at + 8)?, 16).ok()?.to_ne_bytes());
    let ip = match ip.len() {
        8 => IpAddr::V4(Ipv4Addr::from(word(0)?)),
        32 => {
            let words = [word(0)?, word(8)?, word(16)?, word(24)?];
            let mut bytes = [0; 16];
            bytes.copy_from_slice(words.as_flattened());
            IpAddr::V6(Ipv6Addr::from(bytes))
        }
        _ => return None,
    };
    Some((ip.to_canonical(), u16::from_str_radix(port, 16).ok()?))
}

/// Address and port, without what the table does not have.
fn plain(address: SocketAddr) -> (IpAddr, u16) {
    (address.ip().to_canonical(), address.port())
}

#[cfg(test)]
mod tests {
    use std::io::BufReader;

    use proptest::prelude::*;

    use super::*;

    const HEADING: &str = "  sl  local_address rem_address   st tx_queue rx_queue tr tm->when \
                           retrnsmt   uid  timeout inode\n";

    /// An address as the kernel writes it, on this machine.
    fn written(address: SocketAddr) -> String {
        let words = |bytes: &[u8]| -> String {
            let word = |four: &[u8]| u32::from_ne_bytes(four.try_into().unwrap());
            bytes.chunks(4).map(|four| format!("{:08X}", word(four))).collect()
        };
        let ip = match address.ip() {
            IpAddr::V4(ip) => words(&ip.octets()),
            IpAddr::V6(ip) => words(&ip.octets()),
        };
        format!("{ip}:{:04X}", address.port())
    }

    /// A line of the table.
    fn line(here: &str, there: &str, state: u8, uid: u32, inode: u64) -> String {
        let [here, there] = [here, there].map(|text| written(text.parse().unwrap()));
        format!(
            "  12: {here} {there} {state:02X} 00000000:00000000 00:00000000 00000000 {uid:>5} \
             {:>8} {inode} 1 0000000000000000 20 4 30 10 -1\n",
            0
        )
    }

    #[track_caller]
    fn check(table: &str, here: &str, there: &str, expect: Option<u32>) {
        let (from, to) = (here.parse().unwrap(), there.parse().unwrap());
        let got = uid_of(table.as_bytes(), from, to).unwrap();
        assert_eq!(got, expect, "{here} to {there} in\n{table}");
    }

    const CLIENT: &str = "127.0.0.1:40000";
    const SERVER: &str = "127.0.0.1:50000";

    /// What a kernel on a little-endian machine wrote, so that the tests do not only agree with
    /// themselves.
    #[test]
    #[cfg(target_endian = "little")]
    fn a_line_of_a_real_table_is_read() {
        let table = "   3: 0100007F:9C40 0100007F:C350 01 00000000:00000000 02:000000AA 00000000  \
                     1000        0 77777 2 0000000000000000 20 4 30 10 -1\n";
        check(&format!("{HEADING}{table}"), CLIENT, SERVER, Some(1000));
        let table = "   0: 00000000000000000000000001000000:9C40 \
                     00000000000000000000000001000000:C350 01 00000000:00000000 00:00000000 \
                     00000000  1001        0 5 2 0000000000000000 20 4 30 10 -1\n";
        check(&format!("{HEADING}{table}"), "[::1]:40000", "[::1]:50000", Some(1001));
    }

    #[test]
    fn only_the_connection_with_both_addresses_and_both_ports_counts() {
        let others = [
            line("127.0.0.1:40000", "127.0.0.1:50001", 1, 1, 9),
            line("127.0.0.1:40001", "127.0.0.1:50000", 1, 2, 9),
            line("127.0.0.2:40000", "127.0.0.1:50000", 1, 3, 9),
            line("127.0.0.1:40000", "127.0.0.2:50000", 1, 4, 9),
            // The server's own end of the same connection.
            line("127.0.0.1:50000", "127.0.0.1:40000", 1, 5, 9),
            line("127.0.0.1:40000", "0.0.0.0:0", 10, 6, 9),
        ]
        .concat();
        check(&format!("{HEADING}{others}"), CLIENT, SERVER, None);
        let ours = line(CLIENT, SERVER, 1, 1000, 9);
        check(&format!("{HEADING}{others}{ours}"), CLIENT, SERVER, Some(1000));
        check(&format!("{HEADING}{ours}{others}"), CLIENT, SERVER, Some(1000));
        check("", CLIENT, SERVER, None);
    }

    #[test]
    fn a_socket_of_version_6_may_speak_to_one_of_version_4() {
        let mapped = line("[::ffff:127.0.0.1]:40000", "[::ffff:127.0.0.1]:50000", 1, 7, 9);
        check(&mapped, CLIENT, SERVER, Some(7));
        check(&mapped, "[::ffff:127.0.0.1]:40000", SERVER, Some(7));
        check(&line(CLIENT, SERVER, 1, 7, 9), "[::ffff:127.0.0.1]:40000", SERVER, Some(7));
    }

    /// States 6 (its end is waited out) and 3 (it begins) show user 0 whoever it was.
    #[test]
    fn a_connection_that_no_process_holds_is_nobodys_and_not_roots() {
        for state in [6, 5, 4, 3] {
            check(&line(CLIENT, SERVER, state, 0, 0), CLIENT, SERVER, None);
        }
        // Half closed, and still held: it waits for its answer.
        check(&line(CLIENT, SERVER, 5, 1000, 9), CLIENT, SERVER, Some(1000));
        // The old connection waits out its end while the same addresses are used anew.
        let both = line(CLIENT, SERVER, 6, 0, 0) + &line(CLIENT, SERVER, 1, 1000, 9);
        check(&both, CLIENT, SERVER, Some(1000));
    }

    #[test]
    fn lines_of_another_form_are_passed_over() {
        let good = line(CLIENT, SERVER, 1, 1000, 9);
        let cut = |bytes: usize| format!("{}\n", &good[..bytes]);
        for odd in [
            "\n".to_owned(),
            "\u{fffd}\n".to_owned(),
            cut(20),
            cut(90),
            good.replace("1000", "+1000x"),
            good.replace("1000", "4294967296"),
            good.replace(":9C40", ":9C4"),
            good.replace(":9C40", ":+C40"),
            good.replace(":C350", "C350"),
        ] {
            check(&odd, CLIENT, SERVER, None);
            check(&format!("{odd}{good}"), CLIENT, SERVER, Some(1000));
        }
    }

    #[test]
    fn a_table_without_end_is_read_to_the_limit_only() {
        let endless = BufReader::with_capacity(1 << 20, io::repeat(b'x'));
        let (here, there) = (CLIENT.parse().unwrap(), SERVER.parse().unwrap());
        let error = uid_of(endless, here, there).unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::FileTooLarge);
    }

    fn any_address() -> impl Strategy<Value = SocketAddr> {
        let ip = prop_oneof![
            any::<u32>().prop_map(|bits| IpAddr::from(Ipv4Addr::from(bits))),
            any::<u128>().prop_map(|bits| IpAddr::from(Ipv6Addr::from(bits))),
        ];
        (ip, any::<u16>()).prop_map(SocketAddr::from)
    }

    proptest! {
        #[test]
        fn whoever_is_listed_is_found(
            here in any_address(),
            there in any_address(),
            uid in any::<u32>(),
            inode in 1..=u64::MAX,
        ) {
            let table = line(&here.to_string(), &there.to_string(), 1, uid, inode);
            let table = format!("{HEADING}{table}");
            prop_assert_eq!(uid_of(table.as_bytes(), here, there).unwrap(), Some(uid));
            if plain(here) != plain(there) {
                prop_assert_eq!(uid_of(table.as_bytes(), there, here).unwrap(), None);
            }
        }

        #[test]
        fn no_text_is_taken_for_somebody(table in prop::collection::vec(any::<u8>(), 0..400)) {
            let (here, there) = (CLIENT.parse().unwrap(), SERVER.parse().unwrap());
            prop_assert_eq!(uid_of(table.as_slice(), here, there).unwrap(), None);
        }
    }
}
