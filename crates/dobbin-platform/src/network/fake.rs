//! A network that a test plugs in and out.

use std::sync::{Arc, Mutex, PoisonError};

use super::{Network, NetworkMonitor, Source};

/// The plug. Clones, and the [`NetworkMonitor`]s made from them, see the same state.
#[derive(Debug, Clone)]
pub struct FakeNetwork {
    /// Held only to read or set one word.
    current: Arc<Mutex<Network>>,
}

impl FakeNetwork {
    /// A network in this state.
    pub fn new(current: Network) -> FakeNetwork {
        FakeNetwork { current: Arc::new(Mutex::new(current)) }
    }

    /// What the code under test is given.
    pub fn monitor(&self) -> NetworkMonitor {
        NetworkMonitor(Source::Fake(self.clone()))
    }

    /// From now on it stands like this.
    pub fn set(&self, network: Network) {
        *self.current.lock().unwrap_or_else(PoisonError::into_inner) = network;
    }

    pub(super) fn current(&self) -> Network {
        *self.current.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_monitor_sees_what_was_set_last() {
        let fake = FakeNetwork::new(Network::Up);
        let monitor = fake.monitor();
        assert_eq!(monitor.current(), Network::Up);
        for network in [Network::Down, Network::Unknown, Network::Up] {
            fake.set(network);
            assert_eq!(monitor.clone().current(), network);
        }
    }
}
