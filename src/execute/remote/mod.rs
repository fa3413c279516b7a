//! The one caching rule, with a remote behind the store: what is missing here is looked for there before it is made, and what was
//! made is given to it where this run may write.
//!
//! A remote never fails a run. What goes wrong with it is said once, and then things are made as if there were none.

mod exchange;
mod intake;

use std::collections::BTreeSet;
use std::sync::{Mutex, MutexGuard, PoisonError};

pub use exchange::{Exchange, ExchangeError, Existing, Pushed};

use super::workshop::blocking;
use super::{ExecuteError, Network, Workshop};
use crate::model::{Event, Events, Key, Stage};
use crate::store::{Draft, Entry, Lookup, Made};

/// Whether entries of a stage are shared. Not shared is what is made in a moment from what is here (`prepare`), and what
/// speaks of an engine's own images (`inventory`).
pub fn is_shared(stage: Stage) -> bool {
    match stage {
        Stage::Toolchain | Stage::Source | Stage::Build | Stage::Package | Stage::Proof | Stage::Verify => {
            true
        }
        Stage::Prepare | Stage::Inventory => false,
    }
}

/// What a run may do with a remote.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RemoteAccess {
    Read,
    ReadAndWrite,
}

/// A run's remote, and how it did so far.
#[derive(Debug)]
pub struct SharedStore {
    exchange: Exchange,
    access: RemoteAccess,
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    /// Said once, whatever else goes wrong.
    warned: bool,
    /// Not asked any more.
    is_away: bool,
    /// What is there but of no use; what is made instead of it takes its place.
    damaged: BTreeSet<(Stage, Key)>,
}

impl SharedStore {
    pub fn new(exchange: Exchange, access: RemoteAccess) -> Self {
        Self { exchange, access, state: Mutex::default() }
    }

    /// Takes an entry from the remote, if it has a good one.
    async fn take(&self, stage: Stage, key: &Key, events: &Events) -> Option<Entry> {
        if self.state().is_away {
            return None;
        }
        let remote = self.exchange.repository();
        let mut told = false;
        let mut progress = |_, _| {
            if !std::mem::replace(&mut told, true) {
                let message = format!("taking {stage} {} from {remote}", key.short());
                events.emit(Event::Note { message });
            }
        };
        match self.exchange.pull(stage, key, &mut progress).await {
            Ok(entry) => entry,
            Err(error) => {
                self.note(stage, key, &error, events);
                None
            }
        }
    }

    /// Gives an entry that was made to the remote, where this run may write.
    async fn give(&self, entry: &Entry, events: &Events) {
        let (stage, key) = (entry.record().stage, entry.key());
        let existing = {
            let state = self.state();
            if self.access == RemoteAccess::Read || state.is_away {
                return;
            }
            match state.damaged.contains(&(stage, key)) {
                true => Existing::Replace,
                false => Existing::Keep,
            }
        };
        match self.exchange.push(entry, existing, &|_| {}).await {
            Ok(Pushed::Sent { .. }) => {
                let message = format!("gave {stage} {} to {}", key.short(), self.exchange.repository());
                events.emit(Event::Note { message });
            }
            Ok(Pushed::WasThere) => {}
            Err(error) => self.note(stage, &key, &error, events),
        }
    }

    fn note(&self, stage: Stage, key: &Key, error: &ExchangeError, events: &Events) {
        let mut state = self.state();
        state.is_away |= error.is_away();
        if error.is_damage() {
            state.damaged.insert((stage, *key));
        }
        if std::mem::replace(&mut state.warned, true) {
            return;
        }
        let help = match state.is_away {
            true => "this run goes on without the remote",
            false => "it is made here instead",
        };
        events.emit(Event::Warning { message: error.to_string(), help: Some(help.to_owned()) });
    }

    fn state(&self) -> MutexGuard<'_, State> {
        // Nothing can be half done in it.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Workshop {
    /// Looks an entry up, here and then in the remote; one that is damaged is named and counts as absent.
    pub async fn find(&self, stage: Stage, key: &Key) -> Result<Option<Entry>, ExecuteError> {
        match self.store.lookup(stage, key)? {
            Lookup::Hit(entry) => return Ok(Some(entry)),
            Lookup::Miss => {}
            Lookup::Unusable { path, reason } => {
                self.events.emit(Event::Warning {
                    message: format!("the store's {} cannot be used: {reason}", path.display()),
                    help: Some("it is made again".to_owned()),
                });
            }
        }
        match self.asked_remote(stage) {
            Some(shared) => Ok(shared.take(stage, key, &self.events).await),
            None => Ok(None),
        }
    }

    /// Commits a draft, and gives the entry to the remote.
    pub async fn commit(&self, draft: Draft, made: Made) -> Result<Entry, ExecuteError> {
        let entry = blocking(move || draft.commit(made)).await??;
        if let Some(shared) = self.shared.as_ref().filter(|_| is_shared(entry.record().stage)) {
            shared.give(&entry, &self.events).await;
        }
        Ok(entry)
    }

    /// The remote, where it may be asked for entries of a stage.
    fn asked_remote(&self, stage: Stage) -> Option<&SharedStore> {
        // Who asked for a rebuild does not want it from elsewhere either.
        let is_rebuilt = self.limits.rebuild && matches!(stage, Stage::Build | Stage::Package);
        let may_ask = is_shared(stage) && !is_rebuilt && self.limits.network == Network::Online;
        self.shared.as_ref().filter(|_| may_ask)
    }
}
