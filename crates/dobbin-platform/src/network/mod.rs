//! Whether the machine has a network at all.

mod fake;
#[cfg(target_os = "linux")]
#[path = "linux.rs"]
mod os;
#[cfg(not(target_os = "linux"))]
#[path = "other.rs"]
mod os;

pub use fake::FakeNetwork;

/// What the system says of its interfaces.
///
/// Loopback does not count: a machine that has nothing else is [`Network::Down`]. So `Down` says
/// nothing about jobs whose source is this machine itself (loopback addresses, unix sockets);
/// whoever decides must not hold them back for it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Network {
    /// At least one interface besides loopback is switched on and has its link. Whether anything
    /// answers at the other end is not known; a default route is not asked for.
    Up,
    /// No interface besides loopback is both.
    Down,
    /// The system does not say; policy treats it as [`Network::Up`], since trying costs little.
    Unknown,
}

/// Who to ask about the network: the system, or a test that makes it up
/// ([`FakeNetwork::monitor`]).
#[derive(Debug, Clone)]
pub struct NetworkMonitor(Source);

#[derive(Debug, Clone)]
enum Source {
    System,
    Fake(FakeNetwork),
}

impl NetworkMonitor {
    /// Asks the machine.
    pub fn system() -> NetworkMonitor {
        NetworkMonitor(Source::System)
    }

    /// How it stands now. Reads a few small files of the kernel per interface, never a disk; cheap
    /// enough for once a second.
    pub fn current(&self) -> Network {
        match &self.0 {
            Source::System => os::current(),
            Source::Fake(fake) => fake.current(),
        }
    }
}
