//! From a host's name to a TCP connection with an address that is allowed.

use std::io;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use dobbin_core::source::Reach;
use tokio::net::TcpStream;
use tokio::task::JoinSet;
use tokio::time::sleep;

use super::error::FetchErrorKind;
use super::network::Network;

/// Which addresses may be connected to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Scope {
    /// Any: a caller's own URL, or a redirect among addresses that are not public.
    Any,
    /// Public ones only: what followed a reply from a public address.
    PublicOnly,
}

/// The most addresses of one name that are tried. Names with a hundred addresses exist; one whose
/// first four are dead is dead.
const ADDRESSES_TRIED_MAX: usize = 4;

/// How long an address may be silent before the next one is tried beside it (RFC 8305 §5).
const NEXT_ADDRESS_DELAY: Duration = Duration::from_millis(250);

/// Connects to a host, which is a name or an address, in brackets or not.
///
/// The address that is connected to is one that was judged: a name is looked up once, and what the
/// resolver would answer to a second question does not matter.
pub(super) async fn dial(
    network: &Arc<dyn Network>,
    host: &str,
    port: u16,
    scope: Scope,
) -> Result<(TcpStream, SocketAddr), FetchErrorKind> {
    let addresses = look_up(network, host, port, scope).await?;
    let (stream, address) = race(network, addresses).await?;
    // Requests are short and answers wait for them.
    let _ = stream.set_nodelay(true);
    Ok((stream, address))
}

/// The addresses of a host that may be connected to, at least one, in the order in which to try them.
pub(super) async fn look_up(
    network: &Arc<dyn Network>,
    host: &str,
    port: u16,
    scope: Scope,
) -> Result<Vec<SocketAddr>, FetchErrorKind> {
    let found = match literal(host) {
        Some(address) => vec![SocketAddr::new(address, port)],
        None => network.resolve(host, port).await.map_err(|_| FetchErrorKind::Resolve)?,
    };
    Ok(in_turn(allowed(&found, scope)?))
}

/// The address that a host is, if it is not a name.
pub(super) fn literal(host: &str) -> Option<IpAddr> {
    let bare = host.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')).unwrap_or(host);
    bare.parse().ok()
}

/// Those of the addresses that may be connected to; an error if there are none.
fn allowed(found: &[SocketAddr], scope: Scope) -> Result<Vec<SocketAddr>, FetchErrorKind> {
    let first = found.first().ok_or(FetchErrorKind::Resolve)?;
    let fits = |address: &SocketAddr| match scope {
        Scope::Any => true,
        Scope::PublicOnly => Reach::of(address.ip()).is_public(),
    };
    let allowed: Vec<SocketAddr> = found.iter().copied().filter(fits).collect();
    if allowed.is_empty() {
        return Err(FetchErrorKind::AddressRefused(Reach::of(first.ip())));
    }
    Ok(allowed)
}

/// The addresses in the order in which to try them: the resolver's, but the two families by turns
/// (RFC 8305 §4), and no more than [`ADDRESSES_TRIED_MAX`].
fn in_turn(addresses: Vec<SocketAddr>) -> Vec<SocketAddr> {
    let starts_v6 = addresses.first().is_some_and(SocketAddr::is_ipv6);
    let (first, second): (Vec<_>, Vec<_>) =
        addresses.into_iter().partition(|address| address.is_ipv6() == starts_v6);
    let (mut first, mut second) = (first.into_iter(), second.into_iter());
    let mut order = Vec::new();
    loop {
        let pair = [first.next(), second.next()];
        if pair == [None, None] {
            order.truncate(ADDRESSES_TRIED_MAX);
            return order;
        }
        order.extend(pair.into_iter().flatten());
    }
}

/// The first connection to come about. The next address joins in when the one before failed, or was
/// silent for [`NEXT_ADDRESS_DELAY`]; who loses is dropped.
async fn race(
    network: &Arc<dyn Network>,
    addresses: Vec<SocketAddr>,
) -> Result<(TcpStream, SocketAddr), FetchErrorKind> {
    let mut waiting = addresses.into_iter();
    let mut running: JoinSet<io::Result<(TcpStream, SocketAddr)>> = JoinSet::new();
    let mut last_error = io::ErrorKind::AddrNotAvailable;
    loop {
        if let Some(address) = waiting.next() {
            let network = Arc::clone(network);
            running.spawn(async move { Ok((network.connect(address).await?, address)) });
        }
        let more_waiting = waiting.len() > 0;
        tokio::select! {
            biased;
            outcome = running.join_next() => match outcome {
                Some(Ok(Ok(connected))) => return Ok(connected),
                Some(Ok(Err(error))) => last_error = error.kind(),
                // A connect that panicked is one that failed.
                Some(Err(_)) => last_error = io::ErrorKind::Other,
                None => return Err(FetchErrorKind::Connect(last_error)),
            },
            () = sleep(NEXT_ADDRESS_DELAY), if more_waiting => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Mutex;

    use tokio::time::Instant;

    use super::super::network::Pending;
    use super::*;

    fn addresses(texts: &[&str]) -> Vec<SocketAddr> {
        texts.iter().map(|text| text.parse().unwrap()).collect()
    }

    #[test]
    fn families_take_turns_and_no_more_than_four_are_tried() {
        let found = ["[2600::1]:1", "[2600::2]:1", "[2600::3]:1", "1.0.0.1:1", "1.0.0.2:1"];
        let expect = ["[2600::1]:1", "1.0.0.1:1", "[2600::2]:1", "1.0.0.2:1"];
        assert_eq!(in_turn(addresses(&found)), addresses(&expect));
        let many: Vec<String> = (1..100).map(|last| format!("1.0.0.{last}:1")).collect();
        let many: Vec<&str> = many.iter().map(String::as_str).collect();
        assert_eq!(in_turn(addresses(&many)), addresses(&many[..4]));
        assert_eq!(in_turn(Vec::new()), Vec::new());
    }

    #[test]
    fn among_mixed_answers_only_the_public_ones_are_used() {
        let mixed = addresses(&["10.0.0.1:1", "93.184.216.34:1", "[::1]:1"]);
        assert_eq!(allowed(&mixed, Scope::Any), Ok(mixed.clone()));
        assert_eq!(allowed(&mixed, Scope::PublicOnly), Ok(addresses(&["93.184.216.34:1"])));
        let private = addresses(&["169.254.169.254:80", "10.0.0.1:80"]);
        assert_eq!(
            allowed(&private, Scope::PublicOnly),
            Err(FetchErrorKind::AddressRefused(Reach::LinkLocal))
        );
        assert_eq!(allowed(&[], Scope::Any), Err(FetchErrorKind::Resolve));
    }

    /// What an address does when it is called.
    #[derive(Clone, Copy, PartialEq)]
    enum Habit {
        Answers,
        Refuses,
        /// As behind a router that drops what it cannot deliver.
        Swallows,
    }

    /// One name with these addresses. Connections are made beforehand, so that no test waits for a
    /// socket while its clock stands still.
    struct Faked {
        habits: Vec<(SocketAddr, Habit)>,
        spare: Mutex<Option<TcpStream>>,
        /// Which addresses were called, and how long after the beginning.
        called: Mutex<Vec<(SocketAddr, Duration)>>,
        began: Instant,
    }

    impl Faked {
        fn new(habits: &[(&str, Habit)]) -> Arc<Faked> {
            let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
            let stream = std::net::TcpStream::connect(listener.local_addr().unwrap()).unwrap();
            stream.set_nonblocking(true).unwrap();
            let parsed = habits.iter().map(|(text, habit)| (text.parse().unwrap(), *habit));
            Arc::new(Faked {
                habits: parsed.collect(),
                spare: Mutex::new(Some(TcpStream::from_std(stream).unwrap())),
                called: Mutex::default(),
                began: Instant::now(),
            })
        }
    }

    impl Network for Faked {
        fn resolve<'a>(
            &'a self,
            _host: &'a str,
            _port: u16,
        ) -> Pending<'a, io::Result<Vec<SocketAddr>>> {
            let found = self.habits.iter().map(|(address, _)| *address).collect();
            Box::pin(async move { Ok(found) })
        }

        fn connect(&self, address: SocketAddr) -> Pending<'_, io::Result<TcpStream>> {
            self.called.lock().unwrap().push((address, self.began.elapsed()));
            let (_, habit) = *self.habits.iter().find(|(known, _)| *known == address).unwrap();
            Box::pin(async move {
                match habit {
                    Habit::Answers => Ok(self.spare.lock().unwrap().take().unwrap()),
                    Habit::Refuses => Err(io::ErrorKind::ConnectionRefused.into()),
                    Habit::Swallows => std::future::pending().await,
                }
            })
        }
    }

    /// Which address answers, and after how many milliseconds.
    async fn answering(habits: &[(&str, Habit)]) -> (String, u128) {
        let faked = Faked::new(habits);
        let network: Arc<dyn Network> = Arc::clone(&faked) as _;
        let (_, address) = dial(&network, "a.test", 1, Scope::Any).await.unwrap();
        (address.to_string(), faked.began.elapsed().as_millis())
    }

    /// The promise: broken IPv6 costs a person 300 ms at most.
    #[tokio::test(start_paused = true)]
    async fn a_name_whose_ipv6_leads_nowhere_is_reached_by_ipv4_in_a_moment() {
        use Habit::{Answers, Refuses, Swallows};
        for (habits, address, millis) in [
            (&[("[2600::1]:1", Answers), ("1.0.0.1:1", Answers)][..], "[2600::1]:1", 0..=0),
            (&[("[2600::1]:1", Refuses), ("1.0.0.1:1", Answers)], "1.0.0.1:1", 0..=1),
            (&[("[2600::1]:1", Swallows), ("1.0.0.1:1", Answers)], "1.0.0.1:1", 1..=300),
            // However many of the other kind come first.
            (
                &[("[2600::1]:1", Swallows), ("[2600::2]:1", Swallows), ("1.0.0.1:1", Answers)],
                "1.0.0.1:1",
                1..=300,
            ),
            // The other way round, and with one family only.
            (&[("1.0.0.1:1", Swallows), ("[2600::1]:1", Answers)], "[2600::1]:1", 1..=300),
            (&[("[2600::1]:1", Answers)], "[2600::1]:1", 0..=0),
            (&[("[2600::1]:1", Swallows), ("[2600::2]:1", Answers)], "[2600::2]:1", 1..=300),
        ] {
            let (found, took) = answering(habits).await;
            assert_eq!(found, address);
            assert!(millis.contains(&took), "{address} after {took} ms");
        }
    }

    #[tokio::test(start_paused = true)]
    async fn no_more_than_four_addresses_are_called_one_after_the_other() {
        let names: Vec<String> = (1..=100).map(|last| format!("1.0.0.{last}:1")).collect();
        let habits: Vec<(&str, Habit)> =
            names.iter().map(|name| (name.as_str(), Habit::Swallows)).collect();
        let faked = Faked::new(&habits);
        let network: Arc<dyn Network> = Arc::clone(&faked) as _;
        let limit = Duration::from_secs(15);
        assert!(
            tokio::time::timeout(limit, dial(&network, "a.test", 1, Scope::Any)).await.is_err()
        );
        let called = faked.called.lock().unwrap().clone();
        let millis: Vec<u128> = called.iter().map(|(_, after)| after.as_millis()).collect();
        assert_eq!(called.len(), ADDRESSES_TRIED_MAX);
        for pair in millis.windows(2) {
            assert!((250..=252).contains(&(pair[1] - pair[0])), "{millis:?}");
        }
    }

    #[tokio::test(start_paused = true)]
    async fn when_all_refuse_nobody_waits() {
        let habits = [("[2600::1]:1", Habit::Refuses), ("1.0.0.1:1", Habit::Refuses)];
        let faked = Faked::new(&habits);
        let network: Arc<dyn Network> = Arc::clone(&faked) as _;
        let error = dial(&network, "a.test", 1, Scope::Any).await.map(drop).unwrap_err();
        assert_eq!(error, FetchErrorKind::Connect(io::ErrorKind::ConnectionRefused));
        assert!(faked.began.elapsed() <= Duration::from_millis(2));
        assert_eq!(faked.called.lock().unwrap().len(), 2);
    }
}
