//! Rows with aligned columns.

use super::palette::{Palette, Tone};

/// Rows of the same number of cells; a cell's tone colours it without moving the columns.
#[derive(Debug, Default)]
pub struct Table {
    rows: Vec<Vec<(Tone, String)>>,
}

impl Table {
    /// A table with a faint line of titles.
    pub fn new<const N: usize>(titles: [&str; N]) -> Self {
        let mut table = Self::default();
        table.row(titles.map(|title| (Tone::Faint, title.to_owned())));
        table
    }

    pub fn row<const N: usize>(&mut self, cells: [(Tone, String); N]) {
        self.rows.push(cells.into());
    }

    /// The rows with two spaces between columns, `indent` spaces before them and none behind.
    pub fn render(&self, indent: usize, palette: Palette) -> String {
        let columns = self.rows.iter().map(Vec::len).max().unwrap_or(0);
        let width = |column: usize| {
            self.rows
                .iter()
                .filter_map(|row| row.get(column))
                .map(|(_, text)| text.chars().count())
                .max()
                .unwrap_or(0)
        };
        let widths: Vec<usize> = (0..columns).map(width).collect();
        let mut text = String::new();
        for row in &self.rows {
            let mut line = " ".repeat(indent);
            // Padding is written when something follows it, so that no line ends in spaces.
            let mut padding = 0;
            for ((tone, cell), width) in row.iter().zip(&widths) {
                if !cell.is_empty() {
                    line += &" ".repeat(padding);
                    line += &palette.paint(*tone, cell);
                    padding = 0;
                }
                padding += width - cell.chars().count() + 2;
            }
            text += line.trim_end();
            text.push('\n');
        }
        text
    }
}
