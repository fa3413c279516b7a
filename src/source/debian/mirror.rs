//! Which mirror to use: the one that was named, or the one this Debian machine itself is installed from.
//!
//! No address is built in. What a mirror serves is trusted for its signature, never for its address.

use std::path::PathBuf;

use crate::model::HostPath;

use super::DebianError;

/// Finds a mirror: `explicit`, else the first Debian entry of the apt sources in `apt` (`/etc/apt`).
pub fn find_mirror(explicit: Option<&str>, apt: &HostPath) -> Result<String, DebianError> {
    if let Some(text) = explicit {
        return check(text).map_err(|reason| DebianError::MirrorAddress { text: text.to_owned(), reason });
    }
    for path in source_files(apt) {
        // A file that only root may read is passed over, as apt does for its users.
        let Ok(text) = std::fs::read_to_string(&path) else { continue };
        let entries = if path.extension().is_some_and(|extension| extension == "sources") {
            stanzas(&text)
        } else {
            text.lines().filter_map(one_line).collect()
        };
        let debian = entries.into_iter().filter(Entry::is_debian).find_map(|entry| entry.mirror());
        if let Some(mirror) = debian {
            return Ok(mirror);
        }
    }
    Err(DebianError::NoMirror { looked_in: apt.to_string() })
}

/// An entry of apt's sources, as far as it matters here.
#[derive(Debug, Default)]
struct Entry {
    uris: Vec<String>,
    components: Vec<String>,
    signed_by: Option<String>,
}

impl Entry {
    /// Whether this is Debian's own archive. Others serve Debian packages as well, below paths that end in `/debian`,
    /// too, but with components and keys of their own.
    fn is_debian(&self) -> bool {
        let own_key = self.signed_by.as_ref().is_none_or(|key| key.contains("debian-archive"));
        own_key && self.components.iter().any(|component| component == "main")
    }

    fn mirror(&self) -> Option<String> {
        self.uris.iter().filter_map(|uri| check(uri).ok()).find(|uri| {
            let mut parts = uri.rsplit('/');
            let last = parts.next().unwrap_or_default();
            // The archive of Debian's past: …/archive/debian/20261030T000000Z.
            let is_day = last.len() == 16 && last.ends_with('Z') && last.as_bytes()[8] == b'T';
            last == "debian" || (is_day && parts.next() == Some("debian"))
        })
    }
}

/// Checks an address and takes the slashes off its end.
fn check(text: &str) -> Result<String, String> {
    let url = reqwest::Url::parse(text.trim()).map_err(|error| error.to_string())?;
    if !matches!(url.scheme(), "http" | "https") {
        return Err("only http and https are spoken".to_owned());
    }
    if url.query().is_some() || url.fragment().is_some() {
        return Err("an address with `?` or `#` names no folder".to_owned());
    }
    Ok(url.as_str().trim_end_matches('/').to_owned())
}

/// The files apt reads, in its order.
fn source_files(apt: &HostPath) -> Vec<PathBuf> {
    let mut parts: Vec<PathBuf> = std::fs::read_dir(apt.join("sources.list.d").as_path())
        .into_iter()
        .flatten()
        .filter_map(|entry| Some(entry.ok()?.path()))
        .filter(|path| {
            path.extension().is_some_and(|extension| extension == "list" || extension == "sources")
        })
        .collect();
    parts.sort();
    parts.insert(0, apt.join("sources.list").as_path().to_owned());
    parts
}

/// `deb [signed-by=…] uri suite component …`
fn one_line(line: &str) -> Option<Entry> {
    let line = line.split('#').next().unwrap_or_default().trim();
    let mut rest = line.strip_prefix("deb")?;
    rest = rest.strip_prefix([' ', '\t', '['].as_slice()).map(|_| rest.trim_start())?;
    let mut signed_by = None;
    if let Some(options) = rest.strip_prefix('[') {
        let (options, after) = options.split_once(']')?;
        signed_by = options
            .split_whitespace()
            .find_map(|option| option.strip_prefix("signed-by="))
            .map(str::to_owned);
        rest = after;
    }
    let mut words = rest.split_whitespace().map(str::to_owned);
    let uris = vec![words.next()?];
    let _suite = words.next()?;
    Some(Entry { uris, components: words.collect(), signed_by })
}

/// The deb822 form: one stanza an entry.
fn stanzas(text: &str) -> Vec<Entry> {
    let mut entries = Vec::new();
    for stanza in text.split("\n\n") {
        let mut entry = Entry::default();
        let mut is_binary = false;
        let mut is_enabled = true;
        let mut last = String::new();
        for line in stanza.lines().filter(|line| !line.starts_with('#')) {
            let value = match line.split_once(':') {
                Some((name, value)) if !line.starts_with([' ', '\t']) => {
                    last = name.to_ascii_lowercase();
                    value
                }
                _ => line,
            };
            let words = value.split_whitespace().map(str::to_owned);
            match last.as_str() {
                "types" => is_binary |= words.into_iter().any(|word| word == "deb"),
                "uris" => entry.uris.extend(words),
                "components" => entry.components.extend(words),
                "enabled" => is_enabled = !matches!(value.trim(), "no" | "false" | "0"),
                "signed-by" => {
                    entry.signed_by.get_or_insert_default().push_str(value.trim());
                }
                _ => {}
            }
        }
        if is_binary && is_enabled {
            entries.push(entry);
        }
    }
    entries
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(file: &str, text: &str) -> Option<String> {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join(file);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, text).unwrap();
        find_mirror(None, &HostPath::new(folder.path())).ok()
    }

    #[test]
    fn a_named_mirror_wins_over_the_hosts() {
        let nowhere = HostPath::new("/nonexistent");
        assert_eq!(
            find_mirror(Some("http://mirror.example.org/debian/"), &nowhere).unwrap(),
            "http://mirror.example.org/debian"
        );
        for bad in ["mirror.example.org/debian", "file:///srv/debian", "http://x.example.org/?a=b"] {
            assert!(find_mirror(Some(bad), &nowhere).is_err(), "{bad}");
        }
        let error = find_mirror(None, &nowhere).unwrap_err();
        assert!(miette::Diagnostic::help(&error).unwrap().to_string().contains("--debian-mirror"));
    }

    #[test]
    fn both_forms_of_apt_sources_are_read() {
        let expected = Some("http://mirror.example.org/debian".to_owned());
        let old = "# deb http://x.example.org/debian sid main\ndeb-src http://y.example.org/debian sid main\ndeb [arch=amd64] http://mirror.example.org/debian trixie main contrib\n";
        assert_eq!(found("sources.list", old), expected);
        let new = "Types: deb\nEnabled: no\nURIs: http://x.example.org/debian\nSuites: sid\nComponents: main\n\nTypes: deb deb-src\n# a comment\nURIs: http://mirror.example.org/debian/\nSuites: trixie\nComponents: main\nSigned-By: /usr/share/keyrings/debian-archive-keyring.gpg\n";
        assert_eq!(found("sources.list.d/debian.sources", new), expected);
    }

    #[test]
    fn archives_of_others_are_passed_over() {
        for other in [
            "deb http://ubuntu.example.org/ubuntu noble main",
            "deb [signed-by=/etc/apt/keyrings/docker.asc] https://docker.example.org/linux/debian trixie stable",
            "deb [signed-by=/etc/apt/keyrings/vendor.asc] https://vendor.example.org/debian trixie main",
            "deb http://mirror.example.org/debian-security trixie-security main",
            "deb cdrom:[Debian]/ trixie main",
        ] {
            assert_eq!(found("sources.list", other), None, "{other}");
        }
    }

    #[test]
    fn a_day_of_the_archive_of_the_past_is_a_mirror() {
        let line = "deb http://past.example.org/archive/debian/20261030T000000Z sid main";
        assert!(found("sources.list", line).is_some());
    }
}
