//! For programs written for Microsoft's Delivery Optimization agent for Linux.

mod admin_config;
mod administration;
mod config_files;

pub(crate) use administration::Administration;
