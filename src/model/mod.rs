//! Plain data that flows through the pipeline: names, versions, digests, recipes, toolchains, plans, events, reports.
//!
//! Knows no other module, does no IO, reads no environment. Everything here can be built in a test by hand.

mod calls;
mod date;
mod debian;
mod digest;
mod event;
mod evidence;
mod files;
mod fit;
mod inventory;
mod kernels;
mod key;
mod library;
mod llvm;
mod manifest;
mod name;
mod package;
mod patch;
mod path;
mod path_filters;
mod plan;
mod printable;
mod proof;
mod recipe;
mod report;
mod script;
mod source;
mod suite;
mod target;
#[cfg(test)]
pub(crate) mod testing;
mod toolchain;
mod tree;
mod verification;
mod version;

pub use calls::CallProgram;
pub use date::rfc_5322;
pub use debian::{DebianPackage, LockedPackages, PackageSet};
pub use digest::{CommitId, Digest, DigestError, Digester};
pub use event::{Event, EventSink, Events, LogStream, Stage, Unit};
pub use evidence::Evidence;
pub use files::FileSet;
pub use fit::{Fit, FitError};
pub use inventory::{
    DeviceLibraries, FoundCommand, FoundLibrary, HipHeaders, Inventory, LibraryPart, Llvm, LoaderFolder,
    Part, RocblasKernels, RocmTree, Unread,
};
pub use kernels::{KernelGroup, KernelMatrix};
pub use key::{Difference, Ingredients, Key};
pub use library::{Gap, LibraryApi, LibraryFacts};
pub use llvm::{LlvmVersion, LlvmVersionError};
pub use manifest::{BuildFacts, Manifest, PackagedFile, PatchRecord, SourceRecord, ToolchainRecord};
pub use name::{NameError, PatchName, RecipeName, RunId, ToolchainId, UnitId, nearest};
pub use package::{About, Need, Relations};
pub use patch::{
    CallMark, LeftOutReason, OwnPatch, PatchLeftOut, PatchMark, PatchSpec, PatchVariant, PlannedPatch, Traces,
};
pub use path::{GuestPath, HostPath};
pub use path_filters::{PathFilters, PathPattern, PathPatternError};
pub use plan::{Cost, Plan, PlannedStage, PlannedUnit, StageState};
pub use printable::{end_of, printable};
pub use proof::{
    CaseGroup, CommandsExpectation, CommandsProof, CompileProof, Expectation, Ground, Proof, ProofKind,
    ProofStep, ResultKind, SideExpectation, StepWork,
};
pub use recipe::{BuildSpec, OptionValue, OutputKind, OutputSpec, Packaging, Recipe, RecipeVersion};
pub use report::{Outcome, PackageFile, Report, StageReport, UnitReport};
pub use script::{BUILD, CCACHE, INSTALL, NINJA_STATUS, SOURCE, SYSTEM_PATH, Script, Step, USER};
pub use source::{PinnedSource, SourceSpec};
pub use suite::{Suite, SuiteCase};
pub use target::{GfxTarget, TargetError, TargetId, TargetIdError};
pub use toolchain::{Base, Claim, Compilers, DebianBase, Pin, PinKind, Toolchain};
pub use tree::{Node, Tree};
pub use verification::{
    CardUsed, CaseReport, CheckOutcome, CheckReport, Device, EmulatorUsed, KernelCount, RunOutcome,
    RunReport, Runtime, Tier, TierError, Verification, Verified,
};
pub use version::{Version, VersionError, VersionRange};
