//! DSSE, the envelope that in-toto's statements are signed in (github.com/secure-systems-lab/dsse, version 1.0.2).

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

const PAYLOAD_TYPE: &str = "application/vnd.in-toto+json";

/// A statement and its signatures, on one line of a `.intoto.jsonl`.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Envelope {
    payload_type: String,
    payload: String,
    pub signatures: Vec<EnvelopeSignature>,
}

/// The signature as `gpg` or `minisign` writes it, for a reader that knows its key.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub(super) struct EnvelopeSignature {
    pub keyid: String,
    sig: String,
}

impl Envelope {
    pub fn new(statement: &[u8], keyid: String, signature: &str) -> Self {
        Self {
            payload_type: PAYLOAD_TYPE.to_owned(),
            payload: STANDARD.encode(statement),
            signatures: vec![EnvelopeSignature { keyid, sig: STANDARD.encode(signature) }],
        }
    }

    pub fn statement(&self) -> Result<Vec<u8>, String> {
        if self.payload_type != PAYLOAD_TYPE {
            return Err(format!("its envelope holds `{}`", self.payload_type.escape_debug()));
        }
        STANDARD.decode(&self.payload).map_err(|error| format!("its envelope: {error}"))
    }
}

impl EnvelopeSignature {
    pub fn text(&self) -> Result<Vec<u8>, String> {
        STANDARD.decode(&self.sig).map_err(|error| format!("a signature of its envelope: {error}"))
    }
}

/// What is signed: the statement and what it is, so that it cannot be taken for something else.
pub(super) fn signed_bytes(statement: &[u8]) -> Vec<u8> {
    let head = format!("DSSEv1 {} {PAYLOAD_TYPE} {} ", PAYLOAD_TYPE.len(), statement.len());
    [head.as_bytes(), statement].concat()
}
