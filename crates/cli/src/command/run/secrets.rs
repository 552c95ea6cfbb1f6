//! Secrets of the caller's environment that a run uses without having them.
//!
//! Inside, the variable holds what stands for the secret, and programs trust a certificate authority of this
//! one run besides those of the machine: what they send to the secret's host is opened on the way, and the
//! secret put in its place.

use std::env;
use std::fs;
use std::path::{Path, PathBuf};

use ringfence_egress::{Host, Vault};
use ringfence_sandbox::{Refusal, Request};
use tempfile::TempDir;

/// Where machines keep the certificates that they trust.
const TRUSTED: [&str; 5] = [
    "/etc/ssl/certs/ca-certificates.crt",
    "/etc/pki/tls/certs/ca-bundle.crt",
    "/etc/ssl/ca-bundle.pem",
    "/etc/pki/ca-trust/extracted/pem/tls-ca-bundle.pem",
    "/etc/ssl/cert.pem",
];

/// Variables by which programs are told what to trust.
const TOLD: [&str; 10] = [
    "SSL_CERT_FILE",
    "CURL_CA_BUNDLE",
    "REQUESTS_CA_BUNDLE",
    "NODE_EXTRA_CA_CERTS",
    "GIT_SSL_CAINFO",
    "PIP_CERT",
    "CARGO_HTTP_CAINFO",
    "AWS_CA_BUNDLE",
    "DENO_CERT",
    "NIX_SSL_CERT_FILE",
];

/// The secrets of a run.
#[derive(Debug)]
pub(super) struct Secrets {
    /// The hosts that they belong to.
    pub(super) hosts: Vec<Host>,
    /// Until the run is served.
    pub(super) vault: Option<Vault>,
    /// Variables and what they hold inside.
    inside: Vec<(String, String)>,
    /// What is trusted inside. Removed at the end.
    folder: TempDir,
}

impl Secrets {
    /// Reads `NAME=HOST` rows, and the values from the environment.
    pub(super) fn named(rows: &[String]) -> Result<Self, Refusal> {
        let secrets = rows.iter().map(|it| secret(it)).collect::<Result<Vec<_>, _>>()?;
        let hosts = secrets.iter().map(|(_, _, host)| host.clone()).collect();
        let trusted = trusted();
        let vault = Vault::new(secrets, &trusted).map_err(|error| {
            let remedy = "leave it out, or pass it in with --env";
            Refusal::of_request("a secret cannot stay outside", remedy).because(error)
        })?;
        let bundle = [&trusted[..], b"\n", vault.certificate().as_bytes()].concat();
        let folder = written(&bundle).map_err(|error| {
            let what = "what the run has to trust cannot be written";
            Refusal::of_request(what, "make room in the folder for temporary files").because(error)
        })?;
        let secrets = vault.secrets().iter();
        let inside = secrets.map(|it| (it.name().to_owned(), it.stand_in().to_owned())).collect();
        Ok(Self { hosts, vault: Some(vault), inside, folder })
    }

    /// Puts them into what a run is asked to be.
    pub(super) fn equip(&self, request: &mut Request) {
        let folder = self.folder.path().canonicalize();
        let folder = folder.unwrap_or_else(|_| self.folder.path().to_path_buf());
        let bundle = bundle(&folder).to_string_lossy().into_owned();
        let told = TOLD.iter().map(|name| ((*name).to_owned(), bundle.clone()));
        for (name, value) in self.inside.iter().cloned().chain(told) {
            request.environment.retain(|(known, _)| *known != name);
            request.pass.push(name.clone());
            request.environment.push((name, value));
        }
        request.read.push(folder);
    }

    /// In words.
    pub(super) fn lines(&self) -> Vec<String> {
        let both = self.inside.iter().zip(&self.hosts);
        both.map(|((name, _), host)| format!("  {name}, for {host}")).collect()
    }
}

fn secret(row: &str) -> Result<(String, String, Host), Refusal> {
    let form = "write a variable and a host, as in `--secret GITHUB_TOKEN=api.github.com`";
    let named = row.split_once('=').filter(|(name, _)| !name.is_empty());
    let (name, host) = named.ok_or_else(|| Refusal::of_request("a secret has no host", form))?;
    let host = Host::parse(host).map_err(|why| {
        Refusal::of_request(format!("`{}` is no host: {why}", host.escape_debug()), form)
    })?;
    let value = env::var(name).map_err(|_| {
        let what = format!("there is no variable `{}`", name.escape_debug());
        Refusal::of_request(what, "set it, or leave the secret out")
    })?;
    Ok((name.to_owned(), value, host))
}

fn bundle(folder: &Path) -> PathBuf {
    folder.join("trusted.pem")
}

/// The certificates that this machine trusts, or that the person said.
#[expect(clippy::disallowed_methods, reason = "reads what this machine trusts")]
fn trusted() -> Vec<u8> {
    let said = env::var_os("SSL_CERT_FILE").map(PathBuf::from);
    let files = said.into_iter().chain(TRUSTED.iter().map(PathBuf::from));
    files.filter_map(|it| fs::read(it).ok()).find(|it| !it.is_empty()).unwrap_or_default()
}

#[expect(clippy::disallowed_methods, reason = "a run reads it, and it is gone afterwards")]
fn written(certificates: &[u8]) -> std::io::Result<TempDir> {
    let folder = tempfile::Builder::new().prefix("ringfence-trusted-").tempdir()?;
    fs::write(bundle(folder.path()), certificates)?;
    Ok(folder)
}
