//! Images: found, pulled, imported, built, committed, removed.

use std::collections::{BTreeMap, HashMap, VecDeque};

use bollard::errors::Error;
use bollard::models::{ContainerConfig, CreateImageInfo};
use bollard::query_parameters::{
    BuildImageOptionsBuilder, BuilderVersion, CommitContainerOptionsBuilder, CreateImageOptionsBuilder,
    RemoveImageOptions,
};
use bollard::{body_full, body_try_stream};
use futures_util::StreamExt as _;

use super::DockerEngine;
use super::archive::InputWatch;
use super::failure::{explain, is_disk_full, is_missing};
use crate::engine::bytes_stream::ByteStream;
use crate::engine::lines::LineAssembler;
use crate::engine::{ContainerId, EngineError, ImageBuild, ImageInfo, LineSink, Network, Output, RUN_LABEL};

/// How many of a failed build's last lines its error repeats.
const LAST_LINES: usize = 20;

pub(super) async fn find(engine: &DockerEngine, reference: &str) -> Result<Option<ImageInfo>, EngineError> {
    let doing = format!("looking for the image {reference}");
    check(reference, &doing)?;
    match engine.client.inspect_image(reference).await {
        Ok(image) => {
            let config = image.config.unwrap_or_default();
            Ok(Some(ImageInfo {
                id: image.id.unwrap_or_default(),
                digests: image.repo_digests.unwrap_or_default(),
                labels: config.labels.unwrap_or_default().into_iter().collect(),
                environment: variables(&config.env.unwrap_or_default()),
                size: image.size.and_then(|bytes| u64::try_from(bytes).ok()).unwrap_or_default(),
            }))
        }
        Err(error) if is_missing(&error) => Ok(None),
        Err(error) => Err(explain(&doing, error)),
    }
}

/// `NAME=value` lines as the engine writes them.
pub(super) fn variables(lines: &[String]) -> BTreeMap<String, String> {
    let variable =
        |line: &String| line.split_once('=').map(|(name, value)| (name.to_owned(), value.to_owned()));
    lines.iter().filter_map(variable).collect()
}

pub(super) async fn pull(
    engine: &DockerEngine,
    reference: &str,
    progress: &mut (dyn FnMut(u64, u64) + Send),
) -> Result<ImageInfo, EngineError> {
    let failed = |reason: String| EngineError::Pull { reference: reference.to_owned(), reason };
    if !is_reference(reference) {
        return Err(failed(NO_REFERENCE.to_owned()));
    }
    let options = CreateImageOptionsBuilder::default().from_image(&with_tag(reference)).build();
    let mut layers = Layers::default();
    let mut steps = engine.client.create_image(Some(options), None, None);
    while let Some(step) = steps.next().await {
        let step = step.map_err(|error| match explain("pulling an image", error) {
            EngineError::DiskFull { doing, reason } => EngineError::DiskFull { doing, reason },
            EngineError::Refused { reason, .. } | EngineError::Lost { reason, .. } => failed(reason),
            other => failed(other.to_string()),
        })?;
        if layers.note(step) {
            let (done, total) = layers.sum();
            progress(done, total);
        }
    }
    match find(engine, reference).await? {
        Some(image) => Ok(image),
        None => Err(failed("the engine ended the pull without the image".to_owned())),
    }
}

/// Without a tag or digest the engine would pull every tag there is.
fn with_tag(reference: &str) -> String {
    let name = reference.rsplit('/').next().unwrap_or(reference);
    if name.contains([':', '@']) { reference.to_owned() } else { format!("{reference}:latest") }
}

/// The download of each layer, in bytes: done and in all.
#[derive(Debug, Default)]
struct Layers(BTreeMap<String, (u64, u64)>);

impl Layers {
    /// Whether anything changed.
    fn note(&mut self, step: CreateImageInfo) -> bool {
        let (Some(id), Some(status)) = (step.id, step.status) else { return false };
        match (status.as_str(), step.progress_detail) {
            ("Downloading", Some(detail)) => {
                let bytes =
                    |number: Option<i64>| number.and_then(|n| u64::try_from(n).ok()).unwrap_or_default();
                let (done, total) = (bytes(detail.current), bytes(detail.total));
                self.0.insert(id, (done, total.max(done)));
                true
            }
            ("Download complete" | "Pull complete", _) => match self.0.get_mut(&id) {
                Some(layer) => {
                    layer.0 = layer.1;
                    true
                }
                None => false,
            },
            _ => false,
        }
    }

    fn sum(&self) -> (u64, u64) {
        self.0.values().fold((0, 0), |(done, total), layer| {
            (u64::saturating_add(done, layer.0), u64::saturating_add(total, layer.1))
        })
    }
}

pub(super) async fn import(
    engine: &DockerEngine,
    reference: &str,
    rootfs: ByteStream,
) -> Result<ImageInfo, EngineError> {
    let doing = format!("importing the image {reference}");
    check(reference, &doing)?;
    // The tag inside `repo`: Podman ignores the parameter `tag` here. No `changes`: it joins them into one label.
    let options = CreateImageOptionsBuilder::default().from_src("-").repo(reference).build();
    let watch = InputWatch::default();
    let mut steps =
        engine.client.create_image(Some(options), Some(body_try_stream(watch.over(rootfs))), None);
    while let Some(step) = steps.next().await {
        step.map_err(|error| watch.explain(&doing, error))?;
    }
    made(engine, reference, doing).await
}

pub(super) async fn commit(
    engine: &DockerEngine,
    container: &ContainerId,
    reference: &str,
) -> Result<ImageInfo, EngineError> {
    let doing = format!("committing the image {reference}");
    check(reference, &doing)?;
    // Here Docker wants name and tag apart, and Podman reads both.
    let (name, tag) =
        reference.rsplit_once(':').filter(|(_, tag)| !tag.contains('/')).unwrap_or((reference, "latest"));
    let options =
        CommitContainerOptionsBuilder::default().container(&container.0).repo(name).tag(tag).build();
    // The image inherits the container's labels, of which the run's id is wrong from now on. Podman ignores this.
    let config = ContainerConfig {
        labels: Some(HashMap::from([(RUN_LABEL.to_owned(), "cache".to_owned())])),
        ..ContainerConfig::default()
    };
    engine.client.commit_container(options, config).await.map_err(|error| explain(&doing, error))?;
    made(engine, reference, doing).await
}

/// The image that an operation without an error must have made.
async fn made(engine: &DockerEngine, reference: &str, doing: String) -> Result<ImageInfo, EngineError> {
    find(engine, reference).await?.ok_or_else(|| EngineError::Refused {
        doing,
        reason: "it reported no error and made no image".to_owned(),
    })
}

pub(super) async fn build(
    engine: &DockerEngine,
    build: ImageBuild,
    sink: LineSink<'_>,
) -> Result<ImageInfo, EngineError> {
    let doing = format!("building the image {}", build.reference);
    check(&build.reference, &doing)?;
    let options = BuildImageOptionsBuilder::default()
        .t(&build.reference)
        .buildargs(&build.arguments.into_iter().collect())
        .labels(&build.labels.into_iter().collect())
        .networkmode(match build.network {
            Network::Denied => "none",
            Network::Allowed => "default",
        })
        .version(BuilderVersion::BuilderV1)
        .rm(true)
        .forcerm(true)
        .build();
    let mut last = VecDeque::with_capacity(LAST_LINES);
    let mut keep = |line: &str| {
        if last.len() == LAST_LINES {
            last.pop_front();
        }
        last.push_back(line.to_owned());
        sink(Output::Stdout, line);
    };
    let mut lines = LineAssembler::default();
    let mut steps = engine.client.build_image(options, None, Some(body_full(build.context.into())));
    let mut failure = None;
    while let Some(step) = steps.next().await {
        match step {
            Ok(step) => lines.push(step.stream.unwrap_or_default().as_bytes(), &mut keep),
            Err(error) => {
                failure = Some(error);
                break;
            }
        }
    }
    lines.finish(&mut keep);
    drop(steps);
    match failure {
        Some(error) => Err(build_failure(&doing, error, last.make_contiguous())),
        None => made(engine, &build.reference, doing).await,
    }
}

fn build_failure(doing: &str, error: Error, last: &[String]) -> EngineError {
    // A command of the Dockerfile writes to the engine's disk too, and tells only in its own words.
    if let Some(line) = last.iter().find(|line| is_disk_full(line)) {
        return EngineError::DiskFull { doing: doing.to_owned(), reason: line.clone() };
    }
    let said_by_build = matches!(error, Error::DockerStreamError { .. });
    match explain(doing, error) {
        EngineError::Refused { reason, .. } if said_by_build => {
            let mut reason = reason;
            for line in last {
                reason.push_str("\n  ");
                reason.push_str(line);
            }
            EngineError::ImageBuild { reason }
        }
        EngineError::Refused { reason, .. } => EngineError::ImageBuild { reason },
        other => other,
    }
}

pub(super) async fn remove(engine: &DockerEngine, reference: &str) -> Result<(), EngineError> {
    let doing = format!("removing the image {reference}");
    check(reference, &doing)?;
    match engine.client.remove_image(reference, None::<RemoveImageOptions>, None).await {
        Ok(_) => Ok(()),
        Err(error) if is_missing(&error) => Ok(()),
        Err(error) => Err(explain(&doing, error)),
    }
}

const NO_REFERENCE: &str = "a reference is name[:tag][@digest] of letters, digits and ._-/:@";

fn check(reference: &str, doing: &str) -> Result<(), EngineError> {
    if is_reference(reference) {
        return Ok(());
    }
    Err(EngineError::Refused { doing: doing.to_owned(), reason: NO_REFERENCE.to_owned() })
}

/// References come from recipe files and become part of a request's path: nothing in them may leave it.
fn is_reference(text: &str) -> bool {
    let known = |byte: u8| byte.is_ascii_alphanumeric() || b"._-/:@".contains(&byte);
    text.len() <= 512
        && text.bytes().all(known)
        && text.split('/').all(|part| part.starts_with(|c: char| c.is_ascii_alphanumeric()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_reference_cannot_reach_another_part_of_the_api() {
        for good in
            ["debian:sid", "sha256:0f1e", "localhost/rdna-build/base:1", "example.org:5000/a/b@sha256:00"]
        {
            assert!(is_reference(good), "{good}");
        }
        for bad in ["", "../containers", "a/../../b", "a//b", "a?force=1", "a%2f", "a b", "/a"] {
            assert!(!is_reference(bad), "{bad}");
        }
    }

    #[test]
    fn a_pull_never_asks_for_every_tag() {
        assert_eq!(with_tag("example.org:5000/debian"), "example.org:5000/debian:latest");
        assert_eq!(with_tag("debian:sid"), "debian:sid");
        assert_eq!(with_tag("debian@sha256:00"), "debian@sha256:00");
    }

    #[test]
    fn a_failed_build_repeats_its_last_lines_and_tells_a_full_disk() {
        let error = || Error::DockerStreamError { error: "The command returned a non-zero code: 100".into() };
        let failure = build_failure("building", error(), &["Step 2/2".into(), "E: broken".into()]);
        assert_eq!(
            failure.to_string(),
            "the image build failed: The command returned a non-zero code: 100\n  Step 2/2\n  E: broken"
        );
        let full = build_failure("building", error(), &["cp: x: No space left on device".into()]);
        assert!(matches!(full, EngineError::DiskFull { .. }));
    }

    #[test]
    fn progress_sums_the_layers() {
        let step = |json| serde_json::from_value(json).unwrap();
        let mut layers = Layers::default();
        layers.note(step(serde_json::json!({"id": "a", "status": "Downloading", "progressDetail": {"current": 5, "total": 10}})));
        layers.note(step(serde_json::json!({"id": "b", "status": "Downloading", "progressDetail": {"current": 1, "total": 20}})));
        layers.note(step(serde_json::json!({"id": "a", "status": "Download complete"})));
        assert_eq!(layers.sum(), (11, 30));
    }
}
