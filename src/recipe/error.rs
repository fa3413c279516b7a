//! What can be wrong with a recipe.

use miette::Diagnostic;
use thiserror::Error;

use crate::document::{FolderError, Mistake};

#[derive(Debug, Error, Diagnostic)]
pub enum RecipeError {
    #[error("no recipe is named `{name}`")]
    #[diagnostic(code(recipe::unknown), help("{}", what_instead(nearest.as_deref(), known)))]
    Unknown { name: String, nearest: Option<String>, known: Vec<String> },

    #[error("the recipe `{name}` has {}", counted(mistakes.len()))]
    #[diagnostic(
        code(recipe::invalid),
        help("correct {}, then run: rdna-build recipes lint {}", them(mistakes), file(mistakes))
    )]
    Invalid {
        name: String,
        #[related]
        mistakes: Vec<Mistake>,
    },

    #[error(transparent)]
    #[diagnostic(transparent)]
    Folder(#[from] FolderError),
}

fn what_instead(nearest: Option<&str>, known: &[String]) -> String {
    match nearest {
        Some(nearest) => format!("did you mean `{nearest}`?"),
        None if known.is_empty() => {
            "no recipe is known; name a folder of recipes with --recipes DIR".to_owned()
        }
        None => format!("known are {}; more come with --recipes DIR", known.join(", ")),
    }
}

fn counted(mistakes: usize) -> String {
    match mistakes {
        1 => "a mistake".to_owned(),
        several => format!("{several} mistakes"),
    }
}

fn them(mistakes: &[Mistake]) -> &'static str {
    if mistakes.len() == 1 { "it" } else { "them" }
}

fn file(mistakes: &[Mistake]) -> &str {
    mistakes.first().map_or("PATH", |mistake| mistake.place.file.name())
}
