//! Puts finished packages where the person wants them.

use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use super::error::PackageError;
use super::sink;

/// A file in the output folder.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Published {
    pub path: PathBuf,
    /// False when it was there already.
    pub copied: bool,
}

/// Copies `files` into the folder `out`, made if need be. One of the same size and time there is taken for the same.
///
/// A copy shares its blocks with the original where the file system can. It gets the original's time.
pub fn publish(files: &[PathBuf], out: &Path) -> Result<Vec<Published>, PackageError> {
    fs::create_dir_all(out).map_err(PackageError::io("creating", out))?;
    files
        .iter()
        .map(|file| {
            let name = file.file_name().expect("a packed file has a name");
            let path = out.join(name);
            let copied = copy_unless_same(file, &path)?;
            Ok(Published { path, copied })
        })
        .collect()
}

fn copy_unless_same(from: &Path, to: &Path) -> Result<bool, PackageError> {
    let mut source = File::open(from).map_err(PackageError::io("opening", from))?;
    let (size, modified) = stat(&source).map_err(PackageError::io("reading", from))?;
    if is_there(to, size, modified) {
        return Ok(false);
    }
    sink::persist(to, |file| {
        // Between two files this is copy_file_range, which shares blocks.
        let copied = io::copy(&mut source, file).and_then(|_| file.set_modified(modified));
        copied.map_err(PackageError::io("writing", to))
    })?;
    Ok(true)
}

/// Whether the folder `out` has this file already, as [`publish`] sees it.
pub fn is_published(file: &Path, out: &Path) -> bool {
    let Some(name) = file.file_name() else { return false };
    let known = File::open(file).and_then(|file| stat(&file));
    known.is_ok_and(|(size, modified)| is_there(&out.join(name), size, modified))
}

/// Not following links: a link of that name is the person's, and is replaced rather than written through.
fn is_there(path: &Path, size: u64, modified: SystemTime) -> bool {
    fs::symlink_metadata(path).is_ok_and(|there| {
        there.is_file() && there.len() == size && there.modified().is_ok_and(|time| time == modified)
    })
}

fn stat(file: &File) -> io::Result<(u64, SystemTime)> {
    let metadata = file.metadata()?;
    Ok((metadata.len(), metadata.modified()?))
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn a_file_is_copied_once_and_again_when_it_changed() {
        let folder = tempfile::tempdir().unwrap();
        let (file, out) = (folder.path().join("a.tar.zst"), folder.path().join("deep/out"));
        fs::write(&file, "one").unwrap();
        let copied = |path: &Path| publish(&[path.to_owned()], &out).unwrap()[0].copied;
        assert!(copied(&file));
        assert!(!copied(&file));
        assert_eq!(fs::read_to_string(out.join("a.tar.zst")).unwrap(), "one");

        fs::write(&file, "two").unwrap();
        let later = fs::metadata(&file).unwrap().modified().unwrap() + Duration::from_secs(1);
        File::options().write(true).open(&file).unwrap().set_modified(later).unwrap();
        assert!(copied(&file));
        assert_eq!(fs::read_to_string(out.join("a.tar.zst")).unwrap(), "two");
        assert_eq!(fs::read_dir(&out).unwrap().count(), 1);
    }

    #[test]
    fn a_link_in_the_output_folder_is_replaced_not_followed() {
        let folder = tempfile::tempdir().unwrap();
        let (file, out) = (folder.path().join("a"), folder.path().join("out"));
        let precious = folder.path().join("precious");
        fs::write(&file, "new").unwrap();
        fs::write(&precious, "old").unwrap();
        fs::create_dir(&out).unwrap();
        std::os::unix::fs::symlink(&precious, out.join("a")).unwrap();
        publish(&[file], &out).unwrap();
        assert_eq!(fs::read_to_string(precious).unwrap(), "old");
        assert_eq!(fs::read_to_string(out.join("a")).unwrap(), "new");
    }

    #[test]
    fn an_output_folder_that_cannot_be_made_is_named() {
        let folder = tempfile::tempdir().unwrap();
        let out = folder.path().join("file");
        fs::write(&out, "").unwrap();
        let error = publish(&[], &out).unwrap_err();
        assert!(error.to_string().contains(&out.display().to_string()), "{error}");
    }
}
