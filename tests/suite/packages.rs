//! Small packages made as `build` makes them, and archives as no build makes them.

use std::fs::{self, File};
use std::os::unix::fs::{PermissionsExt as _, symlink};
use std::path::{Path, PathBuf};

use rdna_build::model::{
    About, CheckOutcome, CheckReport, Digest, Manifest, Relations, Tier, Verification, Verified,
};
use rdna_build::package;
use tokio_util::sync::CancellationToken;

use crate::made_up_manifest;

/// A package that is to be made.
pub struct Recipe<'a> {
    pub name: &'a str,
    pub version: &'a str,
    pub target: &'a str,
    /// Below the prefix; programs are those in `bin/`.
    pub files: &'a [(&'a str, &'a [u8])],
    pub verified: bool,
}

impl Recipe<'_> {
    /// A library of this name with a link to it.
    pub const PLAIN: Recipe<'static> = Recipe {
        name: "tiny",
        version: "1.0",
        target: "gfx1010",
        files: &[("lib/libtiny.so.1", b"one"), ("bin/tiny", b"#!/bin/sh\n")],
        verified: false,
    };

    fn prefix(&self) -> String {
        format!("opt/rdna-build/{}-{}-{}", self.name, self.version, self.target)
    }

    /// Makes it in a folder; answers the archive.
    pub fn pack(&self, into: &Path) -> PathBuf {
        let tree = tempfile::tempdir().unwrap();
        let prefix = tree.path().join(self.prefix());
        for (path, bytes) in self.files {
            let place = prefix.join(path);
            fs::create_dir_all(place.parent().unwrap()).unwrap();
            fs::write(&place, bytes).unwrap();
            if path.starts_with("bin/") {
                fs::set_permissions(&place, fs::Permissions::from_mode(0o755)).unwrap();
            }
        }
        let (library, _) = self.files[0];
        if let Some((link, _)) = library.rsplit_once(".so.") {
            let target = Path::new(library).file_name().unwrap();
            symlink(target, prefix.join(format!("{link}.so"))).unwrap();
        }
        let cancel = CancellationToken::new();
        let files = package::scan(tree.path(), &cancel).unwrap();
        let manifest = self.manifest(files);
        fs::create_dir_all(into).unwrap();
        let format = package::format(package::DEFAULT_FORMAT).unwrap();
        let packed =
            package::pack(format, &manifest, tree.path(), into, &cancel, &mut |_, _| ()).unwrap().remove(0);
        if self.verified {
            let text = serde_json::to_vec(&Manifest { verification: Some(verification(self)), ..manifest });
            fs::write(&packed.beside[0], text.unwrap()).unwrap();
        }
        packed.archive
    }

    fn manifest(&self, files: Vec<rdna_build::model::PackagedFile>) -> Manifest {
        Manifest {
            name: self.name.into(),
            version: self.version.into(),
            target: self.target.into(),
            about: Some(about()),
            tool: rdna_build::plan::TOOL.into(),
            ..made_up_manifest::manifest(&format!("/{}", self.prefix()), files)
        }
    }

    /// The manifest of a package without files, for archives that are made by hand.
    pub fn bare_manifest(&self) -> Vec<u8> {
        serde_json::to_vec(&self.manifest(Vec::new())).unwrap()
    }

    /// The manifest of a package that lists one file of these bytes.
    pub fn manifest_of(&self, path: &str, bytes: &[u8]) -> Vec<u8> {
        let (sha256, size) = (Digest::of(bytes), bytes.len() as u64);
        let path = format!("{}/{path}", self.prefix());
        let file = rdna_build::model::PackagedFile::File { path, sha256, size, executable: false };
        serde_json::to_vec(&self.manifest(vec![file])).unwrap()
    }

    pub fn manifest_path(&self) -> String {
        package::manifest_below(&self.prefix())
    }
}

fn about() -> About {
    About {
        name: "tiny".into(),
        revision: "1".into(),
        maintainer: "nobody <nobody@example.org>".into(),
        summary: "made up".into(),
        homepage: "https://example.org/".into(),
        license: "MIT".into(),
        debian: Relations::default(),
        rpm: Relations::default(),
    }
}

fn verification(recipe: &Recipe<'_>) -> Verification {
    Verification {
        schema: 1,
        tool: "rdna-build 0".into(),
        subject: Verified { name: recipe.name.into(), sha256: Digest::of(""), size: 1 },
        target: recipe.target.into(),
        tiers: vec![Tier::Static],
        devices: vec![],
        kernel: None,
        runtime: None,
        checks: vec![CheckReport {
            check: "needed-libraries".into(),
            tier: Tier::Static,
            outcome: CheckOutcome::Passed,
            says: "it was made up".into(),
            evidence: vec![],
            remedies: vec![],
        }],
        kernels: vec![],
        cases: vec![],
        seconds: 0.0,
    }
}

/// An entry of an archive that is made by hand.
pub struct Entry<'a> {
    pub kind: tar::EntryType,
    pub path: &'a str,
    pub bytes: &'a [u8],
    pub link: &'a str,
}

/// An archive of these entries, whatever they are.
pub fn archive(path: &Path, entries: &[Entry<'_>]) -> PathBuf {
    let encoder = zstd::Encoder::new(File::create(path).unwrap(), 1).unwrap();
    let mut builder = tar::Builder::new(encoder);
    for entry in entries {
        let mut header = tar::Header::new_gnu();
        header.set_entry_type(entry.kind);
        header.set_mode(0o644);
        header.set_size(entry.bytes.len() as u64);
        let gnu = header.as_gnu_mut().unwrap();
        gnu.name[..entry.path.len()].copy_from_slice(entry.path.as_bytes());
        gnu.linkname[..entry.link.len()].copy_from_slice(entry.link.as_bytes());
        header.set_cksum();
        builder.append(&header, entry.bytes).unwrap();
    }
    builder.into_inner().unwrap().finish().unwrap();
    path.to_owned()
}
