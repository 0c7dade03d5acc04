//! The kill harness, a few dozen times. `dobbin-lab kill` does the same for hours.

use dobbin_lab::kill::{self, Options};

#[test]
fn nothing_is_lost_however_often_the_agent_is_killed() {
    let program = kill::built_program().unwrap();
    let options = Options { cycles: 40, seed: 2026, dobbin: Some(program), dir: None };
    let summary = kill::run(&options).unwrap_or_else(|broken| panic!("{broken:#}"));
    assert_eq!(summary.cycles, 40);
    // A run in which nothing happens proves nothing. How much happens depends on how busy the machine is.
    assert!(summary.jobs > 5 && summary.files > 0 && summary.sent_bytes > 0, "{summary}");
}
