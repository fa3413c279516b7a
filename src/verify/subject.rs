//! What checks look at: all that was seen of a library and of where it is to run.

use std::collections::BTreeSet;

use super::calls::CallsState;
use super::computing::ComputingState;
use super::header;
use super::kernels::KernelsState;
use super::loader::LoaderAnswer;
use super::search::Found;
use crate::code::{Bundle, Library, LibraryError};
use crate::model::{
    GfxTarget, Inventory, LibraryFacts, Manifest, PackagedFile, PatchMark, PatchSpec, Traces,
};

/// A library and what is known of it.
#[derive(Clone, Debug)]
pub struct Subject<'a> {
    pub target: GfxTarget,
    pub library: &'a LibrarySeen,
    /// What the recipe says of such a library; nothing where no recipe makes it.
    pub facts: Option<&'a LibraryFacts>,
    pub provenance: Provenance<'a>,
    /// In the order of the series.
    pub patches: Vec<PatchSeen<'a>>,
    pub runtime: &'a RuntimeSeen,
    pub kernels: KernelsState,
    pub calls: CallsState,
    /// On an emulator.
    pub emulated: ComputingState,
    /// On a card.
    pub gpu: ComputingState,
}

/// What was read of the library's file.
#[derive(Clone, Debug)]
pub struct LibrarySeen {
    /// As a person knows it: below the prefix for a package's, else where it lies.
    pub path: String,
    pub elf: Result<Library, LibraryError>,
    /// Names it exports.
    pub exports: Result<BTreeSet<String>, LibraryError>,
    /// Compiled GPU code in it.
    pub bundles: Vec<Bundle>,
    /// Which of [`wanted_texts`] it holds.
    pub texts: Found,
}

/// Where the library comes from.
#[derive(Clone, Debug)]
pub enum Provenance<'a> {
    /// From a package of ours.
    Package(Packaged<'a>),
    /// From somebody else.
    Foreign,
}

/// What is known of a package's content.
#[derive(Clone, Debug)]
pub struct Packaged<'a> {
    pub manifest: &'a Manifest,
    /// What really lies below the root, without the manifest's own file.
    pub files: &'a [PackagedFile],
    /// The text of the recipe's headers; nothing for one that is not there.
    pub headers: Vec<(String, Option<String>)>,
}

/// A patch that was applied, or of a foreign library one that the recipe would apply.
#[derive(Clone, Debug)]
pub struct PatchSeen<'a> {
    pub name: &'a str,
    /// The recipe's; nothing for a person's own patch.
    pub mark: Option<&'a PatchMark>,
    /// The patch's hunks for files that the library holds as texts; empty where its bytes are not known.
    pub hunks: Vec<HunkText>,
    /// The constants passed to the function of its mark, one a call; nothing of a call that could not be read.
    pub calls: Option<Result<Vec<Option<u32>>, String>>,
}

/// A place that a patch changes, before and after, as whole lines.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HunkText {
    pub file: String,
    /// Of the hunk's first line, in the unpatched file.
    pub line: usize,
    pub before: Vec<u8>,
    pub after: Vec<u8>,
}

/// The place where the library is to run.
#[derive(Clone, Debug)]
pub enum RuntimeSeen {
    /// Nobody named one: what to do about it.
    None {
        missing: String,
    },
    Image(Box<Seen>),
}

/// What was seen of an image with the library in it.
#[derive(Clone, Debug)]
pub struct Seen {
    /// The toolchain's id, or how a person named the image.
    pub name: String,
    pub inventory: Inventory,
    /// What the loader in it said.
    pub loader: LoaderAnswer,
}

impl Packaged<'_> {
    /// The functions that the headers declare, and which headers are not there.
    pub(super) fn declared(&self, marker: &str) -> (BTreeSet<String>, Vec<&str>) {
        let texts = self.headers.iter().filter_map(|(_, text)| text.as_deref());
        let names = texts.flat_map(|text| header::exported(text, marker)).collect();
        let missing = self.headers.iter().filter(|(_, text)| text.is_none());
        (names, missing.map(|(path, _)| path.as_str()).collect())
    }
}

impl HunkText {
    /// Whether what was there before can be told from what is there now.
    pub(super) fn tells_apart(&self) -> bool {
        !self.before.is_empty() && memchr::memmem::find(&self.after, &self.before).is_none()
    }
}

impl<'a> PatchSeen<'a> {
    /// A patch of the recipe without the hunks of any variant: all that can be asked of a foreign library.
    pub fn by_mark(patch: &'a PatchSpec) -> Self {
        Self { name: patch.name.as_str(), mark: patch.mark.as_ref(), hunks: vec![], calls: None }
    }

    pub(super) fn traces(&self) -> Option<&'a Traces> {
        match self.mark {
            Some(PatchMark::Traces(traces)) => Some(traces),
            Some(PatchMark::Invisible { .. }) | None => None,
        }
    }
}

/// Every text whose presence a check asks for.
pub fn wanted_texts(facts: Option<&LibraryFacts>, patches: &[PatchSeen<'_>]) -> Vec<Vec<u8>> {
    let gaps = facts.into_iter().flat_map(|facts| &facts.gaps).flat_map(|gap| [&gap.holds, &gap.needs]);
    let marks = patches.iter().filter_map(PatchSeen::traces);
    let marks = marks.flat_map(|traces| traces.present.iter().chain(&traces.absent));
    let hunks = patches.iter().flat_map(|patch| &patch.hunks);
    let hunks = hunks.flat_map(|hunk| [hunk.before.clone(), hunk.after.clone()]);
    gaps.chain(marks).map(|text| text.clone().into_bytes()).chain(hunks).collect()
}
