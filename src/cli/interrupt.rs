//! Runs work to its end, or to Ctrl-C: the first asks it to stop and clean up, the second does not wait.

use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use tokio_util::sync::CancellationToken;

use super::exit::{CliError, ExitCode};
use crate::execute::ExecuteError;

/// How long blocking threads may take to notice that the work is over.
const GRACE: Duration = Duration::from_secs(2);

/// Runs `work` as [`run`] does, for at most so long. What it has begun is cleaned up then, too.
pub fn run_within<T>(
    limit: Option<Duration>,
    cancel: &CancellationToken,
    work: impl Future<Output = Result<T, ExecuteError>>,
) -> Result<T, CliError> {
    let Some(limit) = limit else { return run(cancel, work) };
    let timed_out = AtomicBool::new(false);
    let timed = async {
        let clock = async {
            tokio::time::sleep(limit).await;
            timed_out.store(true, Ordering::Relaxed);
            cancel.cancel();
            std::future::pending::<()>().await;
        };
        tokio::select! {
            biased;
            result = work => result,
            () = clock => unreachable!("it waits for ever"),
        }
    };
    match run(cancel, timed) {
        Err(error) if timed_out.load(Ordering::Relaxed) && error.exit_code() == ExitCode::Interrupted => {
            Err(CliError::TimedOut { seconds: limit.as_secs(), doing: "verifying".to_owned() })
        }
        other => other,
    }
}

/// Runs work that waits for nothing but the disk.
pub fn run_blocking<T, E>(
    cancel: &CancellationToken,
    work: impl FnOnce() -> Result<T, E>,
) -> Result<T, CliError>
where
    CliError: From<E>,
{
    run(cancel, async { tokio::task::block_in_place(work) })
}

/// Runs `work` on a runtime of its own.
pub fn run<T, E>(cancel: &CancellationToken, work: impl Future<Output = Result<T, E>>) -> Result<T, CliError>
where
    CliError: From<E>,
{
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()
        .map_err(|source| CliError::Threads { source })?;
    let token = cancel.clone();
    let result = runtime.block_on(async move {
        let listener = tokio::spawn(listen(token));
        let result = work.await;
        listener.abort();
        result
    });
    runtime.shutdown_timeout(GRACE);
    result.map_err(CliError::from)
}

async fn listen(cancel: CancellationToken) {
    use tokio::signal::unix::{SignalKind, signal};
    let (Ok(mut interrupts), Ok(mut terminations)) =
        (signal(SignalKind::interrupt()), signal(SignalKind::terminate()))
    else {
        return;
    };
    let mut asked = false;
    loop {
        tokio::select! {
            _ = interrupts.recv() => {}
            _ = terminations.recv() => {}
        }
        if asked {
            // What is left behind carries this run's labels; the next run removes it.
            #[allow(clippy::disallowed_methods, reason = "a person who asks twice does not want to wait")]
            std::process::exit(130);
        }
        asked = true;
        cancel.cancel();
    }
}
