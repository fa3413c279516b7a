//! Conflicts for people and programs: what there are, what one is, what a log or a system shows.

use serde_json::json;

use super::page::Page;
use super::palette::Tone;
use super::printable;
use super::table::Table;
use super::topic::unwrapped;
use crate::toolchain::log::Finding;
use crate::toolchain::rules::{Conflict, Rule, Severity};

/// A compiler's line is seldom longer.
const LINE: usize = 500;

/// All that is known of a rule.
pub fn rule(rule: &Rule, page: Page) -> String {
    let mut text = format!("{}\n", page.palette.paint(Tone::Strong, rule.id));
    text += &block(rule.title, "", page);
    text += &heading("why", page);
    let paragraphs: Vec<String> =
        rule.why.split("\n\n").map(|paragraph| block(&paragraph.replace('\n', " "), "  ", page)).collect();
    text += &paragraphs.join("\n");
    text += &heading("told by", page);
    text += &block(rule.told_by, "  ", page);
    text += &heading("what to do", page);
    text + &remedies(rule.remedies, "  ", page)
}

/// What a log shows: which conflict, where, and what to do.
pub fn findings(name: &str, findings: &[Finding], page: Page) -> String {
    let one = |finding: &Finding| {
        let id = page.palette.paint(tone(finding.severity), finding.rule);
        let more = match finding.more {
            0 => String::new(),
            1 => ", and one more line".to_owned(),
            more => format!(", and {more} more lines"),
        };
        let hint = match finding.severity {
            Severity::Refuse => "",
            Severity::Warn => " (a hint, it may not be the reason)",
        };
        let line = page.palette.paint(Tone::Faint, &format!("| {}", printable(finding.text.trim(), LINE)));
        let mut text = format!("{name}:{}{more}: {id}{hint}\n", finding.line);
        text += &block(&printable(&finding.what, LINE), "  ", page);
        text += &format!("\n  {line}\n\n");
        text += &remedies(finding.rule().remedies, "  ", page);
        text + &format!(
            "  {}\n",
            page.palette.paint(Tone::Faint, &format!("rdna-build explain {}", finding.rule))
        )
    };
    findings.iter().map(one).collect::<Vec<_>>().join("\n")
}

/// What clashes in a system.
pub fn all(conflicts: &[Conflict], page: Page) -> String {
    match conflicts.is_empty() {
        true => format!("{}\n", page.palette.paint(Tone::Good, "no conflict found")),
        false => conflicts.iter().map(|one| format!("\n{}", conflict(one, page))).collect(),
    }
}

/// A conflict of a system: which two things clash, what proves it, what to do.
fn conflict(conflict: &Conflict, page: Page) -> String {
    let word = match conflict.severity {
        Severity::Refuse => "conflict",
        Severity::Warn => "warning",
    };
    let title = page.lines(&format!("{word}: {}", printable(&conflict.what, LINE)), 0).join("\n");
    let mut table = Table::default();
    for evidence in &conflict.evidence {
        table.row([
            (Tone::Plain, printable(&evidence.place, LINE)),
            (Tone::Plain, printable(&evidence.says, LINE)),
        ]);
    }
    let ways: Vec<String> = conflict.remedies.iter().map(|remedy| printable(remedy, LINE)).collect();
    let ways: Vec<&str> = ways.iter().map(String::as_str).collect();
    format!(
        "{}\n{}{}  {}\n",
        page.palette.paint(tone(conflict.severity), &title),
        table.render(2, page),
        remedies(&ways, "  ", page),
        page.palette.paint(Tone::Faint, &format!("rdna-build explain {}", conflict.rule))
    )
}

/// A rule for programs.
pub fn document(rule: &Rule) -> serde_json::Value {
    json!({
        "id": rule.id,
        "title": rule.title,
        "why": unwrapped(rule.why),
        "told-by": rule.told_by,
        "remedies": rule.remedies,
    })
}

/// What a log shows, for programs.
pub fn found(finding: &Finding) -> serde_json::Value {
    json!({
        "rule": finding.rule,
        "severity": finding.severity,
        "line": finding.line,
        "text": finding.text,
        "what": finding.what,
        "caught": finding.caught,
        "more": finding.more,
        "remedies": finding.rule().remedies,
    })
}

fn tone(severity: Severity) -> Tone {
    match severity {
        Severity::Refuse => Tone::Bad,
        Severity::Warn => Tone::Warning,
    }
}

pub(super) fn heading(text: &str, page: Page) -> String {
    format!("\n{}\n", page.palette.paint(Tone::Faint, text))
}

pub(super) fn block(text: &str, indent: &str, page: Page) -> String {
    page.lines(text, indent.len()).iter().map(|line| format!("{indent}{line}\n")).collect()
}

pub(super) fn remedies(remedies: &[&str], indent: &str, page: Page) -> String {
    let one = |remedy: &&str| {
        let lines = page.lines(remedy, indent.len() + 2);
        let lines = lines.iter().enumerate().map(|(number, line)| match number {
            0 => format!("{indent}- {line}\n"),
            _ => format!("{indent}  {line}\n"),
        });
        lines.collect::<String>()
    };
    remedies.iter().map(one).collect()
}

#[cfg(test)]
mod tests {
    use snapbox::{assert_data_eq, str};

    use super::*;
    use crate::cli::render::Palette;
    use crate::model::Evidence;
    use crate::toolchain::log;
    use crate::toolchain::rules::RULES;

    fn narrow() -> Page {
        Page { palette: Palette::PLAIN, columns: Some(70) }
    }

    #[test]
    fn a_rule_is_explained_on_one_screen() {
        assert_data_eq!(
            rule(Rule::by_id("device-libs-newer").expect("a rule"), narrow()),
            str![[r#"
device-libs-newer
the device libraries were made by a newer LLVM than the compiler that
must read them

why
  HIP code is linked with ocml.bc, ockl.bc and others, which are LLVM
  bitcode. A newer LLVM reads what an older one wrote, never the other
  way round: the file may use attributes and records for which the
  older reader has no number, and it stops at the first of them. No
  option makes an old LLVM read it. The numbers in the message name
  that attribute; they say nothing about your code.

  Small files often still load, so that a kernel without mathematics
  may compile and the first sinf() fails.

told by
  a log says (Producer: 'LLVM21.1.8' Reader: 'LLVM 17.0.6') with the
  greater number in front. Before a build, the producer that every
  file of the device libraries names is held against the compiler's
  version

what to do
  - compile with the clang of the device libraries' own LLVM: on
    Debian, clang-N goes with rocm-device-libs-N
  - let clang find its own set: unset HIP_DEVICE_LIB_PATH
    DEVICE_LIB_PATH ROCM_PATH
  - build in an isolated toolchain: rdna-build RECIPE --target GFX
    chooses one that fits

"#]]
        );
        for one in RULES {
            let text = rule(one, Page { palette: Palette::PLAIN, columns: Some(100) });
            assert!(text.lines().count() <= 30, "{}: {}", one.id, text.lines().count());
        }
    }

    #[test]
    fn a_log_is_told_with_the_line_and_what_clashes() {
        let text = "first\n\u{1b}[31mfatal error: cannot open file '/x/ocml.bc': Unknown attribute kind (102) \
                    (Producer: 'LLVM21.1.8' Reader: 'LLVM 17.0.6')\nwarning: Linking two modules of different data \
                    layouts: '/x/a.bc' is 'e' whereas 'llvm-link' is 'e-p'\n";
        let reading = log::read(text.as_bytes()).expect("memory can be read");
        assert_data_eq!(
            findings("build.log", &reading.findings, narrow()),
            str![[r#"
build.log:2: device-libs-newer
  LLVM 21.1.8 made /x/ocml.bc, which LLVM 17.0.6 must read

  | fatal error: cannot open file '/x/ocml.bc': Unknown attribute kind (102) (Producer: 'LLVM21.1.8' Reader: 'LLVM 17.0.6')

  - compile with the clang of the device libraries' own LLVM: on
    Debian, clang-N goes with rocm-device-libs-N
  - let clang find its own set: unset HIP_DEVICE_LIB_PATH
    DEVICE_LIB_PATH ROCM_PATH
  - build in an isolated toolchain: rdna-build RECIPE --target GFX
    chooses one that fits
  rdna-build explain device-libs-newer

build.log:3: data-layout-differs (a hint, it may not be the reason)
  /x/a.bc and llvm-link come from different LLVMs

  | warning: Linking two modules of different data layouts: '/x/a.bc' is 'e' whereas 'llvm-link' is 'e-p'

  - compare the two: rdna-build toolchains inspect shows who made the
    device libraries, and every clang
  rdna-build explain data-layout-differs

"#]]
        );
    }

    #[test]
    fn a_conflict_of_a_system_has_its_evidence_and_nothing_that_a_terminal_obeys() {
        let found = Conflict {
            rule: "rocm-path-elsewhere".to_owned(),
            severity: Severity::Refuse,
            what: "ROCM_PATH leads to nothing".to_owned(),
            evidence: vec![
                Evidence::new("ROCM_PATH=/opt/\u{1b}[31mrocm", "nothing of ROCm in it"),
                Evidence::new("/usr/lib/llvm-17", "has device libraries"),
            ],
            remedies: vec!["unset ROCM_PATH".to_owned()],
        };
        assert_data_eq!(
            conflict(&found, narrow()),
            str![[r#"
conflict: ROCM_PATH leads to nothing
  ROCM_PATH=/opt/rocm  nothing of ROCm in it
  /usr/lib/llvm-17     has device libraries
  - unset ROCM_PATH
  rdna-build explain rocm-path-elsewhere

"#]]
        );
    }
}
