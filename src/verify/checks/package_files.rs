//! Whether a package is what its manifest says.

use std::collections::BTreeMap;

use super::subject::{Provenance, Subject};
use super::{Answer, Check, some_of};
use crate::model::{Evidence, PackagedFile, Tier};

pub(super) static CHECK: Check = Check {
    id: "package-files",
    tier: Tier::Static,
    title: "every file is the one that was packed, and no other is there",
    why: "\
The manifest lists each file with its digest. A file that was changed, lost or added since belongs to somebody else, and what else is
verified would be true of that. An installed package that another program wrote into fails here as well.

It does not show who made the package: a manifest can be written anew.",
    needs: "a package, or an installed one, with its manifest",
    remedies: &["install the package again", "or build it again: rdna-build miopen --target gfx1010"],
    run,
};

fn run(subject: &Subject<'_>) -> Answer {
    let Provenance::Package(package) = &subject.provenance else {
        return Answer::skipped("a foreign library has no manifest");
    };
    let by_path = |files: &'_ [PackagedFile]| -> BTreeMap<String, PackagedFile> {
        files.iter().map(|file| (file.path().to_owned(), file.clone())).collect()
    };
    let (promised, found) = (by_path(&package.manifest.files), by_path(package.files));
    let lost = promised.keys().filter(|path| !found.contains_key(*path));
    let lost = lost.map(|path| Evidence::new(path, "is not there"));
    let changed = promised.iter().filter(|(path, file)| found.get(*path).is_some_and(|found| found != *file));
    let changed = changed.map(|(path, _)| Evidence::new(path, "is not the file that was packed"));
    let added = found.keys().filter(|path| !promised.contains_key(*path));
    let added = added.map(|path| Evidence::new(path, "was not packed"));
    let evidence: Vec<Evidence> = lost.chain(changed).chain(added).collect();
    if promised.is_empty() {
        return Answer::failed("the manifest lists no file");
    }
    match evidence.is_empty() {
        true => Answer::passed(format!("{} files, each with the digest of its manifest", promised.len())),
        false => {
            let names: Vec<&str> = evidence.iter().map(|evidence| evidence.place.as_str()).collect();
            Answer::failed(format!("not what the manifest says: {}", some_of(&names, 3)))
                .with(evidence.clone())
        }
    }
}
