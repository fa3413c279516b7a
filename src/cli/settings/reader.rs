//! Finds the strongest value of each setting and checks the weaker ones too: a mistake in a file is a mistake even
//! where a flag hides it.

use super::environment::Environment;
use super::error::{Mistake, SettingsError};
use super::file::{File, find_project};
use super::table::Definition;
use super::value::ValueError;
use super::{Origin, Shown};
use crate::model::HostPath;

#[derive(Debug)]
pub struct Reader<'a> {
    environment: &'a Environment,
    project: Option<File>,
    user: Option<File>,
    mistakes: Vec<Mistake>,
    shown: Vec<Shown>,
}

/// What the environment says of a setting, and which variable says it.
pub fn from_environment<T>(
    definition: &Definition<T>,
    environment: &Environment,
) -> Option<(Result<T, ValueError>, &'static str)> {
    let own = environment
        .text(definition.about.variable)
        .map(|text| (definition.about.variable, super::value::Raw::Text(text)));
    let (variable, raw) = own.or_else(|| (definition.ecosystem)(environment))?;
    Some(((definition.parse)(&raw, &environment.current_folder), variable))
}

impl<'a> Reader<'a> {
    pub fn new(environment: &'a Environment) -> Self {
        let mut mistakes = Vec::new();
        let project =
            find_project(&environment.current_folder).and_then(|path| File::read(&path, &mut mistakes));
        let user = environment
            .base_folder("XDG_CONFIG_HOME", ".config")
            .map(|folder| folder.join("config.toml"))
            .filter(|path| path.exists())
            .and_then(|path| File::read(&path, &mut mistakes));
        Self { environment, project, user, mistakes, shown: Vec::new() }
    }

    /// The folder of the project's file.
    pub fn project(&self) -> Option<HostPath> {
        self.project.as_ref().map(|file| HostPath::new(file.folder()))
    }

    pub fn read<T>(
        &mut self,
        definition: &'static Definition<T>,
        flag: Option<T>,
        default: impl FnOnce() -> T,
    ) -> T {
        match self.find(definition, flag) {
            Some((value, origin)) => self.show(definition, value, origin),
            None => self.show(definition, default(), Origin::Default),
        }
    }

    pub fn read_optional<T>(&mut self, definition: &'static Definition<T>, flag: Option<T>) -> Option<T> {
        match self.find(definition, flag) {
            Some((value, origin)) => Some(self.show(definition, value, origin)),
            None => {
                let name = definition.about.name;
                self.shown.push(Shown { name, value: None, origin: Origin::Default });
                None
            }
        }
    }

    /// A folder that lies in one of the user's base folders by default.
    pub fn read_folder(
        &mut self,
        definition: &'static Definition<HostPath>,
        flag: Option<HostPath>,
        variable: &'static str,
        below_home: &str,
    ) -> HostPath {
        if let Some((value, origin)) = self.find(definition, flag) {
            return self.show(definition, value, origin);
        }
        let folder = self.environment.base_folder(variable, below_home).unwrap_or_else(|| {
            let about = &definition.about;
            self.mistakes.push(Mistake::NoHome { name: about.name, variable, own: about.variable });
            self.environment.current_folder.clone()
        });
        self.show(definition, HostPath::new(folder), Origin::Default)
    }

    /// All settings as they are shown, or all mistakes.
    pub fn finish(mut self) -> Result<Vec<Shown>, SettingsError> {
        self.mistakes.sort_by_key(|mistake| (mistake.place().is_none(), mistake.place().cloned()));
        match self.mistakes.is_empty() {
            true => Ok(self.shown),
            false => Err(SettingsError { mistakes: self.mistakes }),
        }
    }

    fn find<T>(&mut self, definition: &Definition<T>, flag: Option<T>) -> Option<(T, Origin)> {
        let variable = self.variable(definition);
        let project = from_file(definition, self.project.as_ref(), &mut self.mistakes)
            .map(|(value, path, line)| (value, Origin::Project { path, line }));
        let user = from_file(definition, self.user.as_ref(), &mut self.mistakes)
            .map(|(value, path, line)| (value, Origin::User { path, line }));
        flag.map(|value| (value, Origin::Flag)).or(variable).or(project).or(user)
    }

    fn variable<T>(&mut self, definition: &Definition<T>) -> Option<(T, Origin)> {
        let (value, variable) = from_environment(definition, self.environment)?;
        match value {
            Ok(value) => Some((value, Origin::Environment { variable: variable.to_owned() })),
            Err(reason) => {
                self.mistakes.push(Mistake::Variable { name: variable.to_owned(), reason });
                None
            }
        }
    }

    fn show<T>(&mut self, definition: &'static Definition<T>, value: T, origin: Origin) -> T {
        let text = (definition.show)(&value);
        let value_shown = (!text.is_empty()).then_some(text);
        self.shown.push(Shown { name: definition.about.name, value: value_shown, origin });
        value
    }
}

fn from_file<T>(
    definition: &Definition<T>,
    file: Option<&File>,
    mistakes: &mut Vec<Mistake>,
) -> Option<(T, HostPath, usize)> {
    let file = file?;
    let (raw, line) = file.get(definition.about.name)?;
    match (definition.parse)(raw, file.folder()) {
        Ok(value) => Some((value, file.path.clone(), line)),
        Err(reason) => {
            mistakes.push(file.wrong(definition.about.name, reason));
            None
        }
    }
}
