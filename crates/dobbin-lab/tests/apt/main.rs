//! apt itself, with every file fetched by an agent over the interface for programs written for
//! Microsoft's. Everything lies in a folder of the test's own: nothing of the machine's apt is touched.

#![allow(clippy::unwrap_used, reason = "the helpers of tests fail like the tests themselves")]

use std::fs;
use std::os::unix::fs::{PermissionsExt as _, symlink};
use std::path::Path;
use std::process::{Command, Output};

use aws_lc_rs::digest;
use dobbin_agent::{AgentOptions, CompatOptions, Embedded};
use dobbin_lab::bench::FileServer;
use dobbin_lab::origin::Content;
use dobbin_platform::Scope;
use dobbin_types::rest::AgentMode;

/// The size of the one package; some pieces.
const PACKAGE_BYTES: u64 = 3_000_001;

/// Methods of apt's own that it needs beside ours.
const METHODS: [&str; 3] = ["store", "file", "gpgv"];

/// Where they lie on every Debian.
const METHODS_FOLDER: &str = "/usr/lib/apt/methods";

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

fn sha256(bytes: &[u8]) -> String {
    hex(digest::digest(&digest::SHA256, bytes).as_ref())
}

/// Fills a folder with a repository of one package; its bytes.
fn make_repository(folder: &Path) -> Vec<u8> {
    let package = Content::new(7, PACKAGE_BYTES).all();
    fs::write(folder.join("dobbin-sample.deb"), &package).unwrap();
    let packages = format!(
        "Package: dobbin-sample\nVersion: 1.0\nArchitecture: all\n\
         Maintainer: Nobody <nobody@example.com>\nFilename: ./dobbin-sample.deb\n\
         Size: {PACKAGE_BYTES}\nSHA256: {}\nDescription: a sample\n\n",
        sha256(&package)
    );
    fs::write(folder.join("Packages"), &packages).unwrap();
    let release = format!(
        "Date: Wed, 01 Jan 2020 00:00:00 UTC\nSHA256:\n {} {} Packages\n",
        sha256(packages.as_bytes()),
        packages.len()
    );
    fs::write(folder.join("Release"), release).unwrap();
    package
}

/// Folders and settings of an apt of the test's own, with our method in the place of its own.
fn make_apt(home: &Path, repository: &str) {
    for folder in ["etc/none", "state/lists/partial", "cache/archives/partial", "methods", "agent"]
    {
        fs::create_dir_all(home.join(folder)).unwrap();
    }
    fs::write(home.join("state/status"), "").unwrap();
    fs::write(home.join("etc/sources.list"), format!("deb [trusted=yes] {repository} ./\n"))
        .unwrap();
    for method in METHODS {
        symlink(Path::new(METHODS_FOLDER).join(method), home.join("methods").join(method)).unwrap();
    }
    let method = home.join("methods/http");
    let script = format!(
        "#!/bin/sh\nexec '{}' apt-method --run-dir '{1}/run' --folder '{1}/agent'\n",
        env!("CARGO_BIN_EXE_dobbin-lab"),
        home.display()
    );
    fs::write(&method, script).unwrap();
    fs::set_permissions(&method, fs::Permissions::from_mode(0o755)).unwrap();
    let home = home.display();
    let config = format!(
        "Dir \"{home}\";\nDir::State \"state\";\nDir::State::status \"{home}/state/status\";\n\
         Dir::Cache \"cache\";\nDir::Etc \"etc\";\nDir::Etc::main \"absent\";\n\
         Dir::Etc::parts \"none\";\nDir::Etc::sourceparts \"none\";\n\
         Dir::Etc::preferencesparts \"none\";\nDir::Etc::trusted \"absent\";\n\
         Dir::Etc::trustedparts \"none\";\nDir::Bin::Methods \"{home}/methods\";\n\
         APT::Sandbox::User \"\";\nDebug::NoLocking \"1\";\nAcquire::Languages \"none\";\n\
         Acquire::Retries \"0\";\n"
    );
    fs::write(Path::new(&home.to_string()).join("apt.conf"), config).unwrap();
}

fn apt(home: &Path, words: &[&str]) -> Output {
    let config = home.join("apt.conf");
    Command::new("apt-get").args(words).env("APT_CONFIG", config).output().unwrap()
}

#[track_caller]
fn succeeds(home: &Path, words: &[&str]) {
    let output = apt(home, words);
    let told = format!("{words:?}: {output:?}");
    assert!(output.status.success(), "{told}");
    assert!(!String::from_utf8_lossy(&output.stderr).contains("E:"), "{told}");
}

fn start_agent(home: &Path) -> Embedded {
    let (state, socket) = (home.join("dobbin"), home.join("api.sock"));
    let mut options = AgentOptions::at(Scope::User, AgentMode::Service, state, socket);
    options.compat = Some(CompatOptions { ports: 0..=0, ..CompatOptions::at(home.join("run")) });
    Embedded::start(options).unwrap()
}

/// conformance: rest apt
#[test]
fn apt_updates_and_fetches_packages_through_the_agent() {
    if !Path::new(METHODS_FOLDER).join(METHODS[0]).exists() || !has_apt() {
        return eprintln!("SKIPPED: there is no apt-get here");
    }
    let (home, repository) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let package = make_repository(repository.path());
    let server = FileServer::start(repository.path(), None).unwrap();
    make_apt(home.path(), &format!("http://{}/", server.address()));
    let agent = start_agent(home.path());

    // InRelease and Release.gpg are not there: apt goes on only if that is said at once.
    succeeds(home.path(), &["update"]);
    succeeds(home.path(), &["-y", "--download-only", "install", "dobbin-sample"]);
    let fetched = home.path().join("cache/archives/dobbin-sample_1.0_all.deb");
    assert!(fs::read(fetched).unwrap() == package, "other bytes");
    let left = fs::read_dir(home.path().join("agent")).unwrap().count();
    assert_eq!(left, 0, "files that failed, or their beginnings, are left");
    agent.stop();
}

/// apt's own check finds a package that is not what its list says.
#[test]
fn apt_refuses_a_package_that_changed_on_its_way() {
    if !Path::new(METHODS_FOLDER).join(METHODS[0]).exists() || !has_apt() {
        return eprintln!("SKIPPED: there is no apt-get here");
    }
    let (home, repository) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    make_repository(repository.path());
    let server = FileServer::start(repository.path(), None).unwrap();
    make_apt(home.path(), &format!("http://{}/", server.address()));
    let agent = start_agent(home.path());
    succeeds(home.path(), &["update"]);
    let damaged = Content::new(7, PACKAGE_BYTES).damaged_at(1).all();
    fs::write(repository.path().join("dobbin-sample.deb"), damaged).unwrap();
    let output = apt(home.path(), &["-y", "--download-only", "install", "dobbin-sample"]);
    assert!(!output.status.success(), "{output:?}");
    assert!(String::from_utf8_lossy(&output.stderr).contains("Hash Sum mismatch"), "{output:?}");
    agent.stop();
}

fn has_apt() -> bool {
    Command::new("apt-get").arg("--version").output().is_ok()
}
