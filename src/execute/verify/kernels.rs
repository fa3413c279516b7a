//! Compiles the kernels that a package's library compiles at run time, from the source that the package was made from.
//!
//! A matrix whose source, compiler and commands are the same as before is not compiled again.

use std::collections::BTreeSet;
use std::sync::Arc;

use serde_json::json;

use super::super::compile::{Compilations, MEMORY_PER_CASE};
use super::super::toolchain::Image;
use super::super::unit::Account;
use super::super::{ExecuteError, LocalSource, Materials, Workshop, json, prepare, toolchain};
use super::VerifyTask;
use super::patches::includes;
use super::runtime::{UNIT, open_lab, tools};
use super::subject::Opened;
use crate::build::lab::{self, Lab};
use crate::build::workspace::SourceTree;
use crate::model::{
    Digest, Event, GfxTarget, KernelMatrix, Manifest, PatchRecord, PinnedSource, PlannedPatch, Recipe,
    ResultKind, Stage, Toolchain, Tree, Unit, Version,
};
use crate::plan::jobs;
use crate::plan::key::{self, ProofInputs};
use crate::proof::{Case, Tools};
use crate::verify::{Compiled, KernelsState, MatrixSeen, kernel_cases, search_long};

const COMPILED: &str = "compiled.json";
/// A piece of a text that is as short as this may stand anywhere.
const SHORTEST_PIECE: usize = 48;

/// All that the kernels of a package are compiled with.
struct Bench<'a> {
    recipe: &'a Recipe,
    manifest: &'a Manifest,
    toolchain: &'a Toolchain,
    version: Version,
    target: GfxTarget,
    image: Image,
    source: SourceTree,
}

pub(super) async fn compile(
    task: &VerifyTask<'_>,
    opened: &Opened,
    recipe: Option<&Recipe>,
    target: GfxTarget,
    library: Arc<Vec<u8>>,
    workshop: &Workshop,
) -> Result<KernelsState, ExecuteError> {
    let bench = match bench(task, opened, recipe, target, workshop).await? {
        Ok(bench) => bench,
        Err(missing) => return Ok(KernelsState::None { missing }),
    };
    let cases_of = |matrix| kernel_cases(matrix, &bench.version, target.as_str());
    let matrices = bench.recipe.kernels.iter().map(|matrix| (matrix, cases_of(matrix)));
    let mut matrices: Vec<(&KernelMatrix, Vec<(Case, usize)>)> =
        matrices.filter(|(_, cases)| !cases.is_empty()).collect();
    let files = matrices.iter().flat_map(|(_, cases)| cases).map(|(case, _)| case.file.clone()).collect();
    let (source, held) = (bench.source.clone(), library);
    // Beside the compilations, which are the compiler's work.
    let lost = tokio::task::spawn_blocking(move || lost(&files, &source, &held));
    // Those that read the same part of the source share a container.
    matrices.sort_by(|(one, _), (other, _)| one.inputs.cmp(&other.inputs));
    let mut room: Option<(Vec<String>, Lab<'_>)> = None;
    let mut compiled = Vec::new();
    for (matrix, cases) in &matrices {
        compiled.push(bench.matrix(matrix, cases, &mut room, workshop).await?);
    }
    if let Some((_, lab)) = room {
        lab.close().await?;
    }
    let lost = lost.await.map_err(|error| ExecuteError::Stopped { reason: error.to_string() })??;
    let seen = matrices.into_iter().zip(compiled).map(|((matrix, cases), compiled)| {
        let files: BTreeSet<String> = cases.iter().map(|(case, _)| case.file.clone()).collect();
        let not_in_library = files.intersection(&lost).cloned().collect();
        MatrixSeen::new(matrix, cases, compiled, not_in_library)
    });
    let mut seen: Vec<MatrixSeen> = seen.collect();
    seen.sort_by(|one, other| one.id.cmp(&other.id));
    Ok(KernelsState::Compiled(seen))
}

/// Finds or makes what is compiled and with what; or says what of it is not there.
async fn bench<'a>(
    task: &'a VerifyTask<'_>,
    opened: &'a Opened,
    recipe: Option<&'a Recipe>,
    target: GfxTarget,
    workshop: &Workshop,
) -> Result<Result<Bench<'a>, String>, ExecuteError> {
    let Some(manifest) = &opened.manifest else {
        return Ok(Err("the source of a foreign library is not known".to_owned()));
    };
    let Some(recipe) = recipe.filter(|recipe| !recipe.kernels.is_empty()) else {
        return Ok(Err("the recipe does not list the kernels that its library compiles".to_owned()));
    };
    let Some(toolchain) = task.recipes.toolchain(&manifest.toolchain.id) else {
        return Ok(Err(format!(
            "the toolchain {} that the package was made with is not known here",
            manifest.toolchain.id
        )));
    };
    let Ok(version) = manifest.version.parse::<Version>() else {
        return Ok(Err(format!("its version {} is none", manifest.version)));
    };
    let patches: Result<Vec<PlannedPatch>, String> =
        manifest.patches.iter().map(|record| planned(record, recipe, &version)).collect();
    let patches = match patches {
        Ok(patches) => patches,
        Err(missing) => return Ok(Err(missing)),
    };
    let local = match local(task, &manifest.source.pinned) {
        Ok(local) => local,
        Err(missing) => return Ok(Err(missing)),
    };
    let materials = Materials { recipe, toolchains: vec![toolchain], own_patches: &[], local };
    let mut account = Account { workshop, unit: UNIT.to_owned(), stages: vec![] };
    let image = toolchain::image(toolchain, &mut account).await?;
    let source = prepare::patched(&patches, &manifest.source.pinned, &materials, &mut account).await?;
    Ok(Ok(Bench { recipe, manifest, toolchain, version, target, image, source }))
}

/// A patch of the manifest as the recipe has it still.
fn planned(record: &PatchRecord, recipe: &Recipe, version: &Version) -> Result<PlannedPatch, String> {
    let patch = recipe.patches.iter().find(|patch| patch.name == record.name);
    let variant =
        patch.and_then(|patch| patch.variant(version)).filter(|variant| variant.file == record.file);
    let bytes = recipe.files.get(&record.file).filter(|bytes| Digest::of(bytes) == record.sha256);
    match (variant, bytes) {
        (Some(variant), Some(_)) => Ok(PlannedPatch {
            name: record.name.clone(),
            file: record.file.clone(),
            sha256: record.sha256,
            why: record.why.clone(),
            fit: variant.fit,
            unproven: record.unproven,
        }),
        _ => Err(format!(
            "the recipe no longer has the patch {} as it was applied: {}",
            record.name, record.file
        )),
    }
}

/// The folder that a package was made from, where it was made from one.
fn local(task: &VerifyTask<'_>, pinned: &PinnedSource) -> Result<Option<LocalSource>, String> {
    let PinnedSource::Folder { tree, .. } = pinned else { return Ok(None) };
    match &task.source {
        None => Err("the package was made from a folder: name it with --source DIR".to_owned()),
        Some(local) if local.tree.digest != *tree => {
            Err(format!("{} is not what the package was made from: its content changed", local.folder))
        }
        Some(local) => Ok(Some(LocalSource { folder: local.folder.clone(), tree: local.tree.clone() })),
    }
}

impl Bench<'_> {
    /// What a matrix came to: remembered, or compiled now.
    async fn matrix<'w>(
        &self,
        matrix: &KernelMatrix,
        cases: &[(Case, usize)],
        room: &mut Option<(Vec<String>, Lab<'w>)>,
        workshop: &'w Workshop,
    ) -> Result<Vec<Compiled>, ExecuteError> {
        // Where they lie is found out in the container; it follows from the image and the compiler.
        let tools = Tools { llvm: "{llvm}".to_owned(), ..tools(self.toolchain) };
        let part = self.source.tree.part(&matrix.inputs);
        let files = matrix.files_of(&self.recipe.files);
        let words: Vec<Vec<String>> =
            cases.iter().map(|(case, _)| case.command(&matrix.command, &tools, "{object}")).collect();
        let keyed = key::kernels(&ProofInputs {
            definition: self.toolchain.definition(),
            identity: self.image.identity,
            source: part.digest(),
            files: files.digest(),
            commands: &words,
            environment: &self.manifest.build.environment,
            installed: None,
        });
        if let Some(entry) = workshop.find_whole(Stage::Verify, &keyed.key).await? {
            let compiled: Vec<Compiled> = json::read(&entry.content().join(COMPILED))?;
            if compiled.len() == cases.len() {
                return Ok(compiled);
            }
        }
        let started = std::time::Instant::now();
        let is_same = room.as_ref().is_some_and(|(inputs, _)| *inputs == matrix.inputs);
        if !is_same && let Some((_, old)) = room.take() {
            old.close().await?;
        }
        let lab = match room.take() {
            Some((_, lab)) => lab,
            None => self.open(&part, workshop).await?,
        };
        lab.files(files).await?;
        let llvm = lab.llvm(&tools.c).await?;
        let info = workshop.engine().await?.info().await?;
        let memory = workshop.limits.memory.unwrap_or(info.memory);
        let commands = cases.iter().enumerate();
        let compilations = Compilations {
            commands: commands
                .map(|(number, (case, _))| case.command(&matrix.command, &tools, &lab::result(number)))
                .collect(),
            environment: self.manifest.build.environment.clone(),
            llvm,
            result: ResultKind::Object,
            parallel: jobs(info.cpus, memory, MEMORY_PER_CASE, workshop.limits.jobs),
        };
        let total = cases.len() as u64;
        let mut done = |done| {
            workshop.events.emit(Event::Progress {
                unit: UNIT.to_owned(),
                stage: Stage::Verify,
                item: format!("{} kernels", matrix.id),
                done,
                total,
                of: Unit::Objects,
            });
        };
        let seen = compilations.run(&lab, &mut done).await?;
        *room = Some((matrix.inputs.clone(), lab));
        let compiled: Vec<Compiled> = seen.into_iter().map(Compiled::of).collect();
        let detail = json!({ "kernels": matrix.id, "target": self.target.to_string() });
        let seconds = started.elapsed().as_secs_f64();
        workshop.keep(Stage::Verify, &keyed, (COMPILED, &compiled), seconds, detail).await?;
        Ok(compiled)
    }

    async fn open<'w>(&self, part: &Tree, workshop: &'w Workshop) -> Result<Lab<'w>, ExecuteError> {
        let lab = open_lab(&self.image.id, workshop).await?;
        lab.fill(self.source.clone(), part.nodes.keys().cloned().collect(), Default::default()).await?;
        Ok(lab)
    }
}

/// Files whose text is not in the library, piece by piece between what includes other files.
fn lost(
    files: &BTreeSet<String>,
    source: &SourceTree,
    library: &[u8],
) -> Result<BTreeSet<String>, ExecuteError> {
    let mut wanted = Vec::new();
    for file in files {
        let place = source.path(file);
        let text = match std::fs::read(&place) {
            Ok(text) => text,
            // A file of the checks' own is no text of the library.
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => continue,
            Err(error) => return Err(ExecuteError::file("reading", &place)(error)),
        };
        wanted.push((file, pieces(&text)));
    }
    let found = search_long(library, wanted.iter().flat_map(|(_, pieces)| pieces.clone()));
    let is_lost = |pieces: &[Vec<u8>]| !pieces.iter().all(|piece| found.has(piece));
    let lost = wanted.iter().filter(|(_, pieces)| is_lost(pieces));
    Ok(lost.map(|(file, _)| (*file).clone()).collect())
}

/// The text between the lines that include other files, without what is too short to be told apart.
fn pieces(text: &[u8]) -> Vec<Vec<u8>> {
    let mut pieces = vec![Vec::new()];
    for line in text.split_inclusive(|byte| *byte == b'\n') {
        if includes(line) {
            pieces.push(Vec::new());
        } else {
            pieces.last_mut().expect("begins with one").extend_from_slice(line);
        }
    }
    // A file's last line may be unended, and the library's copy of it not.
    pieces
        .into_iter()
        .map(|piece| piece.trim_ascii().to_vec())
        .filter(|piece| piece.len() >= SHORTEST_PIECE)
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_is_taken_apart_where_it_includes_others() {
        let long = "x".repeat(SHORTEST_PIECE);
        let text = format!("{long}\n#include \"a.h\"\nshort\n  .include \"b.inc\"\n{long}y");
        assert_eq!(pieces(text.as_bytes()), [long.clone().into_bytes(), format!("{long}y").into_bytes()]);
        assert_eq!(pieces(b"short"), Vec::<Vec<u8>>::new());
    }
}
