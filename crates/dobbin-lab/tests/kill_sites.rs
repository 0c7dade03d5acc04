//! An agent that is killed before single steps on the disk, at a few of them. `dobbin-lab kill-sites`
//! does it at all.

use dobbin_lab::kill;
use dobbin_lab::sites::{self, Options};

/// Reliability matrix, row 1.
#[test]
fn an_agent_may_die_before_any_of_its_steps() {
    if let Some(why) = sites::obstacle() {
        eprintln!("SKIPPED: NOT RUN, because {why}");
        return;
    }
    let program = kill::built_program().unwrap();
    let options = Options { sample: Some(12), seed: 2026, dobbin: Some(program) };
    let summary = sites::run(&options).unwrap_or_else(|broken| panic!("{broken:#}"));
    assert_eq!(summary.tried, 12);
    // Most of them must be come to, or the test proves little.
    assert!(summary.missed <= 6 && summary.sites > 50, "{summary}");
}
