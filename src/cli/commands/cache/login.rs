//! `rdna-build cache login`: keeps the password of a registry as Docker does, once the registry takes it.

use std::io::{self, BufRead as _, Read as _};

use tokio_util::sync::CancellationToken;

use crate::cli::args::LoginArguments;
use crate::cli::exit::{CliError, ExitCode};
use crate::cli::settings::Settings;
use crate::cli::{interrupt, render};
use crate::remote::credentials::{Credential, Kept, Secret, login};
use crate::remote::{Patience, check_login};

/// More than any password or token has.
const LONGEST: u64 = 64 << 10;

pub(super) fn run(arguments: &LoginArguments, settings: &Settings) -> Result<ExitCode, CliError> {
    let registry = &arguments.registry;
    let user = match (&arguments.username, arguments.password_stdin) {
        (Some(user), _) => user.clone(),
        (None, true) => {
            return Err(usage("--password-stdin takes the password, not the name", "add --username NAME"));
        }
        (None, false) => {
            render::complain(&format!("account at {registry}: "));
            line()?
        }
    };
    let secret = match arguments.password_stdin {
        true => piped()?,
        false => typed()?,
    };
    if user.is_empty() || secret.is_empty() {
        return Err(usage("neither the account nor its password may be empty", "try again"));
    }
    let credential = Credential::Password { user, secret: Secret::new(secret) };
    let work = async {
        check_login(registry, credential.clone(), Patience::default()).await?;
        // Docker's own file is the first, where there can be one.
        let kept = login(registry, &credential, settings.credential_files.first().map(|path| path.as_path()));
        kept.await.map_err(CliError::from)
    };
    let kept = interrupt::run(&CancellationToken::new(), work)?;
    let place = match kept {
        Kept::Helper { program } => format!("kept by {program}"),
        Kept::File { path } => {
            format!("kept in {}, readable for whoever may read that file", path.display())
        }
    };
    render::complain(&format!("{registry} takes the password; it is {place}\n"));
    Ok(ExitCode::Fine)
}

fn piped() -> Result<String, CliError> {
    let mut text = String::new();
    io::stdin().take(LONGEST).read_to_string(&mut text).map_err(unread)?;
    Ok(text.trim_end_matches(['\r', '\n']).to_owned())
}

/// A line from the terminal, which does not show it.
fn typed() -> Result<String, CliError> {
    let stdin = io::stdin();
    let Ok(shown) = rustix::termios::tcgetattr(&stdin) else {
        return Err(usage("there is no terminal to ask for the password at", "pipe it in: --password-stdin"));
    };
    render::complain("password: ");
    let mut hidden = shown.clone();
    hidden.local_modes -= rustix::termios::LocalModes::ECHO;
    let set = |modes| rustix::termios::tcsetattr(&stdin, rustix::termios::OptionalActions::Flush, modes);
    set(&hidden).map_err(|error| unread(error.into()))?;
    let line = line();
    // Whatever was read: the terminal must show again what is typed.
    let _ = set(&shown);
    render::complain("\n");
    line
}

fn line() -> Result<String, CliError> {
    let mut text = String::new();
    io::stdin().lock().take(LONGEST).read_line(&mut text).map_err(unread)?;
    Ok(text.trim_end_matches(['\r', '\n']).to_owned())
}

fn unread(source: io::Error) -> CliError {
    CliError::Read { path: "standard input".into(), source }
}

fn usage(message: &str, help: &str) -> CliError {
    CliError::Usage { message: message.to_owned(), help: Some(help.to_owned()) }
}
