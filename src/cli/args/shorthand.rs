//! `rdna-build miopen --target gfx1010` is `rdna-build build miopen --target gfx1010`.
//!
//! The words are rewritten before clap reads them, so that help, errors and completions are those of `build`. Which
//! word is the first that is no option is asked of clap's own definition: it knows which options take a value.

use std::ffi::{OsStr, OsString};

use clap::CommandFactory;

use super::Arguments;
use crate::cli::settings::ColorChoice;
use crate::model::nearest;

/// The words of a command line that stand for themselves, and whether `--target` is among the options.
struct Words {
    plain: Vec<usize>,
    target: bool,
}

/// Puts `build` before the first word when that is a recipe. A word near a command's name is left to clap, which
/// suggests the command, unless the rest can only be a build: one word and a target.
pub fn expand(mut arguments: Vec<OsString>) -> Vec<OsString> {
    let words = words(&arguments);
    let recipe = match words.plain.first().map(|at| arguments[*at].to_string_lossy()) {
        None => words.target,
        Some(first) if is_command(&first) => false,
        Some(first) => nearest_command(&first).is_none() || (words.plain.len() == 1 && words.target),
    };
    if recipe {
        arguments.insert(1, "build".into());
    }
    arguments
}

/// The command that was meant by a word that is near its name.
pub fn nearest_command(word: &str) -> Option<&'static str> {
    const COMMANDS: [&str; 23] = [
        "build",
        "plan",
        "matrix",
        "shell",
        "patch",
        "recipes",
        "toolchains",
        "explain",
        "doctor",
        "verify",
        "sign",
        "verify-package",
        "publish",
        "install",
        "installed",
        "uninstall",
        "rollback",
        "run",
        "logs",
        "cache",
        "config",
        "completions",
        "man",
    ];
    nearest(word, COMMANDS)
}

/// What `--color` says, for messages about the command line itself.
pub fn early_color(arguments: &[OsString]) -> Option<ColorChoice> {
    let words: Vec<_> = arguments.iter().map(|word| word.to_string_lossy()).collect();
    let choice = words.iter().enumerate().find_map(|(at, word)| match word.strip_prefix("--color=") {
        Some(value) => Some(value),
        None if word == "--color" => words.get(at + 1).map(|value| value.as_ref()),
        None => None,
    })?;
    clap::ValueEnum::from_str(choice, false).ok()
}

/// Whether a program reads along, for mistakes in the command line itself.
pub fn early_json(arguments: &[OsString]) -> bool {
    arguments.iter().take_while(|word| *word != "--").any(|word| word == "--json")
}

fn is_command(word: &str) -> bool {
    word == "help" || Arguments::command().get_subcommands().any(|command| command.get_name() == word)
}

fn words(arguments: &[OsString]) -> Words {
    let command = super::completions_command();
    let takes_value = |matches: &dyn Fn(&clap::Arg) -> bool| {
        let takes = |argument: &clap::Arg| argument.get_action().takes_values() && matches(argument);
        // `--version` stands for the tool's own at the top, and takes a value behind a recipe.
        command.get_arguments().any(takes)
            || command.find_subcommand("build").is_some_and(|build| build.get_arguments().any(takes))
    };
    let mut words = Words { plain: Vec::new(), target: false };
    let mut at = 1;
    while let Some(argument) = arguments.get(at) {
        let text = argument.to_string_lossy();
        if argument == OsStr::new("--") {
            words.plain.extend(at + 1..arguments.len());
            break;
        } else if let Some(long) = text.strip_prefix("--") {
            words.target |= long == "target" || long.starts_with("target=");
            if takes_value(&|argument| argument.get_long() == Some(long)) {
                at += 1;
            }
        } else if text.len() > 1 && text.starts_with('-') {
            // Of bundled short options the first with a value takes the rest, or the next word where none is left.
            let mut shorts = text.chars().skip(1);
            if shorts.any(|short| takes_value(&|argument| argument.get_short() == Some(short)))
                && shorts.next().is_none()
            {
                at += 1;
            }
        } else {
            words.plain.push(at);
        }
        at += 1;
    }
    words
}
