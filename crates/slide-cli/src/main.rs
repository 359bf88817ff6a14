//! The `slide` program: parses the command line, calls the library, shows progress and results.
#![forbid(unsafe_code)]

mod answers;
mod args;
mod choice;
mod commands;
mod config_file;
mod files;
mod interrupt;
mod log;
mod options;
mod output;
mod percentiles;
mod progress;
#[cfg(feature = "serve")]
mod serve;
mod session;
mod settings;
mod summary;
mod table;
mod tables;
mod unknown;
mod usage;

use std::process::ExitCode;

use commands::Status;
use output::ReaderGone;
use usage::Usage;

const FAILED: u8 = 1;
const WRONG_USAGE: u8 = 2;

fn main() -> ExitCode {
    interrupt::survive_file_size_limit();
    let error = match args::parse(std::env::args_os().collect()).and_then(commands::run) {
        Ok(Status::Done) => return ExitCode::SUCCESS,
        Ok(Status::Interrupted) => return interrupt::EXIT_CODE.into(),
        Err(error) => error,
    };
    if error.is::<ReaderGone>() {
        return ExitCode::SUCCESS;
    }
    if let Some(error) = error.downcast_ref::<clap::Error>() {
        // Help and version too. An error while writing them cannot be reported.
        let _ = error.print();
        return (error.exit_code() as u8).into();
    }
    output::say(&output::causes("error:", &error));
    if error.is::<Usage>() { WRONG_USAGE } else { FAILED }.into()
}
