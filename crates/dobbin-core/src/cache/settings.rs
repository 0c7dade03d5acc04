//! What the administrator says of cache hosts.

use alloc::borrow::ToOwned as _;
use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;
use core::fmt;
use core::net::Ipv6Addr;
use core::str::FromStr;
use core::time::Duration;

/// Cache hosts of one machine at most: a list is gone through one by one while a download waits.
pub const HOSTS_MAX: usize = 16;

/// The longest delay before the origin is asked: the interface's 30 days
/// (`DODelayCacheServerFallbackForeground`, `DODelayCacheServerFallbackBackground`).
pub const DELAY_MAX: Duration = Duration::from_secs(2_592_000);

/// How long a connection to a cache host may take: it is near, or it is of no use. The open agent's figure.
pub const CONNECT_TIMEOUT: Duration = Duration::from_secs(3);

/// Characters of a host name at most (RFC 1035 §3.1, without the root's dot).
const NAME_CHARS_MAX: usize = 253;

/// What the administrator wants of cache hosts.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Settings {
    /// Those there are; with none, files come from their origins.
    pub hosts: CacheHosts,
    /// What becomes of a file that they do not give.
    pub fallback: Fallback,
}

/// When a file that no cache host gives is fetched from its origin.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Fallback {
    /// After the first failure.
    #[default]
    AtOnce,
    /// After the first failure that comes so long after the file was begun; cache hosts are tried in
    /// turn until then.
    After(Duration),
    /// Never: the origin is not asked at all.
    Never,
}

impl Fallback {
    /// The meaning of a delay in seconds, as policies and configuration files write it: 0 for at once,
    /// -1 for never. `None` for any other negative number and for more than [`DELAY_MAX`].
    pub fn from_seconds(seconds: i64) -> Option<Fallback> {
        match seconds {
            -1 => Some(Fallback::Never),
            0 => Some(Fallback::AtOnce),
            _ => {
                let delay = Duration::from_secs(u64::try_from(seconds).ok()?);
                (delay <= DELAY_MAX).then_some(Fallback::After(delay))
            }
        }
    }
}

/// One cache host: what takes the place of a URL's host, and of its port where one is named.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct CacheHost {
    name: String,
    port: Option<u16>,
}

impl CacheHost {
    /// A name in lower case or an address, as a URL has it: IPv6 in brackets.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The port to ask at; `None` for the URL's own.
    pub fn port(&self) -> Option<u16> {
        self.port
    }
}

impl fmt::Display for CacheHost {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.port {
            Some(port) => write!(f, "{}:{port}", self.name),
            None => f.write_str(&self.name),
        }
    }
}

/// Why a text names no cache host, and which text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum HostFault {
    /// Neither a host name nor an address, with or without a port.
    Name(String),
    /// The port is no number from 1 to 65535.
    Port(String),
    /// More than [`HOSTS_MAX`].
    TooMany,
}

impl fmt::Display for HostFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            HostFault::Name(text) => write!(
                f,
                "{text:?} is no cache host; write a name or an address such as cache.example, \
                 192.0.2.7:8080 or [2001:db8::7]:8080, without http:// and without a path"
            ),
            HostFault::Port(text) => {
                write!(f, "the port of {text:?} is no number from 1 to 65535")
            }
            HostFault::TooMany => write!(f, "there may be {HOSTS_MAX} cache hosts, and no more"),
        }
    }
}

impl core::error::Error for HostFault {}

impl FromStr for CacheHost {
    type Err = HostFault;

    /// `NAME`, `ADDRESS`, either with `:PORT`; an IPv6 address may go without brackets where no port
    /// follows.
    fn from_str(text: &str) -> Result<CacheHost, HostFault> {
        let wrong = || HostFault::Name(text.to_owned());
        if let Ok(address) = text.parse::<Ipv6Addr>() {
            return Ok(CacheHost { name: format!("[{address}]"), port: None });
        }
        let (name, port) = match text.rsplit_once(':') {
            Some((name, port)) if !port.contains(']') => (name, Some(port)),
            Some(_) | None => (text, None),
        };
        let name = match name.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')) {
            Some(inside) => {
                format!("[{}]", inside.parse::<Ipv6Addr>().map_err(|_| wrong())?)
            }
            None if is_host_name(name) => name.to_ascii_lowercase(),
            None => return Err(wrong()),
        };
        let read = |port: &str| match port.parse() {
            // Digits alone: the standard reading of numbers would take a sign, too.
            _ if !port.bytes().all(|byte| byte.is_ascii_digit()) => Err(wrong()),
            Ok(port) if port != 0 => Ok(port),
            Ok(_) | Err(_) => Err(HostFault::Port(text.to_owned())),
        };
        Ok(CacheHost { name, port: port.map(read).transpose()? })
    }
}

/// As strict as is needed for the text to stay the host of a URL, whatever the rest of that is.
fn is_host_name(text: &str) -> bool {
    let is_fit = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b'_');
    let labels_count = text.split('.').filter(|label| !label.is_empty()).count();
    labels_count > 0 && text.len() <= NAME_CHARS_MAX && text.bytes().all(is_fit)
}

/// The cache hosts, in the order in which they are to be asked; at most [`HOSTS_MAX`].
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct CacheHosts(Vec<CacheHost>);

impl CacheHosts {
    /// All of them.
    pub fn as_slice(&self) -> &[CacheHost] {
        &self.0
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

impl FromStr for CacheHosts {
    type Err = HostFault;

    /// A list with commas between hosts (`DOCacheHost`). Blanks around a host do not count, nor does
    /// an empty place in the list; one that is named twice is asked once.
    fn from_str(text: &str) -> Result<CacheHosts, HostFault> {
        let mut hosts: Vec<CacheHost> = Vec::new();
        for part in text.split(',').map(str::trim).filter(|part| !part.is_empty()) {
            let host = part.parse()?;
            if hosts.contains(&host) {
                continue;
            }
            if hosts.len() == HOSTS_MAX {
                return Err(HostFault::TooMany);
            }
            hosts.push(host);
        }
        Ok(CacheHosts(hosts))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::string::ToString;
    use proptest::prelude::*;

    #[track_caller]
    fn check(text: &str, expect: Option<(&str, Option<u16>)>) {
        let host = text.parse::<CacheHost>();
        let got = host.as_ref().ok().map(|host| (host.name(), host.port()));
        assert_eq!(got, expect, "{text}");
    }

    #[test]
    fn a_host_is_a_name_or_an_address_with_or_without_a_port() {
        for (text, name, port) in [
            ("cache.example", "cache.example", None),
            ("Cache.Example", "cache.example", None),
            ("cache.example.", "cache.example.", None),
            ("mcc_1", "mcc_1", None),
            ("cache:81", "cache", Some(81)),
            ("192.0.2.7", "192.0.2.7", None),
            ("192.0.2.7:65535", "192.0.2.7", Some(65_535)),
            ("2001:db8::7", "[2001:db8::7]", None),
            ("[2001:DB8::7]", "[2001:db8::7]", None),
            ("[::1]:8080", "[::1]", Some(8_080)),
        ] {
            check(text, Some((name, port)));
        }
    }

    #[test]
    fn whatever_else_a_url_could_hold_is_no_host() {
        for text in [
            "",
            ".",
            "http://cache",
            "cache/path",
            "cache?x",
            "cache#x",
            "user@cache",
            "user:pass@cache:80",
            "ca che",
            "cache:",
            "cache:0",
            "cache:+80",
            "cache:65536",
            "cache:81:8080",
            "[::1",
            "::1]",
            "[::1]:",
            "[192.0.2.7]",
            "[fe80::1%eth0]",
            "bücher.example",
            "cache\\x",
            "cache%2f",
        ] {
            check(text, None);
        }
        check(&"a".repeat(253), Some((&"a".repeat(253), None)));
        check(&"a".repeat(254), None);
    }

    #[test]
    fn a_list_keeps_its_order_and_overlooks_blanks_and_repetitions() {
        for (text, expect) in [
            ("", &[][..]),
            (" , ,", &[]),
            ("a", &["a"]),
            (" b:81 ,a,, b:81,c", &["b:81", "a", "c"]),
            ("b,b:80", &["b", "b:80"]),
        ] {
            let hosts: CacheHosts = text.parse().unwrap();
            let names: Vec<String> = hosts.as_slice().iter().map(ToString::to_string).collect();
            assert_eq!(names, expect, "{text:?}");
            assert_eq!(hosts.is_empty(), expect.is_empty());
        }
        assert_eq!("a,b c".parse::<CacheHosts>(), Err(HostFault::Name("b c".into())));
        for text in ["a:0", "a:65536", "a:"] {
            assert_eq!(text.parse::<CacheHosts>(), Err(HostFault::Port(text.into())));
        }
        for text in ["http://a", "a:+1", "a:b"] {
            assert_eq!(text.parse::<CacheHosts>(), Err(HostFault::Name(text.into())));
        }
    }

    #[test]
    fn a_list_has_an_end() {
        let names = |count: usize| {
            let names: Vec<String> = (0..count).map(|number| format!("c{number}")).collect();
            names.join(",")
        };
        assert_eq!(names(HOSTS_MAX).parse::<CacheHosts>().unwrap().as_slice().len(), HOSTS_MAX);
        assert_eq!(names(HOSTS_MAX + 1).parse::<CacheHosts>(), Err(HostFault::TooMany));
    }

    #[test]
    fn a_delay_in_seconds_is_as_policies_write_it() {
        for (seconds, expect) in [
            (-2, None),
            (-1, Some(Fallback::Never)),
            (0, Some(Fallback::AtOnce)),
            (1, Some(Fallback::After(Duration::from_secs(1)))),
            (2_592_000, Some(Fallback::After(DELAY_MAX))),
            (2_592_001, None),
            (i64::MIN, None),
            (i64::MAX, None),
        ] {
            assert_eq!(Fallback::from_seconds(seconds), expect, "{seconds}");
        }
    }

    proptest! {
        #[test]
        fn what_was_read_is_written_so_that_it_reads_the_same(text in "[a-zA-Z0-9.:\\[\\]_-]{0,24}") {
            if let Ok(host) = text.parse::<CacheHost>() {
                prop_assert_eq!(host.to_string().parse::<CacheHost>(), Ok(host));
            }
        }
    }
}
