//! Which libraries an installed tree needs and does not hold, and what provides them in the image it was built in.

use std::collections::{BTreeMap, BTreeSet};
use std::fs::File;
use std::io::Read as _;
use std::path::Path;

use object::ReadCache;

use super::ExecuteError;
use crate::code;
use crate::model::{Inventory, Need, PackagedFile};

/// Reads every program and library of a tree.
pub(super) fn of_tree(
    tree: &Path,
    files: &[PackagedFile],
    inventory: &Inventory,
) -> Result<Vec<Need>, ExecuteError> {
    let mut wanted: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    let mut held: BTreeSet<String> = BTreeSet::new();
    for file in files {
        let path = file.path();
        held.extend(path.rsplit('/').next().map(str::to_owned));
        let PackagedFile::File { .. } = file else { continue };
        let Some(library) = read(&tree.join(path))? else { continue };
        held.extend(library.soname);
        for needed in library.needed {
            let versions = library.wants.get(&needed).cloned().unwrap_or_default();
            wanted.entry(needed).or_default().extend(versions);
        }
    }
    let needs = wanted.into_iter().filter(|(soname, _)| !held.contains(soname));
    let needs = needs.map(|(soname, versions)| Need {
        debian: inventory.provided.get(&soname).cloned(),
        versions: versions.into_iter().collect(),
        soname,
    });
    Ok(needs.collect())
}

/// What the loader reads of a file; nothing where it is no ELF file of this machine's kind, such as a code object.
fn read(path: &Path) -> Result<Option<code::Library>, ExecuteError> {
    let failed = ExecuteError::file("reading", path);
    let mut magic = [0; 20];
    let mut file = match File::open(path).and_then(|mut file| file.read(&mut magic).map(|_| file)) {
        Ok(file) => file,
        Err(error) => return Err(failed(error)),
    };
    if !magic.starts_with(b"\x7fELF") || magic[18..] != object::elf::EM_X86_64.0.to_le_bytes() {
        return Ok(None);
    }
    std::io::Seek::rewind(&mut file).map_err(failed)?;
    Ok(code::library(&ReadCache::new(file)).ok())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The test's own program needs the C library and holds nothing of it.
    #[test]
    fn a_program_needs_its_libraries_and_nothing_of_the_tree() {
        let folder = tempfile::tempdir().expect("a folder");
        std::fs::copy(std::env::current_exe().expect("a path"), folder.path().join("tool")).expect("copied");
        std::fs::write(folder.path().join("text"), "no program").expect("written");
        let digest = crate::model::Digest::of("");
        let file = |path: &str| PackagedFile::File {
            path: path.to_owned(),
            sha256: digest,
            size: 0,
            executable: true,
        };
        let link = |path: &str| PackagedFile::Symlink { path: path.to_owned(), target: "x".to_owned() };
        let mut inventory = Inventory::default();
        inventory.provided.insert("libc.so.6".to_owned(), "libc6 (>= 2.36)".to_owned());
        let files = [file("tool"), file("text")];
        let needs = of_tree(folder.path(), &files, &inventory).expect("read");
        let libc = needs.iter().find(|need| need.soname == "libc.so.6").expect("it is needed");
        assert_eq!(libc.debian.as_deref(), Some("libc6 (>= 2.36)"));
        assert!(libc.versions.iter().any(|version| version.starts_with("GLIBC_2.")), "{libc:?}");

        let files = [file("tool"), link("lib/libc.so.6")];
        let needs = of_tree(folder.path(), &files, &inventory).expect("read");
        assert!(needs.iter().all(|need| need.soname != "libc.so.6"), "{needs:?}");
    }
}
