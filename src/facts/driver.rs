//! The amdgpu module: whether it is there, how it is set, and what keeps it away.

use super::Root;

const PARAMETERS: &str = "sys/module/amdgpu/parameters";
/// Where modprobe looks, in the order of strength.
const FOLDERS: [&str; 3] = ["etc/modprobe.d", "run/modprobe.d", "usr/lib/modprobe.d"];

/// How amdgpu is loaded and set.
#[derive(Clone, Debug, Default, PartialEq, Eq, serde::Serialize)]
#[serde(rename_all = "kebab-case")]
pub struct Driver {
    pub loaded: bool,
    /// Its version, where it does not come with the kernel.
    pub version: Option<String>,
    /// What holds now.
    pub parameters: Vec<Parameter>,
    /// What is asked for in files and on the kernel's command line.
    pub configured: Vec<Parameter>,
    /// What keeps it from being loaded.
    pub obstacles: Vec<Obstacle>,
}

/// A parameter of the module.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize)]
pub struct Parameter {
    pub name: String,
    pub value: String,
    pub place: String,
}

/// A line that keeps amdgpu away, e.g. `blacklist amdgpu`.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize)]
pub struct Obstacle {
    pub text: String,
    pub place: String,
}

pub(super) fn look(root: &Root) -> Driver {
    let mut driver = Driver { loaded: root.exists("sys/module/amdgpu"), ..Driver::default() };
    driver.version = root.text("sys/module/amdgpu/version").ok().map(|text| text.trim().to_owned());
    for name in root.names(PARAMETERS) {
        let place = format!("{PARAMETERS}/{name}");
        // Some can be read by root only.
        if let Ok(value) = root.text(&place) {
            let place = format!("/{place}");
            driver.parameters.push(Parameter { name, value: value.trim().to_owned(), place });
        }
    }
    for folder in FOLDERS {
        for name in root.names(folder).into_iter().filter(|name| name.ends_with(".conf")) {
            let place = format!("{folder}/{name}");
            if let Ok(text) = root.text(&place) {
                read_modprobe(&text, &place, &mut driver);
            }
        }
    }
    if let Ok(line) = root.text("proc/cmdline") {
        read_command_line(&line, &mut driver);
    }
    driver
}

/// Lines of `modprobe.d(5)` about amdgpu.
fn read_modprobe(text: &str, place: &str, driver: &mut Driver) {
    for (number, line) in text.lines().enumerate() {
        let place = format!("/{place}:{}", number + 1);
        let mut words = line.split_ascii_whitespace();
        match (words.next(), words.next()) {
            (Some("options"), Some("amdgpu")) => {
                for word in words {
                    let (name, value) = word.split_once('=').unwrap_or((word, ""));
                    let (name, value) = (name.to_owned(), value.to_owned());
                    driver.configured.push(Parameter { name, value, place: place.clone() });
                }
            }
            (Some("blacklist"), Some("amdgpu")) => {
                driver.obstacles.push(Obstacle { text: line.trim().to_owned(), place });
            }
            (Some("install"), Some("amdgpu")) if line.contains("/false") || line.contains("/true") => {
                driver.obstacles.push(Obstacle { text: line.trim().to_owned(), place });
            }
            _ => {}
        }
    }
}

/// Words of the kernel's command line about amdgpu. Others are not kept.
fn read_command_line(line: &str, driver: &mut Driver) {
    let place = || "/proc/cmdline".to_owned();
    for word in line.split_ascii_whitespace() {
        let blacklist = word.strip_prefix("modprobe.blacklist=").or(word.strip_prefix("module_blacklist="));
        if let Some((name, value)) = word.strip_prefix("amdgpu.").and_then(|word| word.split_once('=')) {
            let (name, value) = (name.to_owned(), value.to_owned());
            driver.configured.push(Parameter { name, value, place: place() });
        } else if word == "nomodeset"
            || blacklist.is_some_and(|list| list.split(',').any(|name| name == "amdgpu"))
        {
            driver.obstacles.push(Obstacle { text: word.to_owned(), place: place() });
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn options_and_obstacles_are_told_with_their_lines() {
        let mut driver = Driver::default();
        let text = "# options amdgpu a=1\noptions amdgpu mtype_local=1 noretry=0\nblacklist amdgpu\n\
                    blacklist amdgpufb\ninstall amdgpu /bin/false\noptions i915 x=1\n";
        read_modprobe(text, "etc/modprobe.d/a.conf", &mut driver);
        read_command_line(
            "root=/dev/sda1 amdgpu.cwsr_enable=0 nomodeset modprobe.blacklist=x,amdgpu",
            &mut driver,
        );
        let configured: Vec<String> = driver
            .configured
            .iter()
            .map(|parameter| format!("{}={} {}", parameter.name, parameter.value, parameter.place))
            .collect();
        assert_eq!(
            configured,
            [
                "mtype_local=1 /etc/modprobe.d/a.conf:2",
                "noretry=0 /etc/modprobe.d/a.conf:2",
                "cwsr_enable=0 /proc/cmdline"
            ]
        );
        let obstacles: Vec<&str> = driver.obstacles.iter().map(|obstacle| obstacle.text.as_str()).collect();
        assert_eq!(
            obstacles,
            ["blacklist amdgpu", "install amdgpu /bin/false", "nomodeset", "modprobe.blacklist=x,amdgpu"]
        );
    }

    proptest! {
        #[test]
        fn no_text_upsets_the_readers(text in "((options|blacklist|install|amdgpu|=|\\PC| |\n){0,9}\n){0,9}") {
            let mut driver = Driver::default();
            read_modprobe(&text, "x", &mut driver);
            read_command_line(&text, &mut driver);
        }
    }
}
