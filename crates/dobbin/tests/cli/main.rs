//! The program as a shell sees it: what it prints, and how it ends.

#![allow(clippy::unwrap_used, reason = "the helpers of tests fail like the tests themselves")]

mod config;
mod downloads;
mod fake_agent;
mod get;
mod help;
mod home;
mod jobs;
mod metalink;
mod packaging;
mod pieces;
mod service;
mod usage;
mod web;
