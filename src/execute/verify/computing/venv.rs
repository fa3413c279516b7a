//! The PyTorch of a person's virtual environment, on the card: the environment and its interpreter are given to a container of their own,
//! to be read only.

use std::path::{Path, PathBuf};

use super::super::super::{ExecuteError, Workshop};
use super::super::runtime::open_lab_with;
use super::{Bench, Chosen, Ended, Place};
use crate::engine::device::Passthrough;
use crate::facts::KernelLog;
use crate::model::{Digest, HostPath};
use crate::verify::{CaseSeen, pytorch, pytorch_files};

/// An interpreter that a container can be given.
#[derive(Debug, PartialEq, Eq)]
struct Interpreter {
    /// As a person would start it.
    program: PathBuf,
    /// What the container gets to read.
    folders: Vec<PathBuf>,
}

/// What came of the environment's cases; where it cannot be given to a container, they are not run.
pub(super) async fn cases(
    bench: &Bench<'_>,
    venv: &Path,
    library: Digest,
    place: &Settled,
    workshop: &Workshop,
) -> Result<Vec<CaseSeen>, ExecuteError> {
    let found = interpreter(venv);
    let program = found.as_ref().map_or(venv, |found| found.program.as_path()).display().to_string();
    let suite = pytorch(&program, library);
    let cases = suite.cases.iter().map(|case| (case, case.seconds)).collect();
    let chosen = Chosen { suite: &suite, files: pytorch_files(), cases };
    let interpreter = match found {
        Ok(interpreter) => interpreter,
        Err(why) => return Ok(chosen.not_run(0, &why)),
    };
    let folders = interpreter.folders.iter().map(HostPath::new).collect();
    let given = Passthrough { folders, ..place.given.clone() };
    let lab = match open_lab_with(&bench.room.image, Some(given), workshop).await {
        Ok(lab) => lab,
        Err(error) => {
            let why = format!("the engine gives no container with the card and {}: {error}", venv.display());
            return Ok(chosen.not_run(0, &why));
        }
    };
    let place = Place {
        lab,
        launcher: vec![],
        environment: place.environment.clone(),
        is_card: true,
        log: KernelLog::open().ok(),
    };
    match bench.suite(place, &chosen, workshop).await? {
        Ended::Fine(place, cases) => {
            place.lab.close().await?;
            Ok(cases)
        }
        Ended::Hung { cases, .. } => Ok(cases),
        Ended::Unmade { says, .. } => Ok(chosen.not_run(0, &says)),
    }
}

/// What the suites of the recipe had, for the container of the environment.
pub(super) struct Settled {
    pub given: Passthrough,
    pub environment: std::collections::BTreeMap<String, String>,
}

/// Finds the interpreter and what it needs, or says why a container cannot be given it.
fn interpreter(venv: &Path) -> Result<Interpreter, String> {
    let shown = venv.display();
    let venv = venv.canonicalize().map_err(|error| format!("{shown}: {error}"))?;
    let program = venv.join("bin/python");
    let real = program
        .canonicalize()
        .map_err(|error| format!("{shown} is no virtual environment: bin/python: {error}"))?;
    let mut folders = vec![venv.clone()];
    if !real.starts_with(&venv) {
        let prefix = real.parent().and_then(Path::parent).unwrap_or(Path::new("/"));
        // Its place in the container is taken by the image's own files.
        if ["/", "/usr", "/usr/local"].iter().any(|system| prefix == Path::new(system)) {
            return Err(format!(
                "the Python of {shown} is the system's, {}, which no container has: make the environment with one of its own, e.g. \
                 `uv venv --python-preference only-managed`",
                real.display()
            ));
        }
        folders.push(prefix.to_owned());
    }
    Ok(Interpreter { program, folders })
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::symlink;

    use super::*;

    #[test]
    fn an_environment_is_given_with_the_interpreter_it_leads_to_and_never_with_the_systems() {
        let folder = tempfile::tempdir().expect("a folder");
        let root = folder.path().canonicalize().expect("there");
        let (venv, managed) = (root.join("venv"), root.join("python-3.12"));
        for bin in [venv.join("bin"), managed.join("bin")] {
            std::fs::create_dir_all(bin).expect("made");
        }
        std::fs::write(managed.join("bin/python3.12"), "").expect("written");
        symlink(managed.join("bin/python3.12"), venv.join("bin/python")).expect("linked");
        let found = interpreter(&venv).expect("it can");
        assert_eq!(found.program, venv.join("bin/python"));
        assert_eq!(found.folders, [venv.clone(), managed]);

        std::fs::remove_file(venv.join("bin/python")).expect("there");
        assert!(interpreter(&venv).expect_err("none").contains("is no virtual environment"));
        symlink("/usr/bin/env", venv.join("bin/python")).expect("linked");
        let refused = interpreter(&venv).expect_err("the system's");
        assert!(refused.contains("is the system's, /usr/bin/env"), "{refused}");
        assert!(interpreter(&root.join("nowhere")).is_err());

        std::fs::remove_file(venv.join("bin/python")).expect("there");
        std::fs::write(venv.join("bin/python"), "").expect("written");
        assert_eq!(interpreter(&venv).expect("its own").folders, [venv]);
    }
}
