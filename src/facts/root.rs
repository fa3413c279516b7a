//! A folder taken for the root of a system: `/` itself, an unpacked root file system, or a tree that a test made.
//!
//! Every path is opened inside the root by the kernel (`RESOLVE_IN_ROOT`), so that no symlink in a hostile root leads out of it.
//! Nothing is read without a limit, and a pipe makes nobody wait.

use std::fs::File;
use std::io::{self, Read as _};
use std::os::fd::{AsFd as _, OwnedFd};
use std::path::Path;

use rustix::fs::{CWD, Dir, FileType, Mode, OFlags, ResolveFlags, Stat};

/// Files of the kernel and settings of a system are smaller.
const LARGEST_TEXT: u64 = 1 << 20;
/// A folder of programs has some thousand entries.
const MOST_NAMES: usize = 65_536;

/// An opened root.
#[derive(Debug)]
pub struct Root {
    handle: OwnedFd,
}

impl Root {
    pub fn open(path: &Path) -> io::Result<Self> {
        let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC;
        Ok(Self { handle: rustix::fs::openat(CWD, path, flags, Mode::empty())? })
    }

    /// Opens what lies at a path inside the root.
    pub fn at(&self, path: &str, flags: OFlags) -> io::Result<OwnedFd> {
        // A pipe in a hostile root must not make us wait. A handle that only stands for a path takes no such flag.
        let patient = if flags.contains(OFlags::PATH) { OFlags::empty() } else { OFlags::NONBLOCK };
        let flags = flags | OFlags::CLOEXEC | patient;
        let resolve = ResolveFlags::IN_ROOT | ResolveFlags::NO_MAGICLINKS;
        let relative = match path.trim_start_matches('/') {
            "" => ".",
            relative => relative,
        };
        Ok(rustix::fs::openat2(self.handle.as_fd(), relative, flags, Mode::empty(), resolve)?)
    }

    /// A text file, symlinks followed. Only regular files are read, and of a large one its beginning.
    pub fn text(&self, path: &str) -> io::Result<String> {
        // Looked at before it is opened for reading: opening a device can have effects.
        if self.stat(path)?.kind() != FileType::RegularFile {
            return Err(io::Error::other("not a regular file"));
        }
        let mut bytes = Vec::new();
        File::from(self.at(path, OFlags::RDONLY)?).take(LARGEST_TEXT).read_to_end(&mut bytes)?;
        Ok(String::from_utf8_lossy(&bytes).into_owned())
    }

    /// What `stat` says of a path, symlinks followed, without opening it.
    pub fn stat(&self, path: &str) -> io::Result<Status> {
        let handle = self.at(path, OFlags::PATH)?;
        Ok(Status(rustix::fs::fstat(&handle)?))
    }

    pub fn exists(&self, path: &str) -> bool {
        self.stat(path).is_ok()
    }

    /// The plain names in a folder, sorted; none where there is no such folder.
    pub fn names(&self, path: &str) -> Vec<String> {
        let Ok(folder) = self.at(path, OFlags::RDONLY | OFlags::DIRECTORY) else { return Vec::new() };
        let Ok(entries) = Dir::new(folder) else { return Vec::new() };
        let names = entries.flatten().filter_map(|entry| entry.file_name().to_str().ok().map(str::to_owned));
        let is_plain = |name: &String| name != "." && name != ".." && !name.chars().any(char::is_control);
        let mut names: Vec<String> = names.filter(is_plain).take(MOST_NAMES).collect();
        names.sort();
        names
    }

    /// The last part of a symlink's target, e.g. the driver of a device.
    pub fn link_name(&self, path: &str) -> Option<String> {
        let handle = self.at(path, OFlags::PATH | OFlags::NOFOLLOW).ok()?;
        let target = rustix::fs::readlinkat(&handle, c"", Vec::new()).ok()?;
        let name = target.to_str().ok()?.rsplit('/').next()?;
        (!name.is_empty() && !name.chars().any(char::is_control)).then(|| name.to_owned())
    }
}

/// What `stat` says.
#[derive(Clone, Copy, Debug)]
pub struct Status(Stat);

impl Status {
    pub fn kind(&self) -> FileType {
        FileType::from_raw_mode(self.0.st_mode)
    }

    /// The nine bits of rights.
    pub fn mode(&self) -> u32 {
        self.0.st_mode & 0o777
    }

    pub fn uid(&self) -> u32 {
        self.0.st_uid
    }

    pub fn gid(&self) -> u32 {
        self.0.st_gid
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::symlink;

    use super::*;

    #[test]
    fn nothing_leads_out_of_a_root_makes_it_wait_or_is_read_without_end() {
        let folder = tempfile::tempdir().expect("a folder");
        let outside = tempfile::tempdir().expect("a folder");
        std::fs::write(outside.path().join("secret"), "secret").expect("written");
        let at = |name: &str| folder.path().join(name);
        symlink(outside.path().join("secret"), at("absolute")).expect("linked");
        symlink(format!("../../../../../..{}/secret", outside.path().display()), at("relative"))
            .expect("linked");
        symlink("circle", at("circle")).expect("linked");
        symlink("/proc/self/fd/0", at("magic")).expect("linked");
        rustix::fs::mknodat(CWD, at("pipe"), FileType::Fifo, Mode::RWXU, 0).expect("a pipe can be made");
        let huge = File::create(at("huge")).expect("made");
        huge.set_len(1 << 40).expect("a file can have a hole");
        std::fs::create_dir(at("folder")).expect("made");
        std::fs::write(at("bytes"), [0xff, b'a', 0]).expect("written");

        let root = Root::open(folder.path()).expect("it is there");
        for name in ["absolute", "relative", "circle", "magic", "pipe", "folder", "nothing", "../secret"] {
            assert!(root.text(name).is_err(), "{name}");
        }
        assert_eq!(root.text("huge").expect("its beginning").len() as u64, LARGEST_TEXT);
        assert_eq!(root.text("bytes").expect("text of a kind"), "\u{fffd}a\0");
        assert_eq!(root.link_name("absolute").as_deref(), Some("secret"));
        assert_eq!(root.link_name("huge"), None);
        assert_eq!(root.names("folder"), [""; 0]);
        assert!(root.names("/").contains(&"pipe".to_owned()));
    }
}
