//! Every check on a library that is fine, and on one with the defect that it is for.

mod computing;

use std::collections::BTreeSet;

use super::*;
use crate::code::{
    Bundle, CodeObject, CodeObjectError, Content, Entry, EntryTarget, Facts, Kernel, Library, LibraryError,
    Metadata, Xnack,
};
use crate::model::{
    CallMark, Digest, FoundLibrary, Gap, GfxTarget, GuestPath, Inventory, LibraryApi, LibraryFacts,
    LibraryPart, Manifest, PackagedFile, PatchMark, RocblasKernels, Traces, testing,
};
use crate::proof::StepSeen;

const PREFIX: &str = "opt/rdna-build/x-1.0-gfx1010";

/// All that a subject borrows. What is not touched is a library that passes every check.
struct World {
    target: GfxTarget,
    library: LibrarySeen,
    facts: LibraryFacts,
    /// Nothing: a foreign library.
    manifest: Option<Manifest>,
    files: Vec<PackagedFile>,
    header: Option<String>,
    mark: PatchMark,
    hunks: Vec<HunkText>,
    calls: Option<Result<Vec<Option<u32>>, String>>,
    runtime: RuntimeSeen,
    kernels: KernelsState,
    programs: CallsState,
    /// On an emulator as well as on a card.
    computing: ComputingState,
}

fn file(path: &str, content: &str) -> PackagedFile {
    let size = content.len() as u64;
    PackagedFile::File {
        path: format!("{PREFIX}/{path}"),
        sha256: Digest::of(content),
        size,
        executable: false,
    }
}

fn world() -> World {
    let files = vec![file("lib/libx.so.1", "library"), file("share/db/gfx1010_36.kdb", "kernels")];
    let texts = ["new", "after", "solver", "kernel text"].map(|text| text.as_bytes().to_vec());
    World {
        target: "gfx1010".parse().expect("known"),
        library: LibrarySeen {
            path: "lib/libx.so.1".to_owned(),
            elf: Ok(Library {
                soname: Some("libx.so.1".to_owned()),
                needed: vec!["librocblas.so.4".to_owned()],
                search: vec!["$ORIGIN/../lib".to_owned()],
                ..Library::default()
            }),
            exports: Ok(["xCreate".to_owned(), "xDestroy".to_owned()].into()),
            bundles: vec![bundle("gfx1010", "gfx1010", 4)],
            texts: search(b"new after solver kernel text", texts),
        },
        facts: LibraryFacts {
            api: Some(LibraryApi { headers: vec!["include/x.h".to_owned()], marker: "X_EXPORT".to_owned() }),
            databases: vec!["share/db/{target}*.kdb".to_owned()],
            gaps: vec![Gap {
                id: "kernel".to_owned(),
                why: "the solver fails".to_owned(),
                targets: vec![],
                holds: "solver".to_owned(),
                needs: "kernel text".to_owned(),
                remedy: Some("turn the solver off".to_owned()),
            }],
        },
        manifest: Some(manifest(files.clone())),
        files,
        header: Some("X_EXPORT int xCreate(void); X_EXPORT int xDestroy(void);".to_owned()),
        mark: PatchMark::Traces(Traces {
            texts: vec!["kernels".to_owned()],
            present: vec!["new".to_owned()],
            absent: vec!["old".to_owned()],
            call: Some(CallMark { function: "allocate".to_owned(), argument: 3, value: 7 }),
        }),
        hunks: vec![hunk("before", "after")],
        calls: Some(Ok(vec![Some(7), Some(7)])),
        runtime: RuntimeSeen::Image(Box::new(runtime())),
        kernels: KernelsState::Compiled(vec![matrix()]),
        programs: CallsState::Run(vec![program()]),
        computing: computing::computed(),
    }
}

fn hunk(before: &str, after: &str) -> HunkText {
    HunkText { file: "kernels/x.cl".to_owned(), line: 12, before: before.into(), after: after.into() }
}

fn runtime() -> RuntimeState {
    let library = |part, path: &str, version: Option<&str>| FoundLibrary {
        part,
        path: GuestPath::new(path),
        soname: None,
        version: version.map(|version| version.parse().expect("a version")),
        needed: [].into(),
        opens: [].into(),
        defines: vec![],
        wants: [].into(),
        holds: None,
    };
    let mapped = |name: &str| LoadedLibrary { name: name.to_owned(), path: Some(format!("/usr/lib/{name}")) };
    RuntimeState {
        name: "debian-sid".to_owned(),
        inventory: Inventory {
            libraries: vec![
                library(LibraryPart::HipRuntime, "/usr/lib/libamdhip64.so.6", Some("6.4.3")),
                library(LibraryPart::Llvm, "/usr/lib/libLLVM.so.21.1", Some("21.1")),
            ],
            rocblas_kernels: vec![RocblasKernels {
                folder: GuestPath::new("/usr/lib/rocblas/library"),
                targets: ["gfx1010".to_owned()].into(),
            }],
            ..Inventory::default()
        },
        loader: LoaderAnswer {
            libraries: vec![
                LoadedLibrary {
                    name: "linux-vdso.so.1".to_owned(),
                    path: Some("linux-vdso.so.1".to_owned()),
                },
                mapped("libamdhip64.so.6"),
                mapped("libLLVM.so.21.1"),
            ],
            ..LoaderAnswer::default()
        },
    }
}

fn manifest(files: Vec<PackagedFile>) -> Manifest {
    testing::manifest(&format!("/{PREFIX}"), files)
}

fn program() -> ProgramSeen {
    let step = |name: &str, log: &str| StepSeen { name: name.to_owned(), exit: 0, log: log.to_owned() };
    ProgramSeen {
        id: "immediate".to_owned(),
        summary: "solutions are offered".to_owned(),
        why: "every convolution fails".to_owned(),
        steps: vec![step("compile", ""), step("call", "offered 3")],
        wanted: 2,
        says: vec!["offered".to_owned()],
        silent: vec!["Internal Error".to_owned()],
    }
}

fn matrix() -> MatrixSeen {
    MatrixSeen {
        id: "x".to_owned(),
        summary: "kernels of x".to_owned(),
        wave: 32,
        hand_written: false,
        kernels: vec![kernel("a"), kernel("b")],
        not_in_library: vec![],
    }
}

/// A kernel that compiles to code without a fault.
fn kernel(name: &str) -> KernelSeen {
    let header = CodeObject { machine: 0x33, xnack: Xnack::Off, version: Some(5) };
    let notes = Kernel {
        name: name.to_owned(),
        wavefront_size: Some(32),
        vgprs: Some(24),
        lds: Some(64 << 10),
        max_workgroup: Some(1024),
        ..Kernel::default()
    };
    let metadata = Metadata {
        target: Some("amdgcn-amd-amdhsa--gfx1010:xnack-".to_owned()),
        version: Some((1, 2)),
        kernels: vec![notes],
    };
    let facts = Facts { instructions: 9, word3: [(0x3101_4000, 2)].into(), ..Facts::default() };
    KernelSeen {
        name: format!("gfx1010:xnack- src/kernels/{name}.cl"),
        target: "gfx1010:xnack-".parse().expect("a target"),
        file: format!("src/kernels/{name}.cl"),
        gated: None,
        fails: None,
        compiled: Compiled {
            exit: 0,
            log: String::new(),
            object: Some(Ok(ObjectSeen { header, metadata: Some(metadata), facts })),
        },
    }
}

/// A bundle whose name says one processor and whose code says another.
fn bundle(named: &str, inside: &str, version: u8) -> Bundle {
    let machine = inside.parse::<GfxTarget>().expect("known").elf_machine_flag();
    let header = CodeObject { machine, xnack: Xnack::Any, version: Some(version) };
    let noted = Metadata {
        target: Some(format!("amdgcn-amd-amdhsa--{inside}")),
        version: Some((1, 2)),
        kernels: vec![],
    };
    let entry = Entry {
        id: format!("hipv4-amdgcn-amd-amdhsa--{named}"),
        target: Some(EntryTarget {
            kind: "hipv4".to_owned(),
            triple: "amdgcn-amd-amdhsa".to_owned(),
            processor: named.to_owned(),
            features: vec![],
        }),
        offset: 0,
        size: 64,
        content: Content::Object { header, metadata: Ok(Some(noted)) },
    };
    Bundle { offset: 0x1000, size: 4096, compression: None, entries: Ok(vec![entry]) }
}

impl World {
    fn report(&self, check: &str) -> CheckReport {
        let check = Check::by_id(check).unwrap_or_else(|| panic!("no check {check}"));
        let patch = PatchSeen {
            name: "a-patch",
            mark: Some(&self.mark),
            hunks: self.hunks.clone(),
            calls: self.calls.clone(),
        };
        check.report(&Subject {
            target: self.target,
            library: &self.library,
            facts: Some(&self.facts),
            provenance: match &self.manifest {
                Some(manifest) => Provenance::Package(Packaged {
                    manifest,
                    files: &self.files,
                    headers: vec![("include/x.h".to_owned(), self.header.clone())],
                }),
                None => Provenance::Foreign,
            },
            patches: vec![patch],
            runtime: &self.runtime,
            kernels: self.kernels.clone(),
            calls: self.programs.clone(),
            emulated: self.computing.clone(),
            gpu: self.computing.clone(),
        })
    }

    fn runtime(&mut self) -> &mut RuntimeState {
        match &mut self.runtime {
            RuntimeSeen::Image(runtime) => runtime,
            RuntimeSeen::None { .. } => unreachable!("it has one"),
        }
    }

    /// The first kernel, and the code that was made of it.
    fn kernel(&mut self) -> &mut KernelSeen {
        match &mut self.kernels {
            KernelsState::Compiled(matrices) => &mut matrices[0].kernels[0],
            KernelsState::None { .. } => unreachable!("they were compiled"),
        }
    }

    fn object(&mut self) -> &mut ObjectSeen {
        self.kernel().compiled.object.as_mut().expect("compiled").as_mut().expect("readable")
    }

    fn matrix(&mut self) -> &mut MatrixSeen {
        match &mut self.kernels {
            KernelsState::Compiled(matrices) => &mut matrices[0],
            KernelsState::None { .. } => unreachable!("they were compiled"),
        }
    }

    fn traces(&mut self) -> &mut Traces {
        match &mut self.mark {
            PatchMark::Traces(traces) => traces,
            PatchMark::Invisible { .. } => unreachable!("it can be seen"),
        }
    }
}

/// What a check says of a world with one thing changed.
#[track_caller]
fn fails(check: &str, says: &str, change: impl FnOnce(&mut World)) {
    let report = changed(check, change);
    assert_eq!(report.outcome, CheckOutcome::Failed, "{report:?}");
    let all = format!("{} {:?}", report.says, report.evidence);
    assert!(all.contains(says), "{all}");
    assert!(!report.remedies.is_empty(), "{check} says nothing to do");
}

#[track_caller]
fn skips(check: &str, missing: &str, change: impl FnOnce(&mut World)) {
    let report = changed(check, change);
    match &report.outcome {
        CheckOutcome::Skipped { missing: says } => assert!(says.contains(missing), "{says}"),
        other => panic!("{other:?}"),
    }
}

fn changed(check: &str, change: impl FnOnce(&mut World)) -> CheckReport {
    let mut world = world();
    change(&mut world);
    world.report(check)
}

#[test]
fn a_library_that_is_fine_passes_every_check() {
    let world = world();
    for check in CHECKS {
        let report = world.report(check.id);
        assert_eq!(report.outcome, CheckOutcome::Passed, "{report:?}");
    }
}

#[test]
fn checks_have_ids_of_their_own_and_say_what_they_are_for() {
    let ids: BTreeSet<&str> = CHECKS.iter().map(|check| check.id).collect();
    assert_eq!(ids.len(), CHECKS.len());
    for check in CHECKS {
        let is_plain = check.id.bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'-');
        assert!(is_plain && check.title.len() < 90 && check.why.len() > 100, "{}", check.id);
    }
}

#[test]
fn without_an_image_nothing_is_said_of_the_loader() {
    let without = |world: &mut World| {
        world.runtime = RuntimeSeen::None { missing: "--image IMAGE".to_owned() };
    };
    for check in ["needed-libraries", "undefined-symbols", "one-llvm", "runtime-conflicts", "rocblas-kernels"]
    {
        skips(check, "--image", without);
    }
    skips("loadable-code", "--image", without);
}

#[test]
fn a_foreign_library_is_not_held_against_a_manifest() {
    for check in ["package-files", "exported-api", "databases"] {
        skips(check, "foreign", |world| world.manifest = None);
    }
}

#[test]
fn files_that_were_changed_lost_or_added_are_named() {
    fails("package-files", "lib/libx.so.1\", says: \"is not the file that was packed", |world| {
        world.files[0] = file("lib/libx.so.1", "another");
    });
    fails("package-files", "is not there", |world| drop(world.files.pop()));
    fails("package-files", "lib/libevil.so\", says: \"was not packed", |world| {
        world.files.push(file("lib/libevil.so", ""));
    });
    fails("package-files", "lists no file", |world| {
        world.files.clear();
        world.manifest.as_mut().expect("has one").files.clear();
    });
}

#[test]
fn the_soname_must_be_the_one_that_is_asked_for() {
    fails("soname", "programs ask for liby.so.1", |world| {
        world.library.elf.as_mut().expect("readable").soname = Some("liby.so.1".to_owned());
    });
    fails("soname", "no soname", |world| world.library.elf.as_mut().expect("readable").soname = None);
    fails("soname", "not a 64-bit ELF file", |world| world.library.elf = Err(LibraryError::NotElf));
    let foreign = changed("soname", |world| {
        world.manifest = None;
        world.library.path = "/usr/lib/libx.so.1.0.60403".to_owned();
    });
    assert_eq!(foreign.outcome, CheckOutcome::Passed);
}

#[test]
fn a_search_path_that_leaves_the_package_fails() {
    fails("search-path", "/opt/rocm/lib", |world| {
        world.library.elf.as_mut().expect("readable").search.push("/opt/rocm/lib".to_owned());
    });
}

#[test]
fn what_the_loader_does_not_find_fails_and_no_symbol_is_judged_then() {
    let missing = |world: &mut World| {
        let lost = LoadedLibrary { name: "librocblas.so.4".to_owned(), path: None };
        world.runtime().loader.libraries.push(lost);
    };
    fails("needed-libraries", "librocblas.so.4", missing);
    skips("undefined-symbols", "not all", missing);
    let silent = |world: &mut World| world.runtime().loader = LoaderAnswer::default();
    fails("needed-libraries", "no library at all", silent);
    skips("undefined-symbols", "not all", silent);
    skips("one-llvm", "mapped nothing", silent);
    let nothing = |world: &mut World| {
        world.runtime().loader = LoaderAnswer { needs_nothing: true, ..LoaderAnswer::default() };
    };
    assert_eq!(changed("needed-libraries", nothing).outcome, CheckOutcome::Passed);
    skips("undefined-symbols", "needs no library", nothing);
    skips("one-llvm", "needs no library", nothing);
    let complains = |world: &mut World| {
        world.runtime().loader.complaints.push("cannot allocate memory in static TLS block".to_owned());
    };
    fails("needed-libraries", "static TLS", complains);
    skips("undefined-symbols", "did not come", complains);
    fails("undefined-symbols", "rocblas_gemm_ex3", |world| {
        world.runtime().loader.undefined.push("rocblas_gemm_ex3".to_owned());
    });
}

#[test]
fn a_second_llvm_fails_wherever_it_hides() {
    let second = |name: &str| LoadedLibrary { name: name.to_owned(), path: Some(format!("/usr/lib/{name}")) };
    fails("one-llvm", "2 LLVMs", |world| world.runtime().loader.libraries.push(second("libLLVM.so.19.1")));
    fails("one-llvm", "holds LLVM 17", |world| {
        let state = world.runtime();
        state.inventory.libraries[0].holds = Some("17.0.6".parse().expect("a version"));
    });
}

#[test]
fn an_llvm_that_a_mapped_library_opens_by_name_counts() {
    let opened = changed("one-llvm", |world| {
        let state = world.runtime();
        // The loader names the link, the inventory the file.
        state.inventory.libraries[0].path = GuestPath::new("/usr/lib/libamdhip64.so.6.4.3");
        state.inventory.libraries[0].soname = Some("libamdhip64.so.6".to_owned());
        state.inventory.libraries[0].opens =
            [("libLLVM.so.21.1".to_owned(), Some(GuestPath::new("/usr/lib/libLLVM.so.21.1")))].into();
        state.loader.libraries.retain(|library| !library.name.contains("LLVM"));
    });
    assert_eq!(opened.outcome, CheckOutcome::Passed, "{opened:?}");
    skips("one-llvm", "no LLVM is reached", |world| {
        world.runtime().loader.libraries.retain(|library| !library.name.contains("LLVM"));
    });
}

#[test]
fn rocblas_must_have_kernels_for_the_target() {
    fails("rocblas-kernels", "none for gfx1011", |world| world.target = "gfx1011".parse().expect("known"));
    fails("rocblas-kernels", "no kernels of one", |world| world.runtime().inventory.rocblas_kernels.clear());
    skips("rocblas-kernels", "needs no rocBLAS", |world| {
        world.library.elf.as_mut().expect("readable").needed.clear();
        world.runtime().inventory.rocblas_kernels.clear();
    });
}

#[test]
fn a_declared_function_that_is_not_exported_fails() {
    fails("exported-api", "xDestroy", |world| {
        world.library.exports.as_mut().expect("readable").remove("xDestroy");
    });
    fails("exported-api", "lacks its header", |world| world.header = None);
    fails("exported-api", "no function is declared", |world| world.header = Some("int x(void);".to_owned()));
    skips("exported-api", "does not say", |world| world.facts.api = None);
}

#[test]
fn a_patch_that_is_not_to_be_seen_fails() {
    fails("patch-marks", "unpatched: kernels/x.cl:12", |world| {
        world.library.texts =
            search(b"new before", ["new", "before", "after"].map(|text| text.as_bytes().to_vec()));
    });
    // Two files are changed at the same words, and one of them is there.
    fails("patch-marks", "not in the library: kernels/x.cl:12, kernels/x.cl:12", |world| {
        world.hunks.push(hunk("before", "after"));
    });
    fails("patch-marks", "not in the library: kernels/x.cl:12", |world| {
        world.library.texts = search(b"new", [b"new".to_vec()]);
    });
    fails("patch-marks", "does not hold `new`", |world| {
        world.library.texts = search(b"after", [b"after".to_vec()]);
    });
    fails("patch-marks", "holds `old`", |world| {
        world.library.texts =
            search(b"after new old", ["after", "new", "old"].map(|text| text.as_bytes().to_vec()));
    });
    fails("patch-marks", "passes 0x0 as argument 3 of allocate", |world| {
        world.calls = Some(Ok(vec![Some(7), Some(0)]));
    });
    fails("patch-marks", "allocate is never called", |world| world.calls = Some(Ok(vec![])));
    fails("patch-marks", "no constant", |world| world.calls = Some(Ok(vec![None])));
    fails("patch-marks", "cannot be read", |world| world.calls = Some(Err("damaged".to_owned())));
    fails("patch-marks", "lacking: a-patch", |world| {
        world.manifest = None;
        world.calls = Some(Ok(vec![]));
    });
}

#[test]
fn a_patch_that_leaves_nothing_counts_for_nothing() {
    skips("patch-marks", "none of the patches", |world| {
        world.mark = PatchMark::Invisible { why: "it changes tests".to_owned() };
    });
    skips("patch-marks", "none of the patches", |world| {
        *world.traces() = Traces { texts: vec!["elsewhere".to_owned()], ..Traces::default() };
        world.hunks.clear();
    });
}

#[test]
fn what_only_adds_lines_at_an_edge_is_not_taken_for_unpatched() {
    // The old lines are still there behind the new ones.
    let added = HunkText { after: b"new line\nbefore".to_vec(), ..hunk("before", "") };
    let report = changed("patch-marks", |world| {
        world.library.texts = search(
            b"new new line\nbefore",
            ["new", "new line\nbefore", "before"].map(|text| text.as_bytes().to_vec()),
        );
        world.hunks = vec![added];
    });
    assert_eq!(report.outcome, CheckOutcome::Passed, "{report:?}");
}

#[test]
fn a_solver_without_its_kernel_fails() {
    fails("kernel-texts", "the solver fails", |world| {
        world.library.texts = search(b"solver", [b"solver".to_vec(), b"kernel text".to_vec()]);
    });
    skips("kernel-texts", "names no text", |world| {
        world.library.texts = search(b"kernel text", [b"solver".to_vec(), b"kernel text".to_vec()]);
    });
    skips("kernel-texts", "names no text", |world| {
        world.facts.gaps[0].targets = vec!["gfx1030".parse().expect("known")];
    });
}

#[test]
fn code_of_another_gpu_fails_under_whatever_name() {
    fails("code-objects", "the code inside is for gfx1030", |world| {
        world.library.bundles.push(bundle("gfx1010", "gfx1030", 4));
    });
    fails("code-objects", "none for gfx1010", |world| {
        world.library.bundles = vec![bundle("gfx1030", "gfx1030", 4)]
    });
    fails("code-objects", "not a 64-bit ELF file", |world| {
        let entry = &mut world.library.bundles[0].entries.as_mut().expect("readable")[0];
        entry.content = Content::Unreadable(CodeObjectError::NotElf);
    });
    fails("code-objects", "ends too early", |world| {
        world.library.bundles[0].entries = Err(crate::code::BundleError::Truncated);
    });
    fails("code-objects", "its notes say amdgcn-amd-amdhsa--gfx1030", |world| {
        let entry = &mut world.library.bundles[0].entries.as_mut().expect("readable")[0];
        if let Content::Object { metadata: Ok(Some(metadata)), .. } = &mut entry.content {
            metadata.target = Some("amdgcn-amd-amdhsa--gfx1030".to_owned());
        }
    });
    skips("code-objects", "no compiled GPU code", |world| world.library.bundles.clear());
}

#[test]
fn code_that_is_newer_than_the_runtime_fails() {
    fails("loadable-code", "version 6 are newer than HIP 6.2", |world| {
        world.library.bundles = vec![bundle("gfx1010", "gfx1010", 6)];
        world.runtime().inventory.libraries[0].version = Some("6.2.4".parse().expect("a version"));
    });
    let fits =
        changed("loadable-code", |world| world.library.bundles = vec![bundle("gfx1010", "gfx1010", 6)]);
    assert_eq!(fits.outcome, CheckOutcome::Passed, "{fits:?}");
    skips("loadable-code", "no HIP runtime", |world| {
        world.runtime().inventory.libraries.remove(0);
    });
}

#[test]
fn a_target_without_databases_is_named() {
    skips("databases", "there is none for gfx1010", |world| drop(world.files.pop()));
}

#[test]
fn clashing_parts_of_the_runtime_fail() {
    fails("runtime-conflicts", "two-libllvms", |world| {
        let state = world.runtime();
        let mut second = state.inventory.libraries[1].clone();
        second.path = GuestPath::new("/opt/x/libLLVM.so.21.1");
        state.inventory.libraries.push(second);
        let needed = [("a", "/usr/lib/libLLVM.so.21.1"), ("b", "/opt/x/libLLVM.so.21.1")];
        state.inventory.libraries[0].needed =
            needed.map(|(name, path)| (name.to_owned(), Some(GuestPath::new(path)))).into();
    });
    skips("runtime-conflicts", "no part", |world| world.runtime().inventory.libraries.clear());
}

/// The checks that look at compiled code.
const OF_CODE: [&str; 5] =
    ["kernels-target", "kernels-instructions", "kernels-descriptors", "kernels-hazards", "kernels-limits"];

#[test]
fn what_was_not_compiled_is_judged_by_nobody() {
    for check in CHECKS.iter().filter(|check| check.id.starts_with("kernels-")) {
        skips(check.id, "--source DIR", |world| {
            world.kernels = KernelsState::None { missing: "name it with --source DIR".to_owned() };
        });
        skips(check.id, "no kernel", |world| world.kernels = KernelsState::Compiled(vec![]));
    }
}

#[test]
fn a_kernel_that_does_not_compile_fails_unless_nobody_can_meet_it() {
    let broken = |world: &mut World| {
        let log = "x.cl:3:1: error: not a valid operand\n".to_owned();
        world.kernel().compiled = Compiled { exit: 1, log, object: None };
    };
    fails("kernels-compile", "1 of 2 do not", broken);
    fails("kernels-compile", "not a valid operand", broken);
    fails("kernels-compile", "did not come to an end", |world| {
        world.kernel().compiled = Compiled { exit: 124, log: String::new(), object: None };
    });
    let gated = changed("kernels-compile", |world| {
        broken(world);
        world.kernel().gated = Some("solver.cpp:12".to_owned());
    });
    assert_eq!(gated.outcome, CheckOutcome::Passed);
    assert!(gated.says.contains("1 that the library never asks for fail"), "{}", gated.says);
    assert!(gated.evidence[0].says.contains("solver.cpp:12"), "{:?}", gated.evidence);
    let known = changed("kernels-compile", |world| {
        broken(world);
        world.kernel().fails = Some("not a valid operand".to_owned());
    });
    assert_eq!(known.outcome, CheckOutcome::Passed);
    assert!(known.says.contains("1 compile for no chip"), "{}", known.says);
    // Another failure than the known one is not hidden behind it.
    fails("kernels-compile", "not a valid operand", |world| {
        broken(world);
        world.kernel().fails = Some("ambiguous".to_owned());
    });
    let recovered = changed("kernels-compile", |world| world.kernel().fails = Some("ambiguous".to_owned()));
    assert!(recovered.evidence[0].says.contains("it compiles"), "{recovered:?}");
}

#[test]
fn code_for_another_chip_fails() {
    fails("kernels-target", "its header says gfx1030", |world| world.object().header.machine = 0x36);
    fails("kernels-target", "wants XNACK", |world| world.object().header.xnack = Xnack::On);
    fails("kernels-target", "its notes say", |world| {
        let metadata = world.object().metadata.as_mut().expect("has some");
        metadata.target = Some("amdgcn-amd-amdhsa--gfx1030".to_owned());
    });
}

#[test]
fn instructions_that_the_chip_lacks_or_stumbles_over_fail() {
    let with = |mnemonic: &'static str| {
        move |world: &mut World| {
            world.object().facts.mnemonics.insert(mnemonic.to_owned(), 3);
        }
    };
    fails("kernels-instructions", "3 × s_inst_prefetch", with("s_inst_prefetch"));
    fails("kernels-instructions", "3 × v_dot", with("v_dot2_f32_f16"));
    fails("kernels-instructions", "ignores", |world| world.object().facts.flat_with_offset = 1);
    fails("kernels-instructions", "row_bcast", |world| world.object().facts.old_dpp = 1);
    fails("kernels-instructions", "no instruction", |world| world.object().facts.undecoded = 1);
    let on_1012 = changed("kernels-instructions", |world| {
        with("v_dot2_f32_f16")(world);
        world.kernel().target = "gfx1012:xnack-".parse().expect("a target");
    });
    assert_eq!(on_1012.outcome, CheckOutcome::Passed, "{on_1012:?}");
}

#[test]
fn a_descriptor_of_gfx9_fails() {
    fails("kernels-descriptors", "0x00027000", |world| {
        world.object().facts.word3 = [(0x0002_7000, 4)].into();
    });
}

#[test]
fn a_hazard_fails_in_compiled_code_and_is_told_of_in_assembly() {
    let hazard = |world: &mut World| world.object().facts.scalar_write_hazards = 48;
    fails("kernels-hazards", "48 places", hazard);
    let by_hand = changed("kernels-hazards", |world| {
        hazard(world);
        world.matrix().hand_written = true;
    });
    assert_eq!(by_hand.outcome, CheckOutcome::Passed);
    assert!(by_hand.says.contains("but for 48 places"), "{}", by_hand.says);
}

#[test]
fn what_does_not_fit_into_the_chip_fails() {
    fn notes(world: &mut World) -> &mut Kernel {
        &mut world.object().metadata.as_mut().expect("has some").kernels[0]
    }
    fails("kernels-limits", "waves of 64, 32 are wanted", |world| notes(world).wavefront_size = Some(64));
    fails("kernels-limits", "65537 bytes of local memory", |world| notes(world).lds = Some(65537));
    fails("kernels-limits", "257 vector registers", |world| notes(world).vgprs = Some(257));
    fails("kernels-limits", "workgroups of 2048", |world| notes(world).max_workgroup = Some(2048));
    fails("kernels-limits", "calls the host", |world| {
        notes(world).hidden_args.push("hidden_hostcall_buffer".to_owned());
    });
    fails("kernels-limits", "no notes", |world| world.object().metadata = None);
}

#[test]
fn what_the_library_never_asks_for_is_told_apart() {
    for check in OF_CODE {
        let report = changed(check, |world| {
            let object = world.object();
            object.header.machine = 0x36;
            object.metadata = None;
            object.facts.old_dpp = 1;
            object.facts.word3 = [(0x0002_7000, 4)].into();
            object.facts.scalar_write_hazards = 1;
            world.kernel().gated = Some("a gate".to_owned());
        });
        assert_eq!(report.outcome, CheckOutcome::Passed, "{report:?}");
        assert!(report.says.contains("1 that the library never asks for"), "{}", report.says);
        assert!(report.evidence[0].says.starts_with("(never asked for)"), "{report:?}");
    }
}

#[test]
fn a_text_that_the_library_does_not_hold_fails() {
    fails("kernels-in-library", "src/kernels/a.cl", |world| {
        world.matrix().not_in_library.push("src/kernels/a.cl".to_owned());
    });
}

#[test]
fn a_call_that_does_not_go_well_fails() {
    fn program(world: &mut World) -> &mut ProgramSeen {
        match &mut world.programs {
            CallsState::Run(programs) => &mut programs[0],
            CallsState::None { .. } => unreachable!("they were run"),
        }
    }
    fails("api-calls", "`call` ended with 1, saying: status 7; then every convolution fails", |world| {
        let step = &mut program(world).steps[1];
        (step.exit, step.log) = (1, "status 7\n\n".to_owned());
    });
    fails("api-calls", "did not come to an end", |world| program(world).steps[1].exit = 124);
    fails("api-calls", "1 of 2 steps", |world| drop(program(world).steps.pop()));
    fails("api-calls", "nothing says `offered`", |world| program(world).steps[1].log.clear());
    fails("api-calls", "something says `Internal Error`", |world| {
        program(world).steps[1].log += "Internal Error";
    });
    skips("api-calls", "no program", |world| world.programs = CallsState::Run(vec![]));
    skips("api-calls", "its compiler", |world| {
        world.programs = CallsState::None { missing: "its compiler is not known".to_owned() };
    });
}

#[test]
fn kernels_are_counted_by_what_a_user_can_meet() {
    let mut world = world();
    let broken = Compiled { exit: 1, log: "error: x".to_owned(), object: None };
    world
        .matrix()
        .kernels
        .extend(["c", "d", "e"].map(|name| KernelSeen { compiled: broken.clone(), ..kernel(name) }));
    world.matrix().kernels[3].gated = Some("a gate".to_owned());
    world.matrix().kernels[4].fails = Some("error: x".to_owned());
    let [count] = world.kernels.counts().try_into().expect("one kind");
    let numbers = (count.asked, count.compiled, count.known_to_fail, count.gated, count.gated_compiled);
    assert_eq!(numbers, (4, 2, 1, 1, 0));
}
