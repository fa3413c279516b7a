//! A container as a root, through the engine's archives. It is never started.
//!
//! An archive of a whole system takes its size; so the package database says where things lie, and only those are asked for.
//! Folders that packages do not own are read whole, and so is a system without such a database.

use std::collections::{BTreeMap, BTreeSet};
use std::io::{self, Read};

use futures_util::stream::{self, StreamExt as _, TryStreamExt as _};

use super::error::InspectError;
use super::found;
use super::gathered::{Facts, Gathered, plain, read_stream};
use super::interest::{Interest, LINKS, PACKAGE_LISTS, PACKAGES, PLACES, ROOTS, UNOWNED, interest};
use super::provided::{Provided, package_of};
use crate::engine::{ContainerId, Engine};
use crate::model::{GuestPath, Inventory};

const LARGEST_STATUS: u64 = 64 << 20;
/// Of one package; the largest of Debian's lists has 5 MiB.
const LARGEST_LIST: u64 = 32 << 20;
/// What is sent of a larger library takes longer than it is worth.
const LARGEST_ELF: u64 = 256 << 20;
/// A chain of symlinks is asked for link by link.
const ROUNDS: usize = 8;

/// Looks into a container with the environment of its image. Several containers of one image are asked at the same time:
/// an engine answers for each of them one question after the other.
pub async fn container(
    engine: &dyn Engine,
    containers: &[ContainerId],
    environment: &BTreeMap<String, String>,
) -> Result<Inventory, InspectError> {
    let mut look = Look { engine, containers, gathered: Gathered::default(), asked: BTreeSet::new() };
    look.gathered.packages = look.packages().await?;
    let (listed, provided) = match look.listed().await? {
        Some((listed, provided)) => (Some(listed), provided),
        None => (None, Provided::default()),
    };
    look.gathered.provided = provided;
    let mut wanted: BTreeSet<String> = PLACES.into_iter().chain(LINKS).map(str::to_owned).collect();
    match listed {
        Some(listed) => {
            let is_owned = |folder: &str| listed.iter().any(|path| path.starts_with(&format!("{folder}/")));
            // What the environment points to may lie anywhere; the system's own folders are the packages'.
            let named = found::named_folders(environment).into_iter();
            let named = named.filter(|path| !path.starts_with("/usr/") || path.starts_with("/usr/local/"));
            let unowned = UNOWNED.into_iter().map(str::to_owned).chain(named).filter(|path| !is_owned(path));
            wanted.extend(unowned);
            for path in listed {
                match interest(&path) {
                    Some(Interest::Name) | None => {
                        look.gathered.name(&path);
                    }
                    // A set of device libraries is one folder, and small.
                    Some(Interest::Bitcode) => {
                        wanted.extend(path.rsplit_once('/').map(|(folder, _)| folder.to_owned()));
                    }
                    Some(Interest::Text | Interest::Elf { .. }) => {
                        wanted.insert(path);
                    }
                }
            }
        }
        None => {
            wanted.extend(ROOTS.map(str::to_owned));
            wanted.extend(found::named_folders(environment).into_iter().filter(|path| !is_below_roots(path)));
        }
    }
    for _ in 0..ROUNDS {
        look.ask(&wanted).await?;
        wanted = look.ends_of_links();
        if wanted.is_empty() {
            break;
        }
    }
    Ok(found::inventory(look.gathered, environment))
}

struct Look<'a> {
    engine: &'a dyn Engine,
    containers: &'a [ContainerId],
    gathered: Gathered,
    asked: BTreeSet<String>,
}

/// What an archive held of what matters.
enum Member {
    Link { path: String, target: String },
    File { path: String, facts: io::Result<Option<Facts>> },
}

impl Look<'_> {
    async fn packages(&self) -> Result<Option<String>, InspectError> {
        let text = self
            .archive(0, PACKAGES, |archive| {
                let Some(entry) = archive.entries()?.next() else { return Ok(None) };
                let mut bytes = Vec::new();
                entry?.take(LARGEST_STATUS).read_to_end(&mut bytes)?;
                Ok(Some(String::from_utf8_lossy(&bytes).into_owned()))
            })
            .await?;
        Ok(text.flatten())
    }

    /// The paths that packages own and that matter, and the libraries that they bring; nothing without a package database.
    async fn listed(&self) -> Result<Option<(BTreeSet<String>, Provided)>, InspectError> {
        self.archive(0, PACKAGE_LISTS, |archive| {
            let (mut listed, mut provided) = (BTreeSet::new(), Provided::default());
            for entry in archive.entries()? {
                let entry = entry?;
                let path = String::from_utf8_lossy(&entry.path_bytes()).into_owned();
                let name = path.rsplit('/').next().unwrap_or_default();
                if !name.ends_with(".list") && !name.ends_with(".shlibs") {
                    continue;
                }
                let mut bytes = Vec::new();
                entry.take(LARGEST_LIST).read_to_end(&mut bytes)?;
                let text = String::from_utf8_lossy(&bytes);
                if name.ends_with(".shlibs") {
                    provided.shlibs(&text);
                    continue;
                }
                let package = package_of(name);
                text.lines().for_each(|path| provided.file(package, path));
                listed.extend(text.lines().filter(|path| interest(path).is_some()).filter_map(plain));
            }
            Ok((listed, provided))
        })
        .await
    }

    /// Asks for paths that were not asked for, several at a time.
    async fn ask(&mut self, wanted: &BTreeSet<String>) -> Result<(), InspectError> {
        let fresh: Vec<String> =
            wanted.iter().filter(|path| self.asked.insert((*path).clone())).cloned().collect();
        let look = &*self;
        let answers: Vec<Vec<Member>> = stream::iter(fresh.into_iter().enumerate())
            .map(|(number, path)| async move { look.members(number, path).await })
            .buffered(self.containers.len())
            .try_collect()
            .await?;
        for member in answers.into_iter().flatten() {
            match member {
                Member::Link { path, target } => self.gathered.link(&path, &target),
                Member::File { path, facts } => self.gathered.facts(&path, facts),
            }
        }
        Ok(())
    }

    async fn members(&self, number: usize, path: String) -> Result<Vec<Member>, InspectError> {
        let above = path.rsplit_once('/').map_or("", |(above, _)| above).to_owned();
        let asked = path.clone();
        // A folder that is a link would be read as one; what is behind it is asked for by its own name.
        let members = self
            .archive(number, &path, move |archive| {
                let mut members = Vec::new();
                for entry in archive.entries()? {
                    let mut entry = entry?;
                    let name = String::from_utf8_lossy(&entry.path_bytes()).into_owned();
                    let Some(path) = plain(&format!("{above}/{name}")) else { continue };
                    let kind = entry.header().entry_type();
                    if kind.is_symlink() {
                        let target = entry.link_name_bytes().unwrap_or_default();
                        let target = String::from_utf8_lossy(&target).into_owned();
                        members.push(Member::Link { path, target });
                    } else if kind.is_file() && interest(&path).is_some() {
                        let size = entry.size();
                        let facts = match size > LARGEST_ELF {
                            // rocBLAS may have a GiB of kernels in it; its name says what it is.
                            true => Ok(Some(Facts::Large(size))),
                            false => read_stream(&path, size, &mut entry),
                        };
                        let is_all = path == asked;
                        members.push(Member::File { path, facts });
                        if is_all {
                            // The rest of a file that was not read would come all the same.
                            break;
                        }
                    }
                }
                Ok(members)
            })
            .await?;
        Ok(members.unwrap_or_default())
    }

    /// What links lead to and was not looked at yet.
    fn ends_of_links(&self) -> BTreeSet<String> {
        let ends = self.gathered.links.keys().filter_map(|link| self.gathered.real(link));
        ends.filter(|path| interest(path).is_some() && !self.gathered.names.contains(path)).collect()
    }

    /// Reads the archive of a path; nothing when the path is not there.
    async fn archive<T: Send + 'static>(
        &self,
        number: usize,
        path: &str,
        read: impl FnOnce(&mut tar::Archive<&mut dyn Read>) -> io::Result<T> + Send + 'static,
    ) -> Result<Option<T>, InspectError> {
        let container = &self.containers[number % self.containers.len()];
        let Some(stream) = self.engine.download(container, &GuestPath::new(path)).await? else {
            return Ok(None);
        };
        crate::engine::read_stream(stream, |input| read(&mut tar::Archive::new(input)))
            .await
            .map(Some)
            .map_err(|error| InspectError::Stream { what: path.to_owned(), reason: error.to_string() })
    }
}

fn is_below_roots(path: &str) -> bool {
    ROOTS.iter().any(|root| path.starts_with(root))
}
