//! A source tree as a value: every path with what it holds.

use std::collections::BTreeMap;

use super::digest::{Digest, Digester};

/// What a path of a tree holds. Folders exist through what lies in them.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Node {
    File { sha256: Digest, size: u64, executable: bool },
    Symlink { target: String },
}

/// A source tree: relative paths (`/` between parts, never `..`) and their nodes.
#[derive(Clone, Debug, Default, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(transparent)]
pub struct Tree {
    pub nodes: BTreeMap<String, Node>,
}

impl Tree {
    /// Digest of all paths, modes and contents; times and owners do not count.
    pub fn digest(&self) -> Digest {
        let mut digester = Digester::new();
        for (path, node) in &self.nodes {
            digester.update(&(path.len() as u64).to_le_bytes());
            digester.update(path.as_bytes());
            match node {
                Node::File { sha256, executable, .. } => {
                    digester.update(if *executable { b"x" } else { b"f" });
                    digester.update(sha256.as_bytes());
                }
                Node::Symlink { target } => {
                    digester.update(b"l");
                    digester.update(&(target.len() as u64).to_le_bytes());
                    digester.update(target.as_bytes());
                }
            }
        }
        digester.finish()
    }

    /// The part of it that lies at or below one of these paths.
    pub fn part(&self, paths: &[String]) -> Tree {
        let is_part = |node: &str| {
            paths.iter().any(|path| {
                node.strip_prefix(path.as_str()).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
            })
        };
        let nodes = self.nodes.iter().filter(|(path, _)| is_part(path));
        Tree { nodes: nodes.map(|(path, node)| (path.clone(), node.clone())).collect() }
    }

    /// Sum of the sizes of its files in bytes.
    pub fn size(&self) -> u64 {
        self.nodes
            .values()
            .map(|node| match node {
                Node::File { size, .. } => *size,
                Node::Symlink { .. } => 0,
            })
            .sum()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_part_is_whole_names_and_what_lies_below_them() {
        let node = Node::Symlink { target: "x".to_owned() };
        let paths = ["src/a", "src/ab", "src/a/b", "srcs/c", "d"];
        let tree = Tree { nodes: paths.map(|path| (path.to_owned(), node.clone())).into() };
        let part = |paths: &[&str]| -> Vec<String> {
            let paths: Vec<String> = paths.iter().map(|path| (*path).to_owned()).collect();
            tree.part(&paths).nodes.into_keys().collect()
        };
        assert_eq!(part(&["src/a"]), ["src/a", "src/a/b"]);
        assert_eq!(part(&["src", "d"]), ["d", "src/a", "src/a/b", "src/ab"]);
        assert!(part(&["sr", ""]).is_empty());
    }
}
