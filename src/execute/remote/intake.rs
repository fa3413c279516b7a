//! What must hold of an entry of another store before it is taken, beyond its digests: stages trust the lists that they find in
//! the store, and a list that came from elsewhere could name files of this machine.

use std::path::Path;

use tokio_util::sync::CancellationToken;

use super::super::toolchain::Image;
use super::super::{build, json, package, source};
use crate::model::{PackagedFile, Stage, Tree};
use crate::package::scan;
use crate::source::tree::read_tree;
use crate::store::Record;

/// The record without what only one machine knows.
pub(super) fn portable(record: &Record) -> Record {
    let mut record = record.clone();
    if let (Stage::Toolchain, Some(detail)) = (record.stage, record.detail.as_object_mut()) {
        // An image is known to its own engine only, and a foreign id must not choose one of ours.
        detail.insert("id".to_owned(), "".into());
    }
    record
}

/// Holds what the stage will believe against what is there; says what does not fit.
pub(super) fn check(record: &Record, content: &Path, cancel: &CancellationToken) -> Result<(), String> {
    let text = |error: super::ExecuteError| error.to_string();
    match record.stage {
        Stage::Source => {
            let listed: Tree = json::read(&content.join(source::TREE)).map_err(text)?;
            let found = read_tree(&content.join(source::FILES), cancel).map_err(|error| error.to_string())?;
            agree(listed == found, "its list of files")
        }
        Stage::Build => {
            let mut listed: Vec<PackagedFile> = json::read(&content.join(build::FILES)).map_err(text)?;
            listed.sort_by(|one, other| one.path().cmp(other.path()));
            let found = scan(&content.join(build::TREE), cancel).map_err(|error| error.to_string())?;
            agree(listed == found, "its list of files")
        }
        Stage::Package => package::details(record).map(drop).map_err(text),
        Stage::Toolchain => {
            let image: Result<Image, _> = serde_json::from_value(record.detail.clone());
            image.map(drop).map_err(|error| format!("its image: {error}"))
        }
        Stage::Prepare | Stage::Inventory => Err("entries of this stage are not shared".to_owned()),
        // One JSON document, which leads nowhere.
        Stage::Proof | Stage::Verify => Ok(()),
    }
}

fn agree(agrees: bool, what: &str) -> Result<(), String> {
    match agrees {
        true => Ok(()),
        false => Err(format!("{what} is not what is there")),
    }
}
