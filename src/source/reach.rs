//! Whether the places that sources come from answer. Nothing is fetched.

use std::time::Duration;

use futures_util::future::join_all;

use super::address::{redacted, scrubbed};
use super::debian::{DebianError, client};

/// A place far away answers within this.
const PATIENCE: Duration = Duration::from_secs(8);

/// What a place said.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize)]
pub struct Reached {
    /// Without passwords.
    pub address: String,
    /// Why it did not answer; nothing where it did, whatever it said.
    pub trouble: Option<String>,
}

/// Asks all of them at once, through the system's proxies.
///
/// # Errors
/// Only where no client can be made at all.
pub async fn reach(addresses: &[String]) -> Result<Vec<Reached>, DebianError> {
    let client = client()?;
    let ask = async |address: &String| {
        let asked = tokio::time::timeout(PATIENCE, client.head(address).send()).await;
        let trouble = match asked {
            Ok(Ok(_)) => None,
            Ok(Err(error)) => Some(scrubbed(&reason(&error), address)),
            Err(_) => Some(format!("no answer within {} s", PATIENCE.as_secs())),
        };
        Reached { address: redacted(address), trouble }
    };
    Ok(join_all(addresses.iter().map(ask)).await)
}

/// The innermost reason: what lies around it repeats the address.
fn reason(error: &reqwest::Error) -> String {
    let mut innermost: &dyn std::error::Error = error;
    while let Some(source) = innermost.source() {
        innermost = source;
    }
    innermost.to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_place_that_answers_anything_is_there_and_another_is_told_with_its_reason() {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let here = listener.local_addr().expect("bound");
        tokio::spawn(async move {
            use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
            let (mut stream, _) = listener.accept().await.expect("somebody asks");
            let mut request = [0; 1024];
            let _length = stream.read(&mut request).await;
            stream.write_all(b"HTTP/1.1 404 Not Found\r\ncontent-length: 0\r\n\r\n").await.expect("written");
        });
        let closed = std::net::TcpListener::bind("127.0.0.1:0").expect("a port").local_addr().expect("bound");
        let reached = reach(&[format!("http://{here}/x"), format!("http://me:secret@{closed}/x")])
            .await
            .expect("a client");
        assert_eq!(reached[0].trouble, None);
        assert!(reached[1].trouble.as_deref().is_some_and(|why| why.contains("refused")), "{reached:?}");
        assert!(!reached[1].address.contains("secret"), "{reached:?}");
    }
}
