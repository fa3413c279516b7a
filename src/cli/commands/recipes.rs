//! `rdna-build recipes`: what can be built, one recipe whole, or what is wrong with one.

use crate::cli::args::{RecipesArguments, RecipesCommand};
use crate::cli::exit::{CliError, ExitCode};
use crate::cli::render::{self, Page, Palette, Tone, amount, table::Table};
use crate::cli::settings::Settings;
use crate::cli::wire;
use crate::model::{GfxTarget, HostPath, Recipe, RecipeName, SourceSpec};
use crate::recipe::{RecipeBook, lint};

pub fn run(arguments: &RecipesArguments, settings: &Settings) -> Result<ExitCode, CliError> {
    match &arguments.command {
        None => list(&RecipeBook::load(&settings.recipes)?, settings),
        Some(RecipesCommand::Show { recipe }) => {
            show(&RecipeBook::load(&settings.recipes)?, recipe, settings)
        }
        Some(RecipesCommand::Lint { path }) => check(&settings.current_folder.join(path), settings),
    }
}

fn list(book: &RecipeBook, settings: &Settings) -> Result<ExitCode, CliError> {
    let recipes = book.names().map(|name| book.get(name.as_str())).collect::<Result<Vec<_>, _>>()?;
    if settings.json() {
        let names: Vec<_> = recipes.iter().map(document).collect();
        render::print_json(&names)?;
        return Ok(ExitCode::Fine);
    }
    let mut table = Table::new(["recipe", "version", "targets", "what it is"]);
    for recipe in &recipes {
        table.row([
            (Tone::Plain, recipe.name.to_string()),
            (Tone::Plain, recipe.default_version.to_string()),
            (Tone::Plain, targets(recipe)),
            (Tone::Plain, recipe.summary.clone()),
        ]);
    }
    render::print(&table.render(0, Page::stdout(settings)))?;
    Ok(ExitCode::Fine)
}

fn show(book: &RecipeBook, name: &RecipeName, settings: &Settings) -> Result<ExitCode, CliError> {
    let recipe = wire::recipe(book, name)?;
    if settings.json() {
        render::print_json(&document(&recipe))?;
        return Ok(ExitCode::Fine);
    }
    let page = Page::stdout(settings);
    let mut facts = Table::default();
    let mut fact =
        |name: &str, value: String| facts.row([(Tone::Faint, name.to_owned()), (Tone::Plain, value)]);
    fact("homepage", recipe.homepage.clone());
    fact("license", recipe.license.clone());
    fact("defined", book.origin(name.as_str())?.to_string());
    fact("targets", targets(&recipe));
    fact("requires", ranges(&recipe));
    fact(
        "needs",
        format!(
            "{} of memory a job, {} of disk, about {} min on two cores",
            amount::bytes(recipe.build.memory_per_job),
            amount::bytes(recipe.build.disk),
            recipe.build.minutes
        ),
    );
    let mut versions = Table::new(["version", "ROCm", "source"]);
    for version in &recipe.versions {
        let is_default = version.version == recipe.default_version;
        let mark = if is_default { " (default)" } else { "" };
        versions.row([
            (if is_default { Tone::Strong } else { Tone::Plain }, format!("{}{mark}", version.version)),
            (Tone::Plain, version.rocm.to_string()),
            (Tone::Plain, source(&version.source)),
        ]);
    }
    let title = page.palette.paint(Tone::Strong, recipe.name.as_str());
    let summary = page.lines(&recipe.summary, 0).join("\n");
    let mut text = format!("{title}\n{summary}\n\n{}\n{}", facts.render(2, page), versions.render(2, page));
    let heading = |name: &str| format!("\n  {}\n", page.palette.paint(Tone::Faint, name));
    if !recipe.patches.is_empty() {
        text += &heading("patches");
    }
    for patch in &recipe.patches {
        let opt_in = if patch.opt_in { " (opt-in)" } else { "" };
        text += &format!("  {}{opt_in}\n", patch.name);
        for line in page.lines(&patch.why, 6) {
            text += &format!("      {line}\n");
        }
    }
    if !recipe.build.options.is_empty() {
        text += &heading("options");
    }
    for (option, value) in &recipe.build.options {
        text += &format!("  {option}={value}\n");
    }
    render::print(&text)?;
    Ok(ExitCode::Fine)
}

fn check(path: &HostPath, settings: &Settings) -> Result<ExitCode, CliError> {
    let linted = lint(path)?;
    let colored = Palette::stderr(settings).is_colored();
    for warning in &linted.warnings {
        render::complain(&render::diagnostic::text(warning, colored, settings.terminal));
    }
    let message = match linted.warnings.len() {
        0 => format!("{} is valid\n", linted.recipe.name),
        count => {
            format!("{} is valid, with {}\n", linted.recipe.name, amount::count(count as u64, "warning"))
        }
    };
    render::complain(&message);
    Ok(ExitCode::Fine)
}

fn targets(recipe: &Recipe) -> String {
    recipe.targets.iter().map(GfxTarget::as_str).collect::<Vec<_>>().join(" ")
}

fn ranges(recipe: &Recipe) -> String {
    let ranges: Vec<_> = recipe.requires.iter().map(|(name, range)| format!("{name} {range}")).collect();
    ranges.join(", ")
}

fn source(spec: &SourceSpec) -> String {
    match spec {
        SourceSpec::Git { url, reference, commit, subdir } => {
            let place = match subdir {
                Some(subdir) => format!("{url} ({subdir})"),
                None => url.clone(),
            };
            let commit = match commit {
                Some(commit) => commit.short().to_owned(),
                None => "pinned on first fetch".to_owned(),
            };
            match reference {
                Some(reference) => format!("{place} at {reference}, {commit}"),
                None => format!("{place} at {commit}"),
            }
        }
        SourceSpec::Tarball { urls, .. } => urls.first().cloned().unwrap_or_default(),
        SourceSpec::Bundled { folder, .. } => format!("{folder}/ of the recipe's own folder"),
        SourceSpec::Folder { path } => path.to_string(),
    }
}

fn document(recipe: &Recipe) -> serde_json::Value {
    serde_json::json!({
        "name": recipe.name,
        "summary": recipe.summary,
        "homepage": recipe.homepage,
        "license": recipe.license,
        "default-version": recipe.default_version,
        "versions": recipe.versions.iter().map(|version| serde_json::json!({
            "version": version.version,
            "rocm": version.rocm,
            "source": version.source,
        })).collect::<Vec<_>>(),
        "requires": recipe.requires,
        "targets": recipe.targets,
        "patches": recipe.patches.iter().map(|patch| serde_json::json!({
            "name": patch.name,
            "why": patch.why,
            "upstream": patch.upstream,
            "opt-in": patch.opt_in,
            "when": patch.when,
            "needs": patch.needs,
            "variants": patch.variants.iter().map(|variant| serde_json::json!({
                "file": variant.file,
                "versions": variant.versions,
                "fit": variant.fit,
                "proven": variant.proven,
                "proofs": variant.proofs,
            })).collect::<Vec<_>>(),
        })).collect::<Vec<_>>(),
    })
}
