//! Two network namespaces with a link between them: the engine lives in the near one, origins in the
//! far one.

use std::env;
use std::fs::File;
use std::io::{BufRead, BufReader};
use std::net::IpAddr;
use std::ops::Deref;
use std::os::fd::AsFd;
use std::process::{Child, Command, Stdio};
use std::thread;

use dobbin_lab::origin::{Origin, Plan};
use rustix::thread::{LinkNameSpaceType, move_into_link_name_space};

/// Says to a process of this program which test it is to run.
const INSIDE: &str = "DOBBIN_TEST_INSIDE";

/// Where origins are found, by either family.
pub(crate) const FAR_V4: &str = "10.77.0.2";
pub(crate) const FAR_V6: &str = "fd77::2";

/// What must work here for these tests to mean anything: each is tried once, in a namespace that
/// vanishes with it.
const NEEDS: &[&[&str]] = &[
    &["ip", "link", "add", "near", "type", "veth", "peer", "name", "far"],
    &["nft", "add", "table", "inet", "lab"],
    &[
        "tc", "qdisc", "add", "dev", "lo", "root", "tbf", "rate", "1mbit", "burst", "4kb",
        "latency", "50ms",
    ],
    &["mount", "--bind", "/etc/hosts", "/etc/resolv.conf"],
];

/// The link and what is at its ends.
pub(crate) struct Net {
    /// Keeps the far namespace in being.
    far: Child,
}

/// Runs `story` in a process of its own that has this network and no other. `name` is the test's, with
/// its module.
pub(crate) fn alone(name: &str, story: impl FnOnce(&Net)) {
    if env::var_os(INSIDE).is_some_and(|inside| inside == name) {
        return story(&Net::new());
    }
    if let Some(missing) = missing() {
        eprintln!("SKIPPED: NOT RUN, because {missing}");
        return;
    }
    let output = inside(&[env::current_exe().unwrap().to_str().unwrap()])
        .args(["--exact", name, "--nocapture", "--test-threads=1"])
        .env(INSIDE, name)
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&output.stdout);
    let is_well = output.status.success() && said.contains(" 1 passed;");
    assert!(is_well, "{said}\n{}", String::from_utf8_lossy(&output.stderr));
}

/// What keeps these tests from running here, if anything.
fn missing() -> Option<String> {
    if !rustix::process::geteuid().is_root() {
        return Some("only root can make networks".to_owned());
    }
    NEEDS.iter().find_map(|words| {
        let tried = inside(words).stdout(Stdio::null()).output();
        let works = tried.is_ok_and(|output| output.status.success());
        (!works).then(|| format!("`{}` does not work here", words.join(" ")))
    })
}

/// A command in new, empty namespaces for network and mounts.
fn inside(words: &[&str]) -> Command {
    let mut command = Command::new("unshare");
    command.args(["--net", "--mount"]).args(words).stdin(Stdio::null());
    command
}

impl Net {
    fn new() -> Net {
        let mut far = Command::new("unshare")
            .args(["--net", "sh", "-c", "echo; exec cat"])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        // Its first word says that the namespace is there.
        BufReader::new(far.stdout.as_mut().unwrap()).read_line(&mut String::new()).unwrap();
        let net = Net { far };
        let pid = net.far.id();
        net.near(&format!("ip link add near type veth peer name far netns {pid}"));
        for (side, host) in [("near", 1), ("far", 2)] {
            for line in [
                "ip link set lo up".to_owned(),
                format!("ip addr add 10.77.0.{host}/24 dev {side}"),
                format!("ip addr add fd77::{host}/64 dev {side} nodad"),
                format!("ip link set {side} up"),
            ] {
                if side == "near" { net.near(&line) } else { net.far(&line) }
            }
            for script in [
                "add table inet lab",
                "add chain inet lab in { type filter hook input priority 0 ; }",
                "add chain inet lab out { type filter hook output priority 0 ; }",
            ] {
                if side == "near" { net.near_rule(script) } else { net.far_rule(script) }
            }
        }
        net
    }

    /// Runs a command line at the near end.
    pub(crate) fn near(&self, line: &str) {
        run(Command::new("env").args(line.split(' ')));
    }

    /// The same at the far end.
    pub(crate) fn far(&self, line: &str) {
        run(self.at_far().args(line.split(' ')));
    }

    /// Gives nftables at the near end one command. Table `lab` has the chains `in` and `out`.
    pub(crate) fn near_rule(&self, rule: &str) {
        run(Command::new("nft").arg(rule));
    }

    /// The same at the far end.
    pub(crate) fn far_rule(&self, rule: &str) {
        run(self.at_far().args(["nft", rule]));
    }

    /// What nftables at the near end has in table `lab`.
    pub(crate) fn near_rules(&self) -> String {
        let output = Command::new("nft").args(["list", "table", "inet", "lab"]).output().unwrap();
        String::from_utf8(output.stdout).unwrap()
    }

    /// Takes back all rules at both ends.
    pub(crate) fn heal(&self) {
        for chain in ["in", "out"] {
            self.near_rule(&format!("flush chain inet lab {chain}"));
            self.far_rule(&format!("flush chain inet lab {chain}"));
        }
    }

    /// The beginning of a command that runs at the far end.
    pub(crate) fn at_far(&self) -> Command {
        let mut command = Command::new("nsenter");
        command.args(["--net", "--target", &self.far.id().to_string()]);
        command
    }

    /// Does something on a thread at the far end; sockets and threads that come of it stay there.
    pub(crate) fn over_there<T: Send>(&self, act: impl FnOnce() -> T + Send) -> T {
        let space = File::open(format!("/proc/{}/ns/net", self.far.id())).unwrap();
        thread::scope(|scope| {
            let thread = scope.spawn(move || {
                let kind = Some(LinkNameSpaceType::Network);
                move_into_link_name_space(space.as_fd(), kind).unwrap();
                act()
            });
            thread.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic))
        })
    }

    /// An origin at the far end.
    pub(crate) fn origin(&self, plan: Plan, address: &str) -> FarOrigin<'_> {
        let address: IpAddr = address.parse().unwrap();
        let origin = self.over_there(|| Origin::start_on(plan, address));
        FarOrigin { net: self, origin: Some(origin) }
    }
}

impl Drop for Net {
    fn drop(&mut self) {
        // The namespace, the link and all rules go with the last process in it.
        let _ = self.far.kill();
        let _ = self.far.wait();
    }
}

/// An origin that also ends at the far end: on its way out it calls itself, which the link between may
/// not allow.
pub(crate) struct FarOrigin<'a> {
    net: &'a Net,
    origin: Option<Origin>,
}

impl Deref for FarOrigin<'_> {
    type Target = Origin;

    fn deref(&self) -> &Origin {
        self.origin.as_ref().unwrap()
    }
}

impl Drop for FarOrigin<'_> {
    fn drop(&mut self) {
        let origin = self.origin.take();
        self.net.over_there(|| drop(origin));
    }
}

#[track_caller]
fn run(command: &mut Command) {
    let output = command.stdin(Stdio::null()).output().unwrap();
    assert!(output.status.success(), "{command:?}: {}", String::from_utf8_lossy(&output.stderr));
}
