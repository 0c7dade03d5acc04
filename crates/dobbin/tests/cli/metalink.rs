//! `dobbin get` with metalinks and mirrors, with an agent inside the command and a real server.

use dobbin_types::rest::AgentMode;

use crate::fake_agent::{FakeAgent, Plot};
use crate::home::{Ended, Home};
use crate::web::{Page, Web};

/// "hello" and a line feed.
const HELLO: &str = "hello\n";
/// Its SHA-256.
const HASH: &str = "5891b5b522d5df086d0ff0b110fbd9d21bb4fc7163af34d08286a2e846f6be03";

fn metalink(files: &str) -> String {
    format!("<metalink xmlns=\"urn:ietf:params:xml:ns:metalink\">{files}</metalink>")
}

fn file(name: &str, hash: &str, urls: &[String]) -> String {
    let urls: String = urls.iter().map(|url| format!("<url>{url}</url>")).collect();
    format!("<file name=\"{name}\"><size>6</size><hash type=\"sha-256\">{hash}</hash>{urls}</file>")
}

/// A home without an agent, and a server that has the file.
fn site() -> (Home, Web) {
    let web = Web::start();
    web.serve("/hello", Page::Text(HELLO.to_owned()));
    (Home::new(), web)
}

fn saved(home: &Home, name: &str) -> Option<String> {
    std::fs::read_to_string(home.file(name)).ok()
}

#[track_caller]
fn failed(ended: &Ended, code: i32, expect: &str) {
    assert_eq!(ended.code, Some(code), "{ended:?}");
    assert!(ended.err.contains(expect), "{}", ended.err);
}

#[test]
fn the_files_of_a_metalink_are_saved_below_the_folder() {
    let (home, web) = site();
    let urls = [web.url("/hello")];
    let text = metalink(&format!("{}{}", file("a", HASH, &urls), file("sub/b", HASH, &urls)));
    std::fs::write(home.file("x.meta4"), text).unwrap();
    let ended = home.run(&["get", "x.meta4"]);
    assert_eq!(ended.code, Some(0), "{ended:?}");
    assert_eq!(saved(&home, "a").as_deref(), Some(HELLO));
    assert_eq!(saved(&home, "sub/b").as_deref(), Some(HELLO));
}

#[test]
fn a_metalink_at_a_url_is_fetched_and_followed() {
    let (home, web) = site();
    web.serve("/x.meta4", Page::Text(metalink(&file("a", HASH, &[web.url("/hello")]))));
    let ended = home.run(&["get", "-d", ".", &web.url("/x.meta4")]);
    assert_eq!(ended.code, Some(0), "{ended:?}");
    assert_eq!(web.asked(), ["/x.meta4", "/hello"]);
    assert_eq!(saved(&home, "a").as_deref(), Some(HELLO));
    assert_eq!(saved(&home, "x.meta4"), None);
    let jobs = home.run(&["jobs", "list", "--json"]);
    assert_eq!(jobs.out, "", "no job stays");
}

#[test]
fn a_metalink_of_another_name_is_one_when_that_is_said() {
    let (home, web) = site();
    let text = metalink(&file("a", HASH, &[web.url("/hello")]));
    web.serve("/mirrors?of=a", Page::Text(text.clone()));
    let ended = home.run(&["get", "--metalink", &web.url("/mirrors?of=a")]);
    assert_eq!(ended.code, Some(0), "{ended:?}");
    assert_eq!(saved(&home, "a").as_deref(), Some(HELLO));
    // And one that is called so is a file when it gets a name.
    web.serve("/x.meta4", Page::Text(text.clone()));
    assert_eq!(home.run(&["get", "-o", "kept.meta4", &web.url("/x.meta4")]).code, Some(0));
    assert_eq!(saved(&home, "kept.meta4"), Some(text));
}

#[test]
fn bytes_that_are_not_those_of_the_metalink_are_not_shown() {
    let (home, web) = site();
    let text = metalink(&file("a", &"0".repeat(64), &[web.url("/hello")]));
    std::fs::write(home.file("x.meta4"), text).unwrap();
    let ended = home.run(&["get", "x.meta4"]);
    failed(&ended, 1, "DO_E_BAD_PIECE_HASH");
    assert_eq!(saved(&home, "a"), None);
}

#[test]
fn a_hostile_metalink_is_refused_before_anybody_is_asked() {
    let (home, web) = site();
    let urls = [web.url("/hello")];
    let entity = "<!DOCTYPE m [<!ENTITY x SYSTEM \"file:///etc/passwd\">]>";
    for (text, expect) in [
        (metalink(&file("../evil", HASH, &urls)), "leads out of its folder"),
        (metalink(&file("/tmp/evil", HASH, &urls)), "is an absolute path"),
        (metalink(&file(".profile", HASH, &urls)), "is hidden"),
        (format!("{entity}{}", metalink(&file("a", HASH, &urls))), "document type"),
        ("hello".to_owned(), "not a metalink"),
    ] {
        std::fs::write(home.file("x.meta4"), text).unwrap();
        failed(&home.run(&["get", "x.meta4"]), 1, expect);
    }
    std::os::unix::fs::symlink("/tmp", home.file("link")).unwrap();
    std::fs::write(home.file("x.meta4"), metalink(&file("link/a", HASH, &urls))).unwrap();
    failed(&home.run(&["get", "x.meta4"]), 2, "wants a folder");
    failed(&home.run(&["get", "none.meta4"]), 2, "cannot read the metalink");
    assert_eq!(web.asked(), [""; 0]);
}

#[test]
fn a_metalink_that_never_ends_is_given_up() {
    let (home, web) = site();
    web.serve("/x.meta4", Page::Endless(1 << 40));
    let ended = home.run(&["get", &web.url("/x.meta4")]);
    failed(&ended, 1, "it has more than 8388608 bytes");
    assert_eq!(home.run(&["jobs", "list", "--json"]).out, "", "its job is gone");
    failed(&home.run(&["get", &web.url("/none.meta4")]), 1, "HTTP 404");
}

#[test]
fn mirrors_of_the_command_line_are_the_jobs() {
    let home = Home::new();
    let agent = FakeAgent::start(&home.file("run"), AgentMode::Service, Plot::Transfers);
    let words = ["get", "--mirror", "http://m/a", "--mirror", "https://n/a", "http://h/a"];
    assert_eq!(home.run(&words).code, Some(0));
    assert_eq!(agent.files()[0]["mirrors"], serde_json::json!(["http://m/a", "https://n/a"]));
}

#[test]
fn piece_hashes_of_a_metalink_are_the_jobs() {
    for (whole, mandatory) in
        [(format!("<hash type=\"sha-256\">{HASH}</hash>"), false), (String::new(), true)]
    {
        let home = Home::new();
        let agent = FakeAgent::start(&home.file("run"), AgentMode::Service, Plot::Transfers);
        let pieces =
            format!("<pieces length=\"65536\" type=\"sha-256\"><hash>{HASH}</hash></pieces>");
        let said = format!("<size>6</size>{whole}{pieces}<url>http://h/a</url>");
        let text = metalink(&format!("<file name=\"a\">{said}</file>"));
        std::fs::write(home.file("x.meta4"), text).unwrap();
        assert_eq!(home.run(&["get", "x.meta4"]).code, Some(0));
        let hashes = &agent.files()[0]["piece_hashes"];
        assert_eq!(hashes["mandatory"], mandatory);
        let text = hashes["text"].as_str().unwrap();
        assert!(text.contains("65536") && text.contains("WJG1tSLV3whtD/CxEPvZ0hu0"), "{text}");
    }
}

#[test]
fn of_a_dead_a_lying_and_a_good_mirror_the_good_one_is_found() {
    let (home, web) = site();
    web.serve("/liar", Page::Text("jello\n".to_owned()));
    let dead = "http://127.0.0.1:1/hello".to_owned();
    let urls = [dead, web.url("/liar"), web.url("/hello")];
    std::fs::write(home.file("x.meta4"), metalink(&file("a", HASH, &urls))).unwrap();
    let ended = home.run(&["get", "x.meta4"]);
    assert_eq!(ended.code, Some(0), "{ended:?}");
    assert_eq!(saved(&home, "a").as_deref(), Some(HELLO));
}
