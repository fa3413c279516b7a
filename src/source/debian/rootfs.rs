//! Packages laid out as one root file system in a tar stream, as if dpkg had unpacked but not configured them.
//!
//! Nothing is ever written to the host's own file system: no root rights are needed, and a hostile package has
//! nowhere to escape to. Scripts run later, inside the imported image; see [`super::configure_script`]. Not done: scripts
//! that a package wants to run before it is unpacked, diversions, file capabilities.

use std::collections::HashMap;
use std::io::{Read, Write};
use std::os::unix::ffi::OsStrExt as _;
use std::path::Path;

use tar::{EntryType, Header};
use tokio_util::sync::CancellationToken;

use super::DebianError;
use super::deb::Control;
use crate::model::PathFilters;

/// Top-level folders that are links to the folder of the same name in `usr`.
const MERGED: [&str; 4] = ["bin", "lib", "lib64", "sbin"];

/// Where dpkg reads what it leaves out from then on.
const DPKG_OPTIONS: &str = "etc/dpkg/dpkg.cfg.d/rdna-build";

/// base-passwd's lists are some kilobytes.
const LARGEST_MASTER: u64 = 64 << 10;

/// Writes the tar stream.
pub(super) struct Rootfs<W: Write> {
    tar: tar::Builder<W>,
    /// No file is younger: the same packages make the same bytes.
    release_date: u64,
    left_out: PathFilters,
    seen: HashMap<Box<[u8]>, Kind>,
    status: String,
    notes: Vec<String>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    Directory,
    File,
    Link,
}

/// Why a package was refused, before its name is known.
#[derive(Debug)]
enum Refused {
    Broken(String),
    Unsafe { path: String, reason: &'static str },
    LinkToLeftOut { path: String, target: String },
    NoRoom(String),
    Cancelled,
}

impl From<String> for Refused {
    fn from(reason: String) -> Self {
        Self::Broken(reason)
    }
}

impl From<std::io::Error> for Refused {
    fn from(error: std::io::Error) -> Self {
        use std::io::ErrorKind;
        match error.kind() {
            ErrorKind::StorageFull | ErrorKind::QuotaExceeded | ErrorKind::FileTooLarge => {
                Self::NoRoom(error.to_string())
            }
            _ => Self::Broken(error.to_string()),
        }
    }
}

impl<W: Write> Rootfs<W> {
    /// Begins with the links of a merged `/usr`.
    pub fn new(writer: W, release_date: u64, left_out: PathFilters) -> std::io::Result<Self> {
        let mut rootfs = Self {
            tar: tar::Builder::new(writer),
            release_date,
            left_out,
            seen: HashMap::new(),
            status: String::new(),
            notes: Vec::new(),
        };
        rootfs.directory("usr")?;
        for name in MERGED {
            rootfs.directory(&format!("usr/{name}"))?;
            let mut header = rootfs.header(EntryType::Symlink, 0o777);
            rootfs.tar.append_link(&mut header, name, format!("usr/{name}"))?;
            rootfs.seen.insert(name.as_bytes().into(), Kind::Link);
        }
        Ok(rootfs)
    }

    /// Adds the files of a package and enters it in dpkg's database as unpacked.
    pub fn add(
        &mut self,
        package: &str,
        control: &Control,
        data: impl Read,
        cancel: &CancellationToken,
    ) -> Result<(), DebianError> {
        let result = if control.name == package {
            self.unpack(control, &mut tar::Archive::new(data), cancel)
        } else {
            Err(Refused::Broken(format!("it says it is `{}`", control.name)))
        };
        result.map_err(|refused| match refused {
            Refused::Broken(reason) => DebianError::BadPackage { package: package.to_owned(), reason },
            Refused::Unsafe { path, reason } => {
                DebianError::UnsafePath { package: package.to_owned(), path, reason }
            }
            Refused::LinkToLeftOut { path, target } => {
                DebianError::LinkToLeftOut { package: package.to_owned(), path, target }
            }
            Refused::NoRoom(reason) => DebianError::NoRoom { package: package.to_owned(), reason },
            Refused::Cancelled => DebianError::Cancelled,
        })
    }

    /// Writes dpkg's database and ends the stream. Returns what a person should know.
    pub fn finish(mut self) -> std::io::Result<(W, Vec<String>)> {
        for folder in ["alternatives", "info", "parts", "triggers", "updates"] {
            self.parents(&format!("var/lib/dpkg/{folder}/x"))?;
        }
        let status = std::mem::take(&mut self.status);
        self.text("var/lib/dpkg/status", 0o644, status.as_bytes())?;
        self.text("var/lib/dpkg/available", 0o644, b"")?;
        self.text("var/lib/dpkg/info/format", 0o644, b"1\n")?;
        if !self.left_out.is_empty() {
            let options = format!(
                "# Left out of the packages of this image when it was assembled, and by dpkg from then on.\n{}",
                self.left_out.dpkg_options()
            );
            self.text(DPKG_OPTIONS, 0o644, options.as_bytes())?;
        }
        Ok((self.tar.into_inner()?, self.notes))
    }

    fn unpack(
        &mut self,
        control: &Control,
        data: &mut tar::Archive<impl Read>,
        cancel: &CancellationToken,
    ) -> Result<(), Refused> {
        let mut list = String::from("/.\n").into_bytes();
        for entry in data.entries()? {
            if cancel.is_cancelled() {
                return Err(Refused::Cancelled);
            }
            let mut entry = entry?;
            let Some(path) = safe_path(&entry.path_bytes())? else { continue };
            let start = list.len();
            list.push(b'/');
            list.extend_from_slice(&path);
            let leads_on = matches!(entry.header().entry_type(), EntryType::Directory | EntryType::Symlink);
            let is_left_out = self.left_out.leave_out(&list[start..], leads_on);
            list.push(b'\n');
            // Listed all the same, as by dpkg: the list says what belongs to the package.
            if !is_left_out {
                self.entry(control, path, &mut entry)?;
            }
        }
        for (member, mode, content) in &control.members {
            self.text(&format!("var/lib/dpkg/info/{}.{member}", control.info_name), *mode, content)?;
        }
        self.text(&format!("var/lib/dpkg/info/{}.list", control.info_name), 0o644, &list)?;
        self.enter(control);
        Ok(())
    }

    /// Copies one entry of a package.
    fn entry(
        &mut self,
        control: &Control,
        path: Vec<u8>,
        entry: &mut tar::Entry<'_, impl Read>,
    ) -> Result<(), Refused> {
        let shown = |path: &[u8]| String::from_utf8_lossy(path).into_owned();
        let kind = match entry.header().entry_type() {
            EntryType::Directory => Kind::Directory,
            EntryType::Regular | EntryType::Continuous => Kind::File,
            EntryType::Symlink | EntryType::Link => Kind::Link,
            _ => {
                let reason = "only files, folders and links belong into a package";
                return Err(Refused::Unsafe { path: shown(&path), reason });
            }
        };
        let is_conffile =
            kind == Kind::File && control.conffiles.iter().any(|conffile| conffile.as_bytes()[1..] == *path);
        let mut path = merged(path, kind);
        if is_conffile {
            // Configuring moves it to its place, as after any unpacking.
            path.extend_from_slice(b".dpkg-new");
        }
        if let Some(known) = self.seen.get(path.as_slice()) {
            // Folders are shared; so are the links of the merged `/usr`, which base-files ships as well.
            let is_alias = MERGED.iter().any(|name| name.as_bytes() == path);
            if (*known, kind) != (Kind::Directory, Kind::Directory) && !is_alias {
                self.notes.push(format!(
                    "/{} is in {} and in another package: the other's is kept",
                    shown(&path),
                    control.name
                ));
            }
            return Ok(());
        }
        let name = String::from_utf8_lossy(&path).into_owned();
        let through = self.through(&path);
        if let Some(reason) = through {
            return Err(Refused::Unsafe { path: name, reason });
        }
        self.parents(&name)?;
        let mut header = self.header(entry.header().entry_type(), entry.header().mode()? & 0o7777);
        // Numbers, not names: Debian's packages use none but the fixed ids of base-passwd.
        header.set_uid(entry.header().uid()?);
        header.set_gid(entry.header().gid()?);
        header.set_mtime(entry.header().mtime()?.min(self.release_date));
        let at = Path::new(std::ffi::OsStr::from_bytes(&path));
        match entry.header().entry_type() {
            EntryType::Symlink => {
                let target = entry.link_name_bytes().unwrap_or_default().into_owned();
                let target = Path::new(std::ffi::OsStr::from_bytes(&target));
                self.tar.append_link(&mut header, at, target)?;
            }
            EntryType::Link => {
                let target = entry.link_name_bytes().unwrap_or_default().into_owned();
                let target = safe_path(&target)?;
                if let Some(target) = &target
                    && self.left_out.leave_out(&[b"/", target.as_slice()].concat(), false)
                {
                    return Err(Refused::LinkToLeftOut { path: name, target: shown(target) });
                }
                let target = target.map(|target| merged(target, Kind::File));
                let target = target.filter(|target| self.seen.get(target.as_slice()) == Some(&Kind::File));
                let Some(target) = target else {
                    let reason = "a hard link to a file that is not in the package before it";
                    return Err(Refused::Unsafe { path: name, reason });
                };
                self.tar.append_link(&mut header, at, Path::new(std::ffi::OsStr::from_bytes(&target)))?;
            }
            _ if kind == Kind::Directory => self.tar.append_data(&mut header, at, std::io::empty())?,
            _ => {
                header.set_size(entry.size());
                match master(&name) {
                    Some(account_file) if entry.size() <= LARGEST_MASTER => {
                        let mut content = Vec::new();
                        entry.read_to_end(&mut content)?;
                        self.tar.append_data(&mut header, at, content.as_slice())?;
                        self.text(account_file, 0o644, &content)?;
                    }
                    Some(_) | None => self.tar.append_data(&mut header, at, entry)?,
                }
            }
        }
        self.seen.insert(path.into(), kind);
        Ok(())
    }

    /// Adds the package's stanza to dpkg's status file.
    fn enter(&mut self, control: &Control) {
        for line in control.paragraph.lines() {
            self.status += line.trim_end();
            self.status.push('\n');
            if line.starts_with("Package:") {
                self.status += "Status: install ok unpacked\n";
            }
        }
        if !control.conffiles.is_empty() {
            self.status += "Conffiles:\n";
            for conffile in &control.conffiles {
                self.status += &format!(" {conffile} newconffile\n");
            }
        }
        self.status.push('\n');
    }

    /// Why a path cannot be written: something before it is no folder.
    fn through(&self, path: &[u8]) -> Option<&'static str> {
        let slashes = path.iter().enumerate().filter(|(_, byte)| **byte == b'/');
        slashes.map(|(slash, _)| &path[..slash]).find_map(|parent| match self.seen.get(parent)? {
            Kind::Directory => None,
            Kind::File => Some("a path below a file"),
            Kind::Link => Some("a path through a link"),
        })
    }

    fn parents(&mut self, path: &str) -> std::io::Result<()> {
        for (slash, _) in path.match_indices('/') {
            if !self.seen.contains_key(&path.as_bytes()[..slash]) {
                self.directory(&path[..slash])?;
            }
        }
        Ok(())
    }

    fn directory(&mut self, path: &str) -> std::io::Result<()> {
        let mut header = self.header(EntryType::Directory, 0o755);
        self.tar.append_data(&mut header, path, std::io::empty())?;
        self.seen.insert(path.as_bytes().into(), Kind::Directory);
        Ok(())
    }

    fn text(&mut self, path: &str, mode: u32, content: &[u8]) -> std::io::Result<()> {
        self.parents(path)?;
        let mut header = self.header(EntryType::Regular, mode);
        header.set_size(content.len() as u64);
        self.tar.append_data(&mut header, path, content)
    }

    /// A header that belongs to root, with a date that is the same on every day.
    fn header(&self, kind: EntryType, mode: u32) -> Header {
        let mut header = Header::new_gnu();
        header.set_entry_type(kind);
        header.set_mode(mode);
        header.set_uid(0);
        header.set_gid(0);
        header.set_size(0);
        header.set_mtime(self.release_date);
        header
    }
}

/// The file that base-passwd makes of one of its own when it is configured. It is written at once: Podman puts a file of
/// its own over an `/etc/passwd` that does not know the container's user, and then root has no name.
fn master(path: &str) -> Option<&'static str> {
    match path {
        "usr/share/base-passwd/passwd.master" => Some("etc/passwd"),
        "usr/share/base-passwd/group.master" => Some("etc/group"),
        _ => None,
    }
}

/// A path without `./` before and `/` behind; `None` for the root itself. What would leave the root is refused.
fn safe_path(raw: &[u8]) -> Result<Option<Vec<u8>>, Refused> {
    let refuse = |reason| Refused::Unsafe { path: String::from_utf8_lossy(raw).into_owned(), reason };
    if raw.starts_with(b"/") {
        return Err(refuse("an absolute path"));
    }
    if raw.contains(&0) || raw.contains(&b'\n') {
        return Err(refuse("a path with a control character"));
    }
    let mut path = Vec::with_capacity(raw.len());
    for part in raw.split(|byte| *byte == b'/') {
        match part {
            b"" | b"." => {}
            b".." => return Err(refuse("a path that leaves the root")),
            part => {
                if !path.is_empty() {
                    path.push(b'/');
                }
                path.extend_from_slice(part);
            }
        }
    }
    Ok(if path.is_empty() { None } else { Some(path) })
}

/// Where a path lies once `/usr` is merged: `lib/x` is `usr/lib/x`. The links themselves stay.
fn merged(path: Vec<u8>, kind: Kind) -> Vec<u8> {
    let first = path.split(|byte| *byte == b'/').next().unwrap_or_default();
    let is_alias = MERGED.iter().any(|name| name.as_bytes() == first);
    if is_alias && (first.len() < path.len() || kind == Kind::Directory) {
        [b"usr/", path.as_slice()].concat()
    } else {
        path
    }
}

#[cfg(test)]
#[path = "rootfs_tests.rs"]
mod tests;
