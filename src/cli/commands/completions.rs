//! `rdna-build completions`: a script for a shell, on standard output.

use crate::cli::args::{CompletionsArguments, completions_command};
use crate::cli::exit::{CliError, ExitCode};
use crate::cli::render;

pub fn run(arguments: &CompletionsArguments) -> Result<ExitCode, CliError> {
    render::print(&script(arguments.shell))?;
    Ok(ExitCode::Fine)
}

fn script(shell: clap_complete::Shell) -> String {
    let mut script = Vec::new();
    clap_complete::generate(shell, &mut completions_command(), "rdna-build", &mut script);
    // clap-rs/clap#6421: bash's cases are named by another rule than they are looked up by where the program's name
    // holds a hyphen. Other scripts do not hold this text.
    String::from_utf8_lossy(&script).replace("rdna__subcmd__build", "rdna__build")
}

#[cfg(test)]
mod tests {
    use std::process::Command;

    use super::*;

    /// What bash offers for the last of `words`; `None` where there is no bash.
    fn offered(words: &[&str]) -> Option<Vec<String>> {
        let asked = format!(
            "{}\nCOMP_WORDS=({}); COMP_CWORD={}; _rdna__build rdna-build '{}' '{}'; printf '%s\\n' \"${{COMPREPLY[@]}}\"",
            script(clap_complete::Shell::Bash),
            words.join(" "),
            words.len() - 1,
            words[words.len() - 1],
            words[words.len() - 2],
        );
        let output = Command::new("bash").args(["--norc", "-c", &asked]).output().ok()?;
        Some(String::from_utf8(output.stdout).unwrap().lines().map(str::to_owned).collect())
    }

    #[test]
    fn bash_completes_commands_and_the_options_behind_a_bare_recipe() {
        let Some(commands) = offered(&["rdna-build", "pl"]) else { return };
        assert_eq!(commands, ["plan"]);
        assert_eq!(offered(&["rdna-build", "build", "miopen", "--tar"]).unwrap(), ["--target"]);
        assert_eq!(offered(&["rdna-build", "miopen", "--tar"]).unwrap(), ["--target"]);
    }

    #[test]
    fn there_is_a_script_for_every_shell() {
        for shell in <clap_complete::Shell as clap::ValueEnum>::value_variants() {
            assert!(script(*shell).contains("keep-failed"), "{shell}");
        }
    }
}
