use super::*;

fn case(end: CaseEnd, log: &str) -> CaseSeen {
    CaseSeen {
        suite: "convolution".to_owned(),
        name: "square".to_owned(),
        end,
        said: Said::read(log),
        log: log.to_owned(),
        kernel: vec![],
        seconds: 1.0,
    }
}

fn failure(case: &CaseSeen) -> (&'static str, String) {
    match case.outcome() {
        CaseOutcome::Failed(failure, evidence) => (failure.id, evidence.says),
        other => panic!("it failed: {other:?}"),
    }
}

const RIGHT: &str = "run: find\nright: find: largest error 0 of 1\n";

#[test]
fn right_is_only_what_ended_well_and_said_that_every_run_was_right() {
    assert!(matches!(case(CaseEnd::Exited(0), RIGHT).outcome(), CaseOutcome::Right));
    for (end, log) in [
        (CaseEnd::Exited(0), ""),
        (CaseEnd::Exited(0), "run: find\n"),
        (CaseEnd::Exited(0), &*format!("{RIGHT}run: another\n")),
        (CaseEnd::Exited(0), &*format!("{RIGHT}wrong: find: 1 of 1 values\n")),
        (CaseEnd::Exited(1), RIGHT),
        (CaseEnd::Exited(77), RIGHT),
        (CaseEnd::TimedOut(5), RIGHT),
        (CaseEnd::Stuck(5), RIGHT),
    ] {
        assert!(matches!(case(end.clone(), log).outcome(), CaseOutcome::Failed(..)), "{end:?} {log}");
    }
    assert!(matches!(case(CaseEnd::Exited(77), "nothing: no solution\n").outcome(), CaseOutcome::Nothing("no solution")));
    assert!(matches!(case(CaseEnd::NotRun("x".to_owned()), "").outcome(), CaseOutcome::NotRun("x")));
}

/// What ROCm, clr, MIOpen, rocBLAS and comgr print, as reported by people or read in their sources.
const SIGNS: [(&str, &str, i64); 22] = [
    (
        "Callback: Queue 0x7f1 aborting with error : HSA_STATUS_ERROR_MEMORY_APERTURE_VIOLATION: The agent attempted to access memory beyond the largest legal address. code: 0x29",
        "aperture-violation",
        134,
    ),
    (
        "Memory access fault by GPU node-1 (Agent handle: 0x55) on address 0x7f0000000000. Reason: Page not present or supervisor privilege.",
        "page-fault",
        134,
    ),
    ("Queue aborting with error : HSA_STATUS_ERROR_ILLEGAL_INSTRUCTION: code: 0x2a", "illegal-instruction", 134),
    ("HW Exception by GPU node-1 (Agent handle: 0x5) reason :GPU Hang", "gpu-reset", 134),
    ("rocBLAS error: Cannot read /opt/rocm/lib/rocblas/library/TensileLibrary.dat: No such file or directory", "rocblas-without-the-chip", 134),
    ("rocBLAS error: Could not initialize Tensile host: No devices found", "rocblas-without-the-chip", 134),
    ("MIOpen Error: Failed to load kernel source: Conv_Winograd_v21_1_3.s", "kernel-source-missing", 1),
    ("sh: 1: /usr/lib/llvm-17/bin/clang: not found", "compiler-missing", 1),
    ("MIOpen(HIP): Error [Do] 'amd_comgr_do_action(kind, handle, in, out)' AMD_COMGR_ACTION: Code object build failed", "kernel-does-not-compile", 1),
    ("<stdin>:12:3: error: not a valid operand.", "kernel-does-not-compile", 1),
    ("\"hipErrorNoBinaryForGpu: Unable to find code object for all current devices!\"", "no-code-object", 134),
    ("HIP error: invalid device function", "no-code-object", 1),
    ("Pcie atomics not enabled, hostcall not supported", "no-hostcall", 134),
    ("Unable to open /dev/kfd read-write: Permission denied", "device-permission", 1),
    ("user is not member of \"render\" group", "device-permission", 1),
    ("terminate called: HSA_STATUS_ERROR_OUT_OF_RESOURCES", "queue-refused", 134),
    ("refused: device: status 100, no ROCm-capable device is detected, in hipGetDeviceCount", "no-device", 3),
    ("hsa_init Failed, possibly no supported GPU devices", "no-device", 1),
    ("refused: find: status 3, hipErrorOutOfMemory, in hipMalloc", "out-of-memory", 1),
    ("", "ended-early", 5),
    ("", "killed", 137),
    ("", "crash", 139),
];

#[test]
fn each_kind_of_failure_is_told_by_what_is_printed() {
    for (line, id, exit) in SIGNS {
        let case = case(CaseEnd::Exited(exit), &format!("run: immediate 85\n{line}\n"));
        let (failure, says) = failure(&case);
        assert_eq!(failure, id, "{line}: {says}");
        assert!(says.contains("in `immediate 85`") || line.starts_with("refused"), "{says}");
    }
    let told: std::collections::BTreeSet<&str> = SIGNS.iter().map(|(_, id, _)| *id).collect();
    let by_result = ["hang", "wrong-result", "call-refused"];
    let all = FAILURES.iter().map(|failure| failure.id).filter(|id| !by_result.contains(id));
    assert_eq!(told, all.collect(), "each kind has a line here");
}

#[test]
fn what_the_kernel_says_counts_and_a_reset_ends_the_series() {
    let mut reset = case(CaseEnd::Exited(134), "run: find\n");
    reset.kernel = vec!["amdgpu 0000:03:00.0: amdgpu: ring comp_1.0.0 timeout, signaled seq=2".to_owned()];
    assert_eq!(failure(&reset).0, "gpu-reset");
    assert!(reset.may_have_hung_the_card());
    assert_eq!(failure(&case(CaseEnd::TimedOut(180), "run: find\n")), ("hang", "stopped after 180 s in `find`".to_owned()));
    assert!(case(CaseEnd::TimedOut(180), "").may_have_hung_the_card());
    assert!(case(CaseEnd::Stuck(180), "").may_have_hung_the_card());
    assert!(!case(CaseEnd::Exited(139), "").may_have_hung_the_card());
}

#[test]
fn a_wrong_result_is_not_explained_away_by_what_is_printed_besides() {
    let log = "MIOpen: warning: out of memory, another solver is taken\nrun: find\nwrong: find: 3 of 9 values\n";
    assert_eq!(failure(&case(CaseEnd::Exited(1), log)), ("wrong-result", "find: 3 of 9 values".to_owned()));
    let fault = format!("{log}Memory access fault by GPU node-1 on address 0x1\n");
    assert_eq!(failure(&case(CaseEnd::Exited(134), &fault)).0, "page-fault");
    let refused = "run: find\nrefused: find: status 7, miopenStatusUnknownError, in miopenFind\n";
    assert_eq!(failure(&case(CaseEnd::Exited(1), refused)).0, "call-refused");
}

#[test]
fn of_every_case_a_report_says_what_ran_and_what_it_came_to() {
    let log = "run: immediate 85\nright: immediate 85: largest error 0 of 1\nrun: find\n";
    let report = case(CaseEnd::Exited(139), log).report(Tier::Gpu);
    assert_eq!((report.outcome, report.failure.as_deref()), (CheckOutcome::Failed, Some("crash")));
    let runs: Vec<RunOutcome> = report.runs.iter().map(|run| run.outcome).collect();
    assert_eq!(runs, [RunOutcome::Right, RunOutcome::Unended]);
    assert!(report.tail.expect("of a failed case").ends_with("run: find\n"));
    let right = case(CaseEnd::Exited(0), RIGHT).report(Tier::Emulated);
    assert_eq!((right.outcome, right.tail, right.tier), (CheckOutcome::Passed, None, Tier::Emulated));
}
