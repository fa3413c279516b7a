//! What a tag names: a manifest of the OCI image specification with kinds of ours.

use serde::{Deserialize, Serialize};

use super::Remote;
use super::asked::Asked;
use super::error::RemoteError;
use super::http::Operation;
use super::reply::Reply;
use crate::model::Digest;

/// The manifest is an image's as far as registries care; what it is says `artifactType`.
pub(super) const MANIFEST: &str = "application/vnd.oci.image.manifest.v1+json";
const ARTIFACT: &str = "application/vnd.rdna-build.entry.v1";

/// What the distribution specification lets a registry refuse to keep, and more than any of ours has.
const LARGEST_MANIFEST: u64 = 4 << 20;

/// A configuration and layers, by their digests.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Artifact {
    pub config: Blob,
    pub layers: Vec<Blob>,
}

/// Bytes in the registry.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Blob {
    #[serde(rename = "mediaType")]
    pub media_type: String,
    #[serde(with = "oci_digest")]
    pub digest: Digest,
    pub size: u64,
}

/// The manifest as it is written; the order of its keys is part of its digest.
#[derive(Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Manifest {
    schema_version: u32,
    media_type: String,
    artifact_type: String,
    config: Blob,
    layers: Vec<Blob>,
}

impl Artifact {
    /// Its bytes follow from its blobs alone.
    pub(super) fn manifest(&self) -> Vec<u8> {
        let manifest = Manifest {
            schema_version: 2,
            media_type: MANIFEST.to_owned(),
            artifact_type: ARTIFACT.to_owned(),
            config: self.config.clone(),
            layers: self.layers.clone(),
        };
        serde_json::to_vec(&manifest).expect("a manifest has only text keys")
    }

    fn parse(bytes: &[u8]) -> Result<Self, String> {
        let manifest: Manifest = serde_json::from_slice(bytes).map_err(|error| error.to_string())?;
        match (manifest.schema_version, manifest.artifact_type.as_str()) {
            (2, ARTIFACT) => Ok(Self { config: manifest.config, layers: manifest.layers }),
            (version, kind) => Err(format!("it is a {kind:?} of schema {version}, and no entry of a store")),
        }
    }

    /// The layer of this kind.
    pub fn layer(&self, media_type: &str) -> Option<&Blob> {
        self.layers.iter().find(|layer| layer.media_type == media_type)
    }
}

impl Remote {
    /// Whether there is something under a tag. Nothing is downloaded.
    pub async fn holds(&self, tag: &str) -> Result<bool, RemoteError> {
        let asked = Asked::head(format!("manifests/{tag}"), format!("looking for {tag}")).accepting(MANIFEST);
        Ok(self.http.ask(&asked, Operation::Pull).await?.is_some())
    }

    /// What is under a tag, if there is anything.
    pub async fn find(&self, tag: &str) -> Result<Option<Artifact>, RemoteError> {
        let asked = Asked::get(format!("manifests/{tag}"), format!("looking for {tag}")).accepting(MANIFEST);
        let Some(reply) = self.http.ask(&asked, Operation::Pull).await? else { return Ok(None) };
        let damaged = |reason| RemoteError::Damaged {
            repository: self.repository.to_string(),
            what: tag.to_owned(),
            reason,
        };
        let Some(bytes) = reply.bytes(LARGEST_MANIFEST, &asked.doing).await? else {
            return Err(damaged(format!("its manifest has more than {LARGEST_MANIFEST} bytes")));
        };
        Artifact::parse(&bytes).map(Some).map_err(damaged)
    }

    /// Gives an artifact its tag. All its blobs must be there already.
    pub async fn publish(&self, tag: &str, artifact: &Artifact) -> Result<(), RemoteError> {
        let asked = Asked::put(format!("manifests/{tag}"), format!("publishing {tag}"))
            .sending(artifact.manifest(), MANIFEST);
        let _reply: Reply = self.http.must(&asked, Operation::Push).await?;
        Ok(())
    }
}

/// `sha256:…`, as the image specification writes digests.
mod oci_digest {
    use serde::{Deserialize as _, Deserializer, Serializer, de::Error as _};

    use crate::model::Digest;

    pub fn serialize<S: Serializer>(digest: &Digest, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(&format_args!("sha256:{digest}"))
    }

    pub fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Digest, D::Error> {
        let text = String::deserialize(deserializer)?;
        let hex = text.strip_prefix("sha256:").ok_or_else(|| D::Error::custom("only sha256 is taken"))?;
        hex.parse().map_err(D::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use snapbox::{assert_data_eq, str};

    use super::*;

    fn blob(kind: &str) -> Blob {
        Blob { media_type: format!("application/vnd.rdna-build.{kind}"), digest: Digest::of(kind), size: 7 }
    }

    #[test]
    fn a_manifest_is_that_of_the_image_specification_and_always_the_same() {
        let artifact = Artifact { config: blob("record.v1+json"), layers: vec![blob("content.v1.tar+zstd")] };
        let manifest = artifact.manifest();
        assert_eq!(Artifact::parse(&manifest), Ok(artifact));
        assert_data_eq!(
            String::from_utf8(manifest).unwrap(),
            str![[
                r#"{"schemaVersion":2,"mediaType":"application/vnd.oci.image.manifest.v1+json","artifactType":"application/vnd.rdna-build.entry.v1","config":{"mediaType":"application/vnd.rdna-build.record.v1+json","digest":"sha256:b2a23e62554decb64894ab7f224323cc492c0cd698dd0420b7bcd309a986b03f","size":7},"layers":[{"mediaType":"application/vnd.rdna-build.content.v1.tar+zstd","digest":"sha256:e1aebc6f5d2709c869f94b2126e644e1ec8bb9a032d1f3e29ac83ca5479871c7","size":7}]}"#
            ]]
        );
    }

    #[test]
    fn an_image_is_no_entry() {
        let manifest = String::from_utf8(Artifact { config: blob("c"), layers: vec![] }.manifest()).unwrap();
        for (part, other) in [
            (ARTIFACT, "application/vnd.oci.image.config.v1+json"),
            ("\"schemaVersion\":2", "\"schemaVersion\":1"),
            ("sha256:", "sha512:"),
            ("sha256:", "sha256:0"),
            ("\"size\":7", "\"size\":-7"),
        ] {
            assert!(manifest.contains(part), "{manifest}");
            assert!(Artifact::parse(manifest.replace(part, other).as_bytes()).is_err(), "{other}");
        }
    }
}
