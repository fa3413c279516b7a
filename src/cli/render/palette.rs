//! Colour, or none: the one place that writes ANSI sequences.

use anstyle::{AnsiColor, Style};

use crate::cli::settings::{Settings, colored};

/// Paints, or leaves text as it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Palette {
    colored: bool,
}

/// What a piece of text means.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Tone {
    Plain,
    Strong,
    Faint,
    Good,
    Warning,
    Bad,
}

impl Palette {
    pub const PLAIN: Palette = Palette { colored: false };

    pub fn new(colored: bool) -> Self {
        Self { colored }
    }

    pub fn stdout(settings: &Settings) -> Self {
        Self::new(colored(settings.color, settings.terminal.stdout))
    }

    pub fn stderr(settings: &Settings) -> Self {
        Self::new(colored(settings.color, settings.terminal.stderr))
    }

    pub fn is_colored(&self) -> bool {
        self.colored
    }

    pub fn paint(&self, tone: Tone, text: &str) -> String {
        let style = match tone {
            Tone::Plain => Style::new(),
            Tone::Strong => Style::new().bold(),
            Tone::Faint => Style::new().dimmed(),
            Tone::Good => AnsiColor::Green.on_default(),
            Tone::Warning => AnsiColor::Yellow.on_default(),
            Tone::Bad => AnsiColor::Red.on_default().bold(),
        };
        match self.colored && tone != Tone::Plain && !text.is_empty() {
            true => format!("{style}{text}{style:#}"),
            false => text.to_owned(),
        }
    }
}
