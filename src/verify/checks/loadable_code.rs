//! Whether the runtime can load the code in the library.

use std::collections::BTreeSet;

use super::code_objects::has_code;
use super::subject::{RuntimeSeen, Subject};
use super::{Answer, Check};
use crate::code::Content;
use crate::model::{Evidence, LibraryPart, Tier, Version};

pub(super) static CHECK: Check = Check {
    id: "loadable-code",
    tier: Tier::Static,
    title: "the runtime loads code objects of the version that the library holds",
    why: "\
Compiled GPU code carries a code object version, and a runtime refuses one that is newer than itself: version 5 needs ROCm 5.5, version 6
ROCm 6.3. The version stands in the ELF header of each piece; the runtime is known by its HIP library.",
    needs: "a library with compiled GPU code in it, and a runtime image",
    remedies: &["compile with -mcode-object-version=5, or run it with a newer ROCm"],
    run,
};

/// Code object version → the first ROCm that loads it (LLVM, AMDGPUUsage, and ROCm's release notes).
const LOADED_FROM: [(u8, [u32; 2]); 2] = [(5, [5, 5]), (6, [6, 3])];

fn run(subject: &Subject<'_>) -> Answer {
    if !has_code(subject, subject.target) {
        return Answer::skipped(format!("the library holds no compiled code for {}", subject.target));
    }
    let entries = subject.library.bundles.iter().filter_map(|bundle| bundle.entries.as_ref().ok()).flatten();
    let versions: BTreeSet<Option<u8>> = entries
        .filter(|entry| entry.target.as_ref().is_some_and(|named| named.processor == subject.target.as_str()))
        .filter_map(|entry| match &entry.content {
            Content::Object { header, .. } => Some(header.version),
            Content::Other | Content::Unreadable(_) => None,
        })
        .collect();
    if versions.contains(&None) {
        return Answer::failed("it holds a code object of a version that LLVM has not given out yet");
    }
    let runtime = match subject.runtime {
        RuntimeSeen::None { missing } => return Answer::skipped(missing),
        RuntimeSeen::Image(runtime) => runtime,
    };
    let mut hips = runtime.inventory.libraries(LibraryPart::HipRuntime);
    let Some((hip, version)) = hips.find_map(|hip| Some((hip, hip.version.as_ref()?))) else {
        return Answer::skipped(format!("{} holds no HIP runtime whose version is known", runtime.name));
    };
    let evidence = vec![Evidence::new(&hip.path, format!("HIP {version}"))];
    let too_new = versions.iter().flatten().find(|wanted| !loads(version, **wanted));
    let names: Vec<String> = versions.iter().flatten().map(ToString::to_string).collect();
    match too_new {
        Some(wanted) => {
            Answer::failed(format!("code objects of version {wanted} are newer than HIP {version}"))
                .with(evidence)
        }
        None => Answer::passed(format!("version {}, HIP {version}", names.join(" and "))).with(evidence),
    }
}

fn loads(hip: &Version, version: u8) -> bool {
    let from = LOADED_FROM.iter().find(|(known, _)| *known == version);
    from.is_none_or(|(_, from)| hip.parts() >= from.as_slice())
}
