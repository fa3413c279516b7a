//! A Debian root file system from a signed mirror, with no tool of Debian on the host.
//!
//! [`bootstrap`] checks the suite's signature, chooses packages, downloads them and lays them out as a tar stream,
//! unpacked but not configured. Importing the tar as an image and running [`configure_script`] in it is left to
//! whoever has a container engine.

mod closure;
mod deb;
mod error;
mod fetch;
mod mirror;
mod packages;
mod relation;
mod release;
mod rootfs;
mod signature;
#[cfg(test)]
mod testing;
#[cfg(test)]
mod tests;

use std::collections::BTreeMap;
use std::io::{BufReader, Read as _, Write as _};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use tokio_util::sync::CancellationToken;

pub use error::DebianError;
pub use mirror::find_mirror;
pub use signature::Keyring;

use fetch::{Fetcher, Wanted};
use packages::{Field, PackageId, Packages};
use release::{Accepted, Release};
use rootfs::Rootfs;

/// InRelease files are some 200 KB.
const LARGEST_RELEASE: usize = 16 << 20;

/// Unpacked indices are some 60 MB.
const LARGEST_INDEX: u64 = 1 << 30;

/// What to assemble, and from where.
#[derive(Clone, Debug)]
pub struct DebianRequest<'a> {
    /// The folder with `dists` and `pool`; see [`find_mirror`].
    pub mirror: &'a str,
    /// A suite's name or codename: `trixie`, `sid`, `stable`.
    pub suite: &'a str,
    pub components: &'a [String],
    /// Debian's name of it: `amd64`.
    pub architecture: &'a str,
    /// Packages beyond the minimal base.
    pub packages: &'a [String],
    /// Off only for frozen mirrors; signatures are checked always.
    pub check_valid_until: bool,
    pub keyring: &'a Keyring,
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
    /// Name → version.
    pub packages: BTreeMap<String, String>,
    /// Bytes of all package files.
    pub download_size: u64,
    /// Bytes they say they take when installed.
    pub installed_size: u64,
    /// Seconds since 1970; no file of the root file system is younger.
    pub release_date: u64,
    /// Fingerprints of the keys that signed the suite.
    pub signed_by: Vec<String>,
    /// What a person should know.
    pub warnings: Vec<String>,
}

/// A root file system that was assembled.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Bootstrapped {
    /// Name → version.
    pub packages: BTreeMap<String, String>,
    /// Seconds since 1970; no file of the root file system is younger.
    pub release_date: u64,
    /// Fingerprints of the keys that signed the suite.
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

/// Chooses the packages of a request; downloads the suite's indices only.
pub async fn resolve_only(
    request: &DebianRequest<'_>,
    client: &reqwest::Client,
    progress: &Progress,
    cancel: &CancellationToken,
) -> Result<Resolved, DebianError> {
    let fetcher = Fetcher::new(client, request.cache, cancel);
    Ok(resolve(request, &fetcher, progress).await?.0)
}

/// Assembles the root file system of a request as an uncompressed tar at `rootfs`.
///
/// The same packages give the same bytes. On failure nothing is left at `rootfs`; what was downloaded stays in the
/// cache.
pub async fn bootstrap(
    request: &DebianRequest<'_>,
    client: &reqwest::Client,
    rootfs: &Path,
    progress: &Progress,
    cancel: &CancellationToken,
) -> Result<Bootstrapped, DebianError> {
    let fetcher = Fetcher::new(client, request.cache, cancel);
    let (resolved, chosen) = resolve(request, &fetcher, progress).await?;
    let wanted: Vec<Wanted> = chosen.iter().map(|package| package.file.clone()).collect();
    let files = fetcher.files(&wanted, &|done, total| progress(Step::Download, done, total)).await?;
    let debs =
        chosen.into_iter().zip(files).map(|(package, path)| Deb { name: package.name, path }).collect();
    let job = Layout {
        debs,
        total: resolved.download_size,
        rootfs: rootfs.to_owned(),
        release_date: resolved.release_date,
        progress: Arc::clone(progress),
        cancel: cancel.clone(),
    };
    let notes = blocking(move || job.run()).await?;
    let mut warnings = resolved.warnings;
    warnings.extend(notes);
    Ok(Bootstrapped {
        packages: resolved.packages,
        release_date: resolved.release_date,
        signed_by: resolved.signed_by,
        warnings,
    })
}

/// A package that was chosen, without the index it stood in.
struct Chosen {
    name: String,
    version: String,
    installed_size: u64,
    file: Wanted,
}

async fn resolve(
    request: &DebianRequest<'_>,
    fetcher: &Fetcher<'_>,
    progress: &Progress,
) -> Result<(Resolved, Vec<Chosen>), DebianError> {
    let mirror = request.mirror.trim_end_matches('/');
    let dist = format!("{mirror}/dists/{}", request.suite);
    let url = format!("{dist}/InRelease");
    let in_release = fetcher.text(&url, LARGEST_RELEASE).await?;
    let now = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs());
    let Accepted { release, signed_by, warnings } =
        release::accept(&in_release, &url, request.suite, request.keyring, request.check_valid_until, now)?;

    let indices = request
        .components
        .iter()
        .map(|component| Index::of(component, request, &release, &dist))
        .collect::<Result<Vec<_>, _>>()?;
    let wanted: Vec<Wanted> = indices.iter().map(|index| index.file.clone()).collect();
    let files = fetcher.files(&wanted, &|done, total| progress(Step::Index, done, total)).await?;

    let suite = request.suite.to_owned();
    let architecture = request.architecture.to_owned();
    let asked = request.packages.to_vec();
    let pool = mirror.to_owned();
    let chosen = blocking(move || {
        let mut packages = Packages::default();
        for (index, path) in indices.iter().zip(&files) {
            index.read(path, &architecture, &mut packages)?;
        }
        packages.sort();
        let ids = closure::resolve(&packages, &suite, &asked)?;
        Ok(ids.into_iter().map(|id| Chosen::new(&packages, id, &pool)).collect::<Vec<_>>())
    })
    .await?;

    let resolved = Resolved {
        packages: chosen.iter().map(|package| (package.name.clone(), package.version.clone())).collect(),
        download_size: chosen.iter().map(|package| package.file.size).sum(),
        installed_size: chosen.iter().map(|package| package.installed_size).sum(),
        release_date: release.date,
        signed_by,
        warnings,
    };
    Ok((resolved, chosen))
}

impl Chosen {
    fn new(packages: &Packages, id: PackageId, pool: &str) -> Self {
        let url = format!("{pool}/{}", packages.field(id, Field::Filename));
        Self {
            name: packages.name(id).to_owned(),
            version: packages.field(id, Field::Version).to_owned(),
            installed_size: packages.installed_size(id),
            file: Wanted { urls: vec![url], size: packages.size(id), digest: packages.digest(id) },
        }
    }
}

/// The package index of one component.
#[derive(Debug)]
struct Index {
    file: Wanted,
    extension: &'static str,
    unpacked_size: u64,
}

impl Index {
    /// Finds the index in the Release file, in the best compression there is.
    fn of(
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
                suite: request.suite.to_owned(),
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
        Ok(Self { file: Wanted { urls, size: index.size, digest: index.digest }, extension, unpacked_size })
    }

    fn read(&self, path: &Path, architecture: &str, packages: &mut Packages) -> Result<(), DebianError> {
        let unreadable = |reason| DebianError::Index { url: self.file.urls[0].clone(), reason };
        let file = std::fs::File::open(path).map_err(|error| DebianError::io("open", path, &error))?;
        let stream = deb::decompress(BufReader::new(file), self.extension).map_err(unreadable)?;
        let stream = BufReader::with_capacity(256 << 10, stream.take(self.unpacked_size));
        packages.read(stream, architecture).map_err(unreadable)
    }
}

struct Deb {
    name: String,
    path: PathBuf,
}

/// Laying out all packages: long and blocking.
struct Layout {
    debs: Vec<Deb>,
    total: u64,
    rootfs: PathBuf,
    release_date: u64,
    progress: Progress,
    cancel: CancellationToken,
}

impl Layout {
    fn run(self) -> Result<Vec<String>, DebianError> {
        let failed = |error: &std::io::Error| DebianError::io("write", &self.rootfs, error);
        let folder = self.rootfs.parent().unwrap_or(Path::new("."));
        // A draft beside the place it is for: what has the name is whole.
        let draft = tempfile::Builder::new().prefix(".rootfs-").tempfile_in(folder);
        let mut draft = draft.map_err(|error| failed(&error))?;
        let writer = std::io::BufWriter::with_capacity(1 << 20, draft.as_file_mut());
        let mut rootfs = Rootfs::new(writer, self.release_date).map_err(|error| failed(&error))?;
        let mut done = 0;
        for deb in &self.debs {
            let open = std::fs::File::open(&deb.path);
            let file = open.map_err(|error| DebianError::io("open", &deb.path, &error))?;
            done += file.metadata().map_or(0, |metadata| metadata.len());
            rootfs.add(&deb.name, file, &self.cancel)?;
            (self.progress)(Step::Unpack, done, self.total);
        }
        let (mut writer, notes) = rootfs.finish().map_err(|error| failed(&error))?;
        writer.flush().map_err(|error| failed(&error))?;
        drop(writer);
        draft.persist(&self.rootfs).map_err(|error| failed(&error.error))?;
        Ok(notes)
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
