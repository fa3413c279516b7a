//! Device nodes that stand for a card: the kernel's own harmless ones (`/dev/null`) under other names, which only root can make.

use std::path::{Path, PathBuf};

use rustix::fs::{CWD, FileType, Mode, chownat, makedev, mknodat};
use rustix::process::{Gid, Uid, geteuid};

use crate::support::skip;

/// A group that no system has.
pub const GROUP: u32 = 48_211;
/// Another.
pub const RENDER_GROUP: u32 = 48_212;

/// The nodes, which are removed again.
pub struct MadeUpCard {
    pub kfd: PathBuf,
    pub render: PathBuf,
    made: Vec<PathBuf>,
}

impl MadeUpCard {
    /// No card.
    pub fn nothing() -> Self {
        Self { kfd: PathBuf::new(), render: PathBuf::new(), made: vec![] }
    }

    /// Nodes in this folder; nothing, with a reason, where they cannot be made.
    pub fn below(folder: &Path) -> Option<Self> {
        if !geteuid().is_root() {
            return skip("only root can make device nodes");
        }
        let mut card = Self { kfd: folder.join("kfd"), render: folder.join("dri/renderD128"), made: vec![] };
        std::fs::create_dir_all(folder.join("dri")).expect("a folder");
        for (node, group) in [(card.kfd.clone(), GROUP), (card.render.clone(), RENDER_GROUP)] {
            if node.exists() {
                return skip(&format!("{} is there already", node.display()));
            }
            let mode = Mode::from_raw_mode(0o660);
            if let Err(error) = mknodat(CWD, &node, FileType::CharacterDevice, mode, makedev(1, 3)) {
                return skip(&format!("no device node can be made: {error}"));
            }
            card.made.push(node.clone());
            let owner = (Some(Uid::ROOT), Some(Gid::from_raw(group)));
            chownat(CWD, &node, owner.0, owner.1, rustix::fs::AtFlags::empty()).expect("root gives files away");
            // The mode above was narrowed by the umask.
            std::fs::set_permissions(&node, std::os::unix::fs::PermissionsExt::from_mode(0o660)).expect("root may");
        }
        Some(card)
    }
}

impl Drop for MadeUpCard {
    fn drop(&mut self) {
        for node in &self.made {
            let _gone_already = std::fs::remove_file(node);
        }
    }
}
