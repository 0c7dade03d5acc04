//! Names and the addresses behind them.

use std::net::{IpAddr, Ipv4Addr};

use dobbin_lab::origin::{Content, Plan};
use dobbin_types::ErrorCode;

use crate::life::{Life, impatient};
use crate::stage::{FAR_V4, FAR_V6, alone};
use crate::zone::{Word, Zone};

const FILE: Content = Content::new(0xD0BB4, 300_000);

fn addresses(texts: &[&str]) -> Word {
    Word::Addresses(texts.iter().map(|text| text.parse().unwrap()).collect())
}

#[test]
fn a_machine_with_ipv6_alone_downloads_like_any_other() {
    alone("names::a_machine_with_ipv6_alone_downloads_like_any_other", |net| {
        let zone = Zone::start(net);
        let origin = net.origin(Plan::new().file("/a", FILE), FAR_V6);
        assert_eq!(Life::begin(&origin.url("/a"), |_| {}).ends_with(FILE), 0, "by its address");
        zone.say("files.test", addresses(&[FAR_V6]));
        let url = format!("http://files.test:{}/a", origin.address().port());
        assert_eq!(Life::begin(&url, |_| {}).ends_with(FILE), 0, "by its name");
    });
}

#[test]
fn ipv6_that_is_promised_and_broken_is_passed_by() {
    alone("names::ipv6_that_is_promised_and_broken_is_passed_by", |net| {
        let zone = Zone::start(net);
        let origin = net.origin(Plan::new().file("/a", FILE), FAR_V4);
        zone.say("files.test", addresses(&[FAR_V6, FAR_V4]));
        net.near_rule("add rule inet lab out ip6 daddr fd77::2 meta l4proto tcp counter drop");
        let url = format!("http://files.test:{}/a", origin.address().port());
        assert_eq!(Life::begin(&url, |_| {}).ends_with(FILE), 0);
        let rules = net.near_rules();
        assert!(!rules.contains("counter packets 0 "), "it was never tried: {rules}");
    });
}

#[test]
fn a_name_that_does_not_resolve_now_may_do_so_later() {
    alone("names::a_name_that_does_not_resolve_now_may_do_so_later", |net| {
        let zone = Zone::start(net);
        let origin = net.origin(Plan::new().file("/a", FILE), FAR_V4);
        let words = [
            ("gone.test", Word::NoSuchName),
            ("broken.test", Word::Failure),
            ("silent.test", Word::Silence),
            ("empty.test", addresses(&[])),
        ];
        for (name, word) in words {
            zone.say(name, word);
            let url = format!("http://{name}:{}/a", origin.address().port());
            let life = Life::begin(&url, |_| {});
            assert_eq!(life.stops(), ErrorCode::WIN32_NAME_NOT_RESOLVED, "{name}");
            zone.say(name, addresses(&[FAR_V4]));
            life.ends_with(FILE);
        }
    });
}

#[test]
fn of_a_hundred_dead_addresses_four_are_tried() {
    alone("names::of_a_hundred_dead_addresses_four_are_tried", |net| {
        let zone = Zone::start(net);
        let origin = net.origin(Plan::new().file("/a", FILE), FAR_V4);
        net.near_rule("add set inet lab tried { type ipv4_addr ; flags dynamic ; size 256 ; }");
        net.near_rule(
            "add rule inet lab out ip daddr 10.77.0.100-10.77.0.199 tcp flags syn \
             add @tried { ip daddr } reject with tcp reset",
        );
        let dead = (100..200).map(|last| IpAddr::V4(Ipv4Addr::new(10, 77, 0, last)));
        zone.say("files.test", Word::Addresses(dead.collect()));
        let url = format!("http://files.test:{}/a", origin.address().port());
        let life = Life::begin(&url, impatient);
        assert_eq!(life.stops(), ErrorCode::WIN32_CANNOT_CONNECT);
        let rules = net.near_rules();
        let tried = rules.split("elements = {").nth(1).unwrap().split('}').next().unwrap();
        assert_eq!(tried.split(',').count(), 4, "{tried}");
        // Meanwhile the name has moved: nothing of the old answer is kept.
        zone.say("files.test", addresses(&[FAR_V4]));
        life.ends_with(FILE);
    });
}
