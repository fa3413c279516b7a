//! The build folder that survives between runs: brings the container's source tree in line with the prepared one.
//!
//! Only what differs is sent. A changed file gets the present time and all others keep theirs, so that Ninja rebuilds
//! what a changed patch touches and nothing else. What the volume holds is written down in it, last of all: a sync that
//! was cut off leaves no such note, and the next one starts from an empty folder.

use std::collections::BTreeSet;
use std::fs::File;
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};
use std::time::{SystemTime, UNIX_EPOCH};

use tokio::sync::mpsc;
use tokio_util::bytes::Bytes;

use crate::engine::bytes_stream::ByteStream;
use crate::model::{Digest, Digester, HostPath, Node, Tree};

use super::BuildError;
use crate::engine::read_stream;

/// Where the note about the volume lies, relative to `/work`.
pub const NOTE: &str = ".rdna/workspace.json";
/// Largest note read back; the note of a 100,000-file tree is far below it.
const NOTE_LIMIT: u64 = 64 << 20;

/// A source tree on the host: a base folder with patched files laid over it.
#[derive(Clone, Debug)]
pub struct SourceTree {
    pub tree: Tree,
    pub base: HostPath,
    pub overlay: HostPath,
    /// Paths that are read from `overlay`.
    pub overlaid: BTreeSet<String>,
}

/// What a volume holds.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Note {
    /// Digest of everything but the sources that the build folder depends on.
    pub configuration: Digest,
    pub tree: Tree,
}

/// What must be done to a volume before a build.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sync {
    /// Start from nothing: the volume holds nothing usable.
    pub wipe: bool,
    /// Sources stay, objects go: the configuration is another.
    pub wipe_build: bool,
    /// Paths to remove, relative to the source folder.
    pub remove: Vec<String>,
    /// Paths to send.
    pub send: Vec<String>,
}

/// Decides what to do to a volume that holds `note` so that it holds `wanted`.
pub fn plan_sync(note: Option<&Note>, wanted: &Note) -> Sync {
    let Some(note) = note else {
        return Sync {
            wipe: true,
            wipe_build: true,
            remove: vec![],
            send: wanted.tree.nodes.keys().cloned().collect(),
        };
    };
    let differs = |path: &String, node: &Node| wanted.tree.nodes.get(path) != Some(node);
    Sync {
        wipe: false,
        wipe_build: note.configuration != wanted.configuration,
        // A changed path is removed too: a file may have become a folder.
        remove: note
            .tree
            .nodes
            .iter()
            .filter(|(path, node)| differs(path, node))
            .map(|(path, _)| path.clone())
            .collect(),
        send: wanted
            .tree
            .nodes
            .iter()
            .filter(|(path, node)| note.tree.nodes.get(*path) != Some(*node))
            .map(|(path, _)| path.clone())
            .collect(),
    }
}

impl Sync {
    pub fn is_nothing(&self) -> bool {
        !self.wipe && !self.wipe_build && self.remove.is_empty() && self.send.is_empty()
    }

    /// Whether the build folder, if CMake has finished with it, needs no configuring again: the same configuration and
    /// the same paths. Ninja itself runs CMake when one of its files changed, but a CMake that lists files by a pattern
    /// learns of a new one only when it is run.
    pub fn keeps_configuration(&self) -> bool {
        !self.wipe && !self.wipe_build && self.remove == self.send
    }
}

/// Reads a note from the engine's stream; damaged ones count as none.
pub async fn read_note(stream: ByteStream) -> Option<Note> {
    read_stream(stream, |reader| {
        let mut archive = tar::Archive::new(reader);
        let mut text = Vec::new();
        if let Some(entry) = archive.entries()?.next() {
            entry?.take(NOTE_LIMIT).read_to_end(&mut text)?;
        }
        Ok(serde_json::from_slice(&text).ok())
    })
    .await
    .ok()
    .flatten()
}

/// The archive that makes the folders of a work volume, owned by the build's user, with the list of paths to remove.
pub fn folders_archive(remove: &[String]) -> Vec<u8> {
    let mut builder = tar::Builder::new(Vec::new());
    let written = "an archive in memory cannot fail";
    for folder in ["ccache/", "work/", "work/src/", "work/build/", "work/home/", "work/.rdna/"] {
        let mut header = header(tar::EntryType::Directory, 0o755, 0, 0);
        builder.append_data(&mut header, folder, io::empty()).expect(written);
    }
    let list: String = remove.iter().flat_map(|path| [path.as_str(), "\0"]).collect();
    let mut header = header(tar::EntryType::Regular, 0o644, list.len() as u64, 0);
    builder.append_data(&mut header, "work/.rdna/remove", list.as_bytes()).expect(written);
    builder.into_inner().expect(written)
}

/// Streams an archive, rooted at `/work`, of the paths to send and of the note, which comes last.
///
/// The receiver's end of the stream carries any error; every file is digested again on its way out.
pub fn send(source: SourceTree, note: Note, sync: &Sync) -> ByteStream {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).map_or(1, |elapsed| elapsed.as_secs());
    // Files of a first upload are older than anything the build makes of them.
    let time = if sync.wipe { 1 } else { now };
    let paths = sync.send.clone();
    archive_stream(move |writer| {
        let mut builder = tar::Builder::new(writer);
        append_sources(&mut builder, &source, &paths, time)?;
        let text = serde_json::to_vec(&note).map_err(io::Error::other)?;
        let mut header = header(tar::EntryType::Regular, 0o644, text.len() as u64, time);
        builder.append_data(&mut header, NOTE, text.as_slice())?;
        builder.into_inner()?.flush()
    })
}

/// Appends these paths of a source tree below `src/`.
pub(super) fn append_sources(
    builder: &mut tar::Builder<&mut dyn Write>,
    source: &SourceTree,
    paths: &[String],
    time: u64,
) -> io::Result<()> {
    // Folders that no archive names are made as root, who alone could then remove anything from them.
    append_folders(builder, "src", paths, time)?;
    paths.iter().try_for_each(|path| append(builder, source, path, time).map_err(io::Error::other))
}

/// Appends the folders that the paths lie in, below `root`.
pub(super) fn append_folders(
    builder: &mut tar::Builder<&mut dyn Write>,
    root: &str,
    paths: &[String],
    time: u64,
) -> io::Result<()> {
    let mut folders = folders_of(paths).into_iter();
    folders.try_for_each(|folder| append_folder(builder, &format!("{root}/{}/", folder.display()), time))
}

pub(super) fn append_folder(
    builder: &mut tar::Builder<&mut dyn Write>,
    folder: &str,
    time: u64,
) -> io::Result<()> {
    builder.append_data(&mut header(tar::EntryType::Directory, 0o755, 0, time), folder, io::empty())
}

/// The folders that the paths lie in, each once and after the one it lies in.
fn folders_of(paths: &[String]) -> BTreeSet<&Path> {
    let parents = paths.iter().flat_map(|path| Path::new(path).ancestors().skip(1));
    parents.filter(|folder| !folder.as_os_str().is_empty()).collect()
}

/// Runs `write` on a thread of its own and streams what it writes.
pub fn archive_stream(write: impl FnOnce(&mut dyn Write) -> io::Result<()> + Send + 'static) -> ByteStream {
    let (sender, receiver) = mpsc::channel::<io::Result<Bytes>>(8);
    tokio::task::spawn_blocking(move || {
        let mut writer = io::BufWriter::with_capacity(256 << 10, ChannelWriter(sender.clone()));
        if let Err(error) = write(&mut writer).and_then(|()| writer.flush()) {
            // The receiver is gone when the upload failed first; then that error is the one to show.
            let _ = sender.blocking_send(Err(error));
        }
    });
    Box::pin(futures_util::stream::unfold(receiver, |mut receiver| async move {
        receiver.recv().await.map(|chunk| (chunk, receiver))
    }))
}

struct ChannelWriter(mpsc::Sender<io::Result<Bytes>>);

impl Write for ChannelWriter {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let gone = |_| io::Error::new(io::ErrorKind::BrokenPipe, "the receiver stopped");
        self.0.blocking_send(Ok(Bytes::copy_from_slice(bytes))).map_err(gone)?;
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl SourceTree {
    /// Where a path of the tree lies on this machine.
    pub fn path(&self, path: &str) -> PathBuf {
        let root = if self.overlaid.contains(path) { &self.overlay } else { &self.base };
        root.as_path().join(path)
    }
}

fn append(
    builder: &mut tar::Builder<&mut dyn Write>,
    source: &SourceTree,
    path: &str,
    time: u64,
) -> Result<(), BuildError> {
    let name = format!("src/{path}");
    let sent = |error: io::Error| BuildError::Write { path: name.clone(), reason: error.to_string() };
    match source.tree.nodes.get(path).expect("only paths of the tree are sent") {
        Node::Symlink { target } => {
            let mut header = header(tar::EntryType::Symlink, 0o777, 0, time);
            builder.append_link(&mut header, &name, target).map_err(sent)
        }
        Node::File { sha256, size, executable } => {
            let on_disk = source.path(path);
            let unreadable = |error: io::Error| BuildError::Read {
                path: on_disk.display().to_string(),
                reason: error.to_string(),
            };
            let file = File::open(&on_disk).map_err(unreadable)?;
            let changed = || BuildError::SourceChanged { path: path.to_owned() };
            if file.metadata().map_err(unreadable)?.len() != *size {
                return Err(changed());
            }
            let mut reader = DigestingReader { inner: file.take(*size), digester: Digester::new() };
            let mode = if *executable { 0o755 } else { 0o644 };
            let mut header = header(tar::EntryType::Regular, mode, *size, time);
            builder.append_data(&mut header, &name, &mut reader).map_err(sent)?;
            if reader.digester.finish() == *sha256 { Ok(()) } else { Err(changed()) }
        }
    }
}

struct DigestingReader<R> {
    inner: R,
    digester: Digester,
}

impl<R: Read> Read for DigestingReader<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let read = self.inner.read(buffer)?;
        self.digester.update(&buffer[..read]);
        Ok(read)
    }
}

pub(super) fn header(kind: tar::EntryType, mode: u32, size: u64, time: u64) -> tar::Header {
    let mut header = tar::Header::new_gnu();
    header.set_entry_type(kind);
    header.set_mode(mode);
    header.set_uid(1000);
    header.set_gid(1000);
    header.set_size(size);
    header.set_mtime(time);
    header
}

#[cfg(test)]
mod tests {
    use super::*;

    fn note(files: &[(&str, &str)], configuration: &str) -> Note {
        let nodes = files
            .iter()
            .map(|(path, content)| {
                let node =
                    Node::File { sha256: Digest::of(content), size: content.len() as u64, executable: false };
                ((*path).to_owned(), node)
            })
            .collect();
        Note { configuration: Digest::of(configuration), tree: Tree { nodes } }
    }

    #[test]
    fn only_what_differs_is_sent() {
        let old = note(&[("a", "1"), ("b", "2"), ("gone", "3")], "c");
        let new = note(&[("a", "1"), ("b", "changed"), ("new", "4")], "c");
        assert_eq!(
            plan_sync(Some(&old), &new),
            Sync {
                wipe: false,
                wipe_build: false,
                remove: vec!["b".into(), "gone".into()],
                send: vec!["b".into(), "new".into()]
            }
        );
        assert!(plan_sync(Some(&new), &new).is_nothing());
    }

    #[test]
    fn only_changed_contents_leave_the_configuration_as_it_was() {
        let old = note(&[("a", "1"), ("b", "2")], "c");
        let keeps = |files: &[(&str, &str)], configuration| {
            plan_sync(Some(&old), &note(files, configuration)).keeps_configuration()
        };
        assert!(keeps(&[("a", "1"), ("b", "2")], "c"));
        assert!(keeps(&[("a", "1"), ("b", "changed")], "c"));
        assert!(!keeps(&[("a", "1"), ("b", "2"), ("new", "3")], "c"));
        assert!(!keeps(&[("a", "1")], "c"));
        assert!(!keeps(&[("a", "1"), ("b", "2")], "other"));
        assert!(!plan_sync(None, &old).keeps_configuration());
    }

    #[test]
    fn a_volume_without_a_note_starts_from_nothing_and_another_configuration_keeps_the_sources() {
        let wanted = note(&[("a", "1")], "c");
        assert!(plan_sync(None, &wanted).wipe);
        let sync = plan_sync(Some(&note(&[("a", "1")], "other")), &wanted);
        assert!(sync.wipe_build && !sync.wipe && sync.send.is_empty());
    }

    #[test]
    fn every_folder_on_the_way_to_a_file_is_named_once_and_in_order() {
        let paths = ["a", "b/c/d", "b/e", "f/g"].map(str::to_owned);
        assert_eq!(folders_of(&paths).into_iter().collect::<Vec<_>>(), ["b", "b/c", "f"].map(Path::new));
    }

    #[tokio::test]
    async fn what_is_sent_carries_the_overlay_and_ends_with_the_note() {
        let folder = tempfile::tempdir().expect("a folder");
        for (path, content) in [("base/a", "1"), ("base/b", "old"), ("over/b", "2")] {
            let path = folder.path().join(path);
            std::fs::create_dir_all(path.parent().expect("has one")).expect("made");
            std::fs::write(path, content).expect("written");
        }
        let note = note(&[("a", "1"), ("b", "2")], "c");
        let source = SourceTree {
            tree: note.tree.clone(),
            base: HostPath::new(folder.path().join("base")),
            overlay: HostPath::new(folder.path().join("over")),
            overlaid: ["b".to_owned()].into(),
        };
        let sync = plan_sync(None, &note);
        let members = read_stream(send(source.clone(), note.clone(), &sync), |reader| {
            let mut members = vec![];
            for entry in tar::Archive::new(reader).entries()? {
                let mut entry = entry?;
                let mut content = String::new();
                entry.read_to_string(&mut content)?;
                members.push((entry.path()?.to_string_lossy().into_owned(), content));
            }
            Ok(members)
        })
        .await
        .expect("an archive");
        assert_eq!(members[0], ("src/a".to_owned(), "1".to_owned()));
        assert_eq!(members[1], ("src/b".to_owned(), "2".to_owned()));
        assert_eq!(members[2].0, NOTE);

        std::fs::write(folder.path().join("over/b"), "3").expect("written");
        let error = read_stream(send(source, note, &sync), |reader| io::copy(reader, &mut io::sink()))
            .await
            .expect_err("b is another file now");
        assert!(error.to_string().contains("`b` changed while it was being read"), "{error}");
    }
}
