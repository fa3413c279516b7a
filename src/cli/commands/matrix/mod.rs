//! `rdna-build matrix`: the builds of a recipe that are still to do, as CI servers take jobs.

mod far;

use serde_json::{Map, Value, json};

use crate::cli::args::{MatrixArguments, MatrixForm};
use crate::cli::exit::{CliError, ExitCode};
use crate::cli::render;
use crate::cli::settings::Settings;
use crate::cli::wire::{self, Job, Trace};
use crate::facts::Machine;
use crate::model::{GfxTarget, Key, PlannedUnit, Stage, StageState, ToolchainId};
use crate::recipe::RecipeBook;
use crate::store::Store;
use far::Far;

/// One build.
struct Build {
    name: String,
    recipe: String,
    version: String,
    target: String,
    toolchain: String,
    command: String,
    /// Where the package already is.
    held: Held,
    /// The package's key, where it is known before anything ran.
    package: Option<Key>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Held {
    Nowhere,
    InStore,
    InRemote,
}

pub fn run(arguments: &MatrixArguments, settings: &Settings) -> Result<ExitCode, CliError> {
    let builds = builds(arguments, settings)?;
    let wanted: Vec<&Build> =
        builds.iter().filter(|build| arguments.all || build.held == Held::Nowhere).collect();
    let text = match arguments.format {
        MatrixForm::Json => return json(&wanted),
        MatrixForm::Github => github(&wanted),
        MatrixForm::Gitlab => gitlab(&wanted),
    };
    render::print(&text)?;
    let count = |held| builds.iter().filter(|build| build.held == held).count();
    let remote = match (&settings.remote, count(Held::InRemote)) {
        (Some(remote), count) if count > 0 => format!(", {count} in {remote}"),
        (Some(_) | None, _) => String::new(),
    };
    let (to_do, here) = (count(Held::Nowhere), count(Held::InStore));
    render::complain(&format!("{to_do} to do, {here} in the store{remote}\n"));
    Ok(ExitCode::Fine)
}

fn builds(arguments: &MatrixArguments, settings: &Settings) -> Result<Vec<Build>, CliError> {
    let store = Store::peek(settings.store.as_path());
    let machine = Machine::look();
    let targets: Vec<GfxTarget> = match arguments.targets.as_slice() {
        [] => wire::recipe(&RecipeBook::load(&settings.recipes)?, &arguments.recipe)?.targets,
        targets => targets.to_vec(),
    };
    let toolchains: Vec<Option<ToolchainId>> = match arguments.chosen.as_slice() {
        [] => vec![None],
        ids => ids.iter().cloned().map(Some).collect(),
    };
    let mut remote = Far::new(settings, &store);
    let mut builds = Vec::new();
    for toolchain in toolchains {
        let words = arguments.build(targets.clone(), toolchain);
        let mut job = Job::resolve(&words, settings, &store, Trace::None)?;
        remote.identify(&mut job, &store)?;
        let plan = job.plan(settings, &store, &machine)?;
        builds.extend(plan.units.iter().map(|unit| build(unit, arguments)));
    }
    for build in builds.iter_mut().filter(|build| build.held == Held::Nowhere) {
        if let Some(package) = build.package
            && remote.holds(&package)?
        {
            build.held = Held::InRemote;
        }
    }
    Ok(builds)
}

fn build(unit: &PlannedUnit, arguments: &MatrixArguments) -> Build {
    let id = &unit.id;
    let state = unit.stage(Stage::Package).map(|stage| &stage.state);
    let held = match state {
        Some(StageState::Cached { .. }) => Held::InStore,
        Some(StageState::ToDo { .. } | StageState::Unknown { .. }) | None => Held::Nowhere,
    };
    let mut command = format!(
        "rdna-build build {} --version {} --target {} --toolchain {}",
        id.recipe, id.version, id.target, id.toolchain
    );
    for (option, names) in [
        ("--with-patch", &arguments.patches.with_patch),
        ("--without-patch", &arguments.patches.without_patch),
    ] {
        command.extend(names.iter().map(|name| format!(" {option} {name}")));
    }
    if arguments.patches.unproven_patches {
        command += " --unproven-patches";
    }
    Build {
        name: id.file_stem(),
        recipe: id.recipe.to_string(),
        version: id.version.to_string(),
        target: id.target.to_string(),
        toolchain: id.toolchain.to_string(),
        command,
        held,
        package: state.and_then(StageState::key),
    }
}

fn document(build: &Build) -> Value {
    json!({
        "name": build.name,
        "recipe": build.recipe,
        "version": build.version,
        "target": build.target,
        "toolchain": build.toolchain,
        "cached": build.held != Held::Nowhere,
        "command": build.command,
    })
}

fn json(builds: &[&Build]) -> Result<ExitCode, CliError> {
    render::print_json(&builds.iter().map(|build| document(build)).collect::<Vec<_>>())?;
    Ok(ExitCode::Fine)
}

/// Two lines for `$GITHUB_OUTPUT`. A matrix without jobs is an error there, so a second output tells whether there are any.
fn github(builds: &[&Build]) -> String {
    let include: Vec<Value> = builds.iter().map(|build| document(build)).collect();
    let any = !builds.is_empty();
    format!("matrix={}\nany={any}\n", json!({ "include": include }))
}

/// JSON, which is YAML. A pipeline without jobs is an error there, so one that does nothing stands for none.
fn gitlab(builds: &[&Build]) -> String {
    let mut jobs = Map::new();
    for build in builds {
        let job = json!({ "extends": ".rdna-build", "script": [build.command] });
        jobs.insert(build.name.clone(), job);
    }
    if jobs.is_empty() {
        jobs.insert("nothing-to-do".to_owned(), json!({ "script": ["echo everything is there already"] }));
    } else {
        // What all have in common is the pipeline's own to say; it may be empty.
        jobs.insert("include".to_owned(), json!([{ "local": ".gitlab/rdna-build.yml" }]));
    }
    format!("{:#}\n", Value::Object(jobs))
}
