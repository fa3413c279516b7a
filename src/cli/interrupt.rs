//! Runs work to its end, or to Ctrl-C: the first asks it to stop and clean up, the second does not wait.

use std::time::Duration;

use tokio_util::sync::CancellationToken;

use super::exit::CliError;
use crate::execute::ExecuteError;

/// How long blocking threads may take to notice that the work is over.
const GRACE: Duration = Duration::from_secs(2);

/// Runs `work` on a runtime of its own.
pub fn run<T>(
    cancel: &CancellationToken,
    work: impl Future<Output = Result<T, ExecuteError>>,
) -> Result<T, CliError> {
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
