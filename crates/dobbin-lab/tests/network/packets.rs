//! What happens to packets.

use dobbin_lab::origin::{Content, Plan};
use dobbin_types::ErrorCode;

use crate::life::{LARGE, Life, MIB, impatient, unhurried};
use crate::stage::{FAR_V4, Net, alone};

const SMALL: Content = Content::new(0xD0BB3, 300_000);

/// Where the last request of an origin began.
fn last_start(requests: &[dobbin_lab::origin::Exchange]) -> u64 {
    let range = requests.last().unwrap().request.field("range").unwrap_or("bytes=0-").to_owned();
    range.strip_prefix("bytes=").unwrap().split('-').next().unwrap().parse().unwrap()
}

#[test]
fn an_origin_that_takes_no_connection_is_tried_again_until_it_does() {
    alone("packets::an_origin_that_takes_no_connection_is_tried_again_until_it_does", |net| {
        let origin = net.origin(Plan::new().file("/a", SMALL), FAR_V4);
        for verdict in [
            "reject with tcp reset",
            "reject with icmp type host-unreachable",
            "reject with icmp type net-unreachable",
            "reject with icmp type admin-prohibited",
        ] {
            let rule = format!("add rule inet lab in ip saddr 10.77.0.1 tcp flags syn {verdict}");
            net.far_rule(&rule);
            let life = Life::begin(&origin.url("/a"), impatient);
            assert_eq!(life.stops(), ErrorCode::WIN32_CANNOT_CONNECT, "{verdict}");
            if verdict.contains("reset") {
                life.tries_again();
            }
            net.heal();
            life.ends_with(SMALL);
        }
        net.near("ip route del 10.77.0.0/24 dev near");
        let life = Life::begin(&origin.url("/a"), impatient);
        assert_eq!(life.stops(), ErrorCode::WIN32_CANNOT_CONNECT, "no route");
        net.near("ip route add 10.77.0.0/24 dev near src 10.77.0.1");
        life.ends_with(SMALL);
    });
}

#[test]
fn a_reset_in_the_middle_costs_only_what_was_on_its_way() {
    alone("packets::a_reset_in_the_middle_costs_only_what_was_on_its_way", |net| {
        let origin = net.origin(Plan::new().route("/a", unhurried()), FAR_V4);
        let life = Life::begin(&origin.url("/a"), |_| {});
        life.has(3 * MIB);
        net.far_rule("add rule inet lab in ip saddr 10.77.0.1 tcp flags ack reject with tcp reset");
        let code = life.stops();
        net.heal();
        assert_eq!(code, ErrorCode::CURL_RECV_ERROR);
        life.ends_with(LARGE);
        assert!(last_start(&origin.requests()) >= 2 * MIB, "{}", last_start(&origin.requests()));
    });
}

#[test]
fn lost_packets_cost_time_and_nothing_else() {
    alone("packets::lost_packets_cost_time_and_nothing_else", |net| {
        // Lost packets are sent again soon, so that the test does not measure the kernel's patience.
        net.far("ip route change 10.77.0.0/24 dev far src 10.77.0.2 rto_min 10ms");
        let origin = net.origin(Plan::new().file("/a", SMALL), FAR_V4);
        for percent in [1, 20] {
            net.near_rule(&format!(
                "add rule inet lab in ip saddr 10.77.0.2 numgen random mod 100 < {percent} drop"
            ));
            let life = Life::begin(&origin.url("/a"), |_| {});
            assert_eq!(life.ends_with(SMALL), 0, "{percent} %");
            net.heal();
        }
    });
}

#[test]
fn a_link_that_is_slow_for_a_while_keeps_its_connection() {
    alone("packets::a_link_that_is_slow_for_a_while_keeps_its_connection", |net| {
        let rate = |verb: &str, rate: &str| {
            net.far(&format!(
                "tc qdisc {verb} dev far root tbf rate {rate} burst 32kb latency 50ms"
            ));
        };
        rate("add", "20mbit");
        let origin = net.origin(Plan::new().file("/a", LARGE), FAR_V4);
        let life = Life::begin(&origin.url("/a"), |_| {});
        let before = life.has(MIB).progress.bytes_transferred;
        let connections_count = origin.requests().len();
        rate("replace", "1mbit");
        life.has(before + MIB / 8);
        rate("replace", "20mbit");
        assert_eq!(life.ends_with(LARGE), 0);
        assert_eq!(origin.requests().len(), connections_count, "nothing was asked again");
    });
}

/// Large packets vanish, and nobody says so.
fn swallow_above(net: &Net, bytes: u32) {
    // Else the link carries packets that no real one could.
    net.far("ip link set dev far gso_max_segs 1");
    net.near_rule(&format!("add rule inet lab in ip saddr 10.77.0.2 meta length > {bytes} drop"));
}

#[test]
fn a_black_hole_for_large_packets_is_found_out() {
    alone("packets::a_black_hole_for_large_packets_is_found_out", |net| {
        let origin = net.origin(Plan::new().route("/a", unhurried()), FAR_V4);
        // From the beginning: the connection stands, and no answer ever comes.
        swallow_above(net, 576);
        let life = Life::begin(&origin.url("/a"), impatient);
        assert_eq!(life.stops(), ErrorCode::WININET_E_TIMEOUT);
        net.heal();
        // In the middle, when a route changes.
        life.resume();
        life.has(MIB);
        swallow_above(net, 1280);
        assert_eq!(life.stops(), ErrorCode::WININET_E_TIMEOUT);
        net.heal();
        life.ends_with(LARGE);
        assert!(last_start(&origin.requests()) >= MIB);
    });
}

#[test]
fn an_interface_that_goes_and_comes_back_costs_a_pause() {
    alone("packets::an_interface_that_goes_and_comes_back_costs_a_pause", |net| {
        let origin = net.origin(Plan::new().route("/a", unhurried()), FAR_V4);
        let life = Life::begin(&origin.url("/a"), impatient);
        life.has(MIB);
        net.near("ip link set near down");
        life.stops();
        life.resume();
        assert_eq!(life.stops(), ErrorCode::WIN32_CANNOT_CONNECT);
        net.near("ip link set near up");
        life.ends_with(LARGE);
        assert!(last_start(&origin.requests()) >= MIB);
    });
}

#[test]
fn a_new_address_takes_over_where_the_old_one_stopped() {
    alone("packets::a_new_address_takes_over_where_the_old_one_stopped", |net| {
        let origin = net.origin(Plan::new().route("/a", unhurried()), FAR_V4);
        let life = Life::begin(&origin.url("/a"), impatient);
        life.has(MIB);
        net.near("ip addr del 10.77.0.1/24 dev near");
        net.near("ip addr add 10.77.0.9/24 dev near");
        life.stops();
        life.ends_with(LARGE);
        assert!(last_start(&origin.requests()) >= MIB);
    });
}
