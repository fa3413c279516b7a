//! What was seen on one side.

use crate::code::{CodeObject, Facts, Metadata};

/// What running a proof on one side showed.
#[derive(Clone, Debug, PartialEq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Observation {
    /// One for each case, in their order.
    Compile(Vec<CaseSeen>),
    /// One for each step, up to the first that failed.
    Commands(Vec<StepSeen>),
}

/// What one compilation came to.
#[derive(Clone, Debug, Default, PartialEq, serde::Serialize, serde::Deserialize)]
pub struct CaseSeen {
    /// 124: it took too long.
    pub exit: i64,
    /// What it printed; the beginning, where that is long.
    pub log: String,
    /// Of a compilation that went well.
    pub code: Option<Code>,
}

/// What a compilation made.
#[derive(Clone, Debug, PartialEq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Code {
    Object {
        /// Of the whole file.
        sha256: crate::model::Digest,
        header: CodeObject,
        /// Its notes, where there are any that can be read.
        #[serde(default)]
        metadata: Option<Box<Metadata>>,
        facts: Facts,
        /// The bytes of its instructions.
        #[serde(with = "hexadecimal")]
        text: Vec<u8>,
    },
    Text(String),
    /// There is no file, or none of the kind that the proof says.
    Unreadable(String),
}

/// What one step came to.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct StepSeen {
    pub name: String,
    /// 124: it took too long.
    pub exit: i64,
    /// What it printed; the end, where that is long.
    pub log: String,
}

impl CaseSeen {
    pub fn passed(&self) -> bool {
        self.exit == 0
    }
}

/// Bytes as text: compact enough, and a person can look at it.
mod hexadecimal {
    use serde::{Deserialize as _, Deserializer, Serializer, de::Error as _};

    pub fn serialize<S: Serializer>(bytes: &[u8], serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&hex::encode(bytes))
    }

    pub fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<u8>, D::Error> {
        hex::decode(String::deserialize(deserializer)?).map_err(D::Error::custom)
    }
}
