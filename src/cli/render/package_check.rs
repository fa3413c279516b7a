//! What a package came to when it was held against what lies beside it.

use super::page::Page;
use super::palette::Tone;
use super::printable;
use super::table::Table;
use crate::attest::{Checked, Signed};
use crate::model::CheckOutcome;

const LONGEST: usize = 400;

/// The whole page: a line for each question, and what it all comes to.
pub fn text(checked: &Checked, page: Page) -> String {
    let mut table = Table::default();
    for finding in &checked.findings {
        let tone = match finding.outcome {
            CheckOutcome::Passed => Tone::Good,
            CheckOutcome::Failed => Tone::Bad,
            CheckOutcome::Skipped { .. } | CheckOutcome::NotRun { .. } => Tone::Warning,
        };
        table.row([
            (tone, finding.outcome.as_str().to_owned()),
            (Tone::Plain, finding.check.to_owned()),
            (Tone::Plain, printable(&finding.says, LONGEST)),
        ]);
    }
    let package = page.palette.paint(Tone::Strong, &printable(&checked.package, LONGEST));
    let summary = page.lines(&summary(checked), 0).join("\n");
    format!("{package}\n{}\n{summary}\n", table.render(2, page))
}

fn summary(checked: &Checked) -> String {
    let who = match &checked.signed {
        Signed::By { .. } => "it is what its signer signed",
        Signed::No => "nothing is wrong with it; who made it is not proven, for nobody signed",
        Signed::ByUnknown { .. } => {
            "nothing is wrong with it; who made it is not proven, for the key is not known here (--key names it)"
        }
        Signed::Wrong { .. } => "its signature is wrong",
    };
    match checked.failed() {
        0 => format!("{who}; that the library computes rightly is for `rdna-build verify`"),
        _ => "something is wrong with it: do not use it".to_owned(),
    }
}
