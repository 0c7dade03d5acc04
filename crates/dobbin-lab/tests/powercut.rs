//! The power-cut harness, a few dozen times. `dobbin-lab powercut` does the same for hours.

// Clippy knows tests by their attribute, and not what they call.
#![allow(clippy::unwrap_used)]

use std::process::Command;

use dobbin_lab::kill;
use dobbin_lab::powercut::{FileSystem, obstacle};

/// Reliability matrix, rows 3 and 4.
#[test]
fn nothing_that_was_promised_is_lost_with_the_power() {
    if let Some(why) = obstacle(FileSystem::Ext4) {
        eprintln!("skipped: cannot cut the power: {why}");
        return;
    }
    let program = kill::built_program().unwrap();
    // A process of its own: its mounts are nobody else's, and are gone with it.
    let ran = Command::new(env!("CARGO_BIN_EXE_dobbin-lab"))
        .args(["powercut", "--cycles", "50", "--seed", "2026", "--dobbin"])
        .arg(program)
        .output()
        .unwrap();
    let (told, complained) =
        (String::from_utf8_lossy(&ran.stdout), String::from_utf8_lossy(&ran.stderr));
    assert!(ran.status.success(), "{complained}");
    assert!(told.starts_with("seed 2026: 50 cycles"), "{told}");
}
