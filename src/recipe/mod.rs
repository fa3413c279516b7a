//! Text to recipe.
