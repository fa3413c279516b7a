//! Whole runs against a mirror made up on the spot.

use std::sync::Mutex;

use super::testing::{Archive, Item, TestKey};
use super::*;

const FUTURE: &str = "Fri, 01 Jan 2100 00:00:00 UTC";
const PAST: &str = "Fri, 06 Nov 2020 08:08:01 UTC";

/// A folder, a key and what to ask for.
struct Case {
    folder: tempfile::TempDir,
    keyring: Keyring,
    check_valid_until: bool,
    suites: Vec<String>,
    packages: Vec<String>,
    left_out: PathFilters,
    steps: Arc<Mutex<Vec<(Step, u64, u64)>>>,
}

impl Case {
    fn new(key: &TestKey) -> Self {
        // Reqwest wants a provider even for plain http; another test may have installed it.
        let _ = rustls::crypto::ring::default_provider().install_default();
        Self {
            folder: tempfile::tempdir().unwrap(),
            keyring: Keyring::from_bytes(&key.public()).unwrap(),
            check_valid_until: true,
            suites: vec!["sid".to_owned()],
            packages: vec!["tool".to_owned()],
            left_out: PathFilters::default(),
            steps: Arc::default(),
        }
    }

    async fn run(&self, archive: &Archive) -> Result<Made, DebianError> {
        self.run_against(&archive.serve().await, &CancellationToken::new()).await
    }

    async fn run_against(
        &self,
        server: &wiremock::MockServer,
        cancel: &CancellationToken,
    ) -> Result<Made, DebianError> {
        let mirror = format!("{}/debian", server.uri());
        let cache = self.folder.path().join("cache");
        let place = Place { mirror: &mirror, cache: &cache };
        let request = DebianRequest {
            place,
            suites: &self.suites,
            components: &["main".to_owned()],
            architecture: "amd64",
            packages: &self.packages,
            check_valid_until: self.check_valid_until,
            keyring: &self.keyring,
        };
        let steps = Arc::clone(&self.steps);
        let progress: Progress =
            Arc::new(move |step, done, total| steps.lock().unwrap().push((step, done, total)));
        let client = reqwest::Client::new();
        let resolved = resolve(&request, &client, &progress, cancel).await?;
        let (rootfs, _) =
            assemble(&resolved.set, &self.left_out, place, &client, Vec::new(), &progress, cancel).await?;
        Ok(Made { resolved, rootfs })
    }
}

struct Made {
    resolved: Resolved,
    rootfs: Vec<u8>,
}

/// What a run that must fail failed with.
#[track_caller]
fn failure(made: Result<Made, DebianError>) -> DebianError {
    made.err().expect("nothing is assembled from this")
}

#[tokio::test]
async fn a_signed_mirror_becomes_a_root_file_system() {
    let key = TestKey::new();
    let archive = Archive::sample(&key, FUTURE);
    let case = Case::new(&key);
    let Made { resolved, rootfs } = case.run(&archive).await.unwrap();
    let packages = resolved.set.packages.iter();
    let packages: Vec<_> =
        packages.map(|package| (&*package.name, &*package.version, &*package.suite)).collect();
    assert_eq!(packages, [("base", "1-1", "sid"), ("tool", "1-1", "sid")]);
    assert_eq!(resolved.signed_by, [key.fingerprint()]);
    assert_eq!(resolved.set.date, 1_793_347_681);
    assert_eq!(resolved.warnings, [""; 0]);
    assert_eq!(rootfs.len() % 512, 0);
    let last = *case.steps.lock().unwrap().iter().rfind(|(step, ..)| *step == Step::Unpack).unwrap();
    assert!(matches!(last, (Step::Unpack, done, total) if done == total && total > 0), "{last:?}");
}

#[tokio::test]
async fn the_same_packages_give_the_same_bytes_in_whatever_order_they_arrive() {
    let key = TestKey::new();
    let mut archive = Archive::default();
    // More than may be decompressed ahead, in the last as in the first.
    let large = vec![7; 70 << 20];
    archive.package("aa", "Essential: yes\n", &[Item::Program("./usr/lib/aa", &large)]);
    archive.package("mm", "", &[Item::File("./usr/share/mm", "m"), Item::Symlink("./usr/lib/mm", "aa")]);
    archive.package("zz", "Depends: mm\n", &[Item::Program("./usr/lib/zz", &large)]);
    archive.publish(&key, FUTURE);
    let mut rootfs = Vec::new();
    for late in ["aa", "mm", "zz"] {
        let mut case = Case::new(&key);
        case.packages = vec!["zz".to_owned()];
        let server = wiremock::MockServer::start().await;
        for (path, content) in &archive.files {
            let delay = if path.contains(&format!("pool/{late}")) { 300 } else { 0 };
            let answer = wiremock::ResponseTemplate::new(200)
                .set_body_bytes(content.clone())
                .set_delay(Duration::from_millis(delay));
            let matcher = wiremock::matchers::path(format!("/debian/{path}"));
            wiremock::Mock::given(matcher).respond_with(answer).mount(&server).await;
        }
        let made = case.run_against(&server, &CancellationToken::new()).await.unwrap();
        rootfs.push((crate::model::Digest::of(&made.rootfs), made.resolved.set.digest()));
    }
    assert!(rootfs.iter().all(|other| *other == rootfs[0]), "{rootfs:?}");
}

#[tokio::test]
async fn a_package_that_changed_is_another_set_even_in_the_same_version() {
    let key = TestKey::new();
    let mut digests = Vec::new();
    for content in ["a", "b", "a"] {
        let mut archive = Archive::default();
        archive.package("base", "Essential: yes\n", &[Item::File("./etc/base", content)]);
        archive.publish(&key, FUTURE);
        let mut case = Case::new(&key);
        case.packages = vec![];
        digests.push(case.run(&archive).await.unwrap().resolved.set.digest());
    }
    assert_eq!((digests[0] == digests[1], digests[0] == digests[2]), (false, true));
}

#[tokio::test]
async fn what_a_mirror_has_no_more_of_a_locked_set_is_named_with_what_is_there() {
    let key = TestKey::new();
    let mut then = Archive::default();
    then.package("base", "Essential: yes\n", &[Item::File("./etc/base", "b")]);
    then.package("kept", "", &[Item::File("./etc/kept", "k")]);
    then.package("left", "", &[Item::File("./etc/left", "l")]);
    then.package("tool", "", &[Item::File("./etc/tool", "t")]);
    then.publish(&key, FUTURE);
    let mut case = Case::new(&key);
    case.packages = ["kept", "left", "tool"].map(str::to_owned).into();
    let set = case.run(&then).await.unwrap().resolved.set;

    let mut now = Archive::default();
    now.package("base", "Essential: yes\n", &[Item::File("./etc/base", "b")]);
    now.version("kept", "2-1", "", &[Item::File("./etc/kept", "k")]);
    now.version("tool", "2-1", "", &[Item::File("./etc/tool", "t")]);
    now.publish(&key, FUTURE);
    // Files stay a while after the index names their successors.
    let old = "pool/kept_1-1_amd64.deb".to_owned();
    now.files.insert(old.clone(), then.files[&old].clone());
    let server = now.serve().await;
    let mirror = format!("{}/debian", server.uri());
    let check = async |cache: &Path| {
        let request = DebianRequest {
            place: Place { mirror: &mirror, cache },
            suites: &case.suites,
            components: &["main".to_owned()],
            architecture: "amd64",
            packages: &case.packages,
            check_valid_until: true,
            keyring: &case.keyring,
        };
        let silent: Progress = Arc::new(|_, _, _| {});
        check_locked(&set, &request, &reqwest::Client::new(), &silent, &CancellationToken::new()).await
    };
    let empty = tempfile::tempdir().unwrap();
    let error = check(empty.path()).await.unwrap_err();
    assert_eq!(
        error.to_string().replace(&mirror, "MIRROR"),
        "2 packages that the lock file names are gone from MIRROR:\n  left 1-1: no suite has it\n  tool 1-1: sid has 2-1"
    );
    // What was downloaded before is as good as there.
    let cache = case.folder.path().join("cache");
    assert!(is_downloaded(&set, &cache) && !is_downloaded(&set, empty.path()));
    check(&cache).await.unwrap();
}

#[tokio::test]
async fn downloads_are_found_again_and_damaged_ones_replaced() {
    let key = TestKey::new();
    let archive = Archive::sample(&key, FUTURE);
    let case = Case::new(&key);
    let server = archive.serve().await;
    case.run_against(&server, &CancellationToken::new()).await.unwrap();
    let before = server.received_requests().await.unwrap().len();
    for entry in std::fs::read_dir(case.folder.path().join("cache")).unwrap() {
        let path = entry.unwrap().path();
        let bytes = std::fs::read(&path).unwrap();
        if bytes == archive.files["pool/tool_1-1_amd64.deb"] {
            std::fs::write(&path, vec![0; bytes.len()]).unwrap();
        }
    }
    case.run_against(&server, &CancellationToken::new()).await.unwrap();
    let again: Vec<String> = server.received_requests().await.unwrap()[before..]
        .iter()
        .map(|request| request.url.path().to_owned())
        .collect();
    assert_eq!(again, ["/debian/dists/sid/InRelease", "/debian/pool/tool_1-1_amd64.deb"]);
}

#[tokio::test]
async fn an_index_that_is_not_the_signed_one_is_refused() {
    let key = TestKey::new();
    let mut archive = Archive::sample(&key, FUTURE);
    let index = archive.files.get_mut("dists/sid/main/binary-amd64/Packages.xz").unwrap();
    *index.last_mut().unwrap() ^= 1;
    let error = fast_failure(&archive, &key).await;
    assert!(matches!(error, DebianError::WrongDigest { .. }), "{error}");
}

#[tokio::test]
async fn a_package_that_is_not_the_indexed_one_is_tried_again_and_refused() {
    let key = TestKey::new();
    let mut archive = Archive::sample(&key, FUTURE);
    archive.files.get_mut("pool/tool_1-1_amd64.deb").unwrap()[70] ^= 1;
    let error = fast_failure(&archive, &key).await;
    let DebianError::WrongDigest { url, .. } = &error else { panic!("{error}") };
    assert!(url.ends_with("/pool/tool_1-1_amd64.deb"));
}

/// Fetches every signed or indexed file with short pauses; returns the error, after asserting that it was retried.
async fn fast_failure(archive: &Archive, key: &TestKey) -> DebianError {
    let case = Case::new(key);
    let server = archive.serve().await;
    let client = reqwest::Client::new();
    let cancel = CancellationToken::new();
    let cache = case.folder.path().join("cache");
    let mut fetcher = Fetcher::new(&client, &cache, &cancel);
    fetcher.pauses =
        fetcher.pauses.with_min_delay(std::time::Duration::ZERO).with_max_delay(std::time::Duration::ZERO);
    let good = Archive::sample(key, FUTURE);
    let wanted: Vec<Wanted> = good
        .files
        .iter()
        .filter(|(path, _)| !path.ends_with("InRelease"))
        .map(|(path, content)| Wanted {
            urls: vec![format!("{}/debian/{path}", server.uri())],
            size: content.len() as u64,
            digest: crate::model::Digest::of(content),
        })
        .collect();
    let error = fetcher.files(&wanted, &|_, _| {}).await.unwrap_err();
    let DebianError::WrongDigest { url, .. } = &error else { return error };
    let requests = server.received_requests().await.unwrap();
    assert_eq!(requests.iter().filter(|request| url.ends_with(request.url.path())).count(), 5);
    error
}

#[tokio::test]
async fn a_release_past_its_time_is_refused_unless_the_toolchain_says_otherwise() {
    let key = TestKey::new();
    let archive = Archive::sample(&key, PAST);
    let mut case = Case::new(&key);
    let error = failure(case.run(&archive).await);
    assert!(matches!(error, DebianError::Expired { .. }), "{error}");
    case.check_valid_until = false;
    let made = case.run(&archive).await.unwrap();
    assert!(made.resolved.warnings[0].contains(PAST), "{:?}", made.resolved.warnings);
}

#[tokio::test]
async fn a_mirror_cannot_serve_another_suite_or_sign_it_itself() {
    let key = TestKey::new();
    let mut archive = Archive::sample(&key, FUTURE);
    let mut case = Case::new(&key);
    let sid = archive.files["dists/sid/InRelease"].clone();
    archive.files.insert("dists/trixie/InRelease".to_owned(), sid);
    case.suites = vec!["trixie".to_owned()];
    let error = failure(case.run(&archive).await);
    assert!(matches!(&error, DebianError::WrongSuite { codename, .. } if codename == "sid"), "{error}");

    let error = failure(Case::new(&TestKey::new()).run(&archive).await);
    assert!(matches!(error, DebianError::NotSigned { .. }), "{error}");
}

#[tokio::test]
async fn a_hostile_package_is_refused() {
    let key = TestKey::new();
    let mut archive = Archive::sample(&key, FUTURE);
    archive.package("evil", "", &[Item::File("../../../etc/cron.d/evil", "x")]);
    archive.publish(&key, FUTURE);
    let mut case = Case::new(&key);
    case.packages = vec!["evil".to_owned()];
    let error = failure(case.run(&archive).await);
    assert!(matches!(&error, DebianError::UnsafePath { package, .. } if package == "evil"), "{error}");
}

#[tokio::test]
async fn a_cancelled_run_stops() {
    let key = TestKey::new();
    let cancel = CancellationToken::new();
    cancel.cancel();
    let server = Archive::sample(&key, FUTURE).serve().await;
    let error = failure(Case::new(&key).run_against(&server, &cancel).await);
    assert!(matches!(error, DebianError::Cancelled), "{error}");
}
