//! What must hold for any bytes that are taken for a log, for bitcode, for a library or for code of a GPU. libFuzzer's
//! targets and the bounded run of the test suite share it.

use rdna_build::code;
use rdna_build::toolchain::log;
use rdna_build::toolchain::rules::Rule;

/// Reading never panics, says only what stands there, and nothing of it does anything to a terminal.
pub fn read_any_log(data: &[u8]) {
    let reading = log::read(data).expect("memory can be read");
    assert_eq!(reading.lines, data.split_inclusive(|byte| *byte == b'\n').count() as u64);
    let mut rules: Vec<&str> = reading.findings.iter().map(|finding| finding.rule).collect();
    for finding in &reading.findings {
        assert!(Rule::by_id(finding.rule).is_some());
        assert!((1..=reading.lines).contains(&finding.line), "{finding:?}");
        assert!(!finding.what.is_empty() && finding.text.len() < 8 << 10, "{finding:?}");
        for text in [&finding.text, &finding.what].into_iter().chain(finding.caught.values()) {
            harmless(text);
        }
    }
    rules.sort_unstable();
    rules.dedup();
    assert_eq!(rules.len(), reading.findings.len(), "a rule is told once");
}

/// The name of the producer is short and can be shown, whatever stands in the bits.
pub fn read_any_bitcode(data: &[u8]) {
    if let Ok(found) = code::identification(data) {
        assert!(found.producer.len() <= 1024, "{} bytes", found.producer.len());
        harmless(&found.producer);
    }
}

/// Lists end, and names can be shown.
pub fn read_any_library(data: &[u8]) {
    if let Ok(library) = code::library(data) {
        assert!(library.needed.len() + library.defines.len() + library.wants.len() < 16 << 10);
        let names =
            library.soname.iter().chain(&library.needed).chain(&library.search).chain(&library.defines);
        names
            .chain(library.wants.keys())
            .chain(library.wants.values().flatten())
            .for_each(|name| harmless(name));
    }
    if let Some(version) = code::llvm_version(data).expect("memory can be read") {
        assert!(version.len() < 128);
        harmless(&version);
    }
}

/// Bundles stand one behind the other within the file, their entries within them, and all that is read can be shown.
pub fn read_any_bundle(data: &[u8]) {
    let mut seen = 0;
    let bundles = code::bundles_with(data, &mut |entry, bytes| {
        assert_eq!(entry.size, bytes.len() as u64);
        seen += 1;
    });
    let mut before = 0;
    let mut objects = 0;
    for bundle in &bundles {
        assert!(before <= bundle.offset && bundle.offset + bundle.size <= data.len() as u64, "{bundle:?}");
        before = bundle.offset + bundle.size;
        let entries = match &bundle.entries {
            Ok(entries) => entries,
            Err(error) => {
                harmless(&error.to_string());
                continue;
            }
        };
        for entry in entries {
            harmless(&entry.id);
            match &entry.content {
                code::Content::Other => continue,
                code::Content::Object { metadata, .. } => {
                    metadata.iter().flatten().for_each(show_metadata);
                }
                code::Content::Unreadable(error) => harmless(&error.to_string()),
            }
            objects += 1;
        }
    }
    assert_eq!(seen, objects, "each object is shown once");
}

/// Names can be shown, whatever stands in the bytes.
pub fn read_any_note(data: &[u8]) {
    match code::metadata(data) {
        Ok(metadata) => metadata.iter().for_each(show_metadata),
        Err(error) => harmless(&error.to_string()),
    }
}

fn show_metadata(metadata: &code::Metadata) {
    metadata.target.iter().for_each(|target| harmless(target));
    for kernel in &metadata.kernels {
        harmless(&kernel.name);
        kernel.hidden_args.iter().for_each(|kind| harmless(kind));
    }
}

/// Names can be shown, calls stand in order, and what calls a function also imports it.
pub fn read_any_symbols(data: &[u8]) {
    for names in [code::exports(data), code::imports(data)].into_iter().flatten() {
        names.iter().for_each(|name| harmless(name));
    }
    let function = "eventCreateWithFlags";
    if let Ok(calls) = code::constants_passed(data, function, code::Argument::Second) {
        assert!(calls.is_sorted_by_key(|call| call.address), "{calls:?}");
        // What cannot be shown among the other names is no reason not to look for one.
        let is_imported = code::imports(data).map_or(true, |names| names.contains(function));
        assert!(calls.is_empty() || is_imported, "{calls:?}");
    }
}

fn harmless(text: &str) {
    assert!(!text.chars().any(char::is_control), "{text:?}");
}
