# Short names for what is done often. `.ci/run` is the one that counts: it runs everything.

# List what there is
default:
    @just --list

# Everything that must hold, as CI runs it
ci:
    .ci/run

# The tests without a container engine: seconds once compiled
test *arguments:
    cargo test --locked --lib --bins {{arguments}}
    cargo test --locked --test suite {{arguments}}

# The tests against a real container engine
live:
    RDNA_BUILD_REQUIRE_LIVE=1 cargo test --locked --test live -- --test-threads 2

# Format and lints
lint:
    cargo fmt --check
    cargo clippy --locked --all-targets -- -D warnings

# Only the documentation's tests: its commands, links, tables
docs:
    cargo test --locked --test suite docs

# Rewrite the snapshots of the tests; read the difference before you commit it
snapshots:
    SNAPSHOTS=overwrite cargo test --locked --lib

# Licences, advisories and duplicates of dependencies (needs cargo-deny)
deny:
    cargo deny --locked check

# The whole chain on the small recipe
selftest target="gfx1010":
    cargo run --locked --release -- selftest --target {{target}}
