//! What patches are applied to.

use std::fs::{self, File};
use std::io;
use std::os::unix::fs::{OpenOptionsExt as _, PermissionsExt as _};
use std::path::Path;

use rustix::buffer::spare_capacity;
use rustix::io::retry_on_intr;

/// What lies at a path.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Found {
    Absent,
    File {
        bytes: Vec<u8>,
        executable: bool,
    },
    Folder,
    /// A symlink, or a path behind one.
    Symlink,
}

impl Found {
    /// No file that a person patches has more bytes.
    pub const LARGEST: u64 = 64 << 20;
}

/// A source tree before the series. Paths are relative and were judged by the caller.
pub trait Base {
    fn read(&self, path: &str) -> io::Result<Found>;
}

/// A source tree on disk.
#[derive(Clone, Copy, Debug)]
pub struct FolderBase<'a>(pub &'a Path);

impl Base for FolderBase<'_> {
    fn read(&self, path: &str) -> io::Result<Found> {
        for (slash, _) in path.match_indices('/') {
            match fs::symlink_metadata(self.0.join(&path[..slash])) {
                Ok(metadata) if metadata.is_symlink() => return Ok(Found::Symlink),
                Ok(metadata) if metadata.is_dir() => {}
                Ok(_) => return Ok(Found::Absent),
                Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Found::Absent),
                Err(error) => return Err(error),
            }
        }
        let full = self.0.join(path);
        let metadata = match fs::symlink_metadata(&full) {
            Ok(metadata) => metadata,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Found::Absent),
            Err(error) => return Err(error),
        };
        if metadata.is_symlink() {
            return Ok(Found::Symlink);
        }
        if metadata.is_dir() {
            return Ok(Found::Folder);
        }
        if !metadata.is_file() {
            return Err(io::Error::new(io::ErrorKind::InvalidInput, "it is not a regular file"));
        }
        let flags = rustix::fs::OFlags::NOFOLLOW | rustix::fs::OFlags::NONBLOCK;
        let file = File::options().read(true).custom_flags(flags.bits() as i32).open(&full)?;
        // Room as well for what a patch adds.
        let mut bytes = Vec::with_capacity(metadata.len().min(Found::LARGEST) as usize + 1024);
        while retry_on_intr(|| rustix::io::read(&file, spare_capacity(&mut bytes)))? > 0 {
            if bytes.len() as u64 > Found::LARGEST {
                return Err(io::ErrorKind::FileTooLarge.into());
            }
            bytes.reserve(1);
        }
        Ok(Found::File { bytes, executable: metadata.permissions().mode() & 0o111 != 0 })
    }
}
