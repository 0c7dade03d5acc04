//! Bent requests for a moment; `dobbin-lab fuzz-compat` sends them for as long as one likes.

use dobbin_lab::compat::{self, Options};

#[test]
fn bent_requests_are_answered_readably_or_not_at_all_and_harm_nobody() {
    let summary = compat::run(&Options { seconds: 2, seed: 2026 });
    let summary = summary.unwrap_or_else(|broken| panic!("{broken:#}"));
    // A run in which nothing happens proves nothing.
    assert!(summary.connections > 0 && summary.replies > 0, "{summary}");
}
