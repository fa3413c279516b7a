//! What can go wrong between us and the engine.

use miette::Diagnostic;
use thiserror::Error;

#[derive(Debug, Error, Diagnostic)]
pub enum EngineError {
    #[error("no container engine answers ({})", tried.join("; "))]
    #[diagnostic(
        code(engine::none),
        help(
            "install Docker (`apt-get install docker.io`) or Podman (`apt-get install podman`), start it, or name it: --engine unix:///path/to/docker.sock"
        )
    )]
    NotFound { tried: Vec<String> },

    #[error("no right to use the container engine at {address}: {reason}")]
    #[diagnostic(
        code(engine::denied),
        help(
            "add yourself to its group (`sudo usermod -aG docker $USER`, then log in again), or use rootless Podman: --engine podman"
        )
    )]
    Denied { address: String, reason: String },

    #[error("`{text}` is not an engine: {reason}")]
    #[diagnostic(
        code(engine::address),
        help("use auto, docker, podman, unix:///path/to.sock or tcp://host:port")
    )]
    Address { text: String, reason: String },

    #[error("the engine stopped answering while {doing}: {reason}")]
    #[diagnostic(
        code(engine::lost),
        help("check that it runs (`docker info`); the next run goes on from the last finished stage")
    )]
    Lost { doing: String, reason: String },

    #[error("the engine has no room left while {doing}: {reason}")]
    #[diagnostic(
        code(engine::disk_full),
        help("free space where the engine keeps its data (`docker system df`), then run again")
    )]
    DiskFull { doing: String, reason: String },

    #[error("image `{reference}` cannot be pulled: {reason}")]
    #[diagnostic(code(engine::pull))]
    Pull { reference: String, reason: String },

    #[error("the image build failed: {reason}")]
    #[diagnostic(code(engine::image_build))]
    ImageBuild { reason: String },

    #[error("{reason} while {doing}")]
    #[diagnostic(code(engine::input))]
    Input { doing: String, reason: String },

    #[error("the engine refused while {doing}: {reason}")]
    #[diagnostic(code(engine::refused))]
    Refused { doing: String, reason: String },
}
