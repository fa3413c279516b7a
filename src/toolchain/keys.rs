//! Every key a toolchain may have. `docs/toolchain.schema.json` says the same; a test holds them together.

use crate::document::Keys;

pub(super) const SCHEMA: i64 = 1;

pub(super) const TOOLCHAIN: Keys = Keys {
    required: &["schema", "summary", "rocm", "base", "compiler", "provides"],
    optional: &["environment"],
};

pub(super) const BASE: Keys = Keys { required: &[], optional: &["image", "debian"] };

pub(super) const DEBIAN: Keys = Keys {
    required: &["suite", "components", "packages"],
    optional: &["further-suites", "check-valid-until", "path-exclude", "path-include"],
};

pub(super) const COMPILER: Keys = Keys { required: &["c", "cxx"], optional: &[] };

pub(super) const CLAIM: Keys = Keys { required: &["version", "package"], optional: &["file"] };

#[cfg(test)]
mod tests {
    use super::*;
    use crate::document::testing::assert_schema_has;

    #[test]
    fn the_published_schema_has_the_keys_the_reader_knows() {
        let schema = include_str!("../../docs/toolchain.schema.json");
        for (pointer, keys) in [
            ("", TOOLCHAIN),
            ("/properties/base", BASE),
            ("/properties/base/properties/debian", DEBIAN),
            ("/properties/compiler", COMPILER),
            ("/$defs/claim", CLAIM),
        ] {
            assert_schema_has(schema, pointer, keys);
        }
    }
}
