//! How computing on a GPU fails, told from what is said: the table of kinds, the most telling first.
//!
//! The words are those of ROCr, clr, MIOpen, rocBLAS, comgr and the kernel.

use super::{CaseEnd, CaseSeen, RunEnd};

/// A kind of failure.
#[derive(Debug)]
pub struct Failure {
    /// e.g. `aperture-violation`.
    pub id: &'static str,
    pub title: &'static str,
    /// What is behind it: paragraphs with an empty line between them.
    pub why: &'static str,
    pub remedies: &'static [&'static str],
    /// A line that shows it holds all parts of one of these.
    signs: &'static [&'static [&'static str]],
    /// Whether the GPU or the driver tells it: that explains whatever else is seen.
    fault: bool,
    /// Whether the card may be unusable afterwards.
    pub hangs: bool,
}

/// What lines show, then what only an end or a result shows.
pub const FAILURES: &[&Failure] = &[
    &APERTURE,
    &PAGE_FAULT,
    &ILLEGAL_INSTRUCTION,
    &GPU_RESET,
    &ROCBLAS,
    &NO_SOURCE,
    &NO_COMPILER,
    &NO_BUILD,
    &NO_CODE,
    &NO_HOSTCALL,
    &PERMISSION,
    &QUEUE,
    &NO_DEVICE,
    &NO_MEMORY,
    &HANG,
    &KILLED,
    &CRASH,
    &WRONG,
    &REFUSED,
    &SILENT,
];

static APERTURE: Failure = Failure {
    id: "aperture-violation",
    title: "a wave accessed an address that no aperture holds",
    why: "\
HSA_STATUS_ERROR_MEMORY_APERTURE_VIOLATION (0x29) is the wave's own exception: an address beyond 48 bits, a flat access into the wrong
aperture, or local memory out of range. A page that is merely not mapped gives another message.

On RDNA1 the likeliest cause is code for gfx1030, run because of HSA_OVERRIDE_GFX_VERSION: such code uses what gfx10.1 does wrongly, and
no patch of MIOpen mends that.",
    remedies: &[
        "unset HSA_OVERRIDE_GFX_VERSION and use libraries for the chip itself",
        "see which solver ran: it is named; switch it off with its MIOPEN_DEBUG variable and report it",
    ],
    signs: &[&["MEMORY_APERTURE_VIOLATION"], &["Queue error", "0x29"], &["code: 0x29"]],
    fault: true,
    hangs: false,
};

static PAGE_FAULT: Failure = Failure {
    id: "page-fault",
    title: "the GPU accessed a page that is not mapped",
    why: "\
A kernel read or wrote beyond its buffers, or after they were freed. The kernel's log has the address and whether it was read or written.",
    remedies: &["report the solver that is named, with the shape"],
    signs: &[&["Memory access fault by GPU node"], &["[gfxhub", "page fault"]],
    fault: true,
    hangs: false,
};

static ILLEGAL_INSTRUCTION: Failure = Failure {
    id: "illegal-instruction",
    title: "a wave met an instruction that the chip does not have",
    why: "\
The code is for another chip: gfx1010 has none of the dot instructions of gfx1030, for example. An override of the chip's name does that.",
    remedies: &["unset HSA_OVERRIDE_GFX_VERSION", "verify the library's code: `rdna-build verify --tier static,kernels`"],
    signs: &[&["ERROR_ILLEGAL_INSTRUCTION"], &["code: 0x2a"]],
    fault: true,
    hangs: false,
};

static GPU_RESET: Failure = Failure {
    id: "gpu-reset",
    title: "the driver reset the GPU",
    why: "\
A queue made no progress, or the card reported an exception, and the driver reset it. What ran on it is lost, a desktop on the same card
included. Nothing more is run on it here.",
    remedies: &[
        "look at `dmesg` and restart the machine if the card does not come back",
        "try the case alone: --case NAME, with the solver that is named switched off",
    ],
    signs: &[
        &["HW Exception by GPU node"],
        &["GPU Hang"],
        &["amdgpu", "ring ", " timeout"],
        &["amdgpu", "GPU reset"],
        &["GPU reset begin"],
    ],
    fault: true,
    hangs: true,
};

static ROCBLAS: Failure = Failure {
    id: "rocblas-without-the-chip",
    title: "rocBLAS has no library for the chip",
    why: "\
rocBLAS reads its kernels from files, one set a chip. Official releases before ROCm 6.2 and many wheels have none for gfx1010, and every
convolution that goes through GEMM fails.",
    remedies: &["take a rocBLAS with the chip's files: `rdna-build toolchains list` shows which toolchains have one"],
    signs: &[
        &["Cannot read", "TensileLibrary"],
        &["TensileLibrary", "No such file"],
        &["rocBLAS error", "Tensile"],
        &["rocblaslt error", "Cannot read"],
    ],
    fault: false,
    hangs: false,
};

static NO_SOURCE: Failure = Failure {
    id: "kernel-source-missing",
    title: "MIOpen does not hold the source of a kernel it offers",
    why: "\
Some packages leave kernels out, e.g. Winograd's assembly, and MIOpen offers their solvers all the same.",
    remedies: &["build MIOpen with all of its kernels: `rdna-build miopen`"],
    signs: &[&["Failed to load kernel source"], &["kernel source", "not found"], &["Unknown kernel file"]],
    fault: false,
    hangs: false,
};

static NO_COMPILER: Failure = Failure {
    id: "compiler-missing",
    title: "MIOpen does not find the compiler it calls",
    why: "\
MIOpen compiles its kernels when they are first used. Some builds call a compiler by the path it had where they were built.",
    remedies: &["install the compiler of the ROCm that the library was built with", "build with comgr, as this tool does"],
    signs: &[
        &["clang", "not found"],
        &["clang", "No such file or directory"],
        &["hipcc", "not found"],
        &["Unable to find", "clang"],
    ],
    fault: false,
    hangs: false,
};

static NO_BUILD: Failure = Failure {
    id: "kernel-does-not-compile",
    title: "a kernel does not compile for the chip",
    why: "\
The library's compiler refused the kernel's source with the options that the library passes, e.g. for an instruction of another chip.",
    remedies: &["build with the patches of the recipe", "see all kernels: `rdna-build verify --tier kernels`"],
    signs: &[
        &["Code object build failed"],
        &["not a valid operand"],
        &["error: ", "amdgcn"],
        &["MIOpen Error", "comgr"],
        &["HIPRTC_ERROR_COMPILATION"],
    ],
    fault: false,
    hangs: false,
};

static NO_CODE: Failure = Failure {
    id: "no-code-object",
    title: "a library holds no code for the chip",
    why: "\
Code compiled ahead of time is found by the chip's name. A library or wheel that was built without gfx1010 has none, and HIP says so when
the first kernel is launched.",
    remedies: &["see what a library holds: `rdna-build verify --library FILE`"],
    signs: &[
        &["hipErrorNoBinaryForGpu"],
        &["Unable to find code object"],
        &["hipErrorSharedObjectInitFailed"],
        &["invalid device function"],
        &["no kernel image is available"],
    ],
    fault: false,
    hangs: false,
};

static NO_HOSTCALL: Failure = Failure {
    id: "no-hostcall",
    title: "the slot of the card has no PCIe atomics, which a kernel needs",
    why: "\
Printing and assertions in kernels call the host by atomics over PCIe. Behind some bridges and in old slots there are none.",
    remedies: &["put the card into a slot of the processor's: `rdna-build doctor` shows the links"],
    signs: &[&["Pcie atomics not enabled"], &["PCI rejects atomics"]],
    fault: false,
    hangs: false,
};

static PERMISSION: Failure = Failure {
    id: "device-permission",
    title: "the container's user may not open the device",
    why: "\
/dev/kfd and the render node belong to a group, whose number was given to the container. A rootless engine gives only groups that its
person has; SELinux refuses devices by default.",
    remedies: &["see what is wrong with the devices: `rdna-build doctor`"],
    signs: &[
        &["/dev/kfd", "Permission denied"],
        &["/dev/dri", "Permission denied"],
        &["Unable to open /dev/kfd"],
        &["not member of \"render\""],
    ],
    fault: false,
    hangs: false,
};

static QUEUE: Failure = Failure {
    id: "queue-refused",
    title: "the driver made no queue",
    why: "\
Kernels from 6.12 on check the size of the area where a queue's waves are saved, and some ROCr libraries compute another one on Navi 1x.
Too many queues of other programs give the same.",
    remedies: &["see `rdna-build explain queue-size`", "end other programs that compute on the card"],
    signs: &[&["HSA_STATUS_ERROR_OUT_OF_RESOURCES"], &["hsaKmtCreateQueue", "fail"], &["hsa_queue_create", "fail"]],
    fault: false,
    hangs: false,
};

static NO_DEVICE: Failure = Failure {
    id: "no-device",
    title: "HIP finds no GPU in the container",
    why: "\
The devices are there, and the runtime does not take the card: it does not know the chip, may not use it, or the card has gone.",
    remedies: &["see why: `rdna-build doctor`"],
    signs: &[
        &["no ROCm-capable device"],
        &["hsa_init Failed"],
        &["hipErrorNoDevice"],
        &["hipErrorInvalidDevice"],
        &["refused: device"],
    ],
    fault: false,
    hangs: false,
};

static NO_MEMORY: Failure = Failure {
    id: "out-of-memory",
    title: "the card has not enough free memory",
    why: "A card of 6 GB that also shows a desktop has less than people think. Other programs may hold the rest.",
    remedies: &["end other programs that use the card"],
    signs: &[&["hipErrorOutOfMemory"], &["out of memory"], &["ERROR_OUT_OF_MEMORY"]],
    fault: false,
    hangs: false,
};

static HANG: Failure = Failure {
    id: "hang",
    title: "it did not come to an end in time",
    why: "\
A kernel that never ends, a queue that makes no progress, or a search that takes hours: MIOPEN_FIND_ENFORCE makes MIOpen tune for so long
that it looks like a hang. The state of a card is unknown after a hang: nothing more is run on it here.",
    remedies: &[
        "look at `dmesg`; restart the machine if the card does not come back",
        "try the case alone with more time: --case NAME",
    ],
    signs: &[],
    fault: false,
    hangs: true,
};

static KILLED: Failure = Failure {
    id: "killed",
    title: "the process was killed",
    why: "Exit code 137: something killed it with signal 9, most often the kernel, for want of memory.",
    remedies: &["end other programs, or give the container more memory"],
    signs: &[],
    fault: false,
    hangs: false,
};

static CRASH: Failure = Failure {
    id: "crash",
    title: "the process ended with a signal",
    why: "\
A defect on the processor's side: of the library, the runtime, or of an emulator, where an access outside of every mapping ends so.",
    remedies: &["report the solver that is named, with the shape"],
    signs: &[],
    fault: false,
    hangs: false,
};

static WRONG: Failure = Failure {
    id: "wrong-result",
    title: "the result is not the reference's",
    why: "\
The library computed to its end, and some values differ from those of a reference on the processor by more than rounding explains, or
were never written.",
    remedies: &["do not use the solver that is named: switch it off with its MIOPEN_DEBUG variable, and report it"],
    signs: &[],
    fault: false,
    hangs: false,
};

static REFUSED: Failure = Failure {
    id: "call-refused",
    title: "a call of the library failed",
    why: "The library returned a status of its own, which is told, and wrote what it knows to its log.",
    remedies: &["see the end of its log: `rdna-build verify --report json`"],
    signs: &[],
    fault: false,
    hangs: false,
};

static SILENT: Failure = Failure {
    id: "ended-early",
    title: "the program ended without an account of its results",
    why: "What is not said to be right is not taken for right.",
    remedies: &["see the end of its log: `rdna-build verify --report json`"],
    signs: &[],
    fault: false,
    hangs: false,
};

impl Failure {
    /// The line that shows it.
    fn shown_in<'t>(&self, lines: impl Iterator<Item = &'t str>) -> Option<&'t str> {
        let shows = |line: &&str| self.signs.iter().any(|parts| parts.iter().all(|part| line.contains(part)));
        lines.into_iter().find(shows)
    }

    /// Whether it is about a result, and not about how a case ended.
    pub fn is_wrong_result(&self) -> bool {
        self.id == WRONG.id
    }

    /// The kind with this id.
    pub fn by_id(id: &str) -> Option<&'static Failure> {
        FAILURES.iter().copied().find(|failure| failure.id == id)
    }
}

/// What kind of failure a case is that did not come out right, and what shows it.
pub(super) fn of(case: &CaseSeen) -> (&'static Failure, String) {
    let during = match case.said.last_announced() {
        Some(what) => format!(" in `{what}`"),
        None => String::new(),
    };
    let shown = |failure: &'static Failure| {
        let kernel = case.kernel.iter().map(String::as_str);
        let line = failure.shown_in(case.log.lines().chain(kernel))?;
        Some((failure, format!("{}{during}: {}", failure.title, line.trim())))
    };
    let (faults, others): (Vec<_>, Vec<_>) = FAILURES.iter().copied().partition(|failure| failure.fault);
    if let Some(fault) = faults.into_iter().find_map(shown) {
        return fault;
    }
    // What a library prints besides does not explain a result that is wrong.
    let is_wrong = case.said.runs.iter().any(|run| matches!(run.end, RunEnd::Wrong(_)));
    if let Some(other) = others.into_iter().filter(|_| !is_wrong).find_map(shown) {
        return other;
    }
    match &case.end {
        CaseEnd::TimedOut(seconds) => (&HANG, format!("stopped after {seconds} s{during}")),
        CaseEnd::Stuck(seconds) => (&HANG, format!("could not be stopped after {seconds} s{during}")),
        CaseEnd::Exited(exit) => ended(case, *exit, &during),
        CaseEnd::NotRun(why) => (&SILENT, why.clone()),
    }
}

fn ended(case: &CaseSeen, exit: i64, during: &str) -> (&'static Failure, String) {
    if exit == 137 {
        return (&KILLED, format!("exit code 137{during}"));
    }
    if (129..=192).contains(&exit) {
        return (&CRASH, format!("signal {}{during}", exit - 128));
    }
    match case.said.first_wrong() {
        Some(run) => match &run.end {
            RunEnd::Refused(says) => (&REFUSED, format!("{}: {says}", run.what)),
            RunEnd::Wrong(says) | RunEnd::Right(says) => (&WRONG, format!("{}: {says}", run.what)),
            RunEnd::Unended => (&SILENT, run.what.clone()),
        },
        None => {
            let last = case.log.lines().rev().find(|line| !line.trim().is_empty());
            let last = last.map_or_else(String::new, |line| format!(", saying last: {}", line.trim()));
            (&SILENT, format!("exit code {exit}{during}{last}"))
        }
    }
}
