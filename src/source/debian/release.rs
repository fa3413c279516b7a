//! The Release file of a suite: what it is, how long it is valid, and the digests of its indices.
//!
//! Reads the signed text only; that it is signed was checked in [`super::signature`].

use std::collections::BTreeMap;

use crate::model::Digest;

use super::DebianError;
use super::signature::Keyring;

/// Size and digest of an index, as the Release file has them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct IndexFile {
    pub size: u64,
    pub digest: Digest,
}

#[derive(Debug, Default)]
pub(super) struct Release {
    pub suite: String,
    pub codename: String,
    /// Seconds since 1970.
    pub date: u64,
    pub valid_until: Option<(u64, String)>,
    /// Whether indices can be asked for by their digest.
    pub by_hash: bool,
    pub not_automatic: bool,
    pub but_automatic_upgrades: bool,
    pub components: Vec<String>,
    /// Package indices below `dists/<suite>/`.
    pub indices: BTreeMap<String, IndexFile>,
}

/// What apt calls the priority of a suite, as the suite itself asks for it: of a package's versions one of the highest
/// rank is taken, whatever its number.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Rank {
    /// Only what is nowhere else: `experimental`.
    Last,
    /// `NotAutomatic` with `ButAutomaticUpgrades`: backports.
    Low,
    #[default]
    Usual,
}

/// A Release file that was checked, and what a person should know of the check.
#[derive(Debug)]
pub(super) struct Accepted {
    pub release: Release,
    pub signed_by: Vec<String>,
    pub warnings: Vec<String>,
}

/// Checks the InRelease file of `suite`: signature, name, age.
pub(super) fn accept(
    in_release: &[u8],
    url: &str,
    suite: &str,
    keyring: &Keyring,
    check_valid_until: bool,
    now: u64,
) -> Result<Accepted, DebianError> {
    let not_signed = |tried| DebianError::NotSigned { url: url.to_owned(), suite: suite.to_owned(), tried };
    let malformed = |reason| DebianError::Release { url: url.to_owned(), reason };
    let file = std::str::from_utf8(in_release).map_err(|_| malformed("it is not UTF-8".to_owned()))?;
    let verified = keyring.verify(file, now).map_err(not_signed)?;
    let release = Release::parse(&verified.text).map_err(malformed)?;
    let codename = if release.codename.is_empty() { &release.suite } else { &release.codename };
    let signed_by = verified.signers_of(codename);
    if signed_by.is_empty() {
        return Err(not_signed(vec!["its keys sign other suites only".to_owned()]));
    }
    if suite != release.suite && suite != release.codename {
        return Err(DebianError::WrongSuite {
            asked: suite.to_owned(),
            url: url.to_owned(),
            suite: release.suite,
            codename: release.codename,
        });
    }
    let mut warnings = Vec::new();
    if let Some((until, shown)) = &release.valid_until
        && *until < now
    {
        if check_valid_until {
            return Err(DebianError::Expired { url: url.to_owned(), valid_until: shown.clone() });
        }
        warnings.push(format!(
            "{url} was valid until {shown} only; it is used because the toolchain says `check-valid-until = false`"
        ));
    }
    Ok(Accepted { release, signed_by, warnings })
}

impl Release {
    pub fn rank(&self) -> Rank {
        match (self.not_automatic, self.but_automatic_upgrades) {
            (false, _) => Rank::Usual,
            (true, true) => Rank::Low,
            (true, false) => Rank::Last,
        }
    }

    pub fn parse(text: &str) -> Result<Self, String> {
        let mut release = Self::default();
        let mut date = None;
        let mut in_sha256 = false;
        for line in text.lines() {
            if line.starts_with(' ') {
                if in_sha256 {
                    release.index(line)?;
                }
                continue;
            }
            let Some((name, value)) = line.split_once(':') else {
                if line.trim().is_empty() {
                    continue;
                }
                return Err(format!("`{}` is not a field", line.chars().take(60).collect::<String>()));
            };
            let value = value.trim();
            in_sha256 = name == "SHA256";
            match name {
                "Suite" => value.clone_into(&mut release.suite),
                "Codename" => value.clone_into(&mut release.codename),
                "Date" => date = Some(time(value).ok_or_else(|| format!("`{value}` is not a date"))?),
                "Valid-Until" => {
                    let until = time(value).ok_or_else(|| format!("`{value}` is not a date"))?;
                    release.valid_until = Some((until, value.to_owned()));
                }
                "NotAutomatic" => release.not_automatic = value == "yes",
                "ButAutomaticUpgrades" => release.but_automatic_upgrades = value == "yes",
                "Acquire-By-Hash" => release.by_hash = value == "yes",
                "Components" => release.components = value.split_whitespace().map(str::to_owned).collect(),
                _ => {}
            }
        }
        release.date = date.ok_or("it has no Date")?;
        Ok(release)
    }

    fn index(&mut self, line: &str) -> Result<(), String> {
        let mut parts = line.split_whitespace();
        let (Some(digest), Some(size), Some(path)) = (parts.next(), parts.next(), parts.next()) else {
            return Err(format!("`{}` is not a file's digest", line.trim()));
        };
        // A Release file lists thousands of files; package indices are all that is ever asked for.
        if !path.contains("/binary-") || !path.contains("/Packages") {
            return Ok(());
        }
        let digest = digest.parse().map_err(|error| format!("{error}"))?;
        let size = size.parse().map_err(|_| format!("`{size}` is not a size"))?;
        self.indices.insert(path.to_owned(), IndexFile { size, digest });
        Ok(())
    }
}

/// Reads `Sat, 21 Nov 2026 09:15:44 UTC` as seconds since 1970.
fn time(text: &str) -> Option<u64> {
    const MONTHS: [&str; 12] =
        ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];
    let parts: Vec<&str> = text.split_whitespace().collect();
    let [_weekday, day, month, year, clock, zone] = parts[..] else { return None };
    if !matches!(zone, "UTC" | "GMT" | "+0000" | "Z") {
        return None;
    }
    let day: u64 = day.parse().ok().filter(|day| (1..=31).contains(day))?;
    let month = MONTHS.iter().position(|name| *name == month)? as u64 + 1;
    let year: u64 = year.parse().ok().filter(|year| (1970..10_000).contains(year))?;
    let clock: Vec<u64> = clock.split(':').map(|part| part.parse().ok()).collect::<Option<_>>()?;
    let [hours, minutes, seconds] = clock[..] else { return None };
    if hours > 23 || minutes > 59 || seconds > 60 {
        return None;
    }
    // Days since 1970 of a date of the Gregorian calendar, counting years from March.
    let shifted = if month <= 2 { year - 1 } else { year };
    let of_year = (153 * ((month + 9) % 12) + 2) / 5 + day - 1;
    let of_era = shifted * 365 + shifted / 4 - shifted / 100 + shifted / 400;
    Some((of_era + of_year - 719_468) * 86_400 + hours * 3_600 + minutes * 60 + seconds)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dates_are_seconds_since_1970() {
        assert_eq!(time("Thu, 01 Jan 1970 00:00:00 UTC"), Some(0));
        assert_eq!(time("Sat, 21 Nov 2026 09:15:44 UTC"), Some(1_795_252_544));
        assert_eq!(time("Thu, 29 Feb 2024 23:59:59 UTC"), Some(1_709_251_199));
        assert_eq!(time("Thu, 29 Feb 2024 23:59:59 CET"), None);
        assert_eq!(time("yesterday"), None);
    }

    #[test]
    fn only_sha256_digests_of_package_indices_are_kept() {
        let digest = Digest::of("");
        let text = format!(
            "Suite: stable\r\nDate: Thu, 01 Jan 1970 00:00:00 UTC\r\nMD5Sum:\r\n d41d8 0 main/binary-amd64/Packages\r\nSHA256:\r\n {digest} 7 main/binary-amd64/Packages.xz\r\n {digest} 9 main/Contents-amd64\r\n"
        );
        let release = Release::parse(&text).unwrap();
        let expected = IndexFile { size: 7, digest };
        assert_eq!(
            release.indices.into_iter().collect::<Vec<_>>(),
            [("main/binary-amd64/Packages.xz".to_owned(), expected)]
        );
    }
}
