//! `rdna-build toolchains`: what there is to build with, and what is in one.

mod inspect;
mod lock;
mod resolve;

use crate::cli::args::{ToolchainsArguments, ToolchainsCommand};
use crate::cli::exit::{CliError, ExitCode};
use crate::cli::render::{self, Page, Tone, table::Table};
use crate::cli::settings::{Environment, Settings};
use crate::cli::wire;
use crate::execute;
use crate::lockfile::LockFile;
use crate::model::{Base, PathFilters, PathPattern, Toolchain, ToolchainId};
use crate::store::Store;
use crate::toolchain::Catalog;

pub fn run(
    arguments: &ToolchainsArguments,
    settings: &Settings,
    environment: &Environment,
) -> Result<ExitCode, CliError> {
    let catalog = Catalog::load(&settings.toolchains)?;
    let lock = LockFile::read(settings.lock_file.as_path())?;
    match &arguments.command {
        None => list(&wire::with_lock(catalog.all()?, &lock), settings),
        Some(ToolchainsCommand::Show { toolchain }) => show(&catalog, toolchain, &lock, settings),
        Some(ToolchainsCommand::Inspect(inspect)) => inspect::run(inspect, &catalog, settings, environment),
        Some(ToolchainsCommand::Resolve(resolve)) => resolve::run(resolve, &catalog, settings),
        Some(ToolchainsCommand::Lock(lock)) => lock::run(lock, &catalog, settings),
    }
}

fn list(toolchains: &[Toolchain], settings: &Settings) -> Result<ExitCode, CliError> {
    let store = Store::peek(settings.store.as_path());
    let made = |toolchain: &Toolchain| execute::stored_image(&store, toolchain.definition());
    if settings.json() {
        let mut list = Vec::new();
        for toolchain in toolchains {
            list.push(document(toolchain, made(toolchain)?.is_some()));
        }
        render::print_json(&list)?;
        return Ok(ExitCode::Fine);
    }
    let mut table = Table::new(["toolchain", "ROCm", "image", "what it is"]);
    for toolchain in toolchains {
        let state = if made(toolchain)?.is_some() { "made" } else { "not made yet" };
        table.row([
            (Tone::Plain, toolchain.id.to_string()),
            (Tone::Plain, toolchain.rocm.to_string()),
            (Tone::Plain, state.to_owned()),
            (Tone::Plain, toolchain.summary.clone()),
        ]);
    }
    render::print(&table.render(0, Page::stdout(settings)))?;
    Ok(ExitCode::Fine)
}

fn show(
    catalog: &Catalog,
    id: &ToolchainId,
    lock: &LockFile,
    settings: &Settings,
) -> Result<ExitCode, CliError> {
    wire::check_toolchain(catalog, id)?;
    let toolchain = Toolchain { locked: lock.packages_for(id).cloned(), ..catalog.get(id.as_str())? };
    if settings.json() {
        let store = Store::peek(settings.store.as_path());
        let made = execute::stored_image(&store, toolchain.definition())?.is_some();
        render::print_json(&document(&toolchain, made))?;
        return Ok(ExitCode::Fine);
    }
    let page = Page::stdout(settings);
    let mut facts = Table::default();
    let mut fact =
        |name: &str, value: String| facts.row([(Tone::Faint, name.to_owned()), (Tone::Plain, value)]);
    fact("ROCm", toolchain.rocm.to_string());
    fact("defined", catalog.origin(id.as_str())?.to_string());
    match &toolchain.base {
        Base::Image(image) => fact("base", format!("image {image}")),
        Base::Debian(debian) => {
            let (suites, components) = (debian.suites().join(" and "), debian.components.join(" "));
            fact("base", format!("assembled from Debian {suites} ({components})"));
        }
    }
    fact("compiler", format!("{}, {}", toolchain.compilers.c, toolchain.compilers.cxx));
    if let Base::Debian(debian) = &toolchain.base {
        fact("packages", debian.packages.join(" "));
        if !debian.left_out.is_empty() {
            fact("left out", left_out(&debian.left_out));
        }
        if let Some(locked) = &toolchain.locked {
            fact("locked", format!("to {} packages by {}", locked.set.packages.len(), settings.lock_file));
        }
    }
    let mut provides = Table::new(["provides", "version", "by package"]);
    for (capability, claim) in &toolchain.provides {
        provides.row([
            (Tone::Plain, capability.clone()),
            (Tone::Plain, claim.version.to_string()),
            (Tone::Plain, claim.package.clone()),
        ]);
    }
    let title = page.palette.paint(Tone::Strong, toolchain.id.as_str());
    let summary = page.lines(&toolchain.summary, 0).join("\n");
    let text = format!("{title}\n{summary}\n\n{}\n{}", facts.render(2, page), provides.render(2, page));
    render::print(&text)?;
    Ok(ExitCode::Fine)
}

fn left_out(filters: &PathFilters) -> String {
    let all =
        |patterns: &[PathPattern]| patterns.iter().map(PathPattern::as_str).collect::<Vec<_>>().join(" ");
    match filters.include.as_slice() {
        [] => all(&filters.exclude),
        include => format!("{}, but not {}", all(&filters.exclude), all(include)),
    }
}

fn document(toolchain: &Toolchain, made: bool) -> serde_json::Value {
    let provides: serde_json::Map<_, _> = toolchain
        .provides
        .iter()
        .map(|(capability, claim)| (capability.clone(), claim.version.to_string().into()))
        .collect();
    let (image, packages, left_out) = match &toolchain.base {
        Base::Image(image) => (Some(image), None, None),
        Base::Debian(debian) => (None, Some(&debian.packages), Some(&debian.left_out)),
    };
    let texts = |patterns: &[PathPattern]| patterns.iter().map(PathPattern::to_string).collect::<Vec<_>>();
    serde_json::json!({
        "id": toolchain.id,
        "summary": toolchain.summary,
        "rocm": toolchain.rocm,
        "base": image,
        "definition": toolchain.definition(),
        "made": made,
        "provides": provides,
        "packages": packages,
        "path-exclude": left_out.map(|filters| texts(&filters.exclude)),
        "path-include": left_out.map(|filters| texts(&filters.include)),
    })
}
