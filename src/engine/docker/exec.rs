//! Commands in a running container, with their lines collected or on this process's terminal.

use std::time::Duration;

use bollard::exec::{CreateExecOptions, ResizeExecOptions, StartExecOptions, StartExecResults};
use futures_util::StreamExt as _;
use tokio::io::AsyncWriteExt as _;

use super::DockerEngine;
use super::container::{environment, out_of_memory};
use super::failure::explain;
use super::output::{Frames, read_all};
use super::terminal::{Keyboard, RawMode, WindowChanges, show, window_size};
use crate::engine::{ContainerId, EngineError, ExecSpec, ExitStatus, LineSink};

const DOING: &str = "running a command in a container";
const FIRST_POLL: Duration = Duration::from_millis(5);
const RESIZE_TRIES: u32 = 10;
const SLOWEST_POLL: Duration = Duration::from_millis(500);

pub(super) async fn run(
    engine: &DockerEngine,
    container: &ContainerId,
    command: &ExecSpec,
    sink: LineSink<'_>,
) -> Result<ExitStatus, EngineError> {
    let id = create(engine, container, command, Attached { stdin: false, tty: false }).await?;
    let (mut output, _input) = begin(engine, &id, false).await?;
    read_all(&mut output, sink).await.map_err(|error| explain(DOING, error))?;
    exit_status(engine, container, &id).await
}

/// Connects this process's terminal; without one, its three streams as they are.
pub(super) async fn run_on_terminal(
    engine: &DockerEngine,
    container: &ContainerId,
    command: &ExecSpec,
) -> Result<ExitStatus, EngineError> {
    let io = |error: std::io::Error| EngineError::Input {
        doing: "using this terminal".to_owned(),
        reason: error.to_string(),
    };
    let tty = RawMode::is_possible();
    let id = create(engine, container, command, Attached { stdin: true, tty }).await?;
    let (mut output, mut input) = begin(engine, &id, tty).await?;
    let raw = if tty { Some(RawMode::enter().map_err(io)?) } else { None };
    let mut keyboard = Keyboard::open().map_err(io)?;
    let mut windows = WindowChanges::watch(tty).map_err(io)?;

    let mut window = std::pin::pin!(async {
        resize_first(engine, &id, tty).await;
        loop {
            windows.next().await;
            resize(engine, &id, tty).await;
        }
    });
    // Beside the output, not in turns: a command that waits for its output to be read does not read its input.
    let mut feed = std::pin::pin!(async {
        while let Some(bytes) = keyboard.read().await {
            if input.write_all(&bytes).await.is_err() {
                break;
            }
        }
        // The end of our input, or a command that reads no more: its output goes on.
        let _already_closed = input.shutdown().await;
        std::future::pending::<()>().await
    });
    let mut ended = Ok(());
    loop {
        tokio::select! {
            frame = output.next() => match frame {
                Some(Ok(frame)) => show(frame).await.map_err(io)?,
                Some(Err(error)) => {
                    ended = Err(explain(DOING, error));
                    break;
                }
                None => break,
            },
            () = &mut feed => {}
            () = &mut window => {}
        }
    }
    // Before anything is printed about the outcome.
    drop(raw);
    ended?;
    exit_status(engine, container, &id).await
}

struct Attached {
    stdin: bool,
    tty: bool,
}

async fn create(
    engine: &DockerEngine,
    container: &ContainerId,
    command: &ExecSpec,
    attached: Attached,
) -> Result<String, EngineError> {
    let options = CreateExecOptions {
        attach_stdin: Some(attached.stdin),
        attach_stdout: Some(true),
        attach_stderr: Some(true),
        tty: Some(attached.tty),
        env: Some(environment(&command.environment)),
        cmd: Some(command.command.clone()),
        user: Some(command.user.clone()),
        working_dir: Some(command.working_folder.to_string()),
        detach_keys: None,
        privileged: None,
    };
    let created =
        engine.client.create_exec(&container.0, options).await.map_err(|error| explain(DOING, error))?;
    Ok(created.id)
}

type Input = std::pin::Pin<Box<dyn tokio::io::AsyncWrite + Send>>;

async fn begin(engine: &DockerEngine, id: &str, tty: bool) -> Result<(Frames, Input), EngineError> {
    let options = StartExecOptions { detach: false, tty, output_capacity: None };
    match engine.client.start_exec(id, Some(options)).await.map_err(|error| explain(DOING, error))? {
        StartExecResults::Attached { output, input } => Ok((output, input)),
        StartExecResults::Detached => unreachable!("the command was not started detached"),
    }
}

/// Whether the engine took the size. One that it does not like, or a command that just ended, is no reason to stop.
async fn resize(engine: &DockerEngine, id: &str, tty: bool) -> bool {
    match window_size().filter(|_| tty) {
        Some((width, height)) => {
            engine.client.resize_exec(id, ResizeExecOptions { width, height }).await.is_ok()
        }
        None => true,
    }
}

/// The engine answers the start of a command before the command has its terminal, and refuses a size until then.
async fn resize_first(engine: &DockerEngine, id: &str, tty: bool) {
    let mut pause = FIRST_POLL;
    for _ in 0..RESIZE_TRIES {
        if resize(engine, id, tty).await {
            break;
        }
        tokio::time::sleep(pause).await;
        pause = (pause * 2).min(SLOWEST_POLL);
    }
}

/// The output can end before the command: it may have closed it, and the engine notices the end a moment later.
async fn exit_status(
    engine: &DockerEngine,
    container: &ContainerId,
    id: &str,
) -> Result<ExitStatus, EngineError> {
    let mut pause = FIRST_POLL;
    loop {
        let state = engine.client.inspect_exec(id).await.map_err(|error| explain(DOING, error))?;
        if let (Some(code), Some(false) | None) = (state.exit_code, state.running) {
            let out_of_memory = code != 0 && out_of_memory(engine, container).await?;
            return Ok(ExitStatus { code, out_of_memory });
        }
        tokio::time::sleep(pause).await;
        pause = (pause * 2).min(SLOWEST_POLL);
    }
}
