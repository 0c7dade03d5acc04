//! `dobbin config`: what an agent would be started with, and whether a file could be used.

use std::path::PathBuf;

use dobbin_agent::Scope;
use serde::Serialize;

use crate::args::{CheckArgs, ConfigArgs, ConfigCommand, ShowArgs};
use crate::config::{Config, Found, Setting};
use crate::render::output;
use crate::render::table::{Align, Cell, Table, terminal_width};
use crate::render::text::clean;
use crate::trouble::{Exit, Trouble};

pub(crate) fn run(args: ConfigArgs) -> Result<Exit, Trouble> {
    match args.command {
        ConfigCommand::Show(args) => show(&args),
        ConfigCommand::Check(args) => check(args),
    }
}

/// The object that `--json` prints for a configuration.
#[derive(Serialize)]
struct Shown {
    kind: &'static str,
    file: Option<PathBuf>,
    is_there: bool,
    settings: Vec<Setting>,
}

/// The object that `--json` prints for a file that can be used.
#[derive(Serialize)]
struct Checked {
    kind: &'static str,
    file: PathBuf,
}

fn show(args: &ShowArgs) -> Result<Exit, Trouble> {
    let scope = if args.system { Scope::System } else { Scope::User };
    let Found { config, file, is_there } = Config::find(args.config.as_deref(), scope)?;
    let settings = config.settings();
    if args.json {
        output::json(&Shown { kind: "config", file, is_there, settings });
        return Ok(Exit::Done);
    }
    let from = match (&file, is_there) {
        (Some(file), true) => format!("from {}", file.display()),
        (Some(file), false) => format!("there is no {}, so the defaults hold", file.display()),
        (None, _) => "the environment names no home, so the defaults hold".to_owned(),
    };
    output::line(&clean(&from));
    output::line(&table(&settings).lines(terminal_width()).join("\n"));
    Ok(Exit::Done)
}

fn check(args: CheckArgs) -> Result<Exit, Trouble> {
    Config::read(&args.file)?;
    if args.json {
        output::json(&Checked { kind: "config_checked", file: args.file });
    } else {
        output::line(&clean(&format!("{} can be used", args.file.display())));
    }
    Ok(Exit::Done)
}

fn table(settings: &[Setting]) -> Table {
    let mut table =
        Table::new(&[("KEY", Align::Left), ("FROM", Align::Left), ("VALUE", Align::Left)]);
    for setting in settings {
        let from = if setting.is_said { "file" } else { "default" };
        let value = match &setting.value {
            serde_json::Value::Null => "no limit".to_owned(),
            serde_json::Value::String(text) => text.clone(),
            other => other.to_string(),
        };
        table.row(vec![Cell::from(setting.key), Cell::from(from), Cell::from(value)]);
    }
    table
}
