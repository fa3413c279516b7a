//! Every key a recipe may have. The schemas of recipe, series, proof and library in `docs/` say the same; a test holds them
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
    optional: &["requires", "package"],
};

pub(super) const PACKAGE: Keys = Keys { required: &[], optional: &["name", "debian", "rpm"] };

pub(super) const RELATIONS: Keys = Keys { required: &[], optional: &["depends", "dev-depends", "replaces"] };

pub(super) const VERSION: Keys = Keys {
    required: &["version", "rocm"],
    optional: &["git", "tag", "commit", "subdir", "tarball", "sha256", "mirrors", "bundled", "requires"],
};

pub(super) const TARGETS: Keys = Keys { required: &["supported"], optional: &[] };

pub(super) const BUILD: Keys = Keys {
    required: &["system", "prefix", "memory-per-job", "disk", "minutes"],
    optional: &["source-subdir", "host-only", "options", "environment"],
};

pub(super) const SERIES: Keys = Keys { required: &["schema", "patches"], optional: &[] };

pub(super) const PATCH: Keys = Keys {
    required: &["name", "variants"],
    optional: &["why", "upstream", "opt-in", "when", "needs", "mark"],
};

pub(super) const MARK: Keys =
    Keys { required: &[], optional: &["none", "texts", "present", "absent", "call"] };

pub(super) const CALL: Keys = Keys { required: &["function", "argument", "value"], optional: &[] };

pub(super) const VARIANT: Keys = Keys { required: &["file"], optional: &["versions", "fit", "proofs"] };

pub(super) const PROOF: Keys =
    Keys { required: &["schema", "summary"], optional: &["files", "compile", "commands"] };

pub(super) const COMPILE: Keys =
    Keys { required: &["inputs", "command", "targets", "cases", "expect"], optional: &["result"] };

pub(super) const CASES: Keys =
    Keys { required: &["files"], optional: &["versions", "targets", "flags", "axes"] };

pub(super) const EXPECT: Keys = Keys {
    required: &[],
    optional: &[
        "versions",
        "targets",
        "only",
        "cases",
        "before",
        "after",
        "identical",
        "same-size",
        "bytes-changed",
    ],
};

pub(super) const SIDE: Keys = Keys {
    required: &[],
    optional: &[
        "failing",
        "says",
        "otherwise",
        "present",
        "absent",
        "constants-absent",
        "word3",
        "lines",
        "lines-absent",
    ],
};

pub(super) const COMMANDS: Keys = Keys { required: &["on", "steps", "before", "after"], optional: &[] };

pub(super) const STEP: Keys = Keys { required: &["name"], optional: &["step", "command", "environment"] };

pub(super) const COMMANDS_SIDE: Keys = Keys { required: &[], optional: &["fails", "says", "silent"] };

pub(super) const LIBRARY: Keys = Keys { required: &["schema"], optional: &["api", "databases", "gaps"] };

pub(super) const KERNELS: Keys = Keys {
    required: &["schema", "summary", "inputs", "command", "targets", "wave", "cases"],
    optional: &["files", "hand-written"],
};

pub(super) const KERNEL_CASES: Keys = Keys {
    required: &["files"],
    optional: &["versions", "targets", "flags", "axes", "solver", "gated", "fails"],
};

pub(super) const CALLS: Keys =
    Keys { required: &["schema", "summary", "why", "steps"], optional: &["files", "says", "silent"] };

pub(super) const SUITE: Keys =
    Keys { required: &["schema", "summary", "run", "cases"], optional: &["files", "make", "environment"] };

pub(super) const SUITE_CASES: Keys =
    Keys { required: &["name", "arguments", "seconds"], optional: &["emulated-seconds", "axes"] };

pub(super) const API: Keys = Keys { required: &["headers", "marker"], optional: &[] };

pub(super) const GAP: Keys =
    Keys { required: &["id", "why", "where", "needs"], optional: &["targets", "remedy"] };

/// Of `patches/proven.toml`, which is written and not for editors: it has no schema of its own.
pub(super) const PROVEN_FILE: Keys = Keys { required: &["schema"], optional: &["proven"] };

pub(super) const PROVEN: Keys =
    Keys { required: &["patch", "version", "toolchain", "sha256", "proofs"], optional: &[] };

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
            ("/properties/package", PACKAGE),
            ("/$defs/relations", RELATIONS),
        ] {
            assert_schema_has(schema, pointer, keys);
        }
        let schema = include_str!("../../docs/series.schema.json");
        for (pointer, keys) in [
            ("", SERIES),
            ("/$defs/patch", PATCH),
            ("/$defs/mark", MARK),
            ("/$defs/call", CALL),
            ("/$defs/variant", VARIANT),
        ] {
            assert_schema_has(schema, pointer, keys);
        }
        let schema = include_str!("../../docs/calls.schema.json");
        for (pointer, keys) in [("", CALLS), ("/$defs/step", STEP)] {
            assert_schema_has(schema, pointer, keys);
        }
        let schema = include_str!("../../docs/suite.schema.json");
        for (pointer, keys) in [("", SUITE), ("/$defs/step", STEP), ("/$defs/cases", SUITE_CASES)] {
            assert_schema_has(schema, pointer, keys);
        }
        let schema = include_str!("../../docs/kernels.schema.json");
        for (pointer, keys) in [("", KERNELS), ("/$defs/cases", KERNEL_CASES)] {
            assert_schema_has(schema, pointer, keys);
        }
        let schema = include_str!("../../docs/library.schema.json");
        for (pointer, keys) in [("", LIBRARY), ("/properties/api", API), ("/$defs/gap", GAP)] {
            assert_schema_has(schema, pointer, keys);
        }
        let schema = include_str!("../../docs/proof.schema.json");
        for (pointer, keys) in [
            ("", PROOF),
            ("/properties/compile", COMPILE),
            ("/$defs/cases", CASES),
            ("/$defs/expect", EXPECT),
            ("/$defs/side", SIDE),
            ("/properties/commands", COMMANDS),
            ("/$defs/step", STEP),
            ("/$defs/commands-side", COMMANDS_SIDE),
        ] {
            assert_schema_has(schema, pointer, keys);
        }
    }
}
