//! Patches, builds and packs ROCm libraries such as MIOpen for RDNA1 GPUs, in containers that keep toolchains apart.

pub mod attest;
pub mod build;
pub mod cli;
pub mod code;
pub mod doctor;
pub mod document;
pub mod engine;
pub mod execute;
pub mod facts;
pub mod inspect;
pub mod install;
pub mod lockfile;
pub mod model;
pub mod openpgp;
pub mod package;
pub mod plan;
pub mod proof;
pub mod recipe;
pub mod remote;
pub mod repository;
pub mod source;
pub mod store;
pub mod toolchain;
pub mod verify;
