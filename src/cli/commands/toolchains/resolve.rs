//! `rdna-build toolchains resolve`: every toolchain against what a recipe needs.

use crate::cli::args::ResolveArguments;
use crate::cli::exit::{CliError, ExitCode};
use crate::cli::render::{self, Page, Tone, table::Table};
use crate::cli::settings::Settings;
use crate::cli::wire;
use crate::execute;
use crate::lockfile::LockFile;
use crate::recipe::RecipeBook;
use crate::store::Store;
use crate::toolchain::Catalog;
use crate::toolchain::weigh::{Candidate, Verdict, Weighed, weigh};

pub fn run(
    arguments: &ResolveArguments,
    catalog: &Catalog,
    settings: &Settings,
) -> Result<ExitCode, CliError> {
    let book = RecipeBook::load(&settings.recipes)?;
    let recipe = wire::recipe(&book, &arguments.recipe)?;
    let wanted = arguments.version.as_ref().unwrap_or(&recipe.default_version);
    let version = wire::listed_version(&recipe, wanted)?;
    if let Some(target) = arguments.target {
        wire::check_target(&recipe, target)?;
    }
    let store = Store::peek(settings.store.as_path());
    let mut candidates = Vec::new();
    let lock = LockFile::read(settings.lock_file.as_path())?;
    for toolchain in wire::with_lock(catalog.all()?, &lock) {
        let image = execute::stored_image(&store, toolchain.definition())?;
        let inventory = match image {
            Some(image) => execute::remembered(&store, &image)?,
            None => None,
        };
        candidates.push(Candidate { toolchain, inventory });
    }
    let weighed = weigh(&recipe, version, arguments.target, &candidates);
    let is_chosen = weighed.iter().any(|one| matches!(one.verdict, Verdict::Chosen { .. }));
    if settings.json() {
        render::print_json(&weighed)?;
    } else {
        let of = format!("{} {}", recipe.name, version.version);
        render::print(&table(&weighed, Page::stdout(settings)))?;
        let unseen = weighed.iter().filter(|one| !one.seen).count();
        if unseen > 0 {
            render::complain(&format!(
                "{unseen} of {} images were not looked into yet: of them only the claims are weighed\n",
                weighed.len()
            ));
        }
        if !is_chosen {
            render::complain(&format!("no toolchain can build {of}; more come with --toolchains DIR\n"));
        }
    }
    Ok(if is_chosen { ExitCode::Fine } else { ExitCode::Invalid })
}

fn table(weighed: &[Weighed], page: Page) -> String {
    let mut table = Table::new(["toolchain", "verdict", "why", "proof"]);
    for one in weighed {
        let name = || (Tone::Plain, one.toolchain.to_string());
        match &one.verdict {
            Verdict::Chosen { reason } => {
                let seen = if one.seen { "its image was looked into" } else { "its claims" };
                let why = reason.split("; ").next().unwrap_or_default().to_owned();
                table.row([
                    name(),
                    (Tone::Good, "chosen".to_owned()),
                    (Tone::Plain, why),
                    (Tone::Faint, seen.to_owned()),
                ]);
            }
            Verdict::Fits => {
                let why = "it would do; the chosen one is nearer or brings less".to_owned();
                table.row([
                    name(),
                    (Tone::Plain, "fits".to_owned()),
                    (Tone::Plain, why),
                    (Tone::Plain, String::new()),
                ]);
            }
            Verdict::Refused { reasons } => {
                for (number, reason) in reasons.iter().enumerate() {
                    let (name, verdict) = match number {
                        0 => (name(), "refused".to_owned()),
                        _ => ((Tone::Plain, String::new()), String::new()),
                    };
                    let rule = reason.rule.as_ref().map_or_else(String::new, |rule| format!(" ({rule})"));
                    table.row([
                        name,
                        (Tone::Bad, verdict),
                        (Tone::Plain, format!("{}{rule}", reason.what)),
                        (Tone::Faint, reason.proof.clone()),
                    ]);
                }
            }
        }
    }
    table.render(0, page)
}
