//! The configuration file: found, shown, checked, and followed by the agent.

use std::net::TcpStream;
use std::os::unix::process::CommandExt as _;
use std::process::Command;

use rustix::process::Signal;

use crate::home::Home;
use crate::service::Service;
use crate::web::{Page, Web};

fn json(text: &str) -> serde_json::Value {
    serde_json::from_str(text).unwrap_or_else(|error| panic!("{error}: {text}"))
}

/// Writes the user's own configuration file.
fn write_config(home: &Home, text: &str) {
    let folder = home.file(".config/dobbin");
    std::fs::create_dir_all(&folder).unwrap();
    std::fs::write(folder.join("dobbin.toml"), text).unwrap();
}

#[test]
fn without_a_file_the_defaults_hold() {
    let home = Home::new();
    let shown = home.run(&["config", "show"]);
    assert_eq!((shown.code, shown.err.as_str()), (Some(0), ""), "{shown:?}");
    assert!(shown.out.starts_with("there is no "), "{}", shown.out);
    assert!(shown.out.contains("limits.max_jobs "), "{}", shown.out);
    assert!(!shown.out.contains(" file "), "{}", shown.out);
    let told = json(&home.run(&["config", "show", "--json"]).out);
    assert_eq!((&told["kind"], &told["is_there"]), (&"config".into(), &false.into()));
    let settings = told["settings"].as_array().unwrap();
    assert!(settings.iter().all(|setting| setting["is_said"] == false), "{told}");
}

#[test]
fn what_the_file_says_is_shown_as_said_there() {
    let home = Home::new();
    write_config(&home, "limit_rate = \"2k\"\n[compat]\nenabled = true\n");
    let shown = home.run(&["config", "show"]);
    assert!(shown.out.starts_with("from "), "{shown:?}");
    let row = |key: &str| {
        let row = shown.out.lines().find(|line| line.starts_with(key)).unwrap();
        row.split_whitespace().map(str::to_owned).collect::<Vec<_>>()
    };
    assert_eq!(row("limit_rate"), ["limit_rate", "file", "2048"]);
    assert_eq!(row("compat.enabled"), ["compat.enabled", "file", "true"]);
    assert_eq!(row("compat.port_first"), ["compat.port_first", "default", "50000"]);
    assert_eq!(row("limits.max_jobs "), ["limits.max_jobs", "default", "no", "limit"]);
}

#[test]
fn the_machines_agent_has_a_file_of_its_own() {
    let home = Home::new();
    write_config(&home, "limit_rate = 1\n");
    std::fs::write(home.file("dobbin.toml"), "limit_rate = 2\n").unwrap();
    let mut command = home.command(&["config", "show", "--system", "--json"]);
    let output = command.env("CONFIGURATION_DIRECTORY", home.path()).output().unwrap();
    let told = json(std::str::from_utf8(&output.stdout).unwrap());
    assert_eq!(told["settings"][0]["value"], 2, "{told}");
    let named = json(&home.run(&["config", "show", "--json", "--config", "dobbin.toml"]).out);
    assert_eq!(named["settings"][0]["value"], 2, "{named}");
}

#[test]
fn a_file_is_checked_without_an_agent() {
    let home = Home::new();
    std::fs::write(home.file("good.toml"), "[limits]\nmax_jobs = 5\n").unwrap();
    std::fs::write(home.file("bad.toml"), "[limits]\n\nmax_job = 5\n").unwrap();
    let good = home.run(&["config", "check", "good.toml"]);
    assert_eq!((good.code, good.out.as_str()), (Some(0), "good.toml can be used\n"));
    let told = json(&home.run(&["config", "check", "good.toml", "--json"]).out);
    assert_eq!(told["kind"], "config_checked");
    let bad = home.run(&["config", "check", "bad.toml"]);
    assert_eq!((bad.code, bad.out.as_str()), (Some(2), ""));
    for part in ["bad.toml", "line 3", "`max_job`", "dobbin config check --help"] {
        assert!(bad.err.contains(part), "{part}: {}", bad.err);
    }
    let told = json(&home.run(&["config", "check", "bad.toml", "--json"]).out);
    assert_eq!((&told["kind"], &told["exit"]), (&"failed".into(), &2.into()));
    assert_eq!(home.run(&["config", "check", "none.toml"]).code, Some(2));
    assert!(!home.file("state").exists(), "it started an agent");
}

/// The limit of the service, as an agent tells it that was started so.
fn limit_of(home: &Home, words: &[&str]) -> String {
    let words = [&["serve"], words].concat();
    let service = Service::start(home, home.command(&words));
    let created = home.run(&["jobs", "create", "x", "http://127.0.0.1:9/a", "a"]);
    assert_eq!(created.code, Some(0), "{created:?}");
    let why = home.run(&["why", created.out.trim()]);
    assert_eq!(service.end().code, Some(0));
    let limit = why.out.lines().find(|line| line.contains("all jobs together"));
    limit.unwrap_or_else(|| panic!("no limit: {why:?}")).to_owned()
}

#[test]
fn the_agent_follows_its_file_and_the_command_line_first() {
    let home = Home::new();
    write_config(&home, "limit_rate = \"3M\"\n");
    std::fs::write(home.file("other.toml"), "limit_rate = \"5M\"\n").unwrap();
    assert!(limit_of(&home, &[]).contains("3.00 MiB/s"));
    assert!(limit_of(&home, &["--config", "other.toml"]).contains("5.00 MiB/s"));
    assert!(limit_of(&home, &["--limit-rate", "7M"]).contains("7.00 MiB/s"));
}

#[test]
fn an_agent_does_not_start_on_a_file_that_it_does_not_understand() {
    let home = Home::new();
    write_config(&home, "limt_rate = 1\n");
    let ended = home.run(&["serve"]);
    assert_eq!(ended.code, Some(2), "{ended:?}");
    assert!(ended.err.contains("line 1"), "{}", ended.err);
    assert!(!home.file("state").exists(), "it opened its store");
}

#[test]
fn a_hangup_ends_no_agent() {
    let home = Home::new();
    let service = Service::start(&home, home.command(&["serve"]));
    service.signal(Signal::HUP);
    assert_eq!(home.run(&["jobs", "list"]).code, Some(0));
    assert_eq!(service.end().code, Some(0));
}

/// Fetches a file by the agent that runs, and says what it holds.
fn fetched(home: &Home, url: &str, name: &str) -> String {
    let ended = home.run(&["get", "-q", "-o", name, url]);
    assert_eq!(ended.code, Some(0), "{ended:?}");
    std::fs::read_to_string(home.file(name)).unwrap()
}

/// conformance: rest reload
#[test]
fn the_administrators_file_is_followed_at_once_when_somebody_asks_for_it() {
    let (home, origin, cache) = (Home::new(), Web::start(), Web::start());
    origin.serve("/a", Page::Text("from the origin".to_owned()));
    cache.serve("/a?cacheHostOrigin=127.0.0.1", Page::Text("from the cache".to_owned()));
    let (folder, url) = (home.file("admin"), origin.url("/a"));
    std::fs::create_dir(&folder).unwrap();
    write_config(
        &home,
        &format!("[compat]\nenabled = true\nrun_dir = {0:?}\nconfig_dir = {0:?}\n", folder),
    );
    let file = folder.join("admin-config.json");
    let mut service = Service::start(&home, home.command(&["serve"]));
    assert_eq!(fetched(&home, &url, "first"), "from the origin");

    let host = cache.url("").replace("http://", "");
    std::fs::write(&file, format!("{{\"DOCacheHost\": \"{host}\"}}")).unwrap();
    service.signal(Signal::HUP);
    service.hear("cache hosts set");
    assert_eq!(fetched(&home, &url, "second"), "from the cache");

    std::fs::write(&file, "{").unwrap();
    service.signal(Signal::HUP);
    service.hear("not understood");
    assert_eq!(fetched(&home, &url, "third"), "from the cache");

    std::fs::remove_file(&file).unwrap();
    service.signal(Signal::HUP);
    service.hear("cache hosts set");
    assert_eq!(fetched(&home, &url, "fourth"), "from the origin");
    assert_eq!(service.end().code, Some(0));
}

/// conformance: rest gateway
#[test]
fn the_gateway_of_a_device_is_its_cache_host_from_the_start() {
    let (home, origin, cache) = (Home::new(), Web::start(), Web::start());
    cache.serve("/a?cacheHostOrigin=127.0.0.1", Page::Text("from the gateway".to_owned()));
    let folder = home.file("admin");
    std::fs::create_dir(&folder).unwrap();
    let host = cache.url("").replace("http://", "");
    let text =
        format!("{{\"ADUC_IoTConnectionString\": \"HostName=h;GatewayHostName={host};x=y\"}}");
    std::fs::write(folder.join("sdk-config.json"), text).unwrap();
    write_config(&home, &format!("[compat]\nrun_dir = {0:?}\nconfig_dir = {0:?}\n", folder));
    let service = Service::start(&home, home.command(&["serve", "--compat"]));
    assert_eq!(fetched(&home, &origin.url("/a"), "a"), "from the gateway");
    assert_eq!(service.end().code, Some(0));
}

/// The program under the name of Microsoft's agent, with the folders that a service manager gives.
fn stand_in(home: &Home, words: &[&str]) -> Command {
    let mut command = home.command(words);
    command
        .arg0("/usr/bin/deliveryoptimization-agent")
        .env("STATE_DIRECTORY", home.file("state"))
        .env("RUNTIME_DIRECTORY", home.file("run"))
        .env("CONFIGURATION_DIRECTORY", home.path());
    command
}

/// conformance: rest version
#[test]
fn by_the_name_of_microsofts_agent_it_tells_its_version_in_that_ones_form() {
    let home = Home::new();
    let expect = format!("dobbin;deliveryoptimization-agent/v{}\n", env!("CARGO_PKG_VERSION"));
    for word in ["--version", "-v", "--version-extra"] {
        let output = stand_in(&home, &[word]).output().unwrap();
        assert_eq!(output.status.code(), Some(0), "{word}");
        assert_eq!(String::from_utf8(output.stdout).unwrap(), expect, "{word}");
    }
    assert!(!home.file("state").exists(), "it started an agent");
}

/// The ports that files name in the folder where programs look for them.
fn ports(home: &Home) -> Vec<u16> {
    let files = std::fs::read_dir(home.file("ports")).unwrap().map(|file| file.unwrap().path());
    files.map(|file| std::fs::read_to_string(file).unwrap().trim().parse().unwrap()).collect()
}

#[test]
fn by_that_name_it_serves_whatever_else_is_said() {
    let home = Home::new();
    let config = format!(
        "limit_rate = \"3M\"\n[compat]\nrun_dir = {0:?}\nconfig_dir = {0:?}\n",
        home.file("ports")
    );
    std::fs::write(home.file("dobbin.toml"), config).unwrap();
    for words in [&[][..], &["--version", "please"], &["--no-such-option"]] {
        let service = Service::start(&home, stand_in(&home, words));
        let agent = home.run(&["--socket", "run/api.sock", "jobs", "list"]);
        assert_eq!(agent.code, Some(0), "{words:?}: {agent:?}");
        assert_eq!(ports(&home).len(), 1, "{words:?}");
        assert!(TcpStream::connect(("127.0.0.1", ports(&home)[0])).is_ok(), "{words:?}");
        let ended = service.end();
        assert_eq!(ended.code, Some(0), "{words:?}: {ended:?}");
        assert!(ports(&home).is_empty(), "{words:?}");
    }
}
