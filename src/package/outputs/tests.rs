use super::*;

const PREFIX: &str = "/opt/rdna-build/x-1-gfx1010";

/// A bare ELF64 header of 64 bytes, little-endian.
fn elf(kind: u16, machine: u16, flags: u32) -> Vec<u8> {
    let mut header = b"\x7fELF\x02\x01\x01".to_vec();
    header.resize(16, 0);
    header.extend(kind.to_le_bytes());
    header.extend(machine.to_le_bytes());
    header.extend(1u32.to_le_bytes());
    header.extend([0; 24]); // e_entry, e_phoff, e_shoff
    header.extend(flags.to_le_bytes());
    header.extend(64u16.to_le_bytes());
    header.extend([0; 10]);
    header
}

fn output(path: &str, kind: OutputKind) -> OutputSpec {
    OutputSpec { path: path.to_owned(), kind }
}

fn check(outputs: &[OutputSpec], fill: impl FnOnce(&Path)) -> Result<(), PackageError> {
    let root = tempfile::tempdir().unwrap();
    let prefix = root.path().join(&PREFIX[1..]);
    fs::create_dir_all(prefix.join("lib")).unwrap();
    fill(&prefix);
    check_outputs(outputs, root.path(), PREFIX, "gfx1010".parse().unwrap())
}

fn problems(outputs: &[OutputSpec], fill: impl FnOnce(&Path)) -> Vec<String> {
    match check(outputs, fill) {
        Err(PackageError::Outputs { problems, .. }) => problems.iter().map(ToString::to_string).collect(),
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_build_that_installs_nothing_is_told_so() {
    for outputs in [vec![], vec![output("lib/a.so", OutputKind::SharedLibrary)]] {
        let result = check(&outputs, |_| ());
        assert!(matches!(result, Err(PackageError::NothingInstalled { .. })), "{result:?}");
    }
}

#[test]
fn everything_promised_and_installed_passes() {
    let outputs = [
        output("lib/libx.so", OutputKind::SharedLibrary),
        output("lib/{target}.co", OutputKind::CodeObject),
        output("lib", OutputKind::Directory),
        output("lib/x.db", OutputKind::File),
    ];
    check(&outputs, |prefix| {
        fs::write(prefix.join("lib/libx.so.1"), elf(3, 62, 0)).unwrap();
        std::os::unix::fs::symlink("libx.so.1", prefix.join("lib/libx.so")).unwrap();
        // The bits above the machine say code object version and features.
        fs::write(prefix.join("lib/gfx1010.co"), elf(3, 224, 0x133)).unwrap();
        fs::write(prefix.join("lib/x.db"), "").unwrap();
    })
    .unwrap();
}

#[test]
fn all_that_is_missing_or_wrong_is_named_at_once() {
    let outputs = [
        output("lib/none.so", OutputKind::SharedLibrary),
        output("lib/text.so", OutputKind::SharedLibrary),
        output("lib/program", OutputKind::SharedLibrary),
        output("lib/other.co", OutputKind::CodeObject),
        output("lib/bundle.co", OutputKind::CodeObject),
        output("lib/library.co", OutputKind::CodeObject),
        output("lib/library.co/x", OutputKind::File),
        output("lib", OutputKind::File),
        output("lib/out", OutputKind::File),
    ];
    let found = problems(&outputs, |prefix| {
        let write = |name: &str, bytes: &[u8]| fs::write(prefix.join("lib").join(name), bytes).unwrap();
        write("text.so", b"INPUT(libx.so.1)");
        write("program", &elf(2, 62, 0));
        write("other.co", &elf(3, 224, 0x36));
        write("bundle.co", b"__CLANG_OFFLOAD_BUNDLE__\x02");
        write("library.co", &elf(3, 62, 0));
        std::os::unix::fs::symlink("/proc/version", prefix.join("lib/out")).unwrap();
    });
    assert_eq!(
        found,
        [
            "lib/none.so is missing",
            "lib/text.so is another kind of file, expected a shared library for x86-64",
            "lib/program is an ELF file of type 2 for machine 62, expected a shared library for x86-64",
            "lib/other.co is a code object for gfx1030, expected a code object for gfx1010",
            "lib/bundle.co is an offload bundle, expected a code object for gfx1010",
            "lib/library.co is a shared library for x86-64, expected a code object for gfx1010",
            "lib/library.co/x is missing",
            "lib is a directory, expected a file",
            "lib/out is a symlink out of the package, expected a file",
        ]
    );
}

#[test]
fn a_library_that_was_cut_is_no_library() {
    let outputs =
        [output("lib/a.so", OutputKind::SharedLibrary), output("lib/b.so", OutputKind::SharedLibrary)];
    let found = problems(&outputs, |prefix| {
        let mut whole = elf(3, 62, 0);
        whole[40..48].copy_from_slice(&4096u64.to_le_bytes()); // e_shoff
        whole[58..60].copy_from_slice(&64u16.to_le_bytes()); // e_shentsize
        whole[60..62].copy_from_slice(&1u16.to_le_bytes()); // e_shnum
        fs::write(prefix.join("lib/a.so"), &whole).unwrap();
        fs::write(prefix.join("lib/b.so"), &whole[..40]).unwrap();
    });
    assert_eq!(found.len(), 2, "{found:?}");
    assert!(found.iter().all(|problem| problem.contains("truncated")), "{found:?}");
}
