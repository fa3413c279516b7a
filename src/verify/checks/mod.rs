//! Every check, the cheapest to understand first.

mod api_calls;
mod code_objects;
mod computing;
mod databases;
mod exported_api;
mod kernel_texts;
mod kernels;
mod loadable_code;
mod needed_libraries;
mod one_llvm;
mod package_files;
mod patch_marks;
mod rocblas_kernels;
mod runtime_conflicts;
mod search_path;
mod soname;
mod undefined_symbols;

use super::{Answer, Check, some_of, subject};

pub const CHECKS: &[&Check] = &[
    &package_files::CHECK,
    &soname::CHECK,
    &search_path::CHECK,
    &needed_libraries::CHECK,
    &undefined_symbols::CHECK,
    &one_llvm::CHECK,
    &runtime_conflicts::CHECK,
    &rocblas_kernels::CHECK,
    &code_objects::CHECK,
    &loadable_code::CHECK,
    &exported_api::CHECK,
    &patch_marks::CHECK,
    &kernel_texts::CHECK,
    &databases::CHECK,
    &kernels::compile::CHECK,
    &kernels::target::CHECK,
    &kernels::instructions::CHECK,
    &kernels::descriptors::CHECK,
    &kernels::hazards::CHECK,
    &kernels::limits::CHECK,
    &kernels::in_library::CHECK,
    &api_calls::CHECK,
    &computing::device::ON_EMULATOR,
    &computing::library::ON_EMULATOR,
    &computing::ends::ON_EMULATOR,
    &computing::results::ON_EMULATOR,
    &computing::device::ON_CARD,
    &computing::library::ON_CARD,
    &computing::ends::ON_CARD,
    &computing::results::ON_CARD,
];
