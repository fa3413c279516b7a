//! Where sources come from, as a recipe or a person says it, and as it is once pinned.

use super::digest::{CommitId, Digest};
use super::path::HostPath;

/// A source as a recipe or `--source` names it.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "kebab-case", tag = "kind")]
pub enum SourceSpec {
    /// A git repository at a tag or branch; `commit` pins it, else the lock file does after the first fetch.
    Git { url: String, reference: Option<String>, commit: Option<CommitId>, subdir: Option<String> },
    /// An archive; every URL is a mirror of the same bytes.
    Tarball { urls: Vec<String>, sha256: Digest },
    /// A folder inside the recipe's own folder.
    Bundled { folder: String, digest: Digest },
    /// A folder of this machine, used as it lies.
    Folder { path: HostPath },
}

/// A source whose content is known for sure. This enters keys; it holds no path of this machine.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "kebab-case", tag = "kind")]
pub enum PinnedSource {
    Git {
        url: String,
        reference: Option<String>,
        commit: CommitId,
        subdir: Option<String>,
    },
    Tarball {
        urls: Vec<String>,
        sha256: Digest,
    },
    Bundled {
        folder: String,
        digest: Digest,
    },
    /// A folder of the user's machine, known by the digest of its tree; `commit` and `dirty` are for the manifest's reader.
    Folder {
        tree: Digest,
        commit: Option<CommitId>,
        dirty: bool,
    },
}

impl PinnedSource {
    /// The text that identifies the content: commit and subfolder, or digest. URLs stay out: a mirror serves the same.
    pub fn identity(&self) -> String {
        match self {
            PinnedSource::Git { commit, subdir, .. } => match subdir {
                Some(subdir) => format!("git:{commit}:{subdir}"),
                None => format!("git:{commit}"),
            },
            PinnedSource::Tarball { sha256, .. } => format!("sha256:{sha256}"),
            PinnedSource::Bundled { digest, .. } => format!("bundled:{digest}"),
            PinnedSource::Folder { tree, .. } => format!("tree:{tree}"),
        }
    }
}
