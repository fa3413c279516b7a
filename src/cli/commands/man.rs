//! `rdna-build man`: the manual pages, made from the same definitions as the help.

use std::path::Path;

use clap::CommandFactory;

use crate::cli::args::{Arguments, ManArguments};
use crate::cli::exit::{CliError, ExitCode};
use crate::cli::render;

pub fn run(arguments: &ManArguments) -> Result<ExitCode, CliError> {
    match &arguments.folder {
        Some(folder) => {
            let written = |source| CliError::Write { path: folder.clone(), source };
            write_pages(folder).map_err(written)?;
        }
        None => {
            let mut page = Vec::new();
            clap_mangen::Man::new(Arguments::command())
                .render(&mut page)
                .map_err(|source| CliError::Stdout { source })?;
            render::print(&String::from_utf8_lossy(&page))?;
        }
    }
    Ok(ExitCode::Fine)
}

fn write_pages(folder: &Path) -> std::io::Result<()> {
    std::fs::create_dir_all(folder)?;
    clap_mangen::generate_to(Arguments::command(), folder)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_command_has_a_page() {
        let folder = tempfile::tempdir().unwrap();
        write_pages(folder.path()).unwrap();
        for command in Arguments::command().get_subcommands() {
            let page = folder.path().join(format!("rdna-build-{}.1", command.get_name()));
            assert!(page.is_file(), "{}", page.display());
        }
        assert!(folder.path().join("rdna-build-cache-gc.1").is_file());
    }
}
