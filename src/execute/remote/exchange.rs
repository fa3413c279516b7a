//! One entry on its way between the store and a remote.
//!
//! The artifact of an entry has the tag `STAGE-KEY`, its record as configuration and its content as a layer.

use std::sync::Arc;

use miette::Diagnostic;
use thiserror::Error;
use tokio_util::sync::CancellationToken;

use super::super::ExecuteError;
use super::super::workshop::blocking;
use super::intake;
use crate::model::{Key, Stage};
use crate::package::{PackageError, pack_folder, unpack_folder};
use crate::remote::{Artifact, Fill, Remote, RemoteError, Repository};
use crate::store::{Entry, Holder, Record, Store, StoreError};

const RECORD: &str = "application/vnd.rdna-build.record.v1+json";
const CONTENT: &str = "application/vnd.rdna-build.content.v1.tar+zstd";

/// More than any record has.
const LARGEST_RECORD: u64 = 16 << 20;

/// What entries move between.
#[derive(Clone, Debug)]
pub struct Exchange {
    remote: Remote,
    store: Store,
    holder: Holder,
    cancel: CancellationToken,
}

/// What becomes of an artifact that the remote has already.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Existing {
    Keep,
    Replace,
}

/// What a push came to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Pushed {
    /// Bytes of its content as they went over the network.
    Sent {
        bytes: u64,
    },
    WasThere,
}

#[derive(Debug, Error, Diagnostic)]
pub enum ExchangeError {
    #[error(transparent)]
    #[diagnostic(transparent)]
    Remote(#[from] RemoteError),

    #[error("{stage} {key} of {repository} is not what it must be: {reason}")]
    #[diagnostic(
        code(remote::unfit),
        help("`rdna-build cache push --force` puts a good one there; nothing of it was used")
    )]
    Unfit { repository: String, stage: Stage, key: String, reason: String },

    #[error(
        "{stage} {key} was made before digests of contents were kept, so that nobody could check it elsewhere"
    )]
    #[diagnostic(code(remote::unrecorded), help("`rdna-build build … --rebuild` makes it anew"))]
    Unrecorded { stage: Stage, key: String },

    #[error(transparent)]
    #[diagnostic(transparent)]
    Store(#[from] StoreError),

    #[error("a worker thread stopped: {reason}")]
    #[diagnostic(
        code(remote::stopped),
        help("this is a defect of rdna-build: please report it with the log (`rdna-build logs`)")
    )]
    Stopped { reason: String },
}

impl ExchangeError {
    /// Whether what the remote has of an entry is of no use, and a good one should take its place.
    pub fn is_damage(&self) -> bool {
        match self {
            ExchangeError::Remote(error) => error.is_damage(),
            ExchangeError::Unfit { .. } => true,
            ExchangeError::Unrecorded { .. } | ExchangeError::Store(_) | ExchangeError::Stopped { .. } => {
                false
            }
        }
    }

    /// Whether the remote is of no use now, rather than one entry in it.
    pub fn is_away(&self) -> bool {
        match self {
            ExchangeError::Remote(error) => error.is_away(),
            ExchangeError::Unfit { .. }
            | ExchangeError::Unrecorded { .. }
            | ExchangeError::Store(_)
            | ExchangeError::Stopped { .. } => false,
        }
    }
}

impl Exchange {
    pub fn new(remote: Remote, store: Store, holder: Holder, cancel: CancellationToken) -> Self {
        Self { remote, store, holder, cancel }
    }

    pub fn repository(&self) -> &Repository {
        self.remote.repository()
    }

    /// Whether the remote has something for an entry. Nothing is downloaded.
    pub async fn holds(&self, stage: Stage, key: &Key) -> Result<bool, ExchangeError> {
        Ok(self.remote.holds(&tag(stage, key)).await?)
    }

    /// The record of an entry, without its content.
    pub async fn record(&self, stage: Stage, key: &Key) -> Result<Option<Record>, ExchangeError> {
        Ok(self.look(stage, key).await?.map(|(_, record)| record))
    }

    /// Takes an entry into the store; nothing where the remote has none. `progress` hears (bytes done, bytes in all).
    pub async fn pull(
        &self,
        stage: Stage,
        key: &Key,
        progress: &mut (dyn FnMut(u64, u64) + Send),
    ) -> Result<Option<Entry>, ExchangeError> {
        let Some((artifact, record)) = self.look(stage, key).await? else { return Ok(None) };
        let unfit = |reason: String| self.unfit(stage, key, reason);
        let layer = artifact.layer(CONTENT).ok_or_else(|| unfit("it has no content".to_owned()))?;
        let draft = self.store.draft(stage, key, &self.holder)?;
        progress(0, layer.size);
        let (into, cancel) = (draft.content().to_owned(), self.cancel.clone());
        let mut told = |done| progress(done, layer.size);
        let unpacked =
            self.remote.read(layer, &mut told, move |bytes| unpack_folder(bytes, &into, &cancel)).await?;
        unpacked.map_err(|error: PackageError| unfit(error.to_string()))?;
        let cancel = self.cancel.clone();
        let committed = blocking(move || {
            intake::check(&record, draft.content(), &cancel)?;
            Ok(draft.commit_copy(record))
        });
        let committed = committed.await.map_err(stopped)?.map_err(unfit)?;
        match committed {
            Err(error @ StoreError::NotACopy { .. }) => Err(unfit(error.to_string())),
            other => Ok(Some(other?)),
        }
    }

    /// Gives an entry to the remote. `progress` hears how many bytes went.
    pub async fn push(
        &self,
        entry: &Entry,
        existing: Existing,
        progress: &(dyn Fn(u64) + Send + Sync),
    ) -> Result<Pushed, ExchangeError> {
        let record = intake::portable(entry.record());
        let (stage, key) = (record.stage, record.key);
        if record.contents.is_none() {
            return Err(ExchangeError::Unrecorded { stage, key: key.short() });
        }
        let tag = tag(stage, &key);
        if existing == Existing::Keep && self.remote.holds(&tag).await? {
            return Ok(Pushed::WasThere);
        }
        // Held, so that nobody collects it meanwhile.
        let held = entry.clone();
        let fill: Fill = Arc::new(move |into| pack_folder(&held.content(), into));
        let content = self.remote.upload(CONTENT, &fill, progress).await?;
        let config = self.remote.write(RECORD, record.to_bytes()).await?;
        let bytes = content.size;
        // The tag last: whoever sees it finds all that it names.
        self.remote.publish(&tag, &Artifact { config, layers: vec![content] }).await?;
        Ok(Pushed::Sent { bytes })
    }

    async fn look(&self, stage: Stage, key: &Key) -> Result<Option<(Artifact, Record)>, ExchangeError> {
        let Some(artifact) = self.remote.find(&tag(stage, key)).await? else { return Ok(None) };
        let bytes = self.remote.bytes(&artifact.config, LARGEST_RECORD).await?;
        let record = Record::parse(&bytes, stage, key).map_err(|reason| self.unfit(stage, key, reason))?;
        Ok(Some((artifact, intake::portable(&record))))
    }

    fn unfit(&self, stage: Stage, key: &Key, reason: String) -> ExchangeError {
        let (repository, key) = (self.repository().to_string(), key.short());
        ExchangeError::Unfit { repository, stage, key, reason }
    }
}

fn tag(stage: Stage, key: &Key) -> String {
    format!("{stage}-{key}")
}

fn stopped(error: ExecuteError) -> ExchangeError {
    ExchangeError::Stopped { reason: error.to_string() }
}
