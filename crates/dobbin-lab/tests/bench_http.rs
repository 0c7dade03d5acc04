//! `dobbin-lab bench http` with stand-ins for the tool it measures.

use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Output, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process};

/// How long anything here may take before the test fails.
const PATIENCE: Duration = Duration::from_secs(60);

/// A folder to bench in, with a shell script that plays `dobbin`. The script is called as
/// `get -q URL -o FILE`.
struct Stage {
    folder: tempfile::TempDir,
}

impl Stage {
    fn with(script: &str) -> Stage {
        let stage = Stage { folder: tempfile::tempdir().expect("a folder") };
        let path = stage.path("dobbin");
        let folder = stage.folder.path().display();
        fs::write(&path, format!("#!/bin/sh\nFOLDER='{folder}'\n{script}\n")).expect("a script");
        fs::set_permissions(&path, Permissions::from_mode(0o755)).expect("a script that runs");
        stage
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// The bench, alone with the stand-in.
    fn bench(&self) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_dobbin-lab"));
        command.args(["bench", "http", "--size", "1MiB", "--rounds", "2", "--dir"]);
        command.arg(self.folder.path()).arg("--dobbin").arg(self.path("dobbin"));
        command.arg("--markdown").arg(self.path("report.md"));
        for peer in ["curl", "wget", "wget2", "aria2c -x1", "aria2c -x16", "axel -n16"] {
            command.args(["--without", peer]);
        }
        command.env("http_proxy", "http://127.0.0.1:1/").stdin(Stdio::null());
        command
    }

    fn run(&self) -> Output {
        self.bench().output().expect("the bench runs")
    }

    /// Whether the bench has cleaned up behind itself.
    fn is_clean(&self) -> bool {
        let entries = fs::read_dir(self.folder.path()).expect("the folder is there");
        !entries.flatten().any(|entry| entry.file_name().to_string_lossy().starts_with("dobbin-"))
    }
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

#[test]
fn a_tool_that_delivers_gets_its_line() {
    // It takes a short cut to the served file, and looks at what it was given on the way.
    let stage = Stage::with(
        "[ \"$1 $2 $4\" = 'get -q -o' ] || exit 11\n\
         [ -z \"$http_proxy\" ] || exit 12\n\
         [ -d \"$XDG_RUNTIME_DIR\" ] && [ ! -e \"$XDG_STATE_HOME\" ] && [ ! -e \"$5\" ] || exit 13\n\
         mkdir \"$XDG_STATE_HOME\" || exit 14\n\
         case $3 in http://127.0.0.1:*/file.bin) ;; *) exit 15 ;; esac\n\
         echo run >> $FOLDER/runs\n\
         cp $FOLDER/dobbin-bench-*/served/file.bin \"$5\"",
    );
    let output = stage.run();
    assert!(output.status.success(), "{}", text(&output.stderr));
    assert!(output.stderr.is_empty(), "progress is for terminals");
    let report = text(&output.stdout);
    let line = report.lines().find(|line| line.starts_with("| dobbin | ")).expect("a line");
    assert!(line.ends_with("| 0 | yes |"), "{line}: it asked the server for nothing");
    assert!(report.contains(" cores, Linux ") && report.contains("served by "));
    assert_eq!(fs::read_to_string(stage.path("report.md")).expect("a report"), report);
    // One to warm up and two that count; being asked for its version is no run.
    let runs = fs::read_to_string(stage.path("runs")).expect("it ran");
    assert_eq!(runs.lines().count(), 3);
    assert!(stage.is_clean());
}

#[test]
fn a_tool_that_fails_is_named() {
    for (script, complaint) in [
        ("echo oh no >&2; exit 3", "\"oh no\""),
        ("exit 0", "left no file"),
        ("printf x > \"$5\"", "delivered 1 bytes"),
        ("head -c 1048576 /dev/zero > \"$5\"", "delivered other bytes"),
    ] {
        let stage = Stage::with(script);
        let output = stage.run();
        assert!(!output.status.success(), "{script}");
        let said = text(&output.stderr);
        assert!(said.contains("dobbin failed") && said.contains(complaint), "{script}: {said}");
        assert!(text(&output.stdout).contains("| dobbin | failed |"), "{script}");
        assert!(stage.is_clean(), "{script}");
    }
}

#[test]
fn an_interrupted_bench_takes_its_children_along() {
    for signal in [Signal::INT, Signal::TERM] {
        let stage = Stage::with(
            "[ \"$1\" = get ] || exit 0\n\
             echo $$ > $FOLDER/pid.new; mv $FOLDER/pid.new $FOLDER/pid; exec sleep 3600",
        );
        let mut command = stage.bench();
        command.stdout(Stdio::null()).stderr(Stdio::null());
        let mut bench = Running(command.spawn().expect("it starts"));
        let pid = wait_for(|| fs::read_to_string(stage.path("pid")).ok());
        kill_process(Pid::from_child(&bench.0), signal).expect("it runs");
        let status = wait_for(|| bench.ended());
        assert!(!status.success());
        assert!(!Path::new("/proc").join(pid.trim()).exists(), "the tool is gone");
        assert!(stage.is_clean());
    }
}

/// A bench that is told to end when its test fails.
struct Running(Child);

impl Running {
    fn ended(&mut self) -> Option<ExitStatus> {
        self.0.try_wait().expect("it can be waited for")
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        // Asked, not killed, so that it ends its own children; and only if it was not waited for.
        if let Ok(None) = self.0.try_wait() {
            let _ = kill_process(Pid::from_child(&self.0), Signal::TERM);
            let _ = self.0.wait();
        }
    }
}

/// Looks again and again until there is something.
fn wait_for<T>(mut look: impl FnMut() -> Option<T>) -> T {
    let due = Instant::now() + PATIENCE;
    loop {
        if let Some(found) = look() {
            return found;
        }
        assert!(Instant::now() < due, "it did not happen in time");
        thread::sleep(Duration::from_millis(5));
    }
}
