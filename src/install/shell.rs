//! The file that a shell reads to have a package's libraries first.

use super::base::Base;
use super::title::Title;

/// Its text. POSIX; reading it again changes nothing, and brings the folder to the front where others came before it.
pub(super) fn text(base: &Base, title: &Title) -> String {
    let file = base.shell_file(title);
    let (name, target) = (&title.name, &title.target);
    let (file, library) = (file.display(), quoted(&base.link(title).join("lib").display().to_string()));
    format!(
        "# Made by rdna-build: the libraries of {name} for {target} before all others.\n\
         # For bash, zsh, dash and others: . {file}\n\
         rdna_build_lib={library}\n\
         rdna_build_rest=\":${{LD_LIBRARY_PATH-}}:\"\n\
         while :; do\n\
         \x20   case \"$rdna_build_rest\" in\n\
         \x20       *\":$rdna_build_lib:\"*)\n\
         \x20           rdna_build_rest=\"${{rdna_build_rest%%\":$rdna_build_lib:\"*}}:${{rdna_build_rest#*\":$rdna_build_lib:\"}}\"\n\
         \x20           ;;\n\
         \x20       *) break ;;\n\
         \x20   esac\n\
         done\n\
         rdna_build_rest=\"${{rdna_build_rest#:}}\"\n\
         rdna_build_rest=\"${{rdna_build_rest%:}}\"\n\
         LD_LIBRARY_PATH=\"$rdna_build_lib${{rdna_build_rest:+:$rdna_build_rest}}\"\n\
         export LD_LIBRARY_PATH\n\
         unset rdna_build_lib rdna_build_rest\n"
    )
}

/// A word that a shell takes as it is.
fn quoted(text: &str) -> String {
    format!("'{}'", text.replace('\'', r"'\''"))
}

#[cfg(test)]
mod tests {
    use std::path::Path;
    use std::process::Command;

    use super::*;

    /// What `LD_LIBRARY_PATH` is after a shell read the files named.
    fn sourced(shell: &str, before: Option<&str>, times: usize) -> Option<String> {
        let folder = tempfile::tempdir().unwrap();
        let place = folder.path().join("it's a place");
        let base = Base::new(&place).unwrap();
        let title = Title { name: "x".into(), version: "1".into(), target: "gfx1010".into() };
        std::fs::create_dir(base.folder()).unwrap();
        let file = base.shell_file(&title);
        std::fs::write(&file, text(&base, &title)).unwrap();
        let script =
            r#"n=$2; while [ "$n" -gt 0 ]; do . "$1"; n=$((n - 1)); done; printf %s "$LD_LIBRARY_PATH""#;
        let mut command = Command::new(shell);
        command.args(["-euc", script, "sh"]).arg(&file).arg(times.to_string()).env_remove("LD_LIBRARY_PATH");
        let output = command.envs(before.map(|before| ("LD_LIBRARY_PATH", before))).output().ok()?;
        let text = String::from_utf8(output.stdout).unwrap();
        assert!(output.status.success(), "{shell}: {}", String::from_utf8_lossy(&output.stderr));
        let ours = base.link(&title).join("lib");
        Some(text.replace(&ours.display().to_string(), "OURS"))
    }

    #[test]
    fn a_shell_has_the_libraries_first_however_often_it_reads_the_file() {
        let is_here = |shell: &&&str| Path::new("/usr/bin").join(shell).exists();
        for shell in ["sh", "bash", "dash", "zsh"].iter().filter(is_here) {
            for (before, after) in [
                (None, "OURS"),
                (Some(""), "OURS"),
                (Some("/a:/b c"), "OURS:/a:/b c"),
                (Some("/a::/b"), "OURS:/a::/b"),
            ] {
                for times in [1, 2, 5] {
                    assert_eq!(sourced(shell, before, times).as_deref(), Some(after), "{shell} {before:?}");
                }
            }
        }
    }
}
