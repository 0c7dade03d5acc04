//! The way through a proxy.

use std::io;

use dobbin_core::source::Reach;

use super::super::*;
use super::kit::*;

#[test]
fn an_http_proxy_is_asked_by_whole_urls() {
    run(async {
        let mut proxy = Origin::new([Say(ok("hello")), Say(ok("again"))]).await;
        let rules = ProxyRules::new(&format!("http://me:pw@{}", proxy.address), "", "direct.test");
        let client = Client::new(HttpSettings { proxy: rules, ..settings() }).unwrap();
        let request = with_secret("http://a.test/x?q");
        let mut response = client.open(&request).await.unwrap();
        assert_eq!(read(&mut response).await.unwrap(), b"hello");
        let (_, heard) = proxy.heard().await;
        assert!(heard.starts_with("GET http://a.test/x?q HTTP/1.1\r\n"), "{heard}");
        for line in ["host: a.test\r\n", "proxy-authorization: Basic bWU6cHc=\r\n"] {
            assert!(heard.contains(line), "{heard}");
        }
    });
}

#[test]
fn a_redirect_through_a_proxy_may_not_name_a_private_address() {
    run(async {
        let proxy = Origin::new([moved("http://169.254.169.254/latest")]).await;
        let rules = ProxyRules::new(&format!("http://{}", proxy.address), "", "");
        let client = Client::new(HttpSettings { proxy: rules, ..settings() }).unwrap();
        let error = failure(&client, &with_secret("http://a.test/")).await;
        assert_eq!(error.kind, FetchErrorKind::AddressRefused(Reach::LinkLocal));
    });
}

#[test]
fn a_proxy_that_opens_no_tunnel_says_why() {
    run(async {
        for (reply, expect) in [
            ("HTTP/1.1 407 Auth\r\n\r\n", FetchErrorKind::ProxyAuthentication),
            ("HTTP/1.1 502 Bad\r\n\r\n", FetchErrorKind::ProxyRefused(502)),
            ("SSH-2.0-x\r\n\r\n", FetchErrorKind::ProxyRefused(0)),
            ("", FetchErrorKind::ProxyConnect(io::ErrorKind::UnexpectedEof)),
        ] {
            let mut proxy = Origin::new([Leave(reply.into())]).await;
            let rules = ProxyRules::new("", &format!("http://me:pw@{}", proxy.address), "");
            let client = Client::new(HttpSettings { proxy: rules, ..settings() }).unwrap();
            let error = failure(&client, &with_secret("https://a.test/")).await;
            assert_eq!(error.kind, expect);
            let (_, heard) = proxy.heard().await;
            assert!(heard.starts_with("CONNECT a.test:443 HTTP/1.1\r\n"), "{heard}");
            assert!(heard.contains("Proxy-Authorization: Basic bWU6cHc=\r\n"), "{heard}");
            assert!(!heard.contains("canary"), "{heard}");
        }
    });
}

#[test]
fn a_proxy_of_an_unknown_kind_is_not_passed_by() {
    run(async {
        let rules = ProxyRules::new("socks5://127.0.0.1:1", "", "");
        let client = Client::new(HttpSettings { proxy: rules, ..settings() }).unwrap();
        let error = failure(&client, &with_secret("http://a.test/")).await;
        assert_eq!(error.kind, FetchErrorKind::ProxyUnsupported);
    });
}
