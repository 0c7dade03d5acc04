//! How far an address reaches, and which way a redirect may lead.
//!
//! A machine inside a network can open doors that the sender of a redirect cannot. So a redirect (or
//! a list of mirrors or peers) may never lead from a public address to one that only means something
//! here: the addresses rule of the design. The classes follow IANA's special-purpose address
//! registries (RFC 6890) as of 2026.

use core::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// How far an address reaches.
///
/// Only [`Reach::Public`] is decided by exclusion; whatever a registry sets aside is something else.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Reach {
    /// Routed on the internet.
    Public,
    /// Routed inside an organisation or a provider: RFC 1918, unique local (RFC 4193), site-local,
    /// the shared space behind a provider's address translation (RFC 6598), local NAT64 (RFC 8215).
    Private,
    /// This machine.
    Loopback,
    /// This link only (RFC 3927, RFC 4291 §2.5.6); where clouds keep their metadata service.
    LinkLocal,
    /// A group, or everybody on the link.
    Multicast,
    /// "This host on this network": most systems connect to themselves when given it.
    Unspecified,
    /// Set aside for documentation, benchmarks, tunnels or the future.
    Reserved,
}

impl Reach {
    /// The class of an address.
    ///
    /// An IPv6 address that carries an IPv4 one (mapped, compatible, translated, NAT64, 6to4) has the
    /// class of the one it carries, because that is where its packets end.
    pub fn of(address: IpAddr) -> Reach {
        match address {
            IpAddr::V4(address) => of_v4(address),
            IpAddr::V6(address) => of_v6(address),
        }
    }

    /// Whether packets to it may leave for the internet.
    pub fn is_public(self) -> bool {
        match self {
            Reach::Public => true,
            Reach::Private
            | Reach::Loopback
            | Reach::LinkLocal
            | Reach::Multicast
            | Reach::Unspecified
            | Reach::Reserved => false,
        }
    }

    /// Whether an answer from an address of this class may send us on to one of class `to`.
    pub fn may_lead_to(self, to: Reach) -> bool {
        !self.is_public() || to.is_public()
    }
}

fn of_v4(address: Ipv4Addr) -> Reach {
    match address.octets() {
        [0, ..] => Reach::Unspecified,
        [10, ..] | [192, 168, ..] => Reach::Private,
        [172, second, ..] if second & 0xf0 == 16 => Reach::Private,
        [100, second, ..] if second & 0xc0 == 64 => Reach::Private,
        [127, ..] => Reach::Loopback,
        [169, 254, ..] => Reach::LinkLocal,
        // Protocol assignments, documentation, the retired 6to4 relays, benchmarks.
        [192, 0, 0, _] | [192, 0, 2, _] | [198, 51, 100, _] | [203, 0, 113, _] => Reach::Reserved,
        [192, 88, 99, _] | [198, 18 | 19, ..] => Reach::Reserved,
        [255, 255, 255, 255] => Reach::Multicast,
        [224..=239, ..] => Reach::Multicast,
        [240..=255, ..] => Reach::Reserved,
        _ => Reach::Public,
    }
}

fn of_v6(address: Ipv6Addr) -> Reach {
    if address == Ipv6Addr::UNSPECIFIED {
        return Reach::Unspecified;
    }
    if address == Ipv6Addr::LOCALHOST {
        return Reach::Loopback;
    }
    if let Some(carried) = carried_v4(address) {
        return of_v4(carried);
    }
    match address.segments() {
        [0xff00..=0xffff, ..] => Reach::Multicast,
        [0xfe80..=0xfebf, ..] => Reach::LinkLocal,
        // Unique local, and site-local, which RFC 3879 retired and old networks kept.
        [0xfc00..=0xfdff, ..] | [0xfec0..=0xfeff, ..] => Reach::Private,
        [0x64, 0xff9b, 1, ..] => Reach::Private,
        // Protocol assignments with Teredo, benchmarks and ORCHID (2001::/23, 2001:20::/28 is in it),
        // and the two documentation prefixes (RFC 3849, RFC 9637).
        [0x2001, 0..=0x1ff, ..] | [0x2001, 0xdb8, ..] => Reach::Reserved,
        [0x3fff, second, ..] if second < 0x1000 => Reach::Reserved,
        // Everything that was ever handed out to the internet.
        [0x2000..=0x3fff, ..] => Reach::Public,
        _ => Reach::Reserved,
    }
}

/// The IPv4 address inside, where a standard form puts one.
fn carried_v4(address: Ipv6Addr) -> Option<Ipv4Addr> {
    let join = |high: u16, low: u16| {
        let [a, b] = high.to_be_bytes();
        let [c, d] = low.to_be_bytes();
        Ipv4Addr::new(a, b, c, d)
    };
    match address.segments() {
        // Mapped (RFC 4291 §2.5.5.2), compatible (§2.5.5.1), translated (RFC 2765 §2.1).
        [0, 0, 0, 0, 0, 0xffff | 0, high, low] | [0, 0, 0, 0, 0xffff, 0, high, low] => {
            Some(join(high, low))
        }
        // NAT64's well-known prefix (RFC 6052 §2.1).
        [0x64, 0xff9b, 0, 0, 0, 0, high, low] => Some(join(high, low)),
        // 6to4 (RFC 3056 §2).
        [0x2002, high, low, ..] => Some(join(high, low)),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(text: &str, expect: Reach) {
        let address: IpAddr = text.parse().unwrap();
        assert_eq!(Reach::of(address), expect, "{text}");
    }

    #[test]
    fn every_special_range_of_ipv4_has_its_class_at_both_ends() {
        for (first, last, expect) in [
            ("0.0.0.0", "0.255.255.255", Reach::Unspecified),
            ("10.0.0.0", "10.255.255.255", Reach::Private),
            ("100.64.0.0", "100.127.255.255", Reach::Private),
            ("127.0.0.0", "127.255.255.255", Reach::Loopback),
            ("169.254.0.0", "169.254.255.255", Reach::LinkLocal),
            ("172.16.0.0", "172.31.255.255", Reach::Private),
            ("192.0.0.0", "192.0.0.255", Reach::Reserved),
            ("192.0.2.0", "192.0.2.255", Reach::Reserved),
            ("192.88.99.0", "192.88.99.255", Reach::Reserved),
            ("192.168.0.0", "192.168.255.255", Reach::Private),
            ("198.18.0.0", "198.19.255.255", Reach::Reserved),
            ("198.51.100.0", "198.51.100.255", Reach::Reserved),
            ("203.0.113.0", "203.0.113.255", Reach::Reserved),
            ("224.0.0.0", "239.255.255.255", Reach::Multicast),
            ("240.0.0.0", "255.255.255.254", Reach::Reserved),
            ("255.255.255.255", "255.255.255.255", Reach::Multicast),
        ] {
            check(first, expect);
            check(last, expect);
        }
    }

    #[test]
    fn the_neighbours_of_special_ranges_are_public() {
        for text in [
            "1.0.0.0",
            "9.255.255.255",
            "11.0.0.0",
            "100.63.255.255",
            "100.128.0.0",
            "126.255.255.255",
            "128.0.0.0",
            "169.253.255.255",
            "169.255.0.0",
            "172.15.255.255",
            "172.32.0.0",
            "192.0.1.0",
            "192.0.3.0",
            "192.88.98.255",
            "192.167.255.255",
            "192.169.0.0",
            "198.17.255.255",
            "198.20.0.0",
            "203.0.112.255",
            "223.255.255.255",
            "8.8.8.8",
            "93.184.216.34",
        ] {
            check(text, Reach::Public);
        }
    }

    #[test]
    fn every_special_range_of_ipv6_has_its_class() {
        for (text, expect) in [
            ("::", Reach::Unspecified),
            ("::1", Reach::Loopback),
            ("fe80::1", Reach::LinkLocal),
            ("febf:ffff::1", Reach::LinkLocal),
            ("fec0::1", Reach::Private),
            ("fc00::1", Reach::Private),
            ("fdff:ffff::1", Reach::Private),
            ("ff02::fb", Reach::Multicast),
            ("ff0e::1", Reach::Multicast),
            ("64:ff9b:1::1", Reach::Private),
            ("100::1", Reach::Reserved),
            ("2001::1", Reach::Reserved),
            ("2001:2::1", Reach::Reserved),
            ("2001:20::1", Reach::Reserved),
            ("2001:db8::1", Reach::Reserved),
            ("3fff:fff::1", Reach::Reserved),
            ("3fff:1000::1", Reach::Public),
            ("5f00::1", Reach::Reserved),
            ("4000::1", Reach::Reserved),
            ("2000::1", Reach::Public),
            ("2606:2800:220:1:248:1893:25c8:1946", Reach::Public),
            ("2001:4860:4860::8888", Reach::Public),
            ("2a00:1450:4001:81b::200e", Reach::Public),
        ] {
            check(text, expect);
        }
    }

    #[test]
    fn an_ipv6_address_counts_as_the_ipv4_address_it_carries() {
        for (text, expect) in [
            ("::ffff:127.0.0.1", Reach::Loopback),
            ("::ffff:169.254.169.254", Reach::LinkLocal),
            ("::ffff:8.8.8.8", Reach::Public),
            ("::127.0.0.1", Reach::Loopback),
            ("::10.0.0.1", Reach::Private),
            ("::ffff:0:192.168.1.1", Reach::Private),
            ("64:ff9b::10.1.2.3", Reach::Private),
            ("64:ff9b::8.8.8.8", Reach::Public),
            ("2002:7f00:1::1", Reach::Loopback),
            ("2002:a00:1::", Reach::Private),
            ("2002:808:808::1", Reach::Public),
        ] {
            check(text, expect);
        }
    }

    #[test]
    fn only_the_way_from_public_to_anything_else_is_closed() {
        let all = [
            Reach::Public,
            Reach::Private,
            Reach::Loopback,
            Reach::LinkLocal,
            Reach::Multicast,
            Reach::Unspecified,
            Reach::Reserved,
        ];
        for from in all {
            for to in all {
                let closed = from == Reach::Public && to != Reach::Public;
                assert_eq!(from.may_lead_to(to), !closed, "{from:?} to {to:?}");
            }
        }
    }
}
