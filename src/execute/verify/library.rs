//! Reads a library, wherever it is, and all of it that checks ask for.

use std::io::Read;
use std::path::PathBuf;
use std::sync::Arc;

use super::super::workshop::blocking;
use super::super::{ExecuteError, Workshop};
use super::runtime::Room;
use super::subject::Opened;
use super::{Calls, VerifyError};
use crate::code::{self, Argument};
use crate::engine::read_stream;
use crate::model::{Digest, GuestPath};
use crate::verify::{LibrarySeen, search};

/// rocBLAS with all its kernels inside has a GiB; nothing is larger.
const LARGEST: u64 = 4 << 30;

const ARGUMENTS: [Argument; 6] =
    [Argument::First, Argument::Second, Argument::Third, Argument::Fourth, Argument::Fifth, Argument::Sixth];

/// Where the library's bytes come from.
pub(super) enum Origin<'a> {
    File(PathBuf),
    /// Where its links end.
    Image(&'a Room<'a>, GuestPath),
}

/// What was read.
pub(super) struct ReadLibrary {
    pub library: LibrarySeen,
    pub bytes: Arc<Vec<u8>>,
    pub sha256: Digest,
    pub size: u64,
    /// For each of the asked calls, in their order.
    pub calls: Vec<Option<Result<Vec<Option<u32>>, String>>>,
}

impl<'a> Origin<'a> {
    pub fn of_image(opened: &Opened, room: Option<&'a Room<'a>>) -> Result<Self, ExecuteError> {
        match room {
            Some(room) => Ok(Self::Image(room, room.library.clone())),
            None => Err(VerifyError::NoLibrary { name: opened.name.clone() }.into()),
        }
    }
}

pub(super) async fn read(
    origin: Origin<'_>,
    shown: String,
    wanted: Vec<Vec<u8>>,
    calls: Calls,
    workshop: &Workshop,
) -> Result<ReadLibrary, ExecuteError> {
    let (bytes, shown) = match origin {
        Origin::File(file) => (blocking(move || from_file(&file)).await??, shown),
        Origin::Image(room, path) => (from_image(room, &path).await?, path.as_str().to_owned()),
    };
    let bytes = Arc::new(bytes);
    let size = bytes.len() as u64;
    if workshop.cancel.is_cancelled() {
        return Err(ExecuteError::Interrupted);
    }
    // Two passes over some hundred megabytes, side by side.
    let digest = super::digest_of(bytes.clone());
    let held = bytes.clone();
    let look = blocking(move || {
        let calls =
            calls.iter().map(|call| call.as_ref().map(|(name, argument)| passed(&bytes, name, *argument)));
        let calls = calls.collect();
        let library = LibrarySeen {
            path: shown,
            elf: code::library(bytes.as_slice()),
            exports: code::exports(bytes.as_slice()),
            bundles: code::bundles(bytes.as_slice()),
            texts: search(&bytes, wanted),
        };
        (library, calls)
    });
    let (sha256, look) = tokio::join!(digest, look);
    let (library, calls) = look?;
    Ok(ReadLibrary { library, bytes: held, sha256: sha256?, size, calls })
}

fn passed(bytes: &[u8], function: &str, argument: u8) -> Result<Vec<Option<u32>>, String> {
    let argument = ARGUMENTS.get(usize::from(argument) - 1).expect("a recipe's mark names one of them");
    let calls = code::constants_passed(bytes, function, *argument).map_err(|error| error.to_string())?;
    Ok(calls.into_iter().map(|call| call.value).collect())
}

fn from_file(file: &std::path::Path) -> Result<Vec<u8>, ExecuteError> {
    let wrong = |reason: String| VerifyError::NotALibrary { path: file.display().to_string(), reason };
    let opened = std::fs::File::open(file).map_err(|error| wrong(error.to_string()))?;
    let size = opened.metadata().map_err(|error| wrong(error.to_string()))?.len();
    if size > LARGEST {
        return Err(wrong(format!("it has {size} bytes, {LARGEST} are the most that is read")).into());
    }
    let mut bytes = Vec::with_capacity(usize::try_from(size).unwrap_or(0));
    opened.take(LARGEST).read_to_end(&mut bytes).map_err(|error| wrong(error.to_string()))?;
    Ok(bytes)
}

async fn from_image(room: &Room<'_>, path: &GuestPath) -> Result<Vec<u8>, ExecuteError> {
    let not_there = || VerifyError::NotInImage { image: room.name.clone(), path: path.to_string() };
    let Some(stream) = room.engine.download(room.lab.container(), path).await? else {
        return Err(not_there().into());
    };
    let content = read_stream(stream, |input: &mut dyn Read| {
        let mut archive = tar::Archive::new(input);
        let Some(entry) = archive.entries()?.next() else { return Ok(None) };
        let entry = entry?;
        if !entry.header().entry_type().is_file() || entry.size() > LARGEST {
            return Ok(None);
        }
        let mut bytes = Vec::new();
        entry.take(LARGEST).read_to_end(&mut bytes)?;
        Ok(Some(bytes))
    })
    .await
    .map_err(|error| VerifyError::NotALibrary { path: path.to_string(), reason: error.to_string() })?;
    content.ok_or_else(|| not_there().into())
}
