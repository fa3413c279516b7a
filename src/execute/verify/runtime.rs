//! The container that holds the library and what it needs: no network, no rights, nothing of this machine.

use std::collections::BTreeMap;

use super::super::inspect::inspect_image;
use super::super::unit::Account;
use super::super::{ExecuteError, Workshop, toolchain};
use super::subject::Opened;
use super::{RuntimeChoice, VerifyError, VerifyTask};
use crate::build::lab::{Lab, LabSpec, PROOFS};
use crate::engine::device::Passthrough;
use crate::engine::{Engine, ImageInfo};
use crate::model::{GuestPath, Inventory, LibraryPart, Toolchain};
use crate::proof::Tools;
use crate::verify::LoaderAnswer;

/// What the container's work is called in logs and locks.
pub(super) const UNIT: &str = "verify";
/// Where a library of this machine lies in the container.
const FOREIGN: &str = "/work/library";
/// glibc's loader on x86-64; the ABI fixes its place.
const LOADER: &str = "/lib64/ld-linux-x86-64.so.2";
/// The loader maps some hundred megabytes and binds some thousand symbols.
const LOADER_SECONDS: u32 = 60;

/// A container with the library in it.
pub(super) struct Room<'a> {
    pub engine: &'a dyn Engine,
    pub lab: Lab<'a>,
    /// The toolchain's id, or how a person named the image.
    pub name: String,
    /// The engine's id of the image.
    pub image: String,
    /// What the image sets for its programs.
    pub environment: BTreeMap<String, String>,
    pub inventory: Inventory,
    /// Where the library lies in it.
    pub library: GuestPath,
}

/// Makes the container and puts the library into it; nothing where there is no image to make it of.
pub(super) async fn enter<'a>(
    task: &VerifyTask<'_>,
    opened: &Opened,
    workshop: &'a Workshop,
) -> Result<Option<Room<'a>>, ExecuteError> {
    let Some((name, info)) = image(task, opened, workshop).await? else { return Ok(None) };
    let engine = workshop.engine().await?;
    let inventory = inspect_image(&info, workshop).await?.inventory;
    let library = place(opened, &inventory, &name)?;
    let lab = open_lab(&info.id, workshop).await?;
    match (&opened.tree, &opened.file) {
        (Some(tree), _) => lab.install(tree.root.clone(), tree.files.clone()).await?,
        (None, Some(file)) => lab.put(file.clone(), &library).await?,
        (None, None) => {}
    }
    Ok(Some(Room { engine, lab, name, image: info.id, environment: info.environment, inventory, library }))
}

/// A container of an image, with nothing of this machine in it.
pub(super) async fn open_lab<'a>(image: &str, workshop: &'a Workshop) -> Result<Lab<'a>, ExecuteError> {
    open_lab_with(image, None, workshop).await
}

/// The same with a card, where one is given.
pub(super) async fn open_lab_with<'a>(
    image: &str,
    gpu: Option<Passthrough>,
    workshop: &'a Workshop,
) -> Result<Lab<'a>, ExecuteError> {
    let spec = LabSpec {
        image: image.to_owned(),
        unit: UNIT.to_owned(),
        labels: workshop.labels(),
        memory: workshop.limits.memory,
        ccache: None,
        gpu,
    };
    Ok(Lab::open(workshop.engine().await?, &spec).await?)
}

/// The image and what it is called.
async fn image(
    task: &VerifyTask<'_>,
    opened: &Opened,
    workshop: &Workshop,
) -> Result<Option<(String, ImageInfo)>, ExecuteError> {
    let of_toolchain = async |toolchain: &Toolchain| {
        let mut account = Account { workshop, unit: UNIT.to_owned(), stages: vec![] };
        let image = toolchain::image(toolchain, &mut account).await?;
        let info = workshop.engine().await?.image(&image.id).await?;
        let info = info.ok_or_else(|| VerifyError::NoImage { image: image.reference.clone() })?;
        Ok::<_, ExecuteError>(Some((toolchain.id.to_string(), info)))
    };
    match &task.runtime {
        RuntimeChoice::None { .. } => Ok(None),
        RuntimeChoice::Toolchain(toolchain) => of_toolchain(toolchain).await,
        RuntimeChoice::Own => {
            let own =
                opened.manifest.as_ref().and_then(|manifest| task.recipes.toolchain(&manifest.toolchain.id));
            match own {
                Some(toolchain) => of_toolchain(toolchain).await,
                None => Ok(None),
            }
        }
        RuntimeChoice::Image(name) => {
            let info = workshop.engine().await?.image(name).await?;
            let info = info.ok_or_else(|| VerifyError::NoImage { image: name.clone() })?;
            Ok(Some((name.clone(), info)))
        }
    }
}

/// Where the library lies in the container.
fn place(opened: &Opened, inventory: &Inventory, image: &str) -> Result<GuestPath, ExecuteError> {
    if let Some(manifest) = &opened.manifest {
        return Ok(GuestPath::new(&manifest.build.prefix).join(&opened.shown));
    }
    if let Some(file) = &opened.file {
        let name = file.file_name().unwrap_or_default().to_string_lossy();
        return Ok(GuestPath::new(FOREIGN).join(&name));
    }
    match &opened.in_image {
        // Its links are followed here: the engine would hand out the link itself.
        Some(path) => Ok(GuestPath::new(inventory.real(path.as_str()).unwrap_or_else(|| path.to_string()))),
        None => {
            let found: Vec<&GuestPath> =
                inventory.libraries(LibraryPart::Miopen).map(|library| &library.path).collect();
            match found.as_slice() {
                [one] => Ok((*one).clone()),
                [] => Err(VerifyError::NotInImage {
                    image: image.to_owned(),
                    path: "libMIOpen.so.1".to_owned(),
                }
                .into()),
                several => {
                    let paths = several.iter().map(|path| format!("\n  {path}")).collect();
                    let count = several.len();
                    Err(VerifyError::WhichLibrary { image: image.to_owned(), count, paths }.into())
                }
            }
        }
    }
}

/// Lets the loader of the image trace the library. Nothing of the library is executed.
pub(super) async fn ask(room: Option<&Room<'_>>) -> Result<LoaderAnswer, ExecuteError> {
    let Some(room) = room else { return Ok(LoaderAnswer::default()) };
    let command = [
        "timeout",
        "-k",
        "5",
        &LOADER_SECONDS.to_string(),
        // Set for the loader only: `timeout` would be traced itself.
        "env",
        "LD_TRACE_LOADED_OBJECTS=1",
        "LD_WARN=yes",
        "LD_BIND_NOW=yes",
        LOADER,
        room.library.as_str(),
    ];
    let end = room.lab.run(&command.map(str::to_owned), BTreeMap::new()).await?;
    let mut answer = LoaderAnswer::read(&end.log);
    if end.exit == 124 || end.exit == 137 {
        answer.complaints.insert(0, format!("it did not come to an end within {LOADER_SECONDS} s"));
    }
    Ok(answer)
}

/// What words of commands stand for.
pub(super) fn tools(toolchain: &Toolchain) -> Tools {
    Tools {
        c: toolchain.compilers.c.to_string(),
        cxx: toolchain.compilers.cxx.to_string(),
        llvm: String::new(),
        files: PROOFS.to_owned(),
    }
}

impl Room<'_> {
    /// The toolchain whose image it is made of, if it is one.
    pub fn toolchain<'t>(&self, task: &'t VerifyTask<'_>) -> Option<&'t Toolchain> {
        match &task.runtime {
            RuntimeChoice::Toolchain(toolchain) => Some(toolchain),
            RuntimeChoice::Own => task.recipes.toolchain(&self.name),
            RuntimeChoice::Image(_) | RuntimeChoice::None { .. } => None,
        }
    }

    /// Removes the container.
    pub async fn leave(self) -> Result<(), ExecuteError> {
        Ok(self.lab.close().await?)
    }
}
