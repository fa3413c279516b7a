//! Makes a toolchain's image from a Debian mirror: packages chosen, laid out, imported, configured.
//!
//! The root file system goes to the engine as it is written. It stays there under the digest of its packages and of what is
//! left out of them, below the image that is made of it: another toolchain of the same, or the same one made again, has it
//! already.

use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;

use super::super::ExecuteError;
use super::lock;
use super::make::Maker;
use crate::engine::{
    ContainerId, ContainerSpec, EngineError, IMAGE_PREFIX, ImageInfo, Network as GuestNetwork, pipe,
};
use crate::model::{DebianBase, Event, GuestPath, PackageSet, PathFilters, SYSTEM_PATH, Stage, Unit};
use crate::source::debian::{self, Place, Step};

impl Maker<'_, '_> {
    pub(super) async fn assemble(&self, base: &DebianBase) -> Result<ImageInfo, ExecuteError> {
        let downloads = self.account.workshop.store.downloads();
        let mirror = self.mirror();
        // All that was locked may be here already: then no mirror is needed, and none need be known.
        let place = Place { mirror: mirror.as_deref().unwrap_or_default(), cache: &downloads };
        let known = || match &mirror {
            Ok(_) => self.online(),
            Err(_) => Err(self.mirror().expect_err("it was an error before").into()),
        };
        let set = match &self.toolchain.locked {
            Some(locked) if locked.request != base.request() => {
                return Err(ExecuteError::OutdatedLock { toolchain: self.toolchain.id.to_string() });
            }
            Some(locked) => locked.set.clone(),
            None => {
                known()?;
                self.resolve(base, place).await?
            }
        };
        let rootfs = format!("{IMAGE_PREFIX}rootfs:{}", &set.rootfs(&base.left_out).to_string()[..32]);
        if self.engine.image(&rootfs).await?.is_some() {
            self.note(format!("its root file system is in the engine: {rootfs}"));
        } else {
            if !debian::is_downloaded(&set, &downloads) {
                known()?;
                if self.toolchain.locked.is_some() {
                    self.check_locked(&set, base, place).await?;
                }
            }
            self.import(&set, &base.left_out, place, &rootfs).await?;
        }
        let configured = self.configure(&rootfs).await;
        if matches!(configured, Err(ExecuteError::Configure { .. })) {
            // It would fail the next time as well.
            if let Err(stuck) = self.engine.remove_image(&rootfs).await {
                self.warn(vec![stuck.to_string()]);
            }
        }
        configured
    }

    fn mirror(&self) -> Result<String, debian::DebianError> {
        let limits = &self.account.workshop.limits;
        debian::find_mirror(limits.debian_mirror.as_deref(), &limits.apt_folder)
    }

    async fn resolve(&self, base: &DebianBase, place: Place<'_>) -> Result<PackageSet, ExecuteError> {
        let workshop = self.account.workshop;
        let resolved = lock::resolve(workshop, base, place, &self.progress()).await?;
        self.warn(resolved.warnings);
        self.note(format!(
            "{} packages of {} from {}, signed by {}",
            resolved.set.packages.len(),
            base.suites().join(" and "),
            place.mirror,
            resolved.signed_by.join(", ")
        ));
        Ok(resolved.set)
    }

    async fn check_locked(
        &self,
        set: &PackageSet,
        base: &DebianBase,
        place: Place<'_>,
    ) -> Result<(), ExecuteError> {
        let workshop = self.account.workshop;
        let keyring = debian::Keyring::debian(&workshop.limits.keyrings)?;
        let suites = base.suites();
        let request = lock::request(base, &suites, place, &keyring);
        let (client, progress) = (workshop.client().await?, self.progress());
        let notes = debian::check_locked(set, &request, client, &progress, &workshop.cancel).await?;
        self.warn(notes);
        Ok(())
    }

    /// Lays the packages out straight into the engine.
    async fn import(
        &self,
        set: &PackageSet,
        left_out: &PathFilters,
        place: Place<'_>,
        rootfs: &str,
    ) -> Result<(), ExecuteError> {
        let workshop = self.account.workshop;
        let client = workshop.client().await?;
        let progress = self.progress();
        let (writer, stream) = pipe();
        let assemble = async {
            let (writer, notes) =
                debian::assemble(set, left_out, place, client, writer, &progress, &workshop.cancel).await?;
            // Nothing is left to send: the writer only says that this was all.
            writer.finish().map_err(|error| debian::DebianError::Output { reason: error.to_string() })?;
            Ok::<_, debian::DebianError>(notes)
        };
        match tokio::join!(assemble, self.engine.import_image(rootfs, stream)) {
            (Ok(notes), Ok(_)) => {
                self.warn(notes);
                Ok(())
            }
            // The stream was cut off by what went wrong before it.
            (Err(error), Ok(_) | Err(EngineError::Input { .. })) => Err(error.into()),
            (_, Err(error)) => Err(error.into()),
        }
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
                environment: BTreeMap::from([("PATH".to_owned(), SYSTEM_PATH.to_owned())]),
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
                gpu: None,
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

    fn progress(&self) -> debian::Progress {
        let (unit, events) = (self.account.unit.clone(), self.account.workshop.events.clone());
        Arc::new(move |step, done, total| {
            let item = match step {
                Step::Index => "package index",
                Step::Download => "packages",
                Step::Unpack => "root file system",
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
        })
    }

    fn note(&self, message: String) {
        self.account.workshop.events.emit(Event::Note { message });
    }

    fn warn(&self, messages: Vec<String>) {
        for message in messages {
            self.account.workshop.events.emit(Event::Warning { message, help: None });
        }
    }
}
