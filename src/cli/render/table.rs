//! Rows with aligned columns.

use super::page::Page;
use super::palette::Tone;

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

    /// A row of as many cells as it has.
    pub fn row_of(&mut self, cells: impl IntoIterator<Item = (Tone, String)>) {
        self.rows.push(cells.into_iter().collect());
    }

    /// The rows with two spaces between columns, `indent` spaces before them and none behind. What is too long for the
    /// page goes on below itself, in the last column.
    pub fn render(&self, indent: usize, page: impl Into<Page>) -> String {
        let page = page.into();
        let widths = self.widths();
        let mut text = String::new();
        for row in &self.rows {
            let Some(((tone, last), cells)) = row.split_last() else { continue };
            let mut line = " ".repeat(indent);
            let mut used = indent;
            for ((tone, cell), width) in cells.iter().zip(&widths) {
                let padding = width - cell.chars().count() + 2;
                line += &page.palette.paint(*tone, cell);
                line += &" ".repeat(padding);
                used += width + 2;
            }
            for (number, part) in page.lines(last, used).iter().enumerate() {
                if number > 0 {
                    text += &" ".repeat(used);
                }
                line += &page.palette.paint(*tone, part);
                text += line.trim_end();
                text.push('\n');
                line.clear();
            }
        }
        text
    }

    fn widths(&self) -> Vec<usize> {
        let columns = self.rows.iter().map(Vec::len).max().unwrap_or(0);
        let width = |column: usize| {
            let cells = self.rows.iter().filter_map(|row| row.get(column));
            cells.map(|(_, text)| text.chars().count()).max().unwrap_or(0)
        };
        (0..columns).map(width).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::render::Palette;

    #[test]
    fn a_long_last_cell_goes_on_below_itself_and_no_line_ends_in_spaces() {
        let mut table = Table::new(["name", "what it is"]);
        table.row([(Tone::Plain, "a".into()), (Tone::Faint, "words that do not fit on one line".into())]);
        table.row([(Tone::Plain, "longer".into()), (Tone::Plain, String::new())]);
        let page = Page { palette: Palette::PLAIN, columns: Some(40) };
        assert_eq!(
            table.render(2, page),
            "  name    what it is\n  a       words that do not fit on one\n          line\n  longer\n"
        );
        let colored = Page { palette: Palette::new(true), columns: Some(40) };
        assert!(table.render(2, colored).contains("\u{1b}[2mline\u{1b}[0m\n"));
    }
}
