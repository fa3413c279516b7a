//! What a machine is and what is the matter with it: some lines of facts, then findings, then one line of summary.

use super::amount;
use super::page::Page;
use super::palette::Tone;
use super::printable;
use super::table::Table;
use crate::doctor::{Diagnosis, EngineAnswer, Found, Patient, Severity};
use crate::facts::devices::{Access, DeviceNode};
use crate::facts::kfd::Node;
use crate::model::LibraryPart;

/// How much of one fact or piece of evidence is shown.
const LONGEST: usize = 300;
/// How many pieces of evidence are shown of one finding.
const EVIDENCE: usize = 4;

/// Facts and findings as one document.
pub fn document(patient: &Patient<'_>, diagnosis: &Diagnosis) -> serde_json::Value {
    let inventory = patient.inventory;
    let facts = serde_json::json!({
        "host": patient.host,
        "engine": patient.engine,
        "needs": patient.needs,
        "places": patient.places,
        "rocm-trees": inventory.rocm_trees,
        "rocblas-kernels": inventory.rocblas_kernels,
        "libraries": inventory.libraries,
        "not-told": not_told(patient),
    });
    serde_json::json!({
        "facts": facts,
        "findings": diagnosis.findings,
        "can-compute": diagnosis.can_compute,
        "can-build": diagnosis.can_build,
    })
}

/// The whole page.
pub fn text(patient: &Patient<'_>, diagnosis: &Diagnosis, page: Page) -> String {
    let mut table = Table::default();
    for (name, value) in facts(patient) {
        table.row([(Tone::Strong, name.to_owned()), (Tone::Plain, printable(&value, LONGEST))]);
    }
    let findings: String = diagnosis.findings.iter().map(|found| finding(found, page)).collect();
    format!("{}{findings}\n{}\n", table.render(0, page), page.lines(&summary(diagnosis), 0).join("\n"))
}

fn facts(patient: &Patient<'_>) -> Vec<(&'static str, String)> {
    let host = patient.host;
    let mut rows: Vec<(&str, String)> = gpus(patient).into_iter().map(|gpu| ("GPU", gpu)).collect();
    let others = host.cards.iter().filter(|card| !card.is_amd());
    rows.extend(others.map(|card| ("other GPU", format!("{}, which ROCm does not use", card.name()))));
    rows.extend(host.devices.iter().map(|node| ("device", device(node))));
    rows.push(("system", system(patient)));
    rows.push(("ROCm", rocm(patient)));
    rows.extend(
        host.variables.iter().map(|variable| {
            ("variable", format!("{}={} ({})", variable.name, variable.value, variable.place))
        }),
    );
    rows.extend(resources(patient));
    rows.push((
        "engine",
        match patient.engine {
            EngineAnswer::NotAsked => "not asked: these are the files of another system".to_owned(),
            EngineAnswer::Answers { name, cores, memory } => {
                format!("{name}, {}, {}", amount::count(u64::from(*cores), "core"), amount::bytes(*memory))
            }
            EngineAnswer::Denied { .. } => "there, and this user may not use it".to_owned(),
            EngineAnswer::Unreachable { .. } => "none answers".to_owned(),
        },
    ));
    rows.push(("not told", not_told(patient).join("; ")));
    rows
}

fn gpus(patient: &Patient<'_>) -> Vec<String> {
    let host = patient.host;
    let mut rows: Vec<String> = patient.gpus().into_iter().map(|node| gpu(patient, node)).collect();
    let is_known = |address| patient.gpus().iter().any(|node| node.pci == Some(address));
    // A node that hides itself does not say which card it is.
    let has_hidden = patient.gpus().iter().any(|node| node.is_hidden());
    let left_out = host.cards.iter().filter(|card| card.is_amd() && !has_hidden && !is_known(card.address));
    rows.extend(left_out.map(|card| {
        let target = card.rdna1().map(|target| format!(" ({target})")).unwrap_or_default();
        format!("{}{target} at {}, unknown to the compute driver", card.name(), card.address)
    }));
    if rows.is_empty() && host.wsl.is_some() {
        rows.push("none that ROCm could use: Windows has it".to_owned());
    } else if rows.is_empty() {
        rows.push("none: there is no AMD GPU in this machine".to_owned());
    }
    rows
}

fn gpu(patient: &Patient<'_>, node: &Node) -> String {
    if node.is_hidden() {
        return format!("node {}: hidden from this process", node.number);
    }
    let mut facts = vec![patient.name(node)];
    if node.memory > 0 {
        facts.push(amount::bytes(node.memory));
    }
    if node.compute_units() > 0 {
        facts.push(format!("{} compute units", node.compute_units()));
    }
    facts.extend(node.render_minor.map(|minor| format!("renderD{minor}")));
    facts.push(
        node.mec_firmware
            .map_or("MEC firmware not told".to_owned(), |version| format!("MEC firmware {version}")),
    );
    let links = patient.host.kfd.iter().flat_map(|kfd| &kfd.nodes).flat_map(|node| &node.links);
    let mut links = links.filter(|link| link.from == node.number || link.to == node.number).peekable();
    facts.push(match (links.peek().is_some(), links.any(|link| link.lacks_atomics())) {
        (false, _) => "PCIe atomics not told".to_owned(),
        (true, true) => "no PCIe atomics".to_owned(),
        (true, false) => "PCIe atomics".to_owned(),
    });
    facts.join(", ")
}

fn device(node: &DeviceNode) -> String {
    if let Some(instead) = node.instead {
        return format!("{}: a {instead}, no device", node.path);
    }
    let group = node.group.as_deref().unwrap_or("no name here");
    let access = match node.access {
        Access::Allowed => "this user may open it",
        Access::Denied => "this user may not open it",
        Access::Unknown => "who may open it is not known",
    };
    format!("{}: group {} ({group}), mode {:o}, {access}", node.path, node.gid, node.mode)
}

fn system(patient: &Patient<'_>) -> String {
    let host = patient.host;
    let mut facts = Vec::new();
    facts.extend(patient.inventory.system.clone());
    facts.push(match &host.kernel {
        Some(kernel) => format!("Linux {}", kernel.release),
        None => "kernel not told".to_owned(),
    });
    facts.push(match (host.driver.loaded, &host.driver.version) {
        (true, Some(version)) => format!("amdgpu {version}"),
        (true, None) => "amdgpu loaded".to_owned(),
        (false, _) => "amdgpu not loaded".to_owned(),
    });
    facts
        .push(if host.kfd.is_some() { "compute driver there" } else { "no compute driver (KFD)" }.to_owned());
    facts.extend(host.container.as_ref().map(|container| format!("in a container of {}", container.what)));
    facts.extend(host.wsl.as_ref().map(|_| "inside Windows (WSL)".to_owned()));
    facts.join(", ")
}

fn rocm(patient: &Patient<'_>) -> String {
    let inventory = patient.inventory;
    let trees = inventory.rocm_trees.iter().map(|tree| {
        let version = tree.version.as_ref().map_or("version unknown".to_owned(), ToString::to_string);
        format!("{} ({version})", tree.root)
    });
    let is_in_tree =
        |path: &str| inventory.rocm_trees.iter().any(|tree| path.starts_with(&format!("{}/", tree.root)));
    let loose = [LibraryPart::Rocr, LibraryPart::HipRuntime, LibraryPart::Rocblas, LibraryPart::Miopen]
        .into_iter()
        .flat_map(|part| inventory.libraries(part))
        .map(|library| library.path.as_str())
        .filter(|path| !is_in_tree(path))
        .map(str::to_owned);
    let found: Vec<String> = trees.chain(loose).collect();
    match found.is_empty() {
        true => "none where it usually lies".to_owned(),
        false => found.join(", "),
    }
}

fn resources(patient: &Patient<'_>) -> Vec<(&'static str, String)> {
    let host = patient.host;
    let mut facts = Vec::new();
    facts.extend(host.cores.map(|cores| amount::count(u64::from(cores), "core")));
    facts.extend(host.memory.map(|memory| {
        format!("{} of {} memory free", amount::bytes(memory.available), amount::bytes(memory.total))
    }));
    facts.extend(
        host.disks.iter().map(|disk| format!("{} disk free for the {}", amount::bytes(disk.free), disk.of)),
    );
    match facts.is_empty() {
        true => vec![],
        false => vec![("resources", facts.join(", "))],
    }
}

/// What these facts do not say.
fn not_told(patient: &Patient<'_>) -> Vec<String> {
    let mut untold = Vec::new();
    if !patient.host.is_machine {
        untold.push("the other system's disks, environment and engine".to_owned());
    }
    if !patient.rdna1().is_empty() {
        untold.push("whether the card computes rightly, as nothing was run on it".to_owned());
    }
    untold.push("what wheels of PyTorch bring along and load".to_owned());
    untold
}

/// Three to five lines, more where there is more evidence.
fn finding(found: &Found, page: Page) -> String {
    let (tone, word) = match found.severity {
        Severity::Error => (Tone::Bad, "error"),
        Severity::Warning => (Tone::Warning, "warning"),
        Severity::Note => (Tone::Strong, "note"),
    };
    let title = page.lines(&format!("{word}: {}", printable(&found.what, LONGEST)), 0).join("\n");
    let mut text = format!(
        "\n{} {}\n",
        page.palette.paint(tone, &title),
        page.palette.paint(Tone::Faint, &format!("[{}]", found.finding))
    );
    let line = |text: &str, mark: &str| {
        let lines = page.lines(&printable(text, 2 * LONGEST), 4);
        format!("  {mark} {}\n", lines.join("\n    "))
    };
    for evidence in found.evidence.iter().take(EVIDENCE) {
        text += &line(&format!("{}: {}", evidence.place, evidence.says), " ");
    }
    if let Some(more) = found.evidence.len().checked_sub(EVIDENCE).filter(|more| *more > 0) {
        text += &line(&format!("and {more} more; `--json` has them"), " ");
    }
    text += &line(&found.consequence, "=");
    for remedy in &found.remedies {
        text += &line(remedy, "-");
    }
    text
}

fn summary(diagnosis: &Diagnosis) -> String {
    let count =
        |severity| diagnosis.findings.iter().filter(|found| found.severity == severity).count() as u64;
    let counts = [(Severity::Error, "error"), (Severity::Warning, "warning"), (Severity::Note, "note")];
    let counts = counts.map(|(severity, word)| (count(severity), word));
    let counts: Vec<String> = counts
        .iter()
        .filter(|(count, _)| *count > 0)
        .map(|(count, word)| amount::count(*count, word))
        .collect();
    let counts = if counts.is_empty() { "nothing found".to_owned() } else { counts.join(", ") };
    let compute = match diagnosis.can_compute {
        true => "nothing is known that keeps this machine from computing on its RDNA1 GPU",
        false => "this machine cannot compute on an RDNA1 GPU as it is",
    };
    let build = match diagnosis.can_build {
        Some(true) => "it can build",
        Some(false) => "it cannot build as it is",
        None => "whether it can build is not known",
    };
    format!("{counts}: {compute}; {build}")
}
