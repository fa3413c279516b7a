//! Errors for people and for programs.

use miette::{Diagnostic, GraphicalReportHandler, GraphicalTheme};
use serde_json::json;

use super::palette::{Palette, Tone};
use super::printable;
use crate::cli::exit::ExitCode;
use crate::cli::settings::Terminal;

/// An error with its code, causes, the places in files it is about, and help.
pub fn text(error: &dyn Diagnostic, colored: bool, terminal: Terminal) -> String {
    let theme = match (colored, terminal.stderr) {
        (true, _) => GraphicalTheme::unicode(),
        (false, true) => GraphicalTheme::unicode_nocolor(),
        (false, false) => GraphicalTheme::none(),
    };
    let handler = GraphicalReportHandler::new_themed(theme).with_links(false).with_break_words(false);
    let handler = match terminal.columns {
        // Nobody sees it as it is written: a log keeps its lines whole, to be searched.
        0 => handler.with_wrap_lines(false),
        columns => handler.with_width(usize::from(columns).clamp(40, 120)),
    };
    let mut text = String::new();
    match handler.render_report(&mut text, error) {
        Ok(()) => text,
        Err(_) => format!("error: {error}\n"),
    }
}

/// An error as the last line of `--json`.
pub fn document(error: &dyn Diagnostic, exit_code: ExitCode) -> serde_json::Value {
    let related: Vec<_> = error.related().into_iter().flatten().map(|error| error.to_string()).collect();
    let causes: Vec<_> = std::iter::successors(error.source(), |error| error.source())
        .map(|error| error.to_string())
        .collect();
    json!({
        "event": "error",
        "code": error.code().map(|code| code.to_string()),
        "message": error.to_string(),
        "causes": causes,
        "related": related,
        "help": error.help().map(|help| help.to_string()),
        "exit-code": exit_code as u8,
    })
}

/// Writes a warning to standard error.
pub fn warn(message: &str, colored: bool) {
    let warning = Palette::new(colored).paint(Tone::Warning, "warning");
    super::complain(&format!("{warning}: {}\n", printable(message, 1000)));
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::exit::CliError;

    fn error() -> CliError {
        CliError::unknown_recipe("miopne", ["miopen"])
    }

    #[test]
    fn an_error_has_its_code_and_what_to_type_next() {
        let text = text(&error(), false, Terminal::default());
        snapbox::assert_data_eq!(
            text,
            snapbox::str![[r#"
cli::unknown_recipe

  x there is no recipe `miopne`
  help: did you mean `miopen`?

"#]]
        );
    }

    #[test]
    fn a_program_gets_the_exit_code_as_well() {
        let document = document(&error(), error().exit_code());
        assert_eq!(document["code"], "cli::unknown_recipe");
        assert_eq!(document["exit-code"], 2);
    }
}
