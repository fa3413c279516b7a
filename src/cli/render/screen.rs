//! Where [`super::Human`] writes: a terminal with bars below the lines, or lines alone.

use std::collections::BTreeMap;
use std::io::Write;
use std::time::Duration;

use indicatif::{MultiProgress, ProgressBar, ProgressDrawTarget, ProgressStyle};

use crate::model::Stage;

/// A stage of a unit, the thing a bar is for.
pub type Place = (String, Stage);

pub enum Screen {
    Bars { bars: MultiProgress, shown: BTreeMap<Place, ProgressBar> },
    Lines { writer: Box<dyn Write + Send> },
}

impl Screen {
    /// Bars on standard error.
    pub fn bars() -> Self {
        let bars = MultiProgress::with_draw_target(ProgressDrawTarget::stderr_with_hz(8));
        Screen::Bars { bars, shown: BTreeMap::new() }
    }

    pub fn lines(writer: impl Write + Send + 'static) -> Self {
        Screen::Lines { writer: Box::new(writer) }
    }

    pub fn has_bars(&self) -> bool {
        match self {
            Screen::Bars { .. } => true,
            Screen::Lines { .. } => false,
        }
    }

    /// Writes whole lines above the bars. Where standard error is closed there is nobody to tell.
    pub fn write(&mut self, text: &str) {
        match self {
            // Not `println` of indicatif: that drops lines where it finds no terminal.
            Screen::Bars { bars, .. } => bars.suspend(|| super::complain(text)),
            Screen::Lines { writer } => {
                let _ = writer.write_all(text.as_bytes()).and_then(|()| writer.flush());
            }
        }
    }

    /// Writes data to another stream that may be the same terminal.
    pub fn write_to(&mut self, other: &mut dyn Write, text: &str) {
        let mut write = || other.write_all(text.as_bytes()).and_then(|()| other.flush());
        // A reader that went away wants no more.
        let _ = match self {
            Screen::Bars { bars, .. } => bars.suspend(write),
            Screen::Lines { .. } => write(),
        };
    }

    pub fn start(&mut self, place: &Place, title: String) {
        if let Screen::Bars { bars, shown } = self {
            let bar = bars.add(ProgressBar::new_spinner().with_prefix(title));
            bar.set_style(style("{spinner} {prefix}  {wide_msg}"));
            // A compilation may take minutes without a word: the spinner shows that things go on.
            bar.enable_steady_tick(Duration::from_millis(250));
            if let Some(old) = shown.insert(place.clone(), bar) {
                old.finish_and_clear();
            }
        }
    }

    pub fn progress(&mut self, place: &Place, done: u64, total: u64, text: String) {
        if let Screen::Bars { shown, .. } = self
            && let Some(bar) = shown.get(place)
        {
            if total > 0 && bar.length() != Some(total) {
                bar.set_length(total);
                bar.set_style(style("{spinner} {prefix}  {bar:20}  {wide_msg}").progress_chars("━╸ "));
            }
            bar.set_position(done);
            bar.set_message(text);
        }
    }

    pub fn end(&mut self, place: &Place) {
        if let Screen::Bars { bars, shown } = self
            && let Some(bar) = shown.remove(place)
        {
            bar.finish_and_clear();
            bars.remove(&bar);
        }
    }

    pub fn end_all(&mut self) {
        if let Screen::Bars { shown, .. } = self {
            let places: Vec<_> = shown.keys().cloned().collect();
            places.iter().for_each(|place| self.end(place));
        }
    }
}

fn style(template: &str) -> ProgressStyle {
    ProgressStyle::with_template(template).expect("templates are written here")
}
