//! On an emulator that a person supplies, in a container without network, devices and rights.
//!
//! Its canaries come first. One that fails is the end: whatever else such an emulator computes says nothing.

use std::collections::BTreeMap;

use super::super::super::workshop::blocking;
use super::super::super::{ExecuteError, Workshop};
use super::super::runtime::{Room, open_lab};
use super::super::subject::Opened;
use super::super::{VerifyError, VerifyTask};
use super::{Bench, Chosen, Emulator, Ended, Place};
use crate::build::lab::PROOFS;
use crate::model::{
    Device, Digest, Digester, EmulatorUsed, Evidence, FileSet, GfxTarget, GuestPath, PackagedFile, Recipe,
};
use crate::package;
use crate::verify::{CaseOutcome, CaseSeen, ComputingState, canaries, canary_files, configuration};

/// Where the emulator lies in the container.
const PLACE: &str = "/work/emulator";
const PROGRAM: &str = "bin/rocjitsu";
const CONFIGURATION: &str = "emulator/configuration.json";
/// The largest configuration that is read.
const LARGEST_CONFIGURATION: u64 = 1 << 20;

/// An emulator's files, read.
struct Found {
    files: Vec<PackagedFile>,
    configuration: String,
    used: EmulatorUsed,
}

/// Computes on the emulator that a person named.
pub(in crate::execute::verify) async fn on_emulator(
    task: &VerifyTask<'_>,
    opened: &Opened,
    recipe: Option<&Recipe>,
    target: GfxTarget,
    room: Option<&Room<'_>>,
    workshop: &Workshop,
) -> Result<(ComputingState, Option<Device>), ExecuteError> {
    let none = |missing: String| Ok((ComputingState::None { missing }, None));
    let Some(emulator) = &task.computing.emulator else {
        return none("no emulator was named: --emulator PREFIX".to_owned());
    };
    let found = found(emulator, target, workshop).await?;
    let bench = match Bench::of(task, opened, recipe, target, room) {
        Ok(bench) => bench,
        Err(missing) => return none(missing),
    };
    let (chosen, left_out) = bench.chosen(&task.computing.cases, |case| case.emulated_seconds);
    if chosen.is_empty() {
        return none(
            "no case of the recipe's suites is small enough for an emulator, or has such a name".to_owned(),
        );
    }
    let lab = open_lab(&bench.room.image, workshop).await?;
    bench.install(&lab).await?;
    lab.put_tree(emulator.prefix.clone(), found.files, &GuestPath::new(PLACE)).await?;
    let mut files = FileSet::default();
    files.insert(CONFIGURATION, found.configuration.into_bytes());
    lab.files(files).await?;
    // A folder of its own for each process: the emulator keeps sockets and shared memory in it.
    let launcher = [
        "sh",
        "-c",
        "ROCJITSU_RUNTIME_DIR=$(mktemp -d) && export ROCJITSU_RUNTIME_DIR && exec \"$@\"",
        "sh",
        &format!("{PLACE}/{PROGRAM}"),
        "--config",
        &format!("{PROOFS}/{CONFIGURATION}"),
        "--",
    ];
    let place = Place {
        lab,
        launcher: launcher.map(str::to_owned).into(),
        environment: BTreeMap::new(),
        is_card: false,
        log: None,
    };
    let suite = canaries();
    let cases = suite.cases.iter().filter_map(|case| Some((case, case.emulated_seconds?))).collect();
    let first = Chosen { suite: &suite, files: canary_files(), cases };
    let device = Some(Device::Emulator(found.used));
    let place = match bench.suite(place, &first, workshop).await? {
        Ended::Fine(place, seen) => match refused(&seen) {
            None => place,
            Some(refused) => {
                place.lab.close().await?;
                return Ok((refused, device));
            }
        },
        Ended::Hung { cases, why } => {
            return Ok((refused(&cases).unwrap_or_else(|| unusable(&why)), device));
        }
        Ended::Unmade { says, log } => {
            let evidence = vec![Evidence::new("canaries", super::last_lines(&log))];
            return Ok((ComputingState::Refused { says, evidence, remedies: vec![] }, device));
        }
    };
    let (state, _) = bench.compute(place, chosen, left_out, workshop).await?;
    Ok((state, device))
}

/// Why an emulator with these canaries is not used.
fn refused(seen: &[CaseSeen]) -> Option<ComputingState> {
    let failed: Vec<(&str, Evidence)> = seen
        .iter()
        .filter_map(|case| match case.outcome() {
            // What the toolchain's HIP has no call for says nothing of the emulator.
            CaseOutcome::Right | CaseOutcome::Nothing(_) => None,
            CaseOutcome::Failed(_, evidence) => Some((case.name.as_str(), evidence)),
            CaseOutcome::NotRun(why) => Some((case.name.as_str(), Evidence::new(case.id(), why))),
        })
        .collect();
    if failed.is_empty() {
        return None;
    }
    let names: Vec<&str> = failed.iter().map(|(name, _)| *name).collect();
    Some(ComputingState::Refused {
        says: format!("the emulator fails its canaries: {}", names.join(", ")),
        evidence: failed.iter().map(|(_, evidence)| evidence.clone()).collect(),
        remedies: vec!["take a build of the emulator that computes these rightly".to_owned()],
    })
}

fn unusable(why: &str) -> ComputingState {
    ComputingState::Refused {
        says: format!("the emulator cannot be used: {why}"),
        evidence: vec![],
        remedies: vec![],
    }
}

/// Reads the emulator's folder, and its configuration or that of the target.
async fn found(emulator: &Emulator, target: GfxTarget, workshop: &Workshop) -> Result<Found, ExecuteError> {
    let no =
        |reason: String| VerifyError::NoEmulator { prefix: emulator.prefix.display().to_string(), reason };
    if !emulator.prefix.join(PROGRAM).is_file() {
        return Err(no(format!("it has no {PROGRAM}")).into());
    }
    let (prefix, cancel) = (emulator.prefix.clone(), workshop.cancel.clone());
    let files = blocking(move || package::scan(&prefix, &cancel)).await??;
    let configuration = match &emulator.configuration {
        Some(path) => read_configuration(path).map_err(|error| no(format!("{}: {error}", path.display())))?,
        None => match configuration(target) {
            Some(text) => text,
            None => {
                return Err(
                    no(format!("what it is to be for {target} is not known: --emulator-config")).into()
                );
            }
        },
    };
    let used = EmulatorUsed {
        target: target.to_string(),
        sha256: digest(&files),
        configuration: Digest::of(configuration.as_bytes()),
    };
    Ok(Found { files, configuration, used })
}

fn read_configuration(path: &std::path::Path) -> std::io::Result<String> {
    use std::io::Read as _;
    let mut text = String::new();
    let mut file = std::fs::File::open(path)?.take(LARGEST_CONFIGURATION + 1);
    file.read_to_string(&mut text)?;
    match text.len() as u64 > LARGEST_CONFIGURATION {
        true => Err(std::io::Error::other("it is too long for a configuration")),
        false => Ok(text),
    }
}

/// Over names, kinds and contents.
fn digest(files: &[PackagedFile]) -> Digest {
    let mut digester = Digester::new();
    for file in files {
        let line = match file {
            PackagedFile::File { path, sha256, executable, .. } => {
                format!("{path}\0{sha256}\0{executable}\n")
            }
            PackagedFile::Symlink { path, target } => format!("{path}\0-> {target}\n"),
        };
        digester.update(line.as_bytes());
    }
    digester.finish()
}
