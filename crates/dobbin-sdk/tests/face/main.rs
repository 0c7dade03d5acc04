//! The client's face, shown to an agent that follows a script.

mod agent;
mod calls;
mod connection;
mod events;
