//! Device nodes and who may open them, told from owner, group and mode: none is opened.

use std::collections::BTreeMap;

use rustix::fs::FileType;

use super::Root;

/// This process's user, from `/proc/self/status`.
#[derive(Clone, Debug, Default, PartialEq, Eq, serde::Serialize)]
#[serde(rename_all = "kebab-case")]
pub struct User {
    pub uid: u32,
    pub name: Option<String>,
    /// All groups, the effective one first.
    pub gids: Vec<u32>,
    /// In a user namespace root is root of what belongs to it only.
    pub in_namespace: bool,
}

/// A line of `/etc/group`.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize)]
pub struct Group {
    pub name: String,
    pub gid: u32,
    pub members: Vec<String>,
}

/// A file below `/dev` that computing needs.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize)]
#[serde(rename_all = "kebab-case")]
pub struct DeviceNode {
    pub path: String,
    /// What lies there instead of a device, e.g. `folder`.
    pub instead: Option<&'static str>,
    pub uid: u32,
    pub gid: u32,
    /// The group's name, where it has one.
    pub group: Option<String>,
    /// As `ls` counts: 0o660.
    pub mode: u32,
    pub access: Access,
}

/// Whether this process may read and write a device.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Access {
    Allowed,
    Denied,
    /// It is not known who asks.
    Unknown,
}

/// Who may read and write a file, by the rules of `path_resolution(7)`. Lists of further rights are not seen.
pub fn access(user: Option<&User>, uid: u32, gid: u32, mode: u32) -> Access {
    let Some(user) = user else { return Access::Unknown };
    if user.uid == 0 && !user.in_namespace {
        return Access::Allowed;
    }
    let bits = match (user.uid == uid, user.gids.contains(&gid)) {
        (true, _) => mode >> 6,
        (false, true) => mode >> 3,
        (false, false) => mode,
    };
    if bits & 0o6 == 0o6 { Access::Allowed } else { Access::Denied }
}

/// `/dev/kfd` and all render nodes that are there.
pub(super) fn look(root: &Root, user: Option<&User>, groups: &[Group], is_machine: bool) -> Vec<DeviceNode> {
    let mut paths = vec!["dev/kfd".to_owned()];
    let render = root.names("dev/dri").into_iter().filter(|name| name.starts_with("renderD"));
    paths.extend(render.map(|name| format!("dev/dri/{name}")));
    let node = |path: String| {
        let status = root.stat(&path).ok()?;
        let instead = match status.kind() {
            FileType::CharacterDevice => None,
            // A copied tree has no devices in it.
            FileType::RegularFile if !is_machine => None,
            FileType::Directory => Some("folder"),
            _ => Some("file"),
        };
        let (uid, gid, mode) = (status.uid(), status.gid(), status.mode());
        let group = groups.iter().find(|group| group.gid == gid).map(|group| group.name.clone());
        let path = format!("/{path}");
        let access = match access(user, uid, gid, mode) {
            // Whoever sits at the screen may have more rights than these nine bits say.
            Access::Denied if is_machine && may_open(&path) => Access::Allowed,
            told => told,
        };
        Some(DeviceNode { path, instead, uid, gid, group, mode, access })
    };
    paths.into_iter().filter_map(node).collect()
}

/// Asks the kernel about a path of this machine, without opening it.
fn may_open(path: &str) -> bool {
    use rustix::fs::{Access as Right, AtFlags, CWD};
    rustix::fs::accessat(CWD, path, Right::READ_OK | Right::WRITE_OK, AtFlags::EACCESS).is_ok()
}

/// Who this process is.
pub(super) fn user(root: &Root) -> Option<User> {
    let status = root.text("proc/self/status").ok()?;
    let mut user = parse_status(&status)?;
    user.in_namespace = root.text("proc/self/uid_map").is_ok_and(|map| !is_whole(&map));
    user.name = root.text("etc/passwd").ok().and_then(|text| user_name(&text, user.uid));
    Some(user)
}

fn parse_status(text: &str) -> Option<User> {
    let lines: BTreeMap<&str, &str> = text.lines().filter_map(|line| line.split_once(':')).collect();
    let numbers = |key: &str| -> Option<Vec<u32>> {
        lines.get(key)?.split_ascii_whitespace().map(|number| number.parse().ok()).collect()
    };
    // Real, effective, saved, of the file system.
    let uid = *numbers("Uid")?.get(1)?;
    let mut gids = vec![*numbers("Gid")?.get(1)?];
    gids.extend(
        numbers("Groups").unwrap_or_default().into_iter().filter(|gid| *gid != gids[0]).collect::<Vec<_>>(),
    );
    Some(User { uid, name: None, gids, in_namespace: false })
}

/// Whether a `uid_map` is that of the machine itself: every id stands for itself.
fn is_whole(map: &str) -> bool {
    map.split_ascii_whitespace().collect::<Vec<_>>() == ["0", "0", "4294967295"]
}

fn user_name(passwd: &str, uid: u32) -> Option<String> {
    passwd.lines().find_map(|line| {
        let mut fields = line.split(':');
        let name = fields.next()?;
        (is_name(name) && fields.nth(1)?.parse() == Ok(uid)).then(|| name.to_owned())
    })
}

pub(super) fn groups(root: &Root) -> Vec<Group> {
    root.text("etc/group").map(|text| parse_groups(&text)).unwrap_or_default()
}

fn parse_groups(text: &str) -> Vec<Group> {
    let group = |line: &str| {
        let mut fields = line.split(':');
        let name = fields.next().filter(|name| is_name(name))?.to_owned();
        let gid = fields.nth(1)?.parse().ok()?;
        let members = fields.next().unwrap_or_default().split(',').filter(|name| is_name(name));
        Some(Group { name, gid, members: members.map(str::to_owned).collect() })
    };
    text.lines().filter_map(group).collect()
}

/// What can be typed into a shell as it is.
fn is_name(name: &str) -> bool {
    let fits = |c: char| c.is_ascii_alphanumeric() || "_-.$".contains(c);
    !name.is_empty() && name.len() <= 64 && !name.starts_with('-') && name.chars().all(fits)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn user(uid: u32, gids: &[u32]) -> User {
        User { uid, name: None, gids: gids.to_owned(), in_namespace: false }
    }

    #[test]
    fn the_first_class_of_rights_that_fits_decides() {
        let may = |user: &User, uid, gid, mode| access(Some(user), uid, gid, mode) == Access::Allowed;
        let me = user(1000, &[1000, 109]);
        assert!(may(&me, 0, 109, 0o660) && may(&me, 0, 0, 0o666) && may(&me, 1000, 0, 0o600));
        assert!(!may(&me, 0, 44, 0o660) && !may(&me, 0, 109, 0o640));
        assert!(!may(&me, 1000, 109, 0o066), "an owner has the owner's rights and no others");
        assert!(may(&user(0, &[0]), 0, 109, 0o000));
        let namespace = User { in_namespace: true, ..user(0, &[0]) };
        assert!(!may(&namespace, 65534, 65534, 0o660));
        assert_eq!(access(None, 0, 0, 0o666), Access::Unknown);
    }

    #[test]
    fn the_effective_user_and_all_groups_are_read() {
        let status = "Name:\tx\nUid:\t1\t1000\t1\t1\nGid:\t1\t100\t1\t1\nGroups:\t44 100 109 \n";
        assert_eq!(parse_status(status), Some(user(1000, &[100, 44, 109])));
        assert_eq!(parse_status("Uid:\tx\nGid:\t1 1 1 1\n"), None);
        assert!(is_whole("         0          0 4294967295\n") && !is_whole("0 1000 1\n"));
    }

    proptest! {
        #[test]
        fn no_text_upsets_the_readers(text in "([a-zA-Z]{0,6}:[\\PC]{0,12}:[0-9-]{0,12}:[a-z,;$]{0,9}\n){0,9}") {
            parse_groups(&text);
            parse_status(&text);
            user_name(&text, 0);
            is_whole(&text);
        }

        #[test]
        fn names_that_a_shell_would_obey_are_no_names(name in "[a-z]{0,3}[;&|`$(){}<> \n'\"\\\\]{1,2}[a-z]{0,3}") {
            prop_assume!(!name.chars().all(|c| c.is_ascii_alphanumeric() || c == '$'));
            let line = format!("{name}:x:44:{name}");
            prop_assert!(parse_groups(&line).iter().all(|group| group.name != name));
        }
    }
}
