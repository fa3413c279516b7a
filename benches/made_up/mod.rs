//! A package to measure with where none is given.

use std::fs;
use std::path::{Path, PathBuf};

use rdna_build::model::{About, Manifest, PackagedFile, Relations};
use rdna_build::package;
use tokio_util::sync::CancellationToken;

#[path = "../../src/model/testing.rs"]
mod manifest;

const MADE_UP: usize = 400 << 20;

/// A package with one large library that compresses about as code does, and some small files.
pub fn package(folder: &Path) -> PathBuf {
    let (tree, prefix) = (folder.join("tree"), "opt/rdna-build/tiny-1.0-gfx1010");
    for below in ["lib", "include", "share"] {
        fs::create_dir_all(tree.join(prefix).join(below)).unwrap();
    }
    fs::write(tree.join(prefix).join("lib/libtiny.so.1"), like_code(MADE_UP)).unwrap();
    for number in 0..40 {
        fs::write(tree.join(prefix).join(format!("include/{number}.h")), vec![b'x'; 4000]).unwrap();
    }
    let cancel = CancellationToken::new();
    let manifest = manifest(prefix, package::scan(&tree, &cancel).unwrap());
    let format = package::format(package::DEFAULT_FORMAT).unwrap();
    package::pack(format, &manifest, &tree, folder, &cancel, &mut |_, _| ()).unwrap().remove(0).archive
}

/// Words of a small vocabulary with noise in between.
fn like_code(size: usize) -> Vec<u8> {
    let mut state = 1u64;
    let mut next = || {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        state >> 33
    };
    let words: Vec<Vec<u8>> =
        (0..4096).map(|_| (0..4 + next() % 24).map(|_| next() as u8).collect()).collect();
    let mut bytes = Vec::with_capacity(size + 64);
    while bytes.len() < size {
        match next() % 4 {
            0 => bytes.extend((next() as u32).to_le_bytes()),
            _ => bytes.extend(&words[(next() % 4096) as usize]),
        }
    }
    bytes
}

fn manifest(prefix: &str, files: Vec<PackagedFile>) -> Manifest {
    Manifest {
        name: "tiny".into(),
        about: Some(About {
            name: "tiny-gfx1010".into(),
            revision: "1".into(),
            maintainer: "A <a@example.org>".into(),
            summary: "made up to be measured".into(),
            homepage: "https://example.org".into(),
            license: "MIT".into(),
            debian: Relations::default(),
            rpm: Relations::default(),
        }),
        ..manifest::manifest(&format!("/{prefix}"), files)
    }
}
