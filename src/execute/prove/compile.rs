//! Observes a matrix of compilations.

use std::io::{self, BufReader, Read};

use super::super::ExecuteError;
use super::super::unit::Account;
use super::Bench;
use crate::build::lab::{self, Lab, Piece};
use crate::code;
use crate::model::{CompileProof, Digest, Event, PlannedUnit, ResultKind, Stage, Tree, Unit};
use crate::proof::{CaseSeen, Code, Observation, Tools, cases};

/// How much of a result counts as text.
const LARGEST_TEXT: u64 = 1 << 20;

/// The part of a source that the proof sees, or which of its inputs is not there.
pub(super) fn inputs(compile: &CompileProof, tree: &Tree) -> Result<Tree, String> {
    let is_missing = |input: &&String| tree.part(std::slice::from_ref(*input)).nodes.is_empty();
    match compile.inputs.iter().find(is_missing) {
        Some(missing) => Err(format!("the source has no `{missing}`")),
        None => Ok(tree.part(&compile.inputs)),
    }
}

/// Every command, as words.
pub(super) fn words(compile: &CompileProof, unit: &PlannedUnit, tools: &Tools) -> Vec<Vec<String>> {
    let cases = cases(compile, &unit.id.version);
    let words = cases.iter().map(|case| case.command(&compile.command, tools, "{object}"));
    std::iter::once(vec![format!("{:?}", compile.result)]).chain(words).collect()
}

pub(super) async fn observe(
    lab: &Lab<'_>,
    bench: &Bench<'_>,
    compile: &CompileProof,
    tools: &Tools,
    parallel: u32,
    account: &Account<'_>,
) -> Result<Observation, ExecuteError> {
    let cases = cases(compile, &bench.unit.id.version);
    let jobs: Vec<Vec<String>> = cases
        .iter()
        .enumerate()
        .map(|(number, case)| case.command(&compile.command, tools, &lab::result(number)))
        .collect();
    let disassembler = format!("{}/llvm-objdump", tools.llvm);
    let disassembler = (compile.result == ResultKind::Object).then_some(disassembler.as_str());
    let environment = bench.unit.script.environment.clone();
    let mut done = |done| {
        account.workshop.events.emit(Event::Progress {
            unit: account.unit.clone(),
            stage: Stage::Proof,
            item: bench.proof.id.clone(),
            done,
            total: jobs.len() as u64,
            of: Unit::Objects,
        });
    };
    lab.compile(&jobs, environment, disassembler, parallel, &mut done).await?;
    let kind = compile.result;
    let pieces = vec![Pieces::default(); cases.len()];
    let take = move |pieces: &mut Vec<Pieces>, number: usize, piece, content: &mut dyn Read| {
        // A number that was never given out is the container's own invention.
        pieces.get_mut(number).map_or(Ok(()), |pieces| pieces.take(kind, piece, content))
    };
    let pieces = lab.results(pieces, take).await?;
    Ok(Observation::Compile(pieces.into_iter().map(|pieces| pieces.seen(kind)).collect()))
}

/// What came out of the container for one case, in whatever order.
#[derive(Clone, Debug, Default)]
struct Pieces {
    exit: Option<i64>,
    log: String,
    result: Option<Made>,
    facts: Option<code::Facts>,
}

#[derive(Clone, Debug)]
enum Made {
    Object { sha256: Digest, header: code::CodeObject, text: Vec<u8> },
    Text(String),
    Unreadable(String),
}

impl Pieces {
    fn take(&mut self, kind: ResultKind, piece: Piece, content: &mut dyn Read) -> io::Result<()> {
        match piece {
            Piece::Exit => self.exit = text(content, 16)?.trim().parse().ok(),
            Piece::Log => self.log = text(content, u64::MAX)?,
            Piece::Disassembly => self.facts = Some(code::read(&mut BufReader::new(content))?),
            Piece::Result => {
                self.result = Some(match kind {
                    ResultKind::Text => Made::Text(text(content, LARGEST_TEXT)?),
                    ResultKind::Object => {
                        let mut bytes = Vec::new();
                        content.read_to_end(&mut bytes)?;
                        object(&bytes)
                    }
                });
            }
        }
        Ok(())
    }

    fn seen(self, kind: ResultKind) -> CaseSeen {
        // A job without an exit code was killed before it could write one.
        let exit = self.exit.unwrap_or(-1);
        let unreadable = |what: &str| Code::Unreadable(what.to_owned());
        let code = (exit == 0).then(|| match (self.result, self.facts) {
            (Some(Made::Object { sha256, header, text }), Some(facts)) if facts.instructions > 0 => {
                Code::Object { sha256, header, facts, text }
            }
            (Some(Made::Object { .. }), _) => unreadable("the disassembler says nothing about the object"),
            (Some(Made::Text(text)), _) => Code::Text(text),
            (Some(Made::Unreadable(why)), _) => Code::Unreadable(why),
            (None, _) => match kind {
                ResultKind::Object => unreadable("no object was made"),
                ResultKind::Text => unreadable("no text was made"),
            },
        });
        CaseSeen { exit, log: self.log, code }
    }
}

fn object(bytes: &[u8]) -> Made {
    let parts = code::inspect(bytes).and_then(|header| Ok((header, code::text_section(bytes)?)));
    match parts {
        Ok((header, Some(text))) => Made::Object { sha256: Digest::of(bytes), header, text: text.to_vec() },
        Ok((_, None)) => Made::Unreadable("the object holds no instructions".to_owned()),
        Err(error) => Made::Unreadable(format!("the object cannot be read: {error}")),
    }
}

fn text(content: &mut dyn Read, most: u64) -> io::Result<String> {
    let mut bytes = Vec::new();
    content.take(most).read_to_end(&mut bytes)?;
    Ok(String::from_utf8_lossy(&bytes).into_owned())
}
