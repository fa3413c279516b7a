//! A file, variable or the like, and what it says.

/// What shows that something is so.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Evidence {
    pub place: String,
    pub says: String,
}

impl Evidence {
    pub fn new(place: impl ToString, says: impl Into<String>) -> Self {
        Self { place: place.to_string(), says: says.into() }
    }

    /// A variable that is set.
    pub fn variable(name: &str, value: &str, says: &str) -> Self {
        Self::new(format!("{name}={value}"), says)
    }
}
