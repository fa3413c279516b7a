//! The command line: arguments and settings in, commands called, everything said to people and programs.
//!
//! Nothing else in the crate prints or reads the environment.

pub mod args;
mod choice;
pub mod commands;
mod exit;
mod interrupt;
pub mod render;
pub mod settings;
mod wire;

use std::ffi::OsString;

use args::{Arguments, Command};
pub use exit::{CliError, ExitCode};
use settings::{ColorChoice, Environment, Settings, Verbosity};

/// Runs the tool: `arguments` as the process got them, its name first.
pub fn run(arguments: impl Iterator<Item = OsString>, environment: Environment) -> ExitCode {
    let arguments: Vec<OsString> = arguments.collect();
    let color = settings::early_color(args::early_color(&arguments), &environment);
    let json = args::early_json(&arguments);
    let arguments = match args::parse(arguments) {
        Ok(arguments) => arguments,
        Err(error) => return explain(&error, json, color, &environment),
    };
    let settings = match Settings::resolve(&arguments.flags(), &environment) {
        Ok(settings) => settings,
        Err(error) => return fail(&error.into(), arguments.output.json, color, &environment),
    };
    for warning in settings.warnings.iter().filter(|_| settings.verbosity > Verbosity::Quiet) {
        render::diagnostic::warn(warning, settings::colored(settings.color, environment.terminal.stderr));
    }
    match dispatch(&arguments, &settings, &environment) {
        Ok(code) => code,
        Err(error) => fail(&error, settings.json(), settings.color, &environment),
    }
}

fn dispatch(
    arguments: &Arguments,
    settings: &Settings,
    environment: &Environment,
) -> Result<ExitCode, CliError> {
    match &arguments.command {
        Command::Build(build) => commands::build::run(build, settings),
        Command::Plan(plan) => commands::plan::run(plan, settings),
        Command::Matrix(matrix) => commands::matrix::run(matrix, settings),
        Command::Shell(shell) => commands::shell::run(shell, settings),
        Command::Patch(patch) => commands::patch::run(patch, settings),
        Command::Recipes(recipes) => commands::recipes::run(recipes, settings),
        Command::Toolchains(toolchains) => commands::toolchains::run(toolchains, settings, environment),
        Command::Explain(explain) => commands::explain::run(explain, settings),
        Command::Doctor(doctor) => commands::doctor::run(doctor, settings, environment),
        Command::Verify(verify) => commands::verify::run(verify, settings, environment),
        Command::Publish(publish) => commands::publish::run(publish, settings),
        Command::Sign(sign) => commands::sign::run(sign, settings),
        Command::VerifyPackage(verify) => commands::verify_package::run(verify, settings, environment),
        Command::Install(install) => commands::install::install(install, settings, environment),
        Command::Installed(installed) => commands::install::installed(installed, settings, environment),
        Command::Uninstall(uninstall) => commands::install::uninstall(uninstall, settings, environment),
        Command::Rollback(rollback) => commands::install::rollback(rollback, settings, environment),
        Command::Run(run) => commands::install::run(run, settings, environment),
        Command::Logs(logs) => commands::logs::run(logs, settings),
        Command::Cache(cache) => commands::cache::run(cache, settings),
        Command::Config(_) => commands::config::run(settings),
        Command::Completions(completions) => commands::completions::run(completions),
        Command::Man(man) => commands::man::run(man),
    }
}

/// Help and version go to standard output, mistakes to standard error.
fn explain(error: &clap::Error, json: bool, color: ColorChoice, environment: &Environment) -> ExitCode {
    let terminal = match error.use_stderr() {
        true => environment.terminal.stderr,
        false => environment.terminal.stdout,
    };
    let text = error.render();
    let text = if settings::colored(color, terminal) { text.ansi().to_string() } else { text.to_string() };
    if error.use_stderr() {
        render::complain(&text);
        if json {
            let error = CliError::from(error);
            let _ = render::print_json(&render::diagnostic::document(&error, error.exit_code()));
        }
        return ExitCode::Usage;
    }
    match render::print(&text) {
        Ok(()) => ExitCode::Fine,
        Err(error) => error.exit_code(),
    }
}

fn fail(error: &CliError, json: bool, color: ColorChoice, environment: &Environment) -> ExitCode {
    let code = error.exit_code();
    let colored = settings::colored(color, environment.terminal.stderr);
    render::complain(&render::diagnostic::text(error, colored, environment.terminal));
    if json {
        // Standard error has it already: a program that went away misses nothing.
        let _ = render::print_json(&render::diagnostic::document(error, code));
    }
    code
}
