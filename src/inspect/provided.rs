//! Which package brings which library, as dpkg's database says.

use std::collections::BTreeMap;

use crate::toolchain::loader::SYSTEM_FOLDERS;

/// A relation longer than this is none.
const LONGEST_RELATION: usize = 1000;

/// What packages say of the libraries in them, and which files are theirs.
#[derive(Clone, Debug, Default)]
pub(super) struct Provided {
    /// By `.shlibs` files: library → relation.
    stated: BTreeMap<String, String>,
    /// By `.list` files: library → package, where the loader finds it.
    owned: BTreeMap<String, String>,
}

impl Provided {
    /// Reads a `.shlibs` file: lines of `library version relation…` (Debian's policy, 8.6.4.2).
    pub fn shlibs(&mut self, text: &str) {
        for line in text.lines() {
            let mut words = line.split_whitespace();
            let (Some(library), Some(version)) = (words.next(), words.next()) else { continue };
            // `udeb: …` is for the installer.
            if library.ends_with(':') || library.starts_with('#') {
                continue;
            }
            let relation = words.collect::<Vec<_>>().join(" ");
            if relation.is_empty() || relation.len() > LONGEST_RELATION || !is_printable(&relation) {
                continue;
            }
            for soname in [format!("{library}.so.{version}"), format!("{library}-{version}.so")] {
                self.stated.insert(soname, relation.clone());
            }
        }
    }

    /// Notes a file of a package.
    pub fn file(&mut self, package: &str, path: &str) {
        let Some((folder, name)) = path.rsplit_once('/') else { return };
        let is_searched = SYSTEM_FOLDERS.contains(&folder)
            || folder.starts_with("/opt/") && (folder.ends_with("/lib") || folder.ends_with("/lib64"));
        if is_searched && name.contains(".so") && is_printable(name) {
            self.owned.entry(name.to_owned()).or_insert_with(|| package.to_owned());
        }
    }

    /// Library → relation: what packages state, else at least the version of the owner that was linked against.
    pub fn relations(self, versions: &BTreeMap<String, String>) -> BTreeMap<String, String> {
        let owned = self.owned.into_iter().filter_map(|(library, package)| {
            let version = versions.get(&package)?;
            let upstream = version.rsplit_once('-').map_or(version.as_str(), |(upstream, _)| upstream);
            Some((library, format!("{package} (>= {upstream})")))
        });
        let mut relations: BTreeMap<_, _> = owned.collect();
        relations.extend(self.stated);
        relations
    }
}

/// The package of a file in dpkg's folder: `libc6:amd64.list` → `libc6`.
pub(super) fn package_of(name: &str) -> &str {
    let stem = name.rsplit_once('.').map_or(name, |(stem, _)| stem);
    stem.split(':').next().unwrap_or(stem)
}

fn is_printable(text: &str) -> bool {
    text.chars().all(|c| c.is_ascii_graphic() || c == ' ')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_package_states_comes_before_who_owns_the_file() {
        let mut provided = Provided::default();
        provided.shlibs(
            "libamdhip64 6 libamdhip64-6 (>= 6.4.3)\nudeb: libamdhip64 6 no-udeb\nlibdb 5.3 libdb5.3\n",
        );
        provided.shlibs("broken\nlibevil 1 a\u{1b}b\nlibnsl 1 libc6 (>> 2.41), libc6 (<< 2.42)\n");
        for (package, path) in [
            ("libamdhip64-6", "/usr/lib/x86_64-linux-gnu/libamdhip64.so.6"),
            ("rocblas", "/opt/rocm-6.2.4/lib/librocblas.so.4"),
            ("plugin", "/usr/lib/x86_64-linux-gnu/plugins/libplugin.so.1"),
            ("unknown", "/usr/lib/libunknown.so.1"),
        ] {
            provided.file(package, path);
        }
        let versions = [("libamdhip64-6", "6.4.3-7"), ("rocblas", "4.2.4.60204-139~22.04"), ("plugin", "1")];
        let versions = versions.map(|(name, version)| (name.to_owned(), version.to_owned())).into();
        let relations = provided.relations(&versions);
        let of = |library: &str| relations.get(library).map(String::as_str);
        assert_eq!(of("libamdhip64.so.6"), Some("libamdhip64-6 (>= 6.4.3)"));
        assert_eq!(of("libdb-5.3.so"), Some("libdb5.3"));
        assert_eq!(of("librocblas.so.4"), Some("rocblas (>= 4.2.4.60204)"));
        assert_eq!(of("libplugin.so.1"), None);
        assert_eq!(of("libunknown.so.1"), None);
        assert_eq!(of("libnsl.so.1"), Some("libc6 (>> 2.41), libc6 (<< 2.42)"));
        assert_eq!(of("libevil.so.1"), None);
    }

    #[test]
    fn a_list_names_its_package() {
        assert_eq!(package_of("libc6:amd64.list"), "libc6");
        assert_eq!(package_of("libstdc++6.shlibs"), "libstdc++6");
    }
}
