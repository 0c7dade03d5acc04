//! What networks cost, and which of them a job may use (`BITS_JOB_TRANSFER_POLICY`).
//!
//! Only the question whether a cost is permitted. Nobody asks it yet: as long as no monitor reports
//! costs, every network counts as [`NetworkCost::UNRESTRICTED`], which every named policy permits.

use dobbin_types::CostFlags;

/// What the network in use costs: a mask, because a network may be roaming and near its cap at once.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct NetworkCost(pub u32);

impl NetworkCost {
    /// Traffic costs nothing.
    pub const UNRESTRICTED: NetworkCost = NetworkCost(0x01);
    /// There is a cap, and nobody knows how much of it is used.
    pub const CAPPED_USAGE_UNKNOWN: NetworkCost = NetworkCost(0x02);
    /// Far from the cap.
    pub const BELOW_CAP: NetworkCost = NetworkCost(0x04);
    /// Near the cap.
    pub const NEAR_CAP: NetworkCost = NetworkCost(0x08);
    /// Over the cap; more is charged.
    pub const OVERCAP_CHARGED: NetworkCost = NetworkCost(0x10);
    /// Over the cap; more is slow.
    pub const OVERCAP_THROTTLED: NetworkCost = NetworkCost(0x20);
    /// Every byte is charged.
    pub const USAGE_BASED: NetworkCost = NetworkCost(0x40);
    /// Another operator's network.
    pub const ROAMING: NetworkCost = NetworkCost(0x80);

    /// A network that is both.
    #[must_use]
    pub const fn and(self, other: NetworkCost) -> NetworkCost {
        NetworkCost(self.0 | other.0)
    }
}

/// Whether a job with these flags may use a network of this cost: every bit of the cost is set in the
/// mask. A network of no known cost is permitted to nobody.
pub const fn is_permitted(flags: CostFlags, cost: NetworkCost) -> bool {
    cost.0 != 0 && cost.0 & !flags.0 == 0
}

#[cfg(test)]
mod tests {
    use super::*;

    /// conformance: Job5::SetProperty COST_FLAGS
    #[test]
    fn a_cost_is_permitted_when_its_bit_is_in_the_mask() {
        const COSTS: [NetworkCost; 8] = [
            NetworkCost::UNRESTRICTED,
            NetworkCost::CAPPED_USAGE_UNKNOWN,
            NetworkCost::BELOW_CAP,
            NetworkCost::NEAR_CAP,
            NetworkCost::OVERCAP_CHARGED,
            NetworkCost::OVERCAP_THROTTLED,
            NetworkCost::USAGE_BASED,
            NetworkCost::ROAMING,
        ];
        let rows = [
            (CostFlags::ALWAYS, [true; 8]),
            (CostFlags::NOT_ROAMING, [true, true, true, true, true, true, true, false]),
            (CostFlags::NO_SURCHARGE, [true, true, true, true, false, true, true, false]),
            (CostFlags::STANDARD, [true, true, true, false, false, true, true, false]),
            (CostFlags::UNRESTRICTED, [true, false, false, false, false, true, false, false]),
            (CostFlags(0), [false; 8]),
        ];
        for (flags, expect) in rows {
            assert_eq!(COSTS.map(|cost| is_permitted(flags, cost)), expect, "{flags:?}");
        }
    }

    #[test]
    fn a_network_of_two_costs_needs_both_bits() {
        let roaming = NetworkCost::BELOW_CAP.and(NetworkCost::ROAMING);
        assert!(is_permitted(CostFlags::ALWAYS, roaming));
        assert!(!is_permitted(CostFlags::NOT_ROAMING, roaming));
        assert!(!is_permitted(CostFlags::ALWAYS, NetworkCost(0)));
    }
}
