//! Which GPUs the code in the library is for.

use std::collections::BTreeMap;

use super::subject::Subject;
use super::{Answer, Check, some_of};
use crate::code::Content;
use crate::model::{Evidence, GfxTarget, Tier};

pub(super) static CHECK: Check = Check {
    id: "code-objects",
    tier: Tier::Static,
    title: "the compiled code in the library is for the target, by its own header",
    why: "\
A library may carry compiled code for GPUs in offload bundles, plain or compressed. Each piece has a name that says which GPU it is for,
and an ELF header that says it again: the runtime picks by the name, the GPU executes what is inside. Code for gfx1030 under the name of
gfx1010 is not refused by anything, and is known to crash (instructions that gfx1010 does not have, hazards that gfx1030 does not have).
Both are read, and the notes as well.

MIOpen's own library holds no such code: it compiles its kernels from texts. The tier `kernels` looks at what comes of those.",
    needs: "a library with compiled GPU code in it",
    remedies: &["build the library for the target: GPU_TARGETS, AMDGPU_TARGETS or --offload-arch"],
    run,
};

fn run(subject: &Subject<'_>) -> Answer {
    let bundles = &subject.library.bundles;
    if bundles.is_empty() {
        return Answer::skipped(
            "the library holds no compiled GPU code: its kernels are compiled when they are used",
        );
    }
    let target = subject.target;
    let (mut wrong, mut of_target, mut others) = (Vec::new(), 0u64, BTreeMap::<String, u64>::new());
    for bundle in bundles {
        let place = |id: &str| format!("offset {:#x}, {id}", bundle.offset);
        let entries = match &bundle.entries {
            Ok(entries) => entries,
            Err(error) => {
                wrong.push(Evidence::new(format!("offset {:#x}", bundle.offset), error.to_string()));
                continue;
            }
        };
        for entry in entries {
            let Some(named) = &entry.target else { continue };
            match &entry.content {
                Content::Other => {}
                Content::Unreadable(error) => wrong.push(Evidence::new(place(&entry.id), error.to_string())),
                Content::Object { header, metadata } => {
                    if header.target().map(|inside| inside.as_str()) != Some(named.processor.as_str()) {
                        wrong.push(Evidence::new(
                            place(&entry.id),
                            format!("the code inside is for {header}"),
                        ));
                    } else if let Err(error) = metadata {
                        wrong.push(Evidence::new(place(&entry.id), error.to_string()));
                    } else if let Some(noted) = noted(metadata.as_ref().ok(), &named.processor) {
                        wrong.push(Evidence::new(place(&entry.id), noted));
                    } else if named.processor == target.as_str() {
                        of_target += 1;
                    } else {
                        *others.entry(named.processor.clone()).or_default() += 1;
                    }
                }
            }
        }
    }
    let evidence = || others.iter().map(|(name, count)| Evidence::new(name, format!("{count} code objects")));
    match (wrong.first(), of_target) {
        (Some(first), _) => Answer::failed(format!("{}: {}", first.place, first.says)).with(wrong.clone()),
        (None, 0) => {
            let names: Vec<&str> = others.keys().map(String::as_str).collect();
            let what = if names.is_empty() { "no GPU".to_owned() } else { some_of(&names, 8) };
            Answer::failed(format!("it holds code for {what}, and none for {target}"))
                .with(evidence().collect())
        }
        (None, count) => Answer::passed(format!("{count} code objects for {target}, named as they are"))
            .with(evidence().collect()),
    }
}

/// What the notes say against a name.
fn noted(metadata: Option<&Option<crate::code::Metadata>>, processor: &str) -> Option<String> {
    let target = metadata?.as_ref()?.target.as_ref()?;
    let named = target.rsplit("--").next().unwrap_or_default();
    let inside = named.split(':').next().unwrap_or_default();
    (inside != processor).then(|| format!("its notes say {target}"))
}

/// Whether any code is for the target: for checks that look further into it.
pub(super) fn has_code(subject: &Subject<'_>, target: GfxTarget) -> bool {
    let entries = subject.library.bundles.iter().filter_map(|bundle| bundle.entries.as_ref().ok()).flatten();
    entries.filter_map(|entry| entry.target.as_ref()).any(|named| named.processor == target.as_str())
}
