//! Makes a toolchain's image: from its Dockerfile on a pulled base. From a Debian mirror: [`super::assemble`].

use std::collections::BTreeMap;

use super::super::unit::Account;
use super::super::{ExecuteError, Network};
use crate::engine::{Engine, EngineError, ImageBuild, ImageInfo, Network as GuestNetwork, Output, RUN_LABEL};
use crate::model::{Base, Digest, Event, LogStream, Stage, Toolchain, Unit};

/// What making an image needs.
pub(super) struct Maker<'a, 'b> {
    pub engine: &'a dyn Engine,
    pub toolchain: &'a Toolchain,
    pub account: &'a Account<'b>,
    /// What the image is called when it is done.
    pub reference: String,
}

impl Maker<'_, '_> {
    /// The image and, where its base was pulled, the base's digest.
    pub async fn make(&self) -> Result<(ImageInfo, Option<String>), ExecuteError> {
        let image = match &self.toolchain.base {
            Base::Image(image) => image,
            Base::Debian(debian) => return Ok((self.assemble(debian).await?, None)),
        };
        match self.base_image(image).await {
            Ok(info) => {
                let digest = self.pin(image, &info)?;
                Ok((self.build_dockerfile(&digest.clone().unwrap_or(info.id)).await?, digest))
            }
            Err(EngineError::Pull { reason, .. }) => {
                self.online()?;
                let pull = format!("{image} cannot be pulled: {reason}");
                Err(ExecuteError::Unobtainable { toolchain: self.toolchain.id.to_string(), pull })
            }
            Err(other) => Err(other.into()),
        }
    }

    /// The base image: as the engine has it, else pulled. A digest in the lock file is obeyed.
    async fn base_image(&self, image: &str) -> Result<ImageInfo, EngineError> {
        let workshop = self.account.workshop;
        let reference = match workshop.pinned_image(image) {
            Some(digest) => format!("{}@sha256:{digest}", repository(image)),
            None => image.to_owned(),
        };
        if let Some(info) = self.engine.image(&reference).await? {
            return Ok(info);
        }
        if workshop.limits.network == Network::Offline {
            let reason = "--offline, and the engine does not have it".to_owned();
            return Err(EngineError::Pull { reference, reason });
        }
        let unit = self.account.unit.clone();
        let mut progress = |done, total| {
            workshop.events.emit(Event::Progress {
                unit: unit.clone(),
                stage: Stage::Toolchain,
                item: image.to_owned(),
                done,
                total,
                of: Unit::Bytes,
            });
        };
        self.engine.pull_image(&reference, &mut progress).await
    }

    /// Writes the base's digest into the lock file on first use.
    fn pin(&self, image: &str, info: &ImageInfo) -> Result<Option<String>, ExecuteError> {
        let repository = repository(image);
        let Some(digest) = info.digests.iter().find(|digest| names(digest, repository)) else {
            return Ok(None);
        };
        let Some(Ok(sha256)) = digest.rsplit_once("@sha256:").map(|(_, hex)| hex.parse::<Digest>()) else {
            return Ok(None);
        };
        self.account.workshop.pin_image(image, &sha256)?;
        Ok(Some(digest.clone()))
    }

    async fn build_dockerfile(&self, base: &str) -> Result<ImageInfo, ExecuteError> {
        self.online()?;
        let mut context = tar::Builder::new(Vec::new());
        let written = "an archive in memory cannot fail";
        for (path, bytes) in self.toolchain.files.iter() {
            let mut header = tar::Header::new_gnu();
            header.set_mode(0o644);
            header.set_size(bytes.len() as u64);
            context.append_data(&mut header, path, bytes).expect(written);
        }
        let build = ImageBuild {
            reference: self.reference.clone(),
            context: context.into_inner().expect(written),
            arguments: [("BASE".to_owned(), base.to_owned())].into(),
            network: GuestNetwork::Allowed,
            labels: BTreeMap::from([(RUN_LABEL.to_owned(), "cache".to_owned())]),
        };
        let mut lines = |output, line: &str| self.log("image", output, line);
        Ok(self.engine.build_image(build, &mut lines).await?)
    }

    /// Whether a run may fetch what it needs for the image.
    pub(super) fn online(&self) -> Result<(), ExecuteError> {
        let missing = || format!("the image of toolchain {} is not here", self.toolchain.id);
        self.account.workshop.online(missing)
    }

    pub(super) fn log(&self, item: &str, output: Output, line: &str) {
        self.account.workshop.events.emit(Event::Log {
            unit: self.account.unit.clone(),
            stage: Stage::Toolchain,
            item: item.to_owned(),
            stream: match output {
                Output::Stdout => LogStream::Stdout,
                Output::Stderr => LogStream::Stderr,
            },
            line: line.to_owned(),
        });
    }
}

/// `debian` of `debian:sid`; a port in the registry's name is not a tag.
fn repository(reference: &str) -> &str {
    match reference.rsplit_once(':') {
        Some((repository, tag)) if !tag.contains('/') => repository,
        _ => reference,
    }
}

/// Whether a repository digest is one of `repository`; engines write Docker Hub's names in full.
fn names(digest: &str, repository: &str) -> bool {
    let named = digest.split('@').next().unwrap_or_default();
    named == repository
        || named.strip_prefix("docker.io/").is_some_and(|rest| {
            rest == repository || rest.strip_prefix("library/").is_some_and(|rest| rest == repository)
        })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_repository_is_told_from_its_tag_and_its_port() {
        assert_eq!(repository("debian:sid"), "debian");
        assert_eq!(repository("rocm/dev-ubuntu-24.04:6.4.3-complete"), "rocm/dev-ubuntu-24.04");
        assert_eq!(repository("127.0.0.1:5000/debian"), "127.0.0.1:5000/debian");
        assert!(names("docker.io/library/debian@sha256:00", "debian"));
        assert!(!names("docker.io/library/ubuntu@sha256:00", "debian"));
    }
}
