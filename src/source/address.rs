//! Addresses of sources, fit to be shown: without passwords, tokens and signatures.

/// The address without user name, password, query and fragment. Every error that names an address goes through here.
pub fn redacted(url: &str) -> String {
    let url = url.split(['?', '#']).next().unwrap_or_default();
    let Some((scheme, rest)) = url.split_once("://") else { return printable(url) };
    let host_end = rest.find('/').unwrap_or(rest.len());
    let host_start = rest[..host_end].rfind('@').map_or(0, |at| at + 1);
    printable(&format!("{scheme}://{}", &rest[host_start..]))
}

/// A message of a library about `url`, without the secrets that `url` holds.
pub(super) fn scrubbed(message: &str, url: &str) -> String {
    printable(&message.replace(url, &redacted(url)).replace(secrets(url), ""))
}

/// `user:password@` as it stands in the address; never empty, so that replacing it is no accident.
fn secrets(url: &str) -> &str {
    let rest = url.split_once("://").map_or(url, |(_, rest)| rest);
    let host_end = rest.find(['/', '?', '#']).unwrap_or(rest.len());
    match rest[..host_end].rfind('@') {
        Some(at) => &rest[..=at],
        None => "\0",
    }
}

/// Foreign text without control characters: it must not move a terminal's cursor.
fn printable(text: &str) -> String {
    text.trim().chars().map(|c| if c.is_control() { ' ' } else { c }).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_shown_address_keeps_no_secret() {
        let url = "https://user:hunter2@example.org/a/b.git?token=abc#ref";
        assert_eq!(redacted(url), "https://example.org/a/b.git");
        assert_eq!(redacted("https://example.org/@scope/x"), "https://example.org/@scope/x");
        let message = scrubbed("cannot reach user:hunter2@example.org\x1b[2J", url);
        assert_eq!(message, "cannot reach example.org [2J");
    }
}
