//! Linux: what the kernel shows under `/sys/class/net`.
//!
//! Those are the interfaces of the network namespace in which `/sys` was mounted. A process that
//! enters another namespace without a `/sys` of its own sees the old ones.

use std::fs;
use std::io;
use std::path::Path;

use super::Network;

/// `IFF_UP` of `netdevice(7)`: switched on by the administrator.
const FLAG_UP: u32 = 0x1;
/// `IFF_LOOPBACK` of `netdevice(7)`.
const FLAG_LOOPBACK: u32 = 0x8;

pub(super) fn current() -> Network {
    in_folder(Path::new("/sys/class/net"))
}

/// The answer from a folder with one folder per interface.
///
/// "Down" is said only when every interface could be asked: one that keeps its state to itself may
/// be the one that is up.
fn in_folder(interfaces: &Path) -> Network {
    let Ok(entries) = fs::read_dir(interfaces) else {
        return Network::Unknown;
    };
    let mut answer = Network::Down;
    for entry in entries {
        let carries = entry.and_then(|entry| carries_traffic(&entry.path()));
        match carries {
            Ok(true) => return Network::Up,
            Ok(false) => {}
            // Unplugged while we looked, or no interface at all (`bonding_masters` is a file).
            Err(error) if is_absent(&error) => {}
            Err(_) => answer = Network::Unknown,
        }
    }
    answer
}

/// Whether an interface is what `ip link` calls UP and LOWER_UP, and not loopback.
fn carries_traffic(interface: &Path) -> io::Result<bool> {
    let flags = parse_flags(&fs::read_to_string(interface.join("flags"))?)?;
    if flags & FLAG_LOOPBACK != 0 || flags & FLAG_UP == 0 {
        return Ok(false);
    }
    // This file lacks IFF_RUNNING: the kernel derives that flag, for those who ask by ioctl, from
    // the operational state (RFC 2863), where "unknown" is what drivers without a link to watch
    // (tunnels, many virtual ones) have all their lives.
    let state = fs::read_to_string(interface.join("operstate"))?;
    Ok(matches!(state.trim_ascii(), "up" | "unknown"))
}

/// Reads what the kernel writes with `%#x`.
fn parse_flags(text: &str) -> io::Result<u32> {
    text.trim_ascii()
        .strip_prefix("0x")
        .and_then(|digits| u32::from_str_radix(digits, 16).ok())
        .ok_or_else(|| io::Error::new(io::ErrorKind::InvalidData, "flags are no number"))
}

fn is_absent(error: &io::Error) -> bool {
    matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::NotADirectory)
        // What an attribute answers whose interface is just being removed.
        || error.raw_os_error() == Some(rustix::io::Errno::NODEV.raw_os_error())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// One row: interfaces as (name, flags, operstate), and what follows.
    #[track_caller]
    fn check(interfaces: &[(&str, &str, &str)], expect: Network) {
        let folder = tempfile::tempdir().unwrap();
        for (name, flags, state) in interfaces {
            let interface = folder.path().join(name);
            fs::create_dir(&interface).unwrap();
            fs::write(interface.join("flags"), format!("{flags}\n")).unwrap();
            fs::write(interface.join("operstate"), format!("{state}\n")).unwrap();
        }
        assert_eq!(in_folder(folder.path()), expect, "{interfaces:?}");
    }

    const LOOPBACK: (&str, &str, &str) = ("lo", "0x9", "unknown");

    #[test]
    fn one_interface_with_its_link_is_enough() {
        check(&[LOOPBACK, ("eth0", "0x1003", "up")], Network::Up);
        check(&[("eth0", "0x1002", "down"), ("wlan0", "0x1003", "up"), LOOPBACK], Network::Up);
    }

    #[test]
    fn a_tunnel_has_no_link_to_watch_and_counts() {
        check(&[LOOPBACK, ("wg0", "0x91", "unknown")], Network::Up);
    }

    #[test]
    fn loopback_alone_is_no_network() {
        check(&[LOOPBACK], Network::Down);
        check(&[], Network::Down);
    }

    #[test]
    fn an_interface_needs_its_switch_and_its_link() {
        // Switched on, cable out.
        check(&[("eth0", "0x1003", "down")], Network::Down);
        // Cable in, switched off.
        check(&[("eth0", "0x1002", "up")], Network::Down);
        // On, but waiting: for the login of 802.1X, or for the interface below it.
        check(&[("eth0", "0x1003", "dormant")], Network::Down);
        check(&[("eth0.5", "0x1003", "lowerlayerdown")], Network::Down);
        // A bridge of containers, none of which runs.
        check(&[LOOPBACK, ("docker0", "0x1003", "down")], Network::Down);
    }

    #[test]
    fn loopback_is_known_by_its_flag_and_not_by_its_name() {
        check(&[("loop7", "0x9", "up")], Network::Down);
        check(&[("lo", "0x1003", "up")], Network::Up);
    }

    #[test]
    fn a_garbled_interface_is_not_taken_for_a_missing_network() {
        check(&[LOOPBACK, ("eth0", "what", "up")], Network::Unknown);
        check(&[("eth0", "1003", "up")], Network::Unknown);
        check(&[("eth0", "what", "up"), ("wlan0", "0x1003", "up")], Network::Up);
    }

    #[test]
    fn files_that_are_no_interface_are_passed_over() {
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join("bonding_masters"), "bond0\n").unwrap();
        fs::create_dir(folder.path().join("half_gone")).unwrap();
        assert_eq!(in_folder(folder.path()), Network::Down);
    }

    #[test]
    fn no_folder_is_no_answer() {
        let folder = tempfile::tempdir().unwrap();
        assert_eq!(in_folder(&folder.path().join("absent")), Network::Unknown);
    }

    /// Whatever this machine has: the kernel's files are in the form we read, so nothing is
    /// garbled.
    #[test]
    fn every_interface_of_this_machine_can_be_read() {
        for entry in fs::read_dir("/sys/class/net").into_iter().flatten() {
            let path = entry.unwrap().path();
            match carries_traffic(&path) {
                Ok(_) => {}
                Err(error) => assert!(is_absent(&error), "{}: {error}", path.display()),
            }
        }
    }
}
