//! git's smart protocol over http and https, carried by this program's HTTP client.

use std::error::Error as _;
use std::io::{self, Read, Write};
use std::sync::{Arc, Mutex, OnceLock};

use git2::transport::{Service, SmartSubtransport, SmartSubtransportStream, Transport};
use reqwest::Url;
use reqwest::blocking::{Client, Response};
use reqwest::header::{ACCEPT, CONTENT_TYPE};

/// The largest request: a list of wanted and known commits, never a pack.
const LARGEST_REQUEST: usize = 64 << 20;

/// Makes libgit2 use `client` for http and https. The first call in a process counts, later ones do nothing.
///
/// The client follows redirects as [`http::client`](crate::source::http::client) does and must not be used from an async
/// task: git2 and the blocking client belong into `spawn_blocking`.
pub fn install_transport(client: Client) {
    static INSTALLED: OnceLock<()> = OnceLock::new();
    INSTALLED.get_or_init(|| {
        super::prepare_library();
        for scheme in ["http", "https"] {
            let client = client.clone();
            #[allow(unsafe_code)]
            // SAFETY: git2 asks that registering does not race with making transports. `OnceLock` lets one thread
            // through and holds the others here, and every fetch of this program begins here.
            let registered = unsafe {
                git2::transport::register(scheme, move |remote| {
                    Transport::smart(
                        remote,
                        true,
                        Http { client: client.clone(), moved: Arc::new(Mutex::new(None)) },
                    )
                })
            };
            registered.expect("a scheme without NUL registers");
        }
    });
}

struct Http {
    client: Client,
    /// Where the repository was redirected to: a POST must go there directly, a redirect would turn it into a GET.
    moved: Arc<Mutex<Option<Url>>>,
}

impl SmartSubtransport for Http {
    fn action(&self, url: &str, action: Service) -> Result<Box<dyn SmartSubtransportStream>, git2::Error> {
        let base = url.trim_end_matches('/');
        match action {
            Service::UploadPackLs => {
                let url = format!("{base}/info/refs?service=git-upload-pack");
                let response = send(self.client.get(url)).map_err(into_git)?;
                *self.moved.lock().expect("nothing panics with it") = base_of(response.url());
                Ok(Box::new(Answer(response)))
            }
            Service::UploadPack => {
                let moved = self.moved.lock().expect("nothing panics with it").clone();
                let url = match moved {
                    Some(base) => format!("{}/git-upload-pack", base.as_str().trim_end_matches('/')),
                    None => format!("{base}/git-upload-pack"),
                };
                Ok(Box::new(Exchange::Asking { client: self.client.clone(), url, body: Vec::new() }))
            }
            Service::ReceivePackLs | Service::ReceivePack => {
                Err(git2::Error::from_str("sources are never pushed to"))
            }
        }
    }

    fn close(&self) -> Result<(), git2::Error> {
        Ok(())
    }
}

/// The repository's address, from where its list of references was found in the end.
fn base_of(found: &Url) -> Option<Url> {
    let mut base = found.clone();
    base.set_query(None);
    let path = base.path().strip_suffix("/info/refs")?.to_owned();
    base.set_path(&path);
    Some(base)
}

fn send(request: reqwest::blocking::RequestBuilder) -> io::Result<Response> {
    // Without its address, which may hold a password.
    let response = request.send().map_err(|error| io::Error::other(described(error)))?;
    let status = response.status();
    match status.is_success() {
        true => Ok(response),
        false => Err(io::Error::other(format!("the server answered {status}"))),
    }
}

fn described(error: reqwest::Error) -> String {
    let error = error.without_url();
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(cause) = source {
        text = format!("{text}: {cause}");
        source = cause.source();
    }
    text
}

fn into_git(error: io::Error) -> git2::Error {
    git2::Error::new(git2::ErrorCode::GenericError, git2::ErrorClass::Net, error.to_string())
}

/// The answer to the first request, which has no body.
struct Answer(Response);

impl Read for Answer {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        self.0.read(buffer)
    }
}

impl Write for Answer {
    fn write(&mut self, _: &[u8]) -> io::Result<usize> {
        Err(io::ErrorKind::Unsupported.into())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// One request and its answer: libgit2 writes all of the request before it reads.
enum Exchange {
    Asking { client: Client, url: String, body: Vec<u8> },
    Answered(Response),
}

impl Read for Exchange {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if let Exchange::Asking { client, url, body } = self {
            let request = client
                .post(url.as_str())
                .header(CONTENT_TYPE, "application/x-git-upload-pack-request")
                .header(ACCEPT, "application/x-git-upload-pack-result")
                .body(std::mem::take(body));
            *self = Exchange::Answered(send(request)?);
        }
        match self {
            Exchange::Answered(response) => response.read(buffer),
            Exchange::Asking { .. } => unreachable!("the request was just sent"),
        }
    }
}

impl Write for Exchange {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        match self {
            Exchange::Asking { body, .. } if body.len() + bytes.len() <= LARGEST_REQUEST => {
                body.extend_from_slice(bytes);
                Ok(bytes.len())
            }
            Exchange::Asking { .. } => Err(io::ErrorKind::FileTooLarge.into()),
            Exchange::Answered(_) => Err(io::ErrorKind::Unsupported.into()),
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
