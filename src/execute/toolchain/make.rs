//! Makes a toolchain's image: from its Dockerfile on a pulled base, or from a Debian mirror.

use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;

use super::super::unit::Account;
use super::super::{BaseChoice, ExecuteError, Network};
use crate::engine::{
    ContainerId, ContainerSpec, Engine, EngineError, ImageBuild, ImageInfo, Network as GuestNetwork, Output,
    RUN_LABEL,
};
use crate::model::{DebianBase, Digest, Event, GuestPath, LogStream, Stage, Toolchain, Unit};
use crate::source::debian;

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
        let workshop = self.account.workshop;
        let base = &self.toolchain.base;
        let pulled = match (workshop.limits.base, &base.debian) {
            (BaseChoice::Bootstrap, Some(_)) => Err("--base bootstrap was asked for".to_owned()),
            (BaseChoice::Bootstrap, None) => {
                Err("--base bootstrap was asked for, and it has no Debian base to assemble".to_owned())
            }
            (BaseChoice::Auto | BaseChoice::Pull, _) => match self.base_image().await {
                Ok(info) => Ok(info),
                Err(EngineError::Pull { reason, .. }) => {
                    Err(format!("{} cannot be pulled: {reason}", base.image))
                }
                Err(other) => return Err(other.into()),
            },
        };
        match (pulled, &base.debian) {
            (Ok(info), _) => {
                let digest = self.pin(&info)?;
                Ok((self.build_dockerfile(&digest.clone().unwrap_or(info.id)).await?, digest))
            }
            (Err(reason), Some(debian)) if workshop.limits.base != BaseChoice::Pull => {
                workshop.events.emit(Event::Note {
                    message: format!("{reason}; assembling {} from a Debian mirror", debian.suite),
                });
                Ok((self.bootstrap(debian).await?, None))
            }
            (Err(pull), _) => {
                workshop.online(|| format!("the image of toolchain {} is not here", self.toolchain.id))?;
                Err(ExecuteError::Unobtainable {
                    toolchain: self.toolchain.id.to_string(),
                    pull,
                    help: match workshop.limits.base {
                        BaseChoice::Bootstrap => "leave out --base bootstrap to have it pulled",
                        BaseChoice::Auto | BaseChoice::Pull => "check the engine's way to the registry",
                    }
                    .to_owned()
                        + ", or choose another: `rdna-build toolchains`, --toolchain ID",
                })
            }
        }
    }

    /// The base image: as the engine has it, else pulled. A digest in the lock file is obeyed.
    async fn base_image(&self) -> Result<ImageInfo, EngineError> {
        let workshop = self.account.workshop;
        let reference = match workshop.pinned_image(&self.toolchain.base.image) {
            Some(digest) => format!("{}@sha256:{digest}", repository(&self.toolchain.base.image)),
            None => self.toolchain.base.image.clone(),
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
                item: self.toolchain.base.image.clone(),
                done,
                total,
                of: Unit::Bytes,
            });
        };
        self.engine.pull_image(&reference, &mut progress).await
    }

    /// Writes the base's digest into the lock file on first use.
    fn pin(&self, info: &ImageInfo) -> Result<Option<String>, ExecuteError> {
        let repository = repository(&self.toolchain.base.image);
        let Some(digest) = info.digests.iter().find(|digest| names(digest, repository)) else {
            return Ok(None);
        };
        let Some(Ok(sha256)) = digest.rsplit_once("@sha256:").map(|(_, hex)| hex.parse::<Digest>()) else {
            return Ok(None);
        };
        self.account.workshop.pin_image(&self.toolchain.base.image, &sha256)?;
        Ok(Some(digest.clone()))
    }

    async fn build_dockerfile(&self, base: &str) -> Result<ImageInfo, ExecuteError> {
        self.account
            .workshop
            .online(|| format!("the image of toolchain {} is not here", self.toolchain.id))?;
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

    /// Assembles, imports and configures: `localhost/rdna-build/rootfs` is gone again afterwards.
    async fn bootstrap(&self, base: &DebianBase) -> Result<ImageInfo, ExecuteError> {
        let workshop = self.account.workshop;
        workshop.online(|| format!("the image of toolchain {} is not here", self.toolchain.id))?;
        let mirror =
            debian::find_mirror(workshop.limits.debian_mirror.as_deref(), &workshop.limits.apt_folder)?;
        let keyring = debian::Keyring::debian(&workshop.limits.keyrings)?;
        let folder = tempfile::tempdir_in(workshop.store.downloads())
            .map_err(ExecuteError::file("making a folder in", &workshop.store.downloads()))?;
        let rootfs = folder.path().join("rootfs.tar");
        let (unit, events) = (self.account.unit.clone(), workshop.events.clone());
        let progress: debian::Progress = Arc::new(move |step, done, total| {
            let item = match step {
                debian::Step::Index => "package index",
                debian::Step::Download => "packages",
                debian::Step::Unpack => "root file system",
            };
            let (unit, item) = (unit.clone(), item.to_owned());
            events.emit(Event::Progress {
                unit,
                stage: Stage::Toolchain,
                item,
                done,
                total,
                of: Unit::Bytes,
            });
        });
        let downloads = workshop.store.downloads();
        let request = debian::DebianRequest {
            mirror: &mirror,
            suite: &base.suite,
            components: &base.components,
            architecture: "amd64",
            packages: &self.toolchain.packages,
            check_valid_until: base.check_valid_until,
            keyring: &keyring,
            cache: &downloads,
        };
        let client = workshop.client().await?;
        let made = debian::bootstrap(&request, client, &rootfs, &progress, &workshop.cancel).await?;
        for message in made.warnings {
            workshop.events.emit(Event::Warning { message, help: None });
        }
        workshop.events.emit(Event::Note {
            message: format!(
                "{} packages of {} from {mirror}, signed by {}",
                made.packages.len(),
                base.suite,
                made.signed_by.join(", ")
            ),
        });
        let file = tokio::fs::File::open(&rootfs).await.map_err(ExecuteError::file("opening", &rootfs))?;
        let raw = super::raw_image(workshop.run());
        let stream = tokio_util::io::ReaderStream::with_capacity(file, 256 << 10);
        self.engine.import_image(&raw, Box::pin(stream)).await?;
        drop(folder);
        let configured = self.configure(&raw).await;
        if let Err(error) = self.engine.remove_image(&raw).await {
            let message = format!("the image {raw} stays behind: {error}");
            workshop.events.emit(Event::Warning { message, help: Some(format!("docker rmi {raw}")) });
        }
        configured
    }

    /// Lets the packages configure themselves, as root of a container that can reach nothing.
    async fn configure(&self, raw: &str) -> Result<ImageInfo, ExecuteError> {
        let workshop = self.account.workshop;
        let container = self
            .engine
            .create_container(&ContainerSpec {
                image: raw.to_owned(),
                command: vec!["/bin/sh".to_owned(), "-c".to_owned(), debian::configure_script()],
                user: "0:0".to_owned(),
                environment: BTreeMap::from([(
                    "PATH".to_owned(),
                    "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin".to_owned(),
                )]),
                working_folder: GuestPath::new("/"),
                mounts: vec![],
                binds: vec![],
                network: GuestNetwork::Denied,
                cpus: None,
                memory: None,
                pids: Some(4096),
                // What maintainer scripts do: chown and chmod what they install, switch users.
                capabilities: [
                    "CHOWN",
                    "DAC_OVERRIDE",
                    "FOWNER",
                    "FSETID",
                    "SETUID",
                    "SETGID",
                    "SETFCAP",
                    "SYS_CHROOT",
                ]
                .map(str::to_owned)
                .into(),
                labels: workshop.labels(),
            })
            .await?;
        let configured = self.run_and_commit(&container).await;
        self.engine.remove_container(&container).await?;
        configured
    }

    async fn run_and_commit(&self, container: &ContainerId) -> Result<ImageInfo, ExecuteError> {
        let mut last = VecDeque::new();
        let mut lines = |output, line: &str| {
            if last.len() == 12 {
                last.pop_front();
            }
            last.push_back(line.to_owned());
            self.log("configure image", output, line);
        };
        let status = self.engine.run_container(container, &mut lines).await?;
        if !status.success() {
            return Err(ExecuteError::Configure {
                toolchain: self.toolchain.id.to_string(),
                code: status.code,
                lines: last.into_iter().map(|line| format!("  {line}\n")).collect(),
            });
        }
        Ok(self.engine.commit_container(container, &self.reference).await?)
    }

    fn log(&self, item: &str, output: Output, line: &str) {
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
