//! A plan as a person reads it.

use super::amount;
use super::page::Page;
use super::palette::Tone;
use super::printable;
use super::table::Table;
use crate::model::{PinnedSource, Plan, PlannedStage, PlannedUnit, SourceSpec, StageState};
use crate::package;

/// Characters of a text from a recipe; the reason for a toolchain names every one that was refused.
const LIMIT: usize = 2000;

/// Every unit with its stages: what is cached, what will be made and why, and what that takes.
pub fn table(plan: &Plan, page: impl Into<Page>) -> String {
    let page = page.into();
    let units = plan.units.iter().map(|unit| unit_text(unit, page)).collect::<Vec<_>>();
    let total: u64 = plan.units.iter().filter(|unit| has_work(unit)).map(|unit| unit.cost.seconds).sum();
    let work = plan.units.iter().filter(|unit| has_work(unit)).count();
    let last = match (plan.units.len(), work) {
        (_, 0) => "everything is cached".to_owned(),
        (1, _) => return units.concat(),
        (all, work) => {
            format!("{work} of {all} units to build, about {}", amount::about_seconds(total as f64))
        }
    };
    format!("{}\n{last}\n", units.join("\n"))
}

fn unit_text(unit: &PlannedUnit, page: Page) -> String {
    let id = &unit.id;
    let title = page.palette.paint(Tone::Strong, &format!("{} {} for {}", id.recipe, id.version, id.target));
    let mut facts = Table::default();
    let mut fact = |name: &str, value: String| {
        facts.row([(Tone::Faint, name.to_owned()), (Tone::Plain, printable(&value, LIMIT))]);
    };
    fact("toolchain", format!("{}: {}", id.toolchain, unit.reason));
    fact("source", source(unit));
    fact("prefix", unit.prefix.clone());
    for patch in &unit.patches {
        let mark = if patch.unproven { " (unproven on this version)" } else { "" };
        fact("patch", format!("{}{mark}", patch.name));
        if !patch.why.is_empty() {
            fact("", patch.why.clone());
        }
    }
    for left_out in &unit.left_out {
        fact("not applied", format!("{}: {}", left_out.name, left_out.reason));
    }
    if has_work(unit) {
        fact("expected", cost(unit));
    }
    let mut stages = Table::new(["stage", "state", "key", "why"]);
    for planned in &unit.stages {
        let (tone, state, why) = match &planned.state {
            StageState::Cached { .. } => (Tone::Faint, "cached", String::new()),
            StageState::ToDo { reasons, .. } if reasons.is_empty() => {
                (Tone::Good, "to do", "not made yet".to_owned())
            }
            StageState::ToDo { reasons, .. } => (Tone::Good, "to do", reasons.join(", ")),
            StageState::Unknown { after } => (Tone::Warning, "open", format!("known after {after}")),
        };
        stages.row([
            (Tone::Plain, stage(planned)),
            (tone, state.to_owned()),
            (Tone::Faint, planned.state.key().map(|key| key.short()).unwrap_or_default()),
            (Tone::Plain, printable(&why, LIMIT)),
        ]);
    }
    format!("{title}\n{}\n{}", facts.render(2, page), stages.render(2, page))
}

/// `package deb`, where it is not the usual format.
fn stage(planned: &PlannedStage) -> String {
    match planned.format.as_deref().filter(|format| *format != package::DEFAULT_FORMAT) {
        Some(format) => format!("{} {format}", planned.stage),
        None => planned.stage.to_string(),
    }
}

fn has_work(unit: &PlannedUnit) -> bool {
    unit.stages.iter().any(|planned| match planned.state {
        StageState::Cached { .. } => false,
        StageState::ToDo { .. } | StageState::Unknown { .. } => true,
    })
}

fn cost(unit: &PlannedUnit) -> String {
    let cost = unit.cost;
    let basis = if cost.measured { "as the last time" } else { "the recipe's estimate" };
    format!(
        "{} ({basis}), {} disk, {} memory, {}",
        amount::about_seconds(cost.seconds as f64),
        amount::bytes(cost.disk),
        amount::bytes(cost.memory),
        amount::count(cost.jobs.into(), "job")
    )
}

fn source(unit: &PlannedUnit) -> String {
    match &unit.source {
        Ok(PinnedSource::Git { url, commit, .. }) => format!("{} at {}", redacted(url), commit.short()),
        Ok(PinnedSource::Tarball { urls, sha256 }) => {
            format!("{} sha256 {}", urls.first().map(|url| redacted(url)).unwrap_or_default(), sha256.short())
        }
        Ok(PinnedSource::Bundled { folder, .. }) => format!("{folder}/ of the recipe's own folder"),
        Ok(PinnedSource::Folder { tree, dirty, .. }) => {
            format!(
                "a folder, tree {}{}",
                tree.short(),
                if *dirty { ", with uncommitted changes" } else { "" }
            )
        }
        Err(SourceSpec::Git { url, reference, .. }) => {
            let reference = reference.as_deref().unwrap_or("its default branch");
            format!("{} at {reference}, pinned on first fetch", redacted(url))
        }
        Err(SourceSpec::Tarball { urls, sha256 }) => {
            format!("{} sha256 {}", urls.first().map(|url| redacted(url)).unwrap_or_default(), sha256.short())
        }
        Err(SourceSpec::Bundled { folder, .. }) => format!("{folder}/ of the recipe's own folder"),
        Err(SourceSpec::Folder { path }) => path.to_string(),
    }
}

fn redacted(url: &str) -> String {
    crate::cli::settings::redact(url)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::render::Palette;
    use crate::model::{
        About, Cost, Digest, Fit, Ingredients, Key, LeftOutReason, PatchLeftOut, PlannedPatch, PlannedStage,
        Relations, Script, Stage, UnitId,
    };

    fn key(stage: Stage) -> Key {
        Key::from_digest(Digest::of(stage.as_str()))
    }

    fn unit(states: [StageState; 5]) -> PlannedUnit {
        let stages = Stage::BUILD
            .into_iter()
            .zip(states)
            .map(|(stage, state)| PlannedStage {
                stage,
                format: None,
                state,
                ingredients: Ingredients::default(),
            })
            .collect();
        PlannedUnit {
            id: UnitId {
                recipe: "miopen".parse().unwrap(),
                version: "3.3.0".parse().unwrap(),
                target: "gfx1010".parse().unwrap(),
                toolchain: "debian-sid".parse().unwrap(),
            },
            reason: "nearest to ROCm 6.4.3 that provides rocblas".into(),
            source: Ok(PinnedSource::Git {
                url: "https://me:secret@example.org/MIOpen.git".into(),
                reference: Some("rocm-6.4.3".into()),
                commit: "2d1fd997a0000000000000000000000000000000".parse().unwrap(),
                subdir: None,
            }),
            patches: vec![PlannedPatch {
                name: "compat-boost".parse().unwrap(),
                file: "patches/0001-boost.patch".into(),
                sha256: Digest::of("patch"),
                why: "Boost 1.87 renamed a header.".into(),
                fit: Fit::Exact,
                unproven: true,
            }],
            left_out: vec![PatchLeftOut {
                name: "winograd-off".parse().unwrap(),
                reason: LeftOutReason::OptIn,
            }],
            prefix: "/opt/rdna-build/miopen-3.3.0-gfx1010".into(),
            options: Default::default(),
            environment: Default::default(),
            script: Script {
                configure: vec![],
                build: vec![],
                install: vec![],
                environment: Default::default(),
            },
            source_date_epoch: 0,
            outputs: vec![],
            formats: vec!["tar.zst".into()],
            about: About {
                name: "miopen-hip-gfx1010".into(),
                revision: "1".into(),
                maintainer: "A <a@example.org>".into(),
                summary: String::new(),
                homepage: String::new(),
                license: "MIT".into(),
                debian: Relations::default(),
                rpm: Relations::default(),
            },
            stages,
            cost: Cost { seconds: 2400, measured: false, disk: 8 << 30, memory: 3 << 30, jobs: 2 },
        }
    }

    fn cached(stage: Stage) -> StageState {
        StageState::Cached { key: key(stage) }
    }

    #[test]
    fn a_plan_says_what_will_be_made_and_why() {
        let changed = vec!["patches/0001-boost.patch changed".to_owned(), "option FOO is new".to_owned()];
        let unit = unit([
            cached(Stage::Toolchain),
            cached(Stage::Source),
            StageState::ToDo { key: key(Stage::Prepare), reasons: changed },
            StageState::ToDo { key: key(Stage::Build), reasons: Vec::new() },
            StageState::Unknown { after: Stage::Build },
        ]);
        let text = table(&Plan { schema: 1, units: vec![unit] }, Palette::PLAIN);
        snapbox::assert_data_eq!(
            text,
            snapbox::str![[r#"
miopen 3.3.0 for gfx1010
  toolchain    debian-sid: nearest to ROCm 6.4.3 that provides rocblas
  source       https://***@example.org/MIOpen.git at 2d1fd997a000
  prefix       /opt/rdna-build/miopen-3.3.0-gfx1010
  patch        compat-boost (unproven on this version)
               Boost 1.87 renamed a header.
  not applied  winograd-off: opt-in
  expected     40 min (the recipe's estimate), 8.0 GiB disk, 3.0 GiB memory, 2 jobs

  stage      state   key           why
  toolchain  cached  0db3de82a739
  source     cached  41cf6794ba42
  prepare    to do   45666d976bab  patches/0001-boost.patch changed, option FOO is new
  build      to do   44575cf5b285  not made yet
  package    open                  known after build

"#]]
        );
    }

    #[test]
    fn a_plan_without_work_says_so() {
        let plan = Plan { schema: 1, units: vec![unit(Stage::BUILD.map(cached))] };
        let text = table(&plan, Palette::PLAIN);
        assert!(text.ends_with("\neverything is cached\n"), "{text}");
        assert!(!text.contains("expected"), "{text}");
    }
}
