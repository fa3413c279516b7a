//! A made-up manifest, for tests and measurements that only need one.

use crate::model::{BuildFacts, Digest, Manifest, PackagedFile, PinnedSource, SourceRecord, ToolchainRecord};

/// Of a unit `x` 1.0 for gfx1010, below an absolute prefix. Every digest in it is of nothing.
pub fn manifest(prefix: &str, files: Vec<PackagedFile>) -> Manifest {
    let digest = Digest::of("");
    Manifest {
        schema: 1,
        name: "x".into(),
        version: "1.0".into(),
        target: "gfx1010".into(),
        toolchain: ToolchainRecord {
            id: "debian-sid".into(),
            definition: digest,
            identity: digest,
            image: None,
            provides: [].into(),
            packages: [].into(),
            pins: vec![],
        },
        source: SourceRecord { pinned: PinnedSource::Bundled { folder: "source".into(), digest } },
        patches: vec![],
        build: BuildFacts {
            prefix: prefix.into(),
            options: [].into(),
            environment: [].into(),
            source_date_epoch: 315_532_800,
        },
        about: None,
        needs: vec![],
        tool: "rdna-build 0".into(),
        keys: [].into(),
        files,
        verification: None,
    }
}
