//! How many connections there are, in all and from each address.

use std::{
    collections::HashMap,
    net::IpAddr,
    sync::{Arc, Mutex, MutexGuard},
    time::{Duration, Instant},
};

/// How often refusals are logged at most; all are counted.
const BETWEEN_LINES: Duration = Duration::from_secs(10);

/// Counts connections while they are open.
#[derive(Debug, Default)]
pub(super) struct Connections(Mutex<Counts>);

#[derive(Debug, Default)]
struct Counts {
    total: usize,
    by_address: HashMap<IpAddr, usize>,
    told: Option<Instant>,
}

/// Why a connection is refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Crowded {
    /// There are too many in all.
    Server,
    /// There are too many from this address.
    Address,
}

impl Crowded {
    /// Returns the word in logs and metrics.
    pub(super) fn as_str(self) -> &'static str {
        match self {
            Self::Server => "server",
            Self::Address => "address",
        }
    }
}

/// An open connection; dropping it makes room for another.
#[derive(Debug)]
pub(super) struct Admission {
    connections: Arc<Connections>,
    address: IpAddr,
}

impl Connections {
    /// Counts one more connection.
    pub(super) fn admit(
        self: &Arc<Self>,
        address: IpAddr,
        most: usize,
        most_per_address: usize,
    ) -> Result<Admission, Crowded> {
        let address = holder(address);
        let mut counts = self.counts();
        if counts.total >= most {
            return Err(Crowded::Server);
        }
        let here = counts.by_address.entry(address).or_default();
        if *here >= most_per_address {
            return Err(Crowded::Address);
        }
        *here += 1;
        counts.total += 1;
        Ok(Admission {
            connections: Arc::clone(self),
            address,
        })
    }

    /// Returns whether a refusal is worth a line in the log, which an attack must not fill.
    pub(super) fn is_worth_telling(&self) -> bool {
        let mut counts = self.counts();
        let worth = counts
            .told
            .is_none_or(|last| last.elapsed() >= BETWEEN_LINES);
        if worth {
            counts.told = Some(Instant::now());
        }
        worth
    }

    /// Returns how many there are.
    pub(super) fn total(&self) -> usize {
        self.counts().total
    }

    fn counts(&self) -> MutexGuard<'_, Counts> {
        self.0.lock().expect("nobody panics while counting")
    }
}

impl Drop for Admission {
    fn drop(&mut self) {
        let mut counts = self.connections.counts();
        counts.total -= 1;
        if let Some(here) = counts.by_address.get_mut(&self.address) {
            *here -= 1;
            if *here == 0 {
                counts.by_address.remove(&self.address);
            }
        }
    }
}

/// Returns whom an address belongs to: with IPv6 a subscriber has a network of 64 bits.
pub(super) fn holder(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V4(address) => address.into(),
        IpAddr::V6(address) => {
            let network = u128::from(address) & (u128::MAX << 64);
            IpAddr::V6(network.into())
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counts_by_holder_and_in_all_and_forgets() {
        let connections = Arc::new(Connections::default());
        let admit = |address: &str| {
            let address = address.parse().expect("an address");
            connections.admit(address, 3, 2)
        };
        let first = admit("2001:db8::1").expect("room");
        let _second = admit("2001:db8::2").expect("room");
        assert_eq!(admit("2001:db8::3").err(), Some(Crowded::Address));
        let _third = admit("::ffff:192.0.2.1").expect("room");
        assert_eq!(admit("192.0.2.7").err(), Some(Crowded::Server));
        drop(first);
        assert!(admit("2001:db8::3").is_ok());
        assert_eq!(connections.total(), 2);
        assert_eq!(connections.counts().by_address.len(), 2);
    }
}
