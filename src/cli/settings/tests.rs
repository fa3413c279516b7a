use super::*;

struct Folders {
    _root: tempfile::TempDir,
    project: PathBuf,
    config: PathBuf,
}

/// A project folder and a user's configuration folder with these files.
fn folders(project_file: Option<&str>, user_file: Option<&str>) -> Folders {
    let root = tempfile::tempdir().unwrap();
    let (project, config) = (root.path().join("project"), root.path().join("config"));
    std::fs::create_dir_all(project.join("deep/er")).unwrap();
    std::fs::create_dir_all(config.join("rdna-build")).unwrap();
    if let Some(text) = project_file {
        std::fs::write(project.join("rdna-build.toml"), text).unwrap();
    }
    if let Some(text) = user_file {
        std::fs::write(config.join("rdna-build/config.toml"), text).unwrap();
    }
    Folders { _root: root, project, config }
}

fn resolve(folders: &Folders, flags: &Flags, variables: &[(&str, &str)]) -> Result<Settings, SettingsError> {
    let config = folders.config.to_str().unwrap();
    let variables =
        [("HOME", "/home/me"), ("XDG_CONFIG_HOME", config)].into_iter().chain(variables.iter().copied());
    Settings::resolve(flags, &Environment::new(folders.project.join("deep/er"), variables))
}

fn origin<'a>(settings: &'a Settings, name: &str) -> &'a Origin {
    &settings.shown.iter().find(|shown| shown.name == name).unwrap().origin
}

#[test]
fn a_stronger_place_wins_and_is_named() {
    let folders =
        folders(Some("# ours\njobs = 3\nmemory = '2 GiB'\n"), Some("jobs = 4\nprogress = 'bars'\n"));
    let from_files = resolve(&folders, &Flags::default(), &[]).unwrap();
    assert_eq!(from_files.jobs, Some(3));
    assert_eq!(from_files.progress, Progress::Bars);
    assert!(matches!(origin(&from_files, "jobs"), Origin::Project { line: 2, .. }));
    assert!(matches!(origin(&from_files, "progress"), Origin::User { line: 2, .. }));

    let variables = [("RDNA_BUILD_JOBS", "5"), ("RDNA_BUILD_MEMORY", "1 GiB")];
    let flags = Flags { jobs: Some(6), ..Flags::default() };
    let settings = resolve(&folders, &flags, &variables).unwrap();
    assert_eq!((settings.jobs, settings.memory), (Some(6), Some(1 << 30)));
    assert_eq!(origin(&settings, "jobs"), &Origin::Flag);
    assert_eq!(origin(&settings, "memory"), &Origin::Environment { variable: "RDNA_BUILD_MEMORY".into() });
    assert_eq!(origin(&settings, "store"), &Origin::Default);
}

#[test]
fn every_setting_is_read_from_its_variable() {
    let folders = folders(None, None);
    for about in table::ALL {
        let error = match resolve(&folders, &Flags::default(), &[(about.variable, "")]) {
            Ok(settings) => origin(&settings, about.name) != &Origin::Default,
            Err(_) => true,
        };
        assert!(!error, "an empty {} counts as unset", about.variable);
        let read = match resolve(&folders, &Flags::default(), &[(about.variable, "no such thing")]) {
            Ok(settings) => matches!(origin(&settings, about.name), Origin::Environment { .. }),
            Err(error) => error.mistakes.len() == 1,
        };
        assert!(read, "{}", about.variable);
    }
}

#[test]
fn paths_are_relative_to_what_names_them() {
    let folders = folders(Some("store = 'kept'\nrecipes = ['mine', '/theirs']\n"), None);
    let flags = Flags { output: Some("made".into()), ..Flags::default() };
    let settings = resolve(&folders, &flags, &[]).unwrap();
    assert_eq!(settings.store, HostPath::new(folders.project.join("kept")));
    assert_eq!(settings.recipes, [HostPath::new(folders.project.join("mine")), HostPath::new("/theirs")]);
    assert_eq!(settings.output, HostPath::new(folders.project.join("deep/er/made")));
}

#[test]
fn the_lock_file_lies_beside_the_project_or_in_the_state_folder() {
    let with = folders(Some(""), None);
    let settings = resolve(&with, &Flags::default(), &[]).unwrap();
    assert_eq!(settings.lock_file, HostPath::new(with.project.join("rdna-build.lock")));
    let without = folders(None, None);
    let settings = resolve(&without, &Flags::default(), &[("XDG_STATE_HOME", "/state")]).unwrap();
    assert_eq!(settings.lock_file, HostPath::new("/state/rdna-build/rdna-build.lock"));
}

#[test]
fn all_mistakes_are_listed_with_their_places() {
    let text = "job = 3\nmemory = true\n\n  engine = ['a', 'b']\nprogress = 'bar'\n[table]\n";
    let folders = folders(Some(text), None);
    let error = resolve(&folders, &Flags::default(), &[("RDNA_BUILD_OFFLINE", "perhaps")]).unwrap_err();
    let root = folders.project.display().to_string();
    let mistakes: Vec<_> =
        error.mistakes.iter().map(|mistake| mistake.to_string().replace(&root, "")).collect();
    snapbox::assert_data_eq!(
        mistakes.join("\n"),
        snapbox::str![[r#"
/rdna-build.toml:1:1: there is no setting `job`
/rdna-build.toml:2:10: `memory`: a size is expected: a number and a unit, e.g. `6 GiB`, `512M` or `800 MB`
/rdna-build.toml:4:12: `engine`: one value is expected, not a list
/rdna-build.toml:5:12: `progress`: one of `auto`, `bars`, `lines` is expected
/rdna-build.toml:6:2: there is no setting `table`
the environment variable RDNA_BUILD_OFFLINE cannot be used: `true` or `false` is expected
"#]]
    );
    let helps: Vec<_> = error
        .mistakes
        .iter()
        .filter_map(|mistake| miette::Diagnostic::help(mistake).map(|help| help.to_string()))
        .collect();
    assert_eq!(helps[0], "did you mean `jobs`?");
}

#[test]
fn a_file_that_is_not_toml_is_told_by_line() {
    let folders = folders(Some("jobs = 3\nmemory = \n"), None);
    let error = resolve(&folders, &Flags::default(), &[]).unwrap_err();
    assert!(matches!(&error.mistakes[..], [Mistake::Syntax { place, .. }] if place.line == 2));
}

#[test]
fn the_ecosystem_s_variables_are_obeyed_after_our_own() {
    let folders = folders(None, None);
    let color = |variables: &[(&str, &str)]| resolve(&folders, &Flags::default(), variables).unwrap().color;
    assert_eq!(color(&[]), ColorChoice::Auto);
    assert_eq!(color(&[("TERM", "dumb")]), ColorChoice::Never);
    assert_eq!(color(&[("TERM", "dumb"), ("CLICOLOR_FORCE", "1")]), ColorChoice::Always);
    assert_eq!(color(&[("CLICOLOR_FORCE", "0")]), ColorChoice::Auto);
    assert_eq!(color(&[("NO_COLOR", "1"), ("CLICOLOR_FORCE", "1")]), ColorChoice::Never);
    assert_eq!(color(&[("NO_COLOR", "1"), ("RDNA_BUILD_COLOR", "always")]), ColorChoice::Always);
    let variables =
        [("CCACHE_DIR", "/cc"), ("SOURCE_DATE_EPOCH", "7"), ("CI", "true"), ("DOCKER_HOST", "tcp://x")];
    let settings = resolve(&folders, &Flags::default(), &variables).unwrap();
    assert_eq!(settings.ccache_dir, Some(HostPath::new("/cc")));
    assert_eq!(settings.source_date_epoch, Some(7));
    assert_eq!(settings.progress, Progress::Lines);
    assert_eq!(settings.docker_host.as_deref(), Some("tcp://x"));
}

#[test]
fn without_a_home_the_missing_folders_are_named() {
    let error = Settings::resolve(&Flags::default(), &Environment::new("/nowhere", [])).unwrap_err();
    let names: Vec<_> = error.mistakes.iter().map(Mistake::to_string).collect();
    assert_eq!(names.len(), 2, "{names:?}");
    let store = [("RDNA_BUILD_STORE", "/s"), ("RDNA_BUILD_STATE", "/t")];
    assert!(Settings::resolve(&Flags::default(), &Environment::new("/nowhere", store)).is_ok());
}

#[test]
fn a_misspelt_variable_is_mentioned() {
    let settings = resolve(&folders(None, None), &Flags::default(), &[("RDNA_BUILD_JOB", "3")]).unwrap();
    assert_eq!(
        settings.warnings,
        ["the variable RDNA_BUILD_JOB means nothing here, did you mean RDNA_BUILD_JOBS?"]
    );
}
