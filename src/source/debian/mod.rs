//! A Debian root file system from a signed mirror, with no tool of Debian on the host.
//!
//! [`resolve`] checks the suites' signatures and chooses packages; [`assemble`] downloads them and lays them out as a tar
//! stream, unpacked but not configured. Importing the tar as an image and running [`configure_script`] in it is left to
//! whoever has a container engine.

mod candidates;
mod closure;
mod deb;
mod error;
mod fetch;
mod mirror;
mod packages;
mod queue;
mod relation;
mod release;
mod rootfs;
mod signature;
#[cfg(test)]
mod testing;
#[cfg(test)]
mod tests;

use std::collections::BTreeSet;
use std::io::{BufReader, Read as _, Write};
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use tokio_util::sync::CancellationToken;

pub use error::DebianError;
pub use mirror::find_mirror;
pub use signature::Keyring;

use crate::model::{DebianPackage, PackageSet, PathFilters};
use fetch::{Fetcher, Wanted};
use packages::Packages;
use queue::Queue;
use release::{Accepted, Rank, Release};
use rootfs::Rootfs;

/// InRelease files are some 200 KB.
const LARGEST_RELEASE: usize = 16 << 20;

/// Unpacked indices are some 60 MB.
const LARGEST_INDEX: u64 = 1 << 30;

/// Threads that decompress: the engine takes what they give on one.
const MOST_THREADS: usize = 8;

/// What to assemble, and from where.
#[derive(Clone, Debug)]
pub struct DebianRequest<'a> {
    pub place: Place<'a>,
    /// Names or codenames of suites: `trixie`, `sid`. Of those that ask for it (`experimental`), only what the others
    /// lack is taken, and what is asked for as `package/suite`.
    pub suites: &'a [String],
    pub components: &'a [String],
    /// Debian's name of it: `amd64`.
    pub architecture: &'a str,
    /// Packages beyond the minimal base.
    pub packages: &'a [String],
    /// Off only for frozen mirrors; signatures are checked always.
    pub check_valid_until: bool,
    pub keyring: &'a Keyring,
}

/// Where files are and where they go.
#[derive(Clone, Copy, Debug)]
pub struct Place<'a> {
    /// The folder with `dists` and `pool`; see [`find_mirror`].
    pub mirror: &'a str,
    /// Where downloads are kept and found again.
    pub cache: &'a Path,
}

/// What is being counted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Step {
    /// Bytes of the package indices.
    Index,
    /// Bytes of packages.
    Download,
    /// Bytes of packages laid out.
    Unpack,
}

/// Is told how far a step is: step, done, total. Called from any thread.
pub type Progress = Arc<dyn Fn(Step, u64, u64) + Send + Sync>;

/// What a request comes down to, before anything large is downloaded.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Resolved {
    pub set: PackageSet,
    /// Bytes the packages say they take when installed.
    pub installed_size: u64,
    /// Fingerprints of the keys that signed the suites.
    pub signed_by: Vec<String>,
    /// What a person should know.
    pub warnings: Vec<String>,
}

/// The script that turns an imported tar into a working system: `sh -c` it as root, without a network.
///
/// Exits non-zero, with the packages' names on stderr, if anything is left unconfigured. Adds the user `builder`, 1000.
pub fn configure_script() -> String {
    include_str!("configure.sh").to_owned()
}

/// The client that mirrors are asked with: the system's proxies and certificates, patient but not for ever.
pub fn client() -> Result<reqwest::Client, DebianError> {
    reqwest::Client::builder()
        .user_agent(concat!("rdna-build/", env!("CARGO_PKG_VERSION")))
        .connect_timeout(Duration::from_secs(30))
        .read_timeout(Duration::from_secs(60))
        .build()
        .map_err(|error| DebianError::Client { reason: error.to_string() })
}

/// Chooses the packages of a request; downloads the suites' indices only.
pub async fn resolve(
    request: &DebianRequest<'_>,
    client: &reqwest::Client,
    progress: &Progress,
    cancel: &CancellationToken,
) -> Result<Resolved, DebianError> {
    let fetcher = Fetcher::new(client, request.place.cache, cancel);
    let Indices { packages, date, signed_by, warnings } = indices(request, &fetcher, progress).await?;
    let suites = request.suites.to_vec();
    let asked = request.packages.to_vec();
    let (set, installed_size) = blocking(move || {
        let mut packages = packages;
        let asked = candidates::choose(&mut packages, &suites, &asked)?;
        let ids = closure::resolve(&packages, &suites.join(", "), &asked)?;
        let installed = ids.iter().map(|id| packages.installed_size(*id)).sum();
        let packages = ids.into_iter().map(|id| packages.package(id, &suites)).collect();
        Ok((PackageSet { date, packages }, installed))
    })
    .await?;
    Ok(Resolved { set, installed_size, signed_by, warnings })
}

/// Whether all packages of a set are in the cache, by their sizes; their digests are compared when they are used.
pub fn is_downloaded(set: &PackageSet, cache: &Path) -> bool {
    set.packages.iter().all(|package| is_here(package, cache))
}

/// Makes sure that all packages of a locked set can still be had: from the cache, as the signed indices have them, or
/// because the mirror keeps their files a while longer. What is gone is named, with what is there instead.
pub async fn check_locked(
    set: &PackageSet,
    request: &DebianRequest<'_>,
    client: &reqwest::Client,
    progress: &Progress,
    cancel: &CancellationToken,
) -> Result<Vec<String>, DebianError> {
    let fetcher = Fetcher::new(client, request.place.cache, cancel);
    let Indices { packages, warnings, .. } = indices(request, &fetcher, progress).await?;
    let mirror = request.place.mirror.trim_end_matches('/');
    let mut gone = Vec::new();
    for package in set.packages.iter().filter(|package| !is_here(package, request.place.cache)) {
        let versions = packages.versions(&package.name, request.suites);
        if versions.iter().any(|there| there.sha256 == package.sha256) {
            continue;
        }
        let file = wanted(mirror, package);
        match fetcher.files(std::slice::from_ref(&file), &|_, _| {}).await {
            Ok(_) => {}
            Err(
                DebianError::Download { .. }
                | DebianError::WrongSize { .. }
                | DebianError::WrongDigest { .. },
            ) => {
                let there: Vec<String> =
                    versions.iter().map(|there| format!("{} has {}", there.suite, there.version)).collect();
                let instead = if there.is_empty() { "no suite has it".to_owned() } else { there.join(", ") };
                gone.push(format!("  {} {}: {instead}", package.name, package.version));
            }
            Err(other) => return Err(other),
        }
    }
    if gone.is_empty() {
        Ok(warnings)
    } else {
        Err(DebianError::Gone { mirror: mirror.to_owned(), packages: gone })
    }
}

fn is_here(package: &DebianPackage, cache: &Path) -> bool {
    let file = cache.join(package.sha256.to_string());
    file.metadata().is_ok_and(|metadata| metadata.len() == package.size)
}

fn wanted(mirror: &str, package: &DebianPackage) -> Wanted {
    Wanted { urls: vec![format!("{mirror}/{}", package.file)], size: package.size, digest: package.sha256 }
}

/// Writes the root file system of a package set to `output`, as an uncompressed tar without what is `left_out`. Returns `output`, with nothing left
/// to flush, and what a person should know.
///
/// The same set gives the same bytes. What was downloaded stays in the cache. Packages are decompressed while others
/// are still on their way; each is compared with its digest before. After a failure `output` has an unfinished archive.
pub async fn assemble<W: Write + Send + 'static>(
    set: &PackageSet,
    left_out: &PathFilters,
    place: Place<'_>,
    client: &reqwest::Client,
    output: W,
    progress: &Progress,
    cancel: &CancellationToken,
) -> Result<(W, Vec<String>), DebianError> {
    let mirror = place.mirror.trim_end_matches('/');
    let wanted: Vec<Wanted> = set.packages.iter().map(|package| wanted(mirror, package)).collect();
    let stop = cancel.child_token();
    let fetcher = Fetcher::new(client, place.cache, &stop);
    let queue = Arc::new(Queue::new(wanted.len()));
    // Where this future is dropped, the threads that wait for it must end.
    let _guard = StopOnDrop(Arc::clone(&queue));
    let layout = Layout {
        queue: Arc::clone(&queue),
        packages: set.packages.iter().map(|package| (package.name.clone(), package.size)).collect(),
        date: set.date,
        left_out: left_out.clone(),
        progress: Arc::clone(progress),
        cancel: stop.clone(),
    };
    let download = async {
        let progress = |done, total| progress(Step::Download, done, total);
        let fetched = fetcher.each(&wanted, &progress, &|index, path| queue.arrived(index, path)).await;
        if fetched.is_err() {
            queue.stop();
        }
        fetched
    };
    let lay_out = async {
        let laid_out = blocking(move || layout.run(output)).await;
        if laid_out.is_err() {
            stop.cancel();
        }
        laid_out
    };
    match tokio::join!(download, lay_out) {
        // Each stops the other: the first reason counts.
        (Err(DebianError::Cancelled), Err(reason)) | (Err(reason), _) => Err(reason),
        (Ok(()), laid_out) => laid_out,
    }
}

struct StopOnDrop(Arc<Queue>);

impl Drop for StopOnDrop {
    fn drop(&mut self) {
        self.0.stop();
    }
}

/// The packages of all suites, and who vouches for them.
struct Indices {
    packages: Packages,
    /// Of the youngest suite.
    date: u64,
    signed_by: Vec<String>,
    warnings: Vec<String>,
}

async fn indices(
    request: &DebianRequest<'_>,
    fetcher: &Fetcher<'_>,
    progress: &Progress,
) -> Result<Indices, DebianError> {
    let mirror = request.place.mirror.trim_end_matches('/');
    let now = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs());
    let (mut date, mut signers, mut notes) = (0, BTreeSet::new(), Vec::new());
    let mut indices = Vec::new();
    for (suite, name) in request.suites.iter().enumerate() {
        let dist = format!("{mirror}/dists/{name}");
        let url = format!("{dist}/InRelease");
        let in_release = fetcher.text(&url, LARGEST_RELEASE).await?;
        let Accepted { release, signed_by, warnings } =
            release::accept(&in_release, &url, name, request.keyring, request.check_valid_until, now)?;
        for component in request.components {
            indices.push(Index::of(suite, component, request, &release, &dist)?);
        }
        date = date.max(release.date);
        signers.extend(signed_by);
        notes.extend(warnings);
    }
    let wanted: Vec<Wanted> = indices.iter().map(|index| index.file.clone()).collect();
    let files = fetcher.files(&wanted, &|done, total| progress(Step::Index, done, total)).await?;
    let architecture = request.architecture.to_owned();
    let packages = blocking(move || {
        let mut packages = Packages::default();
        for (index, path) in indices.iter().zip(&files) {
            index.read(path, &architecture, &mut packages)?;
        }
        packages.sort();
        Ok(packages)
    })
    .await?;
    Ok(Indices { packages, date, signed_by: signers.into_iter().collect(), warnings: notes })
}

/// The package index of one component.
#[derive(Debug)]
struct Index {
    /// The suite's position.
    suite: usize,
    rank: Rank,
    file: Wanted,
    extension: &'static str,
    unpacked_size: u64,
}

impl Index {
    /// Finds the index in the Release file, in the best compression there is.
    fn of(
        suite: usize,
        component: &str,
        request: &DebianRequest<'_>,
        release: &Release,
        dist: &str,
    ) -> Result<Self, DebianError> {
        let folder = format!("{component}/binary-{}", request.architecture);
        let find = |extension: &str| release.indices.get(&format!("{folder}/Packages{extension}"));
        let best = [".xz", ".gz", ""].into_iter().find_map(|extension| Some((extension, find(extension)?)));
        let Some((extension, index)) = best else {
            return Err(DebianError::NoComponent {
                suite: request.suites[suite].clone(),
                component: component.to_owned(),
                architecture: request.architecture.to_owned(),
                known: release.components.clone(),
            });
        };
        let mut urls = Vec::new();
        if release.by_hash {
            urls.push(format!("{dist}/{folder}/by-hash/SHA256/{}", index.digest));
        }
        urls.push(format!("{dist}/{folder}/Packages{extension}"));
        let unpacked_size = find("").map_or(LARGEST_INDEX, |plain| plain.size.min(LARGEST_INDEX));
        let file = Wanted { urls, size: index.size, digest: index.digest };
        Ok(Self { suite, rank: release.rank(), file, extension, unpacked_size })
    }

    fn read(&self, path: &Path, architecture: &str, packages: &mut Packages) -> Result<(), DebianError> {
        let unreadable = |reason| DebianError::Index { url: self.file.urls[0].clone(), reason };
        let file = std::fs::File::open(path).map_err(|error| DebianError::io("open", path, &error))?;
        let stream = deb::decompress(BufReader::new(file), self.extension).map_err(unreadable)?;
        let stream = BufReader::with_capacity(256 << 10, stream.take(self.unpacked_size));
        packages.read(stream, architecture, (self.suite, self.rank)).map_err(unreadable)
    }
}

/// Laying out all packages: long and blocking.
struct Layout {
    queue: Arc<Queue>,
    /// Name and size of each.
    packages: Vec<(String, u64)>,
    date: u64,
    left_out: PathFilters,
    progress: Progress,
    cancel: CancellationToken,
}

impl Layout {
    fn run<W: Write>(self, output: W) -> Result<(W, Vec<String>), DebianError> {
        let threads = std::thread::available_parallelism().map_or(2, usize::from).min(MOST_THREADS);
        std::thread::scope(|scope| {
            for _ in 0..threads {
                scope.spawn(|| self.queue.work());
            }
            let laid_out = self.lay_out(output);
            self.queue.stop();
            laid_out
        })
    }

    fn lay_out<W: Write>(&self, output: W) -> Result<(W, Vec<String>), DebianError> {
        let failed = |error: &std::io::Error| DebianError::Output { reason: error.to_string() };
        let mut rootfs =
            Rootfs::new(output, self.date, self.left_out.clone()).map_err(|error| failed(&error))?;
        let total = self.packages.iter().map(|(_, size)| size).sum();
        let mut done = 0;
        for (index, (name, size)) in self.packages.iter().enumerate() {
            let Some(package) = self.queue.take(index) else { return Err(DebianError::Cancelled) };
            let (control, data) =
                package.map_err(|reason| DebianError::BadPackage { package: name.clone(), reason })?;
            rootfs.add(name, &control, data, &self.cancel)?;
            done += size;
            (self.progress)(Step::Unpack, done, total);
        }
        let (mut output, notes) = rootfs.finish().map_err(|error| failed(&error))?;
        output.flush().map_err(|error| failed(&error))?;
        Ok((output, notes))
    }
}

async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, DebianError> + Send + 'static,
) -> Result<T, DebianError> {
    match tokio::task::spawn_blocking(work).await {
        Ok(result) => result,
        // The runtime is shutting down, or the work panicked: the panic goes on where the work was asked for.
        Err(error) => match error.try_into_panic() {
            Ok(panic) => std::panic::resume_unwind(panic),
            Err(_) => Err(DebianError::Cancelled),
        },
    }
}
