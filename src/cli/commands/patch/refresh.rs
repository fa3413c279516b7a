//! `rdna-build patch refresh`: writes the patch of what was changed in a folder of `patch new` or `patch edit`.

use std::fs;
use std::path::Path;

use crate::cli::args::RefreshArguments;
use crate::cli::exit::{CliError, ExitCode};
use crate::cli::render::{self, amount};
use crate::cli::settings::Settings;
use crate::model::HostPath;
use crate::source::patch::desk;

pub fn run(arguments: &RefreshArguments, settings: &Settings) -> Result<ExitCode, CliError> {
    let folder = match &arguments.folder {
        Some(folder) => settings.current_folder.join(folder),
        None => settings.current_folder.clone(),
    };
    let (folder, note) = desk::find(folder.as_path())?;
    let patch = desk::patch(&folder, &note)?;
    let Some(patch) = patch else {
        return Err(CliError::Usage {
            message: format!("nothing is changed in {}", folder.display()),
            help: Some("`git diff` there shows what would be in the patch".to_owned()),
        });
    };
    let before = fs::read(&note.file).ok();
    if before.as_deref() == Some(patch.bytes.as_slice()) {
        render::complain(&format!("{} is as it was\n", note.file.display()));
        render::print(&format!("{}\n", note.file.display()))?;
        return Ok(ExitCode::Fine);
    }
    write(&note.file, &patch.bytes)?;
    let files = amount::count(patch.files as u64, "file");
    render::complain(&format!("{} changes {files}\n", note.file.display()));
    match &note.series {
        Some(series) => add_to_series(series, &note)?,
        None if before.is_some() => {
            let recipe = &note.recipe;
            let name = &note.name;
            render::complain(&format!(
                "its proofs were run on other bytes: rdna-build patch prove {recipe} {name}\n"
            ));
        }
        None => render::complain(&format!(
            "build with it: rdna-build {} --target GFX --patch {}\n",
            note.recipe,
            note.file.display()
        )),
    }
    render::print(&format!("{}\n", note.file.display()))?;
    Ok(ExitCode::Fine)
}

fn write(path: &Path, bytes: &[u8]) -> Result<(), CliError> {
    let failed = |source| CliError::Write { path: path.to_owned(), source };
    let parent = path.parent().unwrap_or(Path::new("."));
    fs::create_dir_all(parent).map_err(failed)?;
    // Another name first: an old patch is not lost to a full disk.
    let mut file = tempfile::NamedTempFile::new_in(parent).map_err(failed)?;
    std::io::Write::write_all(&mut file, bytes).map_err(failed)?;
    let mode = std::os::unix::fs::PermissionsExt::from_mode(0o644);
    file.as_file().set_permissions(mode).map_err(failed)?;
    file.persist(path).map_err(|error| failed(error.error))?;
    Ok(())
}

/// Adds a new patch at the end of the series, once.
fn add_to_series(series: &Path, note: &desk::Note) -> Result<(), CliError> {
    let failed = |source| CliError::Write { path: series.to_owned(), source };
    let mut text = match fs::read_to_string(series) {
        Ok(text) => text,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => "schema = 1\n".to_owned(),
        Err(error) => return Err(failed(error)),
    };
    let name = format!("name = \"{}\"", note.name);
    if text.lines().any(|line| line.trim() == name) {
        return Ok(());
    }
    let folder = series.parent().unwrap_or(Path::new("."));
    let file = note.file.strip_prefix(folder).unwrap_or(&note.file);
    if !text.ends_with('\n') {
        text.push('\n');
    }
    text += &format!(
        "\n[[patches]]\n{name}\nwhy = \"say in one sentence what breaks without it\"\n\
         [[patches.variants]]\nfile = \"{}\"\nversions = \"={}\"\n",
        file.display(),
        note.version
    );
    write(series, text.as_bytes())?;
    render::complain(&format!("added to {}: say there why, and what proves it\n", HostPath::new(series)));
    Ok(())
}
