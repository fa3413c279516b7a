//! Every key a recipe may have. `docs/recipe.schema.json` and `docs/series.schema.json` say the same; a test holds them
//! together.

use crate::document::Keys;

pub(super) const SCHEMA: i64 = 1;

pub(super) const RECIPE: Keys = Keys {
    required: &[
        "schema",
        "name",
        "summary",
        "homepage",
        "license",
        "default-version",
        "versions",
        "targets",
        "build",
        "outputs",
    ],
    optional: &["requires"],
};

pub(super) const VERSION: Keys = Keys {
    required: &["version", "rocm"],
    optional: &["git", "tag", "commit", "subdir", "tarball", "sha256", "mirrors", "bundled"],
};

pub(super) const TARGETS: Keys = Keys { required: &["supported"], optional: &[] };

pub(super) const BUILD: Keys = Keys {
    required: &["system", "prefix", "memory-per-job", "disk", "minutes"],
    optional: &["source-subdir", "host-only", "options", "environment"],
};

pub(super) const SERIES: Keys = Keys { required: &["schema", "patches"], optional: &[] };

pub(super) const PATCH: Keys =
    Keys { required: &["name", "variants"], optional: &["why", "upstream", "opt-in", "when", "needs"] };

pub(super) const VARIANT: Keys =
    Keys { required: &["file"], optional: &["versions", "fit", "proven", "proofs"] };

pub(super) const OUTPUT: Keys = Keys { required: &["path", "kind"], optional: &[] };

#[cfg(test)]
mod tests {
    use super::*;
    use crate::document::testing::assert_schema_has;

    #[test]
    fn the_published_schema_has_the_keys_the_reader_knows() {
        let schema = include_str!("../../docs/recipe.schema.json");
        for (pointer, keys) in [
            ("", RECIPE),
            ("/$defs/version", VERSION),
            ("/properties/targets", TARGETS),
            ("/properties/build", BUILD),
            ("/$defs/output", OUTPUT),
        ] {
            assert_schema_has(schema, pointer, keys);
        }
        let schema = include_str!("../../docs/series.schema.json");
        for (pointer, keys) in [("", SERIES), ("/$defs/patch", PATCH), ("/$defs/variant", VARIANT)] {
            assert_schema_has(schema, pointer, keys);
        }
    }
}
