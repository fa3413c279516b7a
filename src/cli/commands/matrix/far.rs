//! What the remote knows of the builds of a matrix. Nothing is taken from it.

use tokio_util::sync::CancellationToken;

use crate::cli::exit::CliError;
use crate::cli::interrupt;
use crate::cli::render::{self, Palette};
use crate::cli::settings::Settings;
use crate::cli::wire::{self, Job};
use crate::execute::{self, Exchange, ExchangeError};
use crate::model::{Key, Stage};
use crate::plan;
use crate::store::{Holder, Store};

/// The remote, as long as it answers.
pub(super) struct Far<'a> {
    exchange: Option<Exchange>,
    settings: &'a Settings,
}

impl<'a> Far<'a> {
    pub(super) fn new(settings: &'a Settings, store: &Store) -> Self {
        let holder = Holder::this_process(wire::run_id());
        let exchange = wire::exchange(settings, store, holder, CancellationToken::new());
        Self { exchange, settings }
    }

    /// What the images of a job's toolchains hold, where the store does not know it: the keys of packages depend on it.
    pub(super) fn identify(&mut self, job: &mut Job, store: &Store) -> Result<(), CliError> {
        for toolchain in &job.toolchains {
            let definition = toolchain.definition();
            let key = plan::key::toolchain(definition).key;
            if execute::stored_identity(store, definition)?.is_some() {
                continue;
            }
            let record = self.ask(async |exchange| exchange.record(Stage::Toolchain, &key).await)?;
            if let Some(identity) = record.flatten().as_ref().and_then(execute::identity_of) {
                job.identities.insert(key, identity);
            }
        }
        Ok(())
    }

    pub(super) fn holds(&mut self, package: &Key) -> Result<bool, CliError> {
        let held = self.ask(async |exchange| exchange.holds(Stage::Package, package).await)?;
        Ok(held.unwrap_or_default())
    }

    /// Nothing where there is no remote, or none that answers.
    fn ask<T>(
        &mut self,
        question: impl AsyncFnOnce(&Exchange) -> Result<T, ExchangeError>,
    ) -> Result<Option<T>, CliError> {
        let Some(exchange) = &self.exchange else { return Ok(None) };
        let cancel = CancellationToken::new();
        let work = async {
            tokio::select! {
                biased;
                () = cancel.cancelled() => Err(CliError::Interrupted),
                answer = question(exchange) => Ok(answer),
            }
        };
        match interrupt::run(&cancel, work)? {
            Ok(answer) => Ok(Some(answer)),
            Err(error) => {
                self.give_up(&error);
                Ok(None)
            }
        }
    }

    fn give_up(&mut self, error: &ExchangeError) {
        self.exchange = None;
        render::diagnostic::warn(&error.to_string(), Palette::stderr(self.settings).is_colored());
    }
}
