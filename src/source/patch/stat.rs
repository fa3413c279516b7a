//! The list of changed files in a patch's prose, as `git format-patch` writes it below `---`.

use std::fmt::Write as _;

/// What a patch does to one file, in numbers.
pub(super) struct FileStat {
    pub from: String,
    pub to: String,
    /// Nothing for a file that is not there on this side.
    pub old_mode: Option<&'static str>,
    pub new_mode: Option<&'static str>,
    pub inserted: usize,
    pub deleted: usize,
}

/// The prose with the list brought up to date. Prose without a list gets none.
pub(super) fn refreshed(header: &[u8], files: &[FileStat]) -> Vec<u8> {
    let lines: Vec<&[u8]> = header.split_inclusive(|byte| *byte == b'\n').collect();
    let Some(rule) = lines.iter().rposition(|line| line.trim_ascii_end() == b"---") else {
        return ended(header.to_vec());
    };
    let is_stat = |line: &&[u8]| is_stat(&String::from_utf8_lossy(line));
    let Some(first) = lines[rule..].iter().position(is_stat) else {
        return ended(header.to_vec());
    };
    let mut text = lines[..rule + first].concat();
    text.extend_from_slice(list(files).as_bytes());
    for line in lines[rule + first..].iter().filter(|line| !is_stat(line)) {
        text.extend_from_slice(line);
    }
    ended(text)
}

fn ended(mut text: Vec<u8>) -> Vec<u8> {
    if text.last().is_some_and(|byte| *byte != b'\n') {
        text.push(b'\n');
    }
    text
}

fn is_stat(line: &str) -> bool {
    let Some(line) = line.trim_end().strip_prefix(' ') else { return false };
    let of_file = || {
        let (_, graph) = line.rsplit_once(" | ")?;
        let (count, bar) = graph.trim_start().split_once(' ').unwrap_or((graph.trim_start(), ""));
        let is_bar = bar.bytes().all(|byte| matches!(byte, b'+' | b'-'));
        Some(count.parse::<u32>().is_ok() && is_bar)
    };
    let of_all = || {
        let (count, rest) = line.split_once(' ')?;
        Some(
            count.parse::<u32>().is_ok()
                && (rest.starts_with("file changed") || rest.starts_with("files changed")),
        )
    };
    let of_mode =
        ["create mode ", "delete mode ", "mode change "].iter().any(|prefix| line.starts_with(prefix))
            || (line.starts_with("rename ") && line.ends_with("%)"));
    of_mode || of_file() == Some(true) || of_all() == Some(true)
}

fn list(files: &[FileStat]) -> String {
    /// Columns of a mail.
    const WIDTH: usize = 72;
    let name = |file: &FileStat| match file.from == file.to {
        true => file.to.clone(),
        false => format!("{} => {}", file.from, file.to),
    };
    let names = files.iter().map(|file| name(file).chars().count()).max().unwrap_or(0);
    let most = files.iter().map(|file| file.inserted + file.deleted).max().unwrap_or(0);
    let digits = most.to_string().len();
    let room = WIDTH.saturating_sub(names + digits + 5).max(10);
    let bar = |lines: usize| match (lines, most > room) {
        (0, _) => 0,
        (_, false) => lines,
        (_, true) => lines * (room - 2) / most + 1,
    };
    let mut text = String::new();
    for file in files {
        let graph = "+".repeat(bar(file.inserted)) + &"-".repeat(bar(file.deleted));
        let line = format!(" {:names$} | {:digits$} {graph}", name(file), file.inserted + file.deleted);
        let _ = writeln!(text, "{}", line.trim_end());
    }
    let inserted: usize = files.iter().map(|file| file.inserted).sum();
    let deleted: usize = files.iter().map(|file| file.deleted).sum();
    let plural = |count: usize| if count == 1 { "" } else { "s" };
    let _ = write!(text, " {} file{} changed", files.len(), plural(files.len()));
    if inserted > 0 || deleted == 0 {
        let _ = write!(text, ", {inserted} insertion{}(+)", plural(inserted));
    }
    if deleted > 0 || inserted == 0 {
        let _ = write!(text, ", {deleted} deletion{}(-)", plural(deleted));
    }
    text.push('\n');
    for file in files {
        let to = &file.to;
        let _ = match (file.old_mode, file.new_mode) {
            (None, Some(mode)) => writeln!(text, " create mode {mode} {to}"),
            (Some(mode), None) => writeln!(text, " delete mode {mode} {to}"),
            (Some(_), Some(_)) if file.from != *to => writeln!(text, " rename {} => {to} (100%)", file.from),
            (Some(old), Some(new)) if old != new => writeln!(text, " mode change {old} => {new} {to}"),
            (Some(_), Some(_)) | (None, None) => Ok(()),
        };
    }
    text
}
