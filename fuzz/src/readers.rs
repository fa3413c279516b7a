//! What must hold for any bytes that are taken for a log, for bitcode or for a library. libFuzzer's targets and the bounded
//! run of the test suite share it.

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

fn harmless(text: &str) {
    assert!(!text.chars().any(char::is_control), "{text:?}");
}
