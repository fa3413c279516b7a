use std::io::Read as _;

use proptest::prelude::*;
use regex::bytes::RegexBuilder;

use super::*;
use crate::toolchain::rules::Beside;

const NEWER: &str = "error: Invalid record (Producer: 'LLVM20.0.0git' Reader: 'LLVM 16.0.6')";

fn found(log: &str) -> Vec<(&'static str, u64)> {
    let reading = read(log.as_bytes()).expect("memory can be read");
    reading.findings.iter().map(|finding| (finding.rule, finding.line)).collect()
}

#[test]
fn every_signature_is_a_pattern_and_speaks_only_of_what_it_catches() {
    for rule in RULES {
        for signature in rule.signatures {
            let regex = |text: &str| RegexBuilder::new(text).unicode(false).build().expect(text);
            let mut names: Vec<String> =
                regex(signature.pattern).capture_names().flatten().map(str::to_owned).collect();
            match signature.beside {
                Beside::Nothing => {}
                Beside::Line { pattern, .. } => {
                    names.extend(regex(pattern).capture_names().flatten().map(str::to_owned));
                }
                Beside::Another { group, .. } => {
                    assert!(names.iter().any(|name| name == group), "{}: no group {group}", rule.id);
                    names.push("other".to_owned());
                }
            }
            for part in signature.says.split('{').skip(1) {
                let name = part.split('}').next().expect("a name");
                assert!(
                    names.iter().any(|known| known == name),
                    "{}: `{name}` in: {}",
                    rule.id,
                    signature.says
                );
            }
        }
    }
}

#[test]
fn prefixes_of_ci_and_colours_do_not_matter() {
    for line in [
        format!("#17 44.81 {NEWER}"),
        format!("[2026-11-25T10:00:00Z] {NEWER}\r"),
        format!("   12.345  miopen 3.3.0  build  compile | {NEWER}"),
        format!("\u{1b}[1m\u{1b}[31m{}\u{1b}[0m", NEWER.replace("(Producer", "\u{1b}[0m(Producer")),
        format!("\0\u{fffd}{NEWER}"),
    ] {
        assert_eq!(found(&format!("first\n{line}\nlast")), [("device-libs-newer", 2)], "{line:?}");
    }
}

#[test]
fn what_was_caught_is_told_in_a_sentence() {
    let reading = read(format!("{NEWER}\n{NEWER}\n").as_bytes()).expect("memory can be read");
    let [finding] = reading.findings.as_slice() else { panic!("{reading:?}") };
    assert_eq!(finding.what, "LLVM 20.0.0git made bitcode that LLVM 16.0.6 must read");
    assert_eq!((finding.caught["reader"].as_str(), finding.more, reading.lines), ("16.0.6", 1, 2));
}

#[test]
fn a_warning_explains_no_failure() {
    let line = "k.cpp:1:1: warning: use of undeclared identifier '__builtin_amdgcn_wavefrontsize'";
    assert_eq!(found(line), []);
    assert_eq!(found(&format!("warning: {NEWER}")), []);
}

#[test]
fn producers_that_are_not_newer_or_not_of_rocm_are_something_else() {
    for (producer, reader) in [
        ("LLVM16.0.6", "21.1.8"),
        ("LLVM17.0.6", "17.0.6"),
        ("LLVM4.0.0", "4.0.0"),
        ("LLVM22.1.2-rust-1.96.0-stable", "21.1.8"),
        ("LLVM17.0.6", "APPLE_1_1600.0.26.3_0"),
        ("LLVM", ""),
        ("LLVM99999999999999999999.1", "17"),
    ] {
        assert_eq!(found(&format!("x (Producer: '{producer}' Reader: 'LLVM {reader}')")), [], "{producer}");
    }
}

#[test]
fn a_release_that_a_snapshot_must_read_is_a_hint() {
    let reading =
        read(&b"x (Producer: 'LLVM20.1.2' Reader: 'LLVM 20.0.0git')"[..]).expect("memory can be read");
    assert_eq!(reading.findings[0].severity, Severity::Warn);
}

#[test]
fn what_comgr_had_to_read_is_comgrs_conflict() {
    let comgr = "MIOpen: HIPRTC_ERROR_LINKING (100)";
    let gap = "\n".repeat(30);
    assert_eq!(found(&format!("{comgr}\n{NEWER}")), [("comgr-llvm-differs", 2)]);
    assert_eq!(found(&format!("{NEWER}\n{comgr}")), [("comgr-llvm-differs", 1)]);
    assert_eq!(found(&format!("{NEWER}\n{gap}{comgr}")), [("device-libs-newer", 1)]);
    assert_eq!(
        found(&format!("{NEWER}\n{gap}{comgr}\n{NEWER}")),
        [("device-libs-newer", 1), ("comgr-llvm-differs", 33)]
    );
}

#[test]
fn a_variable_in_front_explains_a_search_that_failed() {
    let missing = "clang++: error: cannot find ROCm device library; provide its path via '--rocm-path'";
    assert_eq!(found(missing), [("compiler-without-device-libs", 1)]);
    assert_eq!(found(&format!("+ export ROCM_PATH=/opt/x\n{missing}")), [("rocm-path-elsewhere", 2)]);
    let setting = format!("cmake -DROCM_PATH=/opt/x\n{missing}");
    assert_eq!(found(&setting), [("compiler-without-device-libs", 2)], "clang never sees it");
}

#[test]
fn a_note_about_boost_must_follow() {
    let error = "a.cpp:5:44: error: chosen constructor is explicit in copy-initialization";
    let note = "/usr/include/boost/optional/detail/union_optional.hpp:397:24: note: explicit constructor declared here";
    assert_eq!(found(&format!("{error}\n  5 | return {{r}};\n{note}")), [("requirement-unmet", 1)]);
    assert_eq!(found(&format!("{note}\n{error}")), []);
    assert_eq!(found(&format!("{error}\n\n\n\n\n\n\n\n{note}")), []);
}

#[test]
fn headers_of_one_root_that_define_twice_are_an_ordinary_mistake() {
    let log = |other: &str| {
        format!(
            "/opt/rocm/include/hip/a.h:8:6: error: redefinition of 'f'\n\
             {other}/include/hip/b.h:9:1: note: previous definition is here"
        )
    };
    assert_eq!(found(&log("/opt/rocm")), []);
    assert_eq!(found(&log("/usr")), [("hip-headers-runtime", 1)]);
}

#[test]
fn one_rocm_is_not_several() {
    let line = "/opt/rocm-6.2.4/bin/hipcc -I/opt/rocm-6.2.4/include -c a.cpp\n";
    assert_eq!(found(&line.repeat(3)), []);
    assert_eq!(found(&format!("{line}-- /opt/rocm-7.0.1/lib/cmake")), [("several-rocm-trees", 2)]);
}

#[test]
fn the_libraries_of_one_ldd_are_no_stack_of_two_llvms() {
    let ldd = "\tlibLLVM-17.so.1 => /lib/libLLVM-17.so.1 (0x00007f1234560000)\n\
               \tlibLLVM.so.19.1 => /lib/libLLVM.so.19.1 (0x00007f1234560000)\n";
    assert_eq!(found(ldd), []);
    let gdb = "#0  0x00007f59426b06ba in llvm::A::b() () from /usr/lib/libLLVM.so.19.1\n\
               #1  0x00007f59426b06bb in llvm::C<int>::d() () from /opt/rocm/lib/llvm/lib/libLLVM.so.20.0git\n";
    assert_eq!(found(gdb), [("two-libllvms", 2)]);
}

#[test]
fn long_lines_are_cut_and_what_stands_late_in_one_is_shown() {
    let line = format!("{} {NEWER}", "x".repeat(LONGEST_LINE - 200));
    let reading = read(line.as_bytes()).expect("memory can be read");
    let finding = &reading.findings[0];
    assert!(
        finding.text.contains("Reader: 'LLVM 16.0.6'") && finding.text.len() < 2000,
        "{}",
        finding.text.len()
    );
    assert_eq!(found(&format!("{} {NEWER}\n", "x".repeat(LONGEST_LINE))), []);
    assert_eq!(found(&format!("{}\n{NEWER}", "x".repeat(3 * LONGEST_LINE))), [("device-libs-newer", 2)]);
}

#[test]
fn an_endless_log_has_an_end() {
    let reading = read(std::io::repeat(b'x')).expect("memory can be read");
    assert!(reading.is_cut);
    let whole = std::io::repeat(b'x').take(LARGEST_LOG);
    assert!(!read(whole).expect("memory can be read").is_cut);
}

#[test]
fn the_same_line_again_and_again_is_counted_and_not_kept() {
    let reading = read(format!("{NEWER}\n").repeat(5000).as_bytes()).expect("memory can be read");
    assert_eq!((reading.findings.len(), reading.findings[0].more, reading.findings[0].line), (1, 4999, 1));
}

proptest! {
    #[test]
    fn any_bytes_are_read_and_what_is_shown_is_harmless(
        parts in proptest::collection::vec(
            prop_oneof![
                proptest::collection::vec(any::<u8>(), 0..64),
                prop_oneof![
                    Just("\n"), Just("(Producer: 'LLVM21.1.8' Reader: 'LLVM 17.0.6')"), Just("/tmp/comgr-1f/"),
                    Just("IDs have conflicting values in '"), Just("\u{1b}["), Just("libLLVM.so.19.1 0x00007f59426b06ba"),
                    Just("libLLVM.so.22.1 0x00007f59426b06ba"), Just("/opt/rocm-6.2.4/lib"), Just("‘hip_6.0’ not found (required by x)"),
                    Just("version "), Just("'"), Just("error: "), Just("ld.lld: error: incompatible ABI version: "),
                ].prop_map(|text: &str| text.as_bytes().to_vec()),
            ],
            0..40,
        )
    ) {
        let bytes = parts.concat();
        let reading = read(bytes.as_slice()).expect("memory can be read");
        prop_assert_eq!(reading.lines, bytes.split_inclusive(|byte| *byte == b'\n').count() as u64);
        for finding in &reading.findings {
            prop_assert!(finding.line >= 1 && finding.line <= reading.lines);
            let shown = [&finding.text, &finding.what].into_iter().chain(finding.caught.values());
            for text in shown {
                prop_assert!(!text.chars().any(char::is_control), "{text:?}");
            }
        }
    }
}
