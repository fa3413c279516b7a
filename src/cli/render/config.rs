//! Settings as a table and as JSON.

use serde_json::json;

use super::page::Page;
use super::palette::Tone;
use super::table::Table;
use crate::cli::settings::{Origin, Settings, redact, table::ALL};

/// Every setting with its value and where it comes from; below it what surrounds them.
pub fn table(settings: &Settings, page: impl Into<Page>) -> String {
    // Values come last: one may be a long path, which would push out of sight what follows it.
    let mut table = Table::new(["setting", "from", "value"]);
    for shown in &settings.shown {
        let (tone, origin) = match &shown.origin {
            Origin::Default => (Tone::Faint, Tone::Faint),
            Origin::Flag | Origin::Environment { .. } | Origin::Project { .. } | Origin::User { .. } => {
                (Tone::Strong, Tone::Plain)
            }
        };
        let value = match &shown.value {
            Some(value) => value.clone(),
            None => default_of(shown.name),
        };
        table.row([(Tone::Plain, shown.name.to_owned()), (origin, shown.origin.to_string()), (tone, value)]);
    }
    let mut text = table.render(0, page);
    if let Some(project) = &settings.project {
        text += &format!("\nproject: {}\n", project.join("rdna-build.toml"));
    }
    if let Some(docker_host) = &settings.docker_host {
        text += &format!("\nDOCKER_HOST: {}\n", redact(docker_host));
    }
    text
}

/// The same for programs.
pub fn document(settings: &Settings) -> serde_json::Value {
    json!({
        "settings": settings.shown,
        "project": settings.project,
        "docker-host": settings.docker_host.as_deref().map(redact),
    })
}

/// What holds where nothing is set.
fn default_of(name: &str) -> String {
    let about = ALL.iter().find(|about| about.name == name);
    about.map(|about| format!("({})", about.default)).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::render::Palette;
    use crate::cli::settings::{Environment, Flags};

    #[test]
    fn settings_are_shown_with_their_origin_and_without_secrets() {
        let variables = [
            ("HOME", "/home/me"),
            ("RDNA_BUILD_MEMORY", "6 GiB"),
            ("RDNA_BUILD_DEBIAN_MIRROR", "http://me:secret@example.org/debian"),
            ("DOCKER_HOST", "tcp://me:secret@example.org:2375"),
        ];
        let flags = Flags { jobs: Some(4), ..Flags::default() };
        let settings = Settings::resolve(&flags, &Environment::new("/nowhere", variables)).unwrap();
        snapbox::assert_data_eq!(
            table(&settings, Palette::PLAIN),
            snapbox::str![[r#"
setting               from                      value
engine                default                   auto
store                 default                   /home/me/.cache/rdna-build
state                 default                   /home/me/.local/state/rdna-build
output                default                   /nowhere/out
lock-file             default                   /home/me/.local/state/rdna-build/rdna-build.lock
jobs                  command line              4
memory                RDNA_BUILD_MEMORY         6.0 GiB
remote.registry       default                   (none)
remote.write          default                   false
offline               default                   false
debian-mirror         RDNA_BUILD_DEBIAN_MIRROR  http://***@example.org/debian
recipes               default                   (those built in)
toolchains            default                   (those built in)
patches               default                   (none)
package-formats       default                   tar.zst
revision              default                   1
maintainer            default                   rdna-build <hkevin01@users.noreply.github.com>
ccache                default                   (a volume of the engine)
source-date-epoch     default                   (315532800, 1980-01-01)
sign-key              default                   (none: nothing is signed)
sign-passphrase-file  default                   (none)
trusted-keys          default                   (none)
color                 default                   auto
progress              default                   auto
verbosity             default                   normal
format                default                   text

DOCKER_HOST: tcp://***@example.org:2375

"#]]
        );
        assert!(!document(&settings).to_string().contains("secret"));
        assert_eq!(document(&settings)["settings"][5]["origin"]["from"], "flag");
    }
}
