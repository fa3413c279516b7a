//! What happens, as it happens. Stages emit events; the terminal, JSON lines and the log file are independent readers.

use std::fmt;
use std::sync::Arc;

use super::key::Key;
use super::report::Report;

/// What is done for a unit.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Stage {
    /// Find or make the toolchain's image.
    Toolchain,
    /// Fetch and pin the sources.
    Source,
    /// Apply the patch series.
    Prepare,
    /// Configure, compile, install in the container.
    Build,
    /// Pack what was installed.
    Package,
    /// Observe one side of a proof. No part of a build.
    Proof,
    /// Look into an image. No part of a build.
    Inventory,
    /// Verify a library. No part of a build.
    Verify,
}

impl Stage {
    /// The stages of a build, in their order.
    pub const BUILD: [Stage; 5] =
        [Stage::Toolchain, Stage::Source, Stage::Prepare, Stage::Build, Stage::Package];
    /// Everything that has entries in the store.
    pub const ALL: [Stage; 8] = [
        Stage::Toolchain,
        Stage::Source,
        Stage::Prepare,
        Stage::Build,
        Stage::Package,
        Stage::Proof,
        Stage::Inventory,
        Stage::Verify,
    ];

    pub fn as_str(&self) -> &'static str {
        match self {
            Stage::Toolchain => "toolchain",
            Stage::Source => "source",
            Stage::Prepare => "prepare",
            Stage::Build => "build",
            Stage::Package => "package",
            Stage::Proof => "proof",
            Stage::Inventory => "inventory",
            Stage::Verify => "verify",
        }
    }
}

impl fmt::Display for Stage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

/// What progress counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Unit {
    Bytes,
    /// Edges of Ninja's graph.
    Steps,
    Files,
    Packages,
    Objects,
    Cases,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum LogStream {
    Stdout,
    Stderr,
}

/// One thing that happened. Serialised as one JSON object a line under `--json`; `unit` is the unit's file stem.
#[derive(Clone, Debug, serde::Serialize)]
#[serde(tag = "event", rename_all = "kebab-case")]
pub enum Event {
    RunStarted {
        run: String,
        units: Vec<String>,
    },
    /// Which toolchain was chosen for a unit, and why that one.
    ToolchainChosen {
        unit: String,
        toolchain: String,
        reason: String,
    },
    StageStarted {
        unit: String,
        stage: Stage,
        reason: String,
    },
    StageCached {
        unit: String,
        stage: Stage,
        key: Key,
    },
    StageFinished {
        unit: String,
        stage: Stage,
        key: Key,
        seconds: f64,
    },
    StageFailed {
        unit: String,
        stage: Stage,
        error: String,
    },
    /// `total` is 0 while unknown; `item` names what is being worked on.
    Progress {
        unit: String,
        stage: Stage,
        item: String,
        done: u64,
        total: u64,
        of: Unit,
    },
    /// A line of a container's output; `item` is the step (`configure`, `build`, `install`, `image`).
    Log {
        unit: String,
        stage: Stage,
        item: String,
        stream: LogStream,
        line: String,
    },
    /// Another run makes the same thing; this one waits for it.
    Waiting {
        unit: String,
        stage: Stage,
        holder: String,
    },
    /// Something worth a person's attention that stops nothing.
    Warning {
        message: String,
        help: Option<String>,
    },
    /// A plain statement of what was found or done.
    Note {
        message: String,
    },
    RunFinished {
        report: Report,
    },
}

/// Reads events.
pub trait EventSink: Send + Sync {
    fn emit(&self, event: &Event);
}

/// Where stages send events: a cheap handle to any number of readers.
#[derive(Clone, Default)]
pub struct Events {
    sinks: Vec<Arc<dyn EventSink>>,
}

impl Events {
    pub fn new(sinks: Vec<Arc<dyn EventSink>>) -> Self {
        Self { sinks }
    }

    pub fn emit(&self, event: Event) {
        for sink in &self.sinks {
            sink.emit(&event);
        }
    }
}

impl fmt::Debug for Events {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Events({} sinks)", self.sinks.len())
    }
}
