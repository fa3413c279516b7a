//! Compilations side by side in a lab, and what each left behind.

use std::collections::BTreeMap;
use std::io::{self, BufReader, Read};

use super::ExecuteError;
use crate::build::lab::{Lab, Piece};
use crate::code;
use crate::model::{Digest, ResultKind};
use crate::proof::{CaseSeen, Code};

/// How much of a result counts as text.
const LARGEST_TEXT: u64 = 1 << 20;

/// What a compilation may take of the memory, in bytes.
pub(super) const MEMORY_PER_CASE: u64 = 1 << 30;

/// What is compiled, and how.
pub(super) struct Compilations {
    /// One for each case; the object of number `n` goes to [`crate::build::lab::result`]`(n)`.
    pub commands: Vec<Vec<String>>,
    pub environment: BTreeMap<String, String>,
    /// The folder of the LLVM tools that belong to the compiler.
    pub llvm: String,
    pub result: ResultKind,
    pub parallel: u32,
}

impl Compilations {
    /// Runs them. What one compilation came to is data.
    pub async fn run(
        &self,
        lab: &Lab<'_>,
        done: &mut (dyn FnMut(u64) + Send),
    ) -> Result<Vec<CaseSeen>, ExecuteError> {
        let disassembler = format!("{}/llvm-objdump", self.llvm);
        let disassembler = (self.result == ResultKind::Object).then_some(disassembler.as_str());
        lab.compile(&self.commands, self.environment.clone(), disassembler, self.parallel, done).await?;
        let kind = self.result;
        let pieces = vec![Pieces::default(); self.commands.len()];
        let take = move |pieces: &mut Vec<Pieces>, number: usize, piece, content: &mut dyn Read| {
            // A number that was never given out is the container's own invention.
            pieces.get_mut(number).map_or(Ok(()), |pieces| pieces.take(kind, piece, content))
        };
        let pieces = lab.results(pieces, take).await?;
        Ok(pieces.into_iter().map(|pieces| pieces.seen(kind)).collect())
    }
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
    Object(Box<Object>),
    Text(String),
    Unreadable(String),
}

#[derive(Clone, Debug)]
struct Object {
    sha256: Digest,
    header: code::CodeObject,
    metadata: Option<Box<code::Metadata>>,
    text: Vec<u8>,
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
            (Some(Made::Object(object)), Some(facts)) if facts.instructions > 0 => {
                let Object { sha256, header, metadata, text } = *object;
                Code::Object { sha256, header, metadata, facts, text }
            }
            (Some(Made::Object(_)), _) => unreadable("the disassembler says nothing about the object"),
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
        Ok((header, Some(text))) => Made::Object(Box::new(Object {
            sha256: Digest::of(bytes),
            header,
            // What notes cannot be read say nothing; a check that asks them says so.
            metadata: code::metadata(bytes).ok().flatten().map(Box::new),
            text: text.to_vec(),
        })),
        Ok((_, None)) => Made::Unreadable("the object holds no instructions".to_owned()),
        Err(error) => Made::Unreadable(format!("the object cannot be read: {error}")),
    }
}

fn text(content: &mut dyn Read, most: u64) -> io::Result<String> {
    let mut bytes = Vec::new();
    content.take(most).read_to_end(&mut bytes)?;
    Ok(String::from_utf8_lossy(&bytes).into_owned())
}
