//! What kind of engine answers, and what follows from it. The rest of the code asks here, not for the kind.

use bollard::Docker;
use bollard::errors::Error;
use bollard::models::{SystemInfo, SystemVersion};

use crate::engine::{EngineInfo, EngineKind};

/// Asks the engine who it is.
pub(super) async fn learn(client: &Docker, address: String) -> Result<EngineInfo, Error> {
    Ok(describe(address, client.version().await?, client.info().await?))
}

fn describe(address: String, version: SystemVersion, info: SystemInfo) -> EngineInfo {
    let components = version.components.unwrap_or_default();
    let kind = if components.iter().any(|component| component.name.contains("Podman")) {
        EngineKind::Podman
    } else {
        EngineKind::Docker
    };
    let options = info.security_options.unwrap_or_default();
    let has_option = |name: &str| options.iter().any(|option| option == &format!("name={name}"));
    EngineInfo {
        kind,
        address,
        version: version.version.unwrap_or_default(),
        cpus: info.ncpu.and_then(|cpus| u32::try_from(cpus).ok()).unwrap_or(1),
        memory: info.mem_total.and_then(|bytes| u64::try_from(bytes).ok()).unwrap_or_default(),
        rootless: has_option("rootless"),
        has_init: has_init(kind, info.init_binary.as_deref()),
        selinux: has_option("selinux"),
        cdi_folders: info.cdi_spec_dirs.unwrap_or_default(),
    }
}

/// Docker ships its init. Podman runs `catatonit` from the host, fails to create the container when it is not
/// installed, and does not tell through this API whether it is.
fn has_init(kind: EngineKind, init_binary: Option<&str>) -> bool {
    match kind {
        EngineKind::Docker => init_binary.is_some_and(|name| !name.is_empty()),
        EngineKind::Podman => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn podman_behind_dockers_api_is_recognised() {
        let version = serde_json::json!({"Version": "4.3.1", "Components": [{"Name": "Podman Engine", "Version": "4.3.1"}]});
        let info = serde_json::json!({"NCPU": 8, "MemTotal": 1024, "SecurityOptions": ["name=seccomp,profile=default", "name=rootless"]});
        let info = describe(
            "unix:///podman.sock".to_owned(),
            serde_json::from_value(version).unwrap(),
            serde_json::from_value(info).unwrap(),
        );
        assert_eq!((info.kind, info.cpus, info.memory), (EngineKind::Podman, 8, 1024));
        assert!(info.rootless && !info.has_init && info.is_local() && !info.selinux);
        assert_eq!(info.cdi_folders, [""; 0]);
    }
}
