//! Finds the engine: which sockets, in which order, and what each of them said.

use std::io::ErrorKind;
use std::time::Duration;

use bollard::{API_DEFAULT_VERSION, Docker};

use super::capability;
use super::failure::{io_kind, server_text};
use super::{Creations, DockerEngine};
use crate::engine::{EngineError, EngineKind};
use crate::model::HostPath;

/// A working engine answers at once; a wrong tcp address may never.
const PROBE: Duration = Duration::from_secs(10);
/// The client's limit for the head of an answer. Import, commit and removal of big things answer when they are done.
const PATIENCE: Duration = Duration::from_secs(6 * 60 * 60);

/// Which engine to use. The command line reads the environment and passes its values in here.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum EngineChoice {
    /// The first that answers. `docker_host` (`$DOCKER_HOST`) is somebody's explicit wish: when set, nothing else is
    /// tried. `runtime_folder` is `$XDG_RUNTIME_DIR`, where rootless engines listen.
    Auto { docker_host: Option<String>, runtime_folder: Option<HostPath> },
    /// Docker, not something else behind Docker's socket.
    Docker { docker_host: Option<String>, runtime_folder: Option<HostPath> },
    /// Podman's API service, rootless before root's.
    Podman { runtime_folder: Option<HostPath> },
    /// `unix:///path` or `tcp://host:port`.
    Address(String),
}

impl EngineChoice {
    /// Reads `auto`, `docker`, `podman` or an address.
    pub fn parse(
        text: &str,
        docker_host: Option<String>,
        runtime_folder: Option<HostPath>,
    ) -> Result<Self, EngineError> {
        match text {
            "auto" => Ok(Self::Auto { docker_host, runtime_folder }),
            "docker" => Ok(Self::Docker { docker_host, runtime_folder }),
            "podman" => Ok(Self::Podman { runtime_folder }),
            address => Endpoint::parse(address).map(|_| Self::Address(address.to_owned())),
        }
    }

    fn endpoints(&self) -> Result<Vec<Endpoint>, EngineError> {
        match self {
            Self::Auto { docker_host: Some(address), .. }
            | Self::Docker { docker_host: Some(address), .. }
            | Self::Address(address) => Ok(vec![Endpoint::parse(address)?]),
            Self::Auto { docker_host: None, runtime_folder } => {
                let mut all = docker_sockets(runtime_folder.as_ref());
                all.extend(podman_sockets(runtime_folder.as_ref()));
                Ok(all)
            }
            Self::Docker { docker_host: None, runtime_folder } => Ok(docker_sockets(runtime_folder.as_ref())),
            Self::Podman { runtime_folder } => Ok(podman_sockets(runtime_folder.as_ref())),
        }
    }

    fn wants(&self) -> Option<EngineKind> {
        match self {
            Self::Docker { .. } => Some(EngineKind::Docker),
            Self::Podman { .. } => Some(EngineKind::Podman),
            Self::Auto { .. } | Self::Address(_) => None,
        }
    }
}

fn docker_sockets(runtime_folder: Option<&HostPath>) -> Vec<Endpoint> {
    let mut sockets = vec![Endpoint::socket(HostPath::new("/var/run/docker.sock"))];
    sockets.extend(runtime_folder.map(|folder| Endpoint::socket(folder.join("docker.sock"))));
    sockets
}

fn podman_sockets(runtime_folder: Option<&HostPath>) -> Vec<Endpoint> {
    let mut sockets: Vec<_> = runtime_folder
        .map(|folder| Endpoint::socket(folder.join("podman/podman.sock")))
        .into_iter()
        .collect();
    sockets.push(Endpoint::socket(HostPath::new("/run/podman/podman.sock")));
    sockets
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Endpoint {
    Socket(String),
    Tcp(String),
}

impl Endpoint {
    fn socket(path: HostPath) -> Self {
        Self::Socket(path.to_string())
    }

    fn parse(address: &str) -> Result<Self, EngineError> {
        let refuse =
            |reason: &str| EngineError::Address { text: address.to_owned(), reason: reason.to_owned() };
        let (scheme, place) = address.split_once("://").ok_or_else(|| refuse("it names no scheme"))?;
        match scheme {
            "unix" if place.starts_with('/') => Ok(Self::Socket(place.to_owned())),
            "unix" => Err(refuse("the path of a socket is absolute: unix:///path/to.sock")),
            "tcp" | "http" if place.trim_end_matches('/').is_empty() => Err(refuse("it names no host")),
            "tcp" | "http" => Ok(Self::Tcp(place.trim_end_matches('/').to_owned())),
            "ssh" => Err(refuse(
                "ssh is not spoken here; forward the socket (ssh -L /tmp/engine.sock:/var/run/docker.sock host) and name unix:///tmp/engine.sock",
            )),
            "https" => {
                Err(refuse("TLS is not spoken here; reach the engine through a forwarded socket instead"))
            }
            _ => Err(refuse("its scheme is unknown")),
        }
    }

    fn address(&self) -> String {
        match self {
            Self::Socket(path) => format!("unix://{path}"),
            Self::Tcp(place) => format!("tcp://{place}"),
        }
    }

    async fn open(&self) -> Result<DockerEngine, Refusal> {
        let client = match self {
            Self::Socket(path) => {
                // The client would call a socket in a closed folder missing.
                std::fs::metadata(path).map_err(|error| Refusal::from_io(error.kind(), error.to_string()))?;
                Docker::connect_with_unix(path, PROBE.as_secs(), API_DEFAULT_VERSION)
            }
            Self::Tcp(place) => Docker::connect_with_http(place, PROBE.as_secs(), API_DEFAULT_VERSION),
        };
        let probe = async {
            let client = client?.negotiate_version().await?;
            let info = capability::learn(&client, self.address()).await?;
            Ok((client, info))
        };
        let (client, info) = match tokio::time::timeout(PROBE * 2, probe).await {
            Ok(answer) => answer.map_err(|error| match io_kind(&error) {
                Some(kind) => Refusal::from_io(kind, server_text(&error)),
                None => Refusal::Absent(server_text(&error)),
            })?,
            Err(_) => return Err(Refusal::Absent("no answer in time".to_owned())),
        };
        Ok(DockerEngine { client: client.with_timeout(PATIENCE), info, creations: Creations::default() })
    }
}

enum Refusal {
    Absent(String),
    Denied(String),
}

impl Refusal {
    fn from_io(kind: ErrorKind, text: String) -> Self {
        match kind {
            ErrorKind::PermissionDenied => Self::Denied(text),
            ErrorKind::NotFound => Self::Absent("not there".to_owned()),
            ErrorKind::ConnectionRefused => Self::Absent("nothing listens".to_owned()),
            _ => Self::Absent(text),
        }
    }
}

/// Connects to the first engine of `choice` that answers.
pub async fn connect(choice: &EngineChoice) -> Result<DockerEngine, EngineError> {
    let mut tried = Vec::new();
    let mut denied = None;
    for endpoint in choice.endpoints()? {
        let address = endpoint.address();
        match endpoint.open().await {
            Ok(engine) if choice.wants().is_some_and(|kind| kind != engine.info.kind) => {
                tried.push(format!("{address}: answers as {:?}", engine.info.kind));
            }
            Ok(engine) => return Ok(engine),
            Err(Refusal::Absent(reason)) => tried.push(format!("{address}: {reason}")),
            Err(Refusal::Denied(reason)) => {
                tried.push(format!("{address}: {reason}"));
                denied.get_or_insert((address, reason));
            }
        }
    }
    Err(match denied {
        Some((address, reason)) => EngineError::Denied { address, reason },
        None => EngineError::NotFound { tried },
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn addresses(choice: EngineChoice) -> Vec<String> {
        choice.endpoints().unwrap().iter().map(Endpoint::address).collect()
    }

    #[test]
    fn the_environment_decides_where_auto_looks() {
        let runtime_folder = Some(HostPath::new("/run/user/1000"));
        let auto = EngineChoice::parse("auto", None, runtime_folder.clone()).unwrap();
        assert_eq!(
            addresses(auto),
            [
                "unix:///var/run/docker.sock",
                "unix:///run/user/1000/docker.sock",
                "unix:///run/user/1000/podman/podman.sock",
                "unix:///run/podman/podman.sock"
            ]
        );
        let wish =
            EngineChoice::Auto { docker_host: Some("tcp://build.example.org:2375".into()), runtime_folder };
        assert_eq!(addresses(wish), ["tcp://build.example.org:2375"]);
    }

    #[test]
    fn an_address_that_cannot_be_used_says_what_to_do() {
        let error = EngineChoice::parse("ssh://build.example.org", None, None).unwrap_err();
        assert!(error.to_string().contains("forward the socket"), "{error}");
        assert!(EngineChoice::parse("dokcer", None, None).is_err());
        assert!(EngineChoice::parse("unix://docker.sock", None, None).is_err());
    }

    #[tokio::test]
    async fn an_engine_that_is_not_there_is_reported_with_what_was_tried() {
        let folder = tempfile::tempdir().unwrap();
        let silent = folder.path().join("podman");
        std::fs::create_dir(&silent).unwrap();
        // Bound and dropped: the socket's file stays, its listener does not.
        drop(std::os::unix::net::UnixListener::bind(silent.join("podman.sock")).unwrap());
        let error =
            connect(&EngineChoice::Address(format!("unix://{}/podman/podman.sock", folder.path().display())))
                .await
                .unwrap_err();
        assert!(error.to_string().ends_with("podman.sock: nothing listens)"), "{error}");
        let error = connect(&EngineChoice::Address("unix:///nowhere/engine.sock".into())).await.unwrap_err();
        assert!(error.to_string().contains("unix:///nowhere/engine.sock: not there"), "{error}");
    }
}
