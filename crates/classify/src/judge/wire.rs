//! The way to the endpoint: one request, one answer, bounded in time and size, to the host that was named and to
//! no other.

use std::io::ErrorKind;
use std::sync::Arc;
use std::time::{Duration, Instant};

use rustls::crypto::ring;
use serde_json::Value;
use ureq::http::header::{HeaderName, HeaderValue, RETRY_AFTER};
use ureq::http::{HeaderMap, Response};
use ureq::tls::{PemItem, RootCerts, TlsConfig, TlsProvider, parse_pem};
use ureq::{Agent, Body, Error};

use super::judgement::Fault;
use super::provider::Dialect;
use super::settings::{BadSettings, Key};

/// Bytes of an answer. An opinion has one or two thousand.
const LONGEST_ANSWER: u64 = 512 << 10;

/// An endpoint.
pub(super) struct Wire {
    agent: Agent,
    endpoint: String,
    url: String,
    headers: HeaderMap,
}

impl std::fmt::Debug for Wire {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Wire").field("url", &self.url).finish_non_exhaustive()
    }
}

impl Wire {
    pub(super) fn new(
        endpoint: &str,
        dialect: &dyn Dialect,
        key: Option<&Key>,
        authorities: Option<&str>,
    ) -> Result<Self, BadSettings> {
        let tls = TlsConfig::builder()
            .provider(TlsProvider::Rustls)
            .unversioned_rustls_crypto_provider(Arc::new(ring::default_provider()))
            .root_certs(authorities.map_or(Ok(RootCerts::PlatformVerifier), roots)?)
            .build();
        let config = Agent::config_builder()
            .tls_config(tls)
            // Variables of the environment do not say where this goes.
            .proxy(None)
            .max_redirects(0)
            .max_redirects_will_error(false)
            .http_status_as_error(false)
            .user_agent(concat!("ringfence/", env!("CARGO_PKG_VERSION")))
            .build();
        let mut headers = HeaderMap::new();
        for (name, value) in dialect.headers(key.map(Key::expose)) {
            let mut value = HeaderValue::from_str(&value)
                .map_err(|_| BadSettings::new("the key cannot stand in a header"))?;
            value.set_sensitive(true);
            headers.insert(HeaderName::from_static(name), value);
        }
        let url = url(endpoint, dialect.path());
        Ok(Self { agent: config.new_agent(), endpoint: endpoint.to_owned(), url, headers })
    }

    /// The endpoint, as it is configured.
    pub(super) fn endpoint(&self) -> &str {
        &self.endpoint
    }

    /// Sends one request and reads the whole answer, until the deadline.
    pub(super) fn post(&self, body: &Value, deadline: Instant) -> Result<Vec<u8>, Fault> {
        #[expect(clippy::disallowed_methods, reason = "an answer is not waited for for ever")]
        let left = deadline.saturating_duration_since(Instant::now());
        if left < Duration::from_millis(10) {
            return Err(Fault::Timeout);
        }
        let mut request = self.agent.post(&self.url).header("content-type", "application/json");
        if let Some(headers) = request.headers_mut() {
            headers.extend(self.headers.clone());
        }
        let request = request.config().timeout_global(Some(left)).build();
        let mut response = request.send(body.to_string().as_bytes()).map_err(|it| fault(&it))?;
        let status = response.status();
        if status.is_redirection() {
            return Err(Fault::Redirect);
        }
        if !status.is_success() {
            return Err(Fault::Status { code: status.as_u16(), after: retry_after(&response) });
        }
        let body = response.body_mut().with_config().limit(LONGEST_ANSWER).read_to_vec();
        body.map_err(|error| fault(&error))
    }
}

/// The certificates in this text, and no others.
fn roots(pem: &str) -> Result<RootCerts, BadSettings> {
    let mut certificates = Vec::new();
    for item in parse_pem(pem.as_bytes()) {
        match item {
            Ok(PemItem::Certificate(certificate)) => certificates.push(certificate),
            Ok(_) => {}
            Err(_) => {
                return Err(BadSettings::new("the certificates of `judge.ca_file` cannot be read"));
            }
        }
    }
    if certificates.is_empty() {
        return Err(BadSettings::new("there is no certificate in the file of `judge.ca_file`"));
    }
    Ok(RootCerts::Specific(Arc::new(certificates)))
}

/// The provider's path below the endpoint. Both `https://host` and `https://host/v1` are what people write.
fn url(endpoint: &str, path: &str) -> String {
    let version = path.split('/').nth(1).unwrap_or_default();
    let ends_with_version = endpoint.rsplit('/').next() == Some(version);
    let path = if ends_with_version { path.get(version.len() + 1..).unwrap_or(path) } else { path };
    format!("{endpoint}{path}")
}

fn retry_after(response: &Response<Body>) -> Option<u64> {
    response.headers().get(RETRY_AFTER)?.to_str().ok()?.trim().parse().ok()
}

fn fault(error: &Error) -> Fault {
    match error {
        Error::Timeout(_) => Fault::Timeout,
        Error::Io(error) if error.kind() == ErrorKind::TimedOut => Fault::Timeout,
        Error::BodyExceedsLimit(_) | Error::LargeResponseHeader(..) => Fault::AnswerTooLong,
        Error::TooManyRedirects | Error::RedirectFailed => Fault::Redirect,
        Error::Protocol(_) | Error::Http(_) => Fault::Protocol,
        _ => Fault::Connection,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_path_is_added_once() {
        for (endpoint, path, whole) in [
            ("https://h.example", "/v1/messages", "https://h.example/v1/messages"),
            ("https://h.example/v1", "/v1/messages", "https://h.example/v1/messages"),
            (
                "https://h.example/llm/v1",
                "/v1/chat/completions",
                "https://h.example/llm/v1/chat/completions",
            ),
            (
                "https://h.example/llm",
                "/v1/chat/completions",
                "https://h.example/llm/v1/chat/completions",
            ),
            ("http://127.0.0.1:11434", "/api/chat", "http://127.0.0.1:11434/api/chat"),
            ("http://127.0.0.1:11434/api", "/api/chat", "http://127.0.0.1:11434/api/chat"),
        ] {
            assert_eq!(url(endpoint, path), whole);
        }
    }
}
