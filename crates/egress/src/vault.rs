//! Opens TLS for the hosts that secrets belong to, and for no other.
//!
//! Inside, a certificate authority of this one run is trusted, whose key never leaves this process and which
//! can speak for these hosts alone. Towards the host there is TLS again, checked against what the machine
//! trusts. In between is plain HTTP, one request for a connection, and there secrets are exchanged.

use std::collections::BTreeMap;
use std::io::{self, ErrorKind, Read, Write};
use std::net::{Shutdown, TcpStream};
use std::sync::atomic::AtomicU64;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use mio::net::TcpStream as Watched;
use mio::{Events, Interest, Poll, Token};
use rcgen::{
    BasicConstraints, CertificateParams, DnType, ExtendedKeyUsagePurpose, GeneralSubtree, IsCa,
    Issuer, KeyPair, KeyUsagePurpose, NameConstraints,
};
use rustls::crypto::{CryptoProvider, ring};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName};
use rustls::server::Acceptor;
use rustls::{ClientConfig, ClientConnection, Connection, RootCertStore, ServerConfig};

use crate::event::{EventKind, Journal, Reason};
use crate::gate::{self, Gate};
use crate::host::Host;
use crate::relay::spend;
use crate::rules::BadRule;
use crate::secret::{Exchange, Secret};

const PATIENCE: Duration = Duration::from_secs(30);
const PROTOCOL: &[u8] = b"http/1.1";

/// Secrets, and what it takes to exchange them.
pub struct Vault {
    secrets: Vec<Secret>,
    certificate: String,
    issuer: Issuer<'static, KeyPair>,
    provider: Arc<CryptoProvider>,
    towards_hosts: Arc<ClientConfig>,
    /// What each host shows inside, made when it is first asked for.
    shown: Mutex<BTreeMap<Host, Arc<ServerConfig>>>,
}

impl std::fmt::Debug for Vault {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Vault").field("secrets", &self.secrets).finish_non_exhaustive()
    }
}

impl Vault {
    /// A vault for secrets, each by name, value and host. `trusted`: certificates in PEM, that hosts are
    /// checked against.
    ///
    /// # Errors
    /// When a secret cannot be stood in for, or nothing is trusted.
    pub fn new(secrets: Vec<(String, String, Host)>, trusted: &[u8]) -> Result<Self, BadRule> {
        let provider = Arc::new(ring::default_provider());
        let failed = |what: &str| BadRule::new(format!("{what} cannot be made"));
        let mut kept = Vec::new();
        for (name, real, host) in secrets {
            let mut random = vec![0; real.len()];
            provider.secure_random.fill(&mut random).map_err(|_| failed("a random number"))?;
            kept.push(Secret::new(&name, &real, host, &random)?);
        }
        let mut roots = RootCertStore::empty();
        roots.add_parsable_certificates(
            CertificateDer::pem_slice_iter(trusted).filter_map(Result::ok),
        );
        if roots.is_empty() {
            return Err(BadRule::new("this machine trusts no certificate authority".to_owned()));
        }
        let towards = ClientConfig::builder_with_provider(Arc::clone(&provider))
            .with_safe_default_protocol_versions()
            .map_err(|_| failed("a TLS client"))?;
        let mut towards = towards.with_root_certificates(roots).with_no_client_auth();
        towards.alpn_protocols = vec![PROTOCOL.to_vec()];
        let hosts = kept.iter().map(|it| GeneralSubtree::DnsName(it.host.to_string()));
        let (certificate, issuer) =
            authority(hosts.collect()).map_err(|_| failed("a certificate authority"))?;
        Ok(Self {
            secrets: kept,
            certificate,
            issuer,
            provider,
            towards_hosts: Arc::new(towards),
            shown: Mutex::default(),
        })
    }

    /// The secrets, with what stands for them.
    pub fn secrets(&self) -> &[Secret] {
        &self.secrets
    }

    /// The certificate that has to be trusted inside, in PEM.
    pub fn certificate(&self) -> &str {
        &self.certificate
    }

    /// Whether a secret belongs to a host.
    pub(crate) fn holds(&self, host: &Host) -> bool {
        self.secrets.iter().any(|it| it.host == *host)
    }

    fn own(&self, host: &Host) -> impl Iterator<Item = &Secret> {
        self.secrets.iter().filter(move |it| it.host == *host)
    }

    /// The secret of another host that occurs in a message to this one.
    fn strange(&self, host: &Host, message: &[u8]) -> Option<Reason> {
        let mut others = self.secrets.iter().filter(|it| it.host != *host);
        let strange = others.find(|it| it.occurs(message))?;
        Some(Reason::Secret { name: strange.name.clone(), host: strange.host.to_string() })
    }

    fn shown(&self, host: &Host) -> Result<Arc<ServerConfig>, Box<dyn std::error::Error>> {
        let mut shown = self.shown.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(config) = shown.get(host) {
            return Ok(Arc::clone(config));
        }
        let key = KeyPair::generate()?;
        let mut params = CertificateParams::new(vec![host.to_string()])?;
        params.distinguished_name.push(DnType::CommonName, host.as_str());
        params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
        params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
        params.use_authority_key_identifier_extension = true;
        let certificate = params.signed_by(&key, &self.issuer)?;
        let key = PrivateKeyDer::try_from(key.serialize_der())?;
        let config = ServerConfig::builder_with_provider(Arc::clone(&self.provider))
            .with_safe_default_protocol_versions()?
            .with_no_client_auth();
        let mut config = config.with_single_cert(vec![certificate.der().clone()], key)?;
        config.alpn_protocols = vec![PROTOCOL.to_vec()];
        let config = Arc::new(config);
        shown.insert(host.clone(), Arc::clone(&config));
        Ok(config)
    }

    /// Carries one connection to a host that a secret belongs to, until it ends.
    pub(crate) fn carry(&self, way: Opened, journal: &Journal) {
        let (host, port) = (way.host.clone(), way.port);
        let mut moved = [0; 2];
        match self.carried(way, &mut moved) {
            Ok(()) => {}
            Err(Failed::Turned(reason)) => {
                journal.asked(EventKind::Connect, host.as_str(), port, Some(&reason));
            }
            // The network, or a side that does not like the other: the client has seen it.
            Err(Failed::Broken) => {}
        }
        journal.ended(host.as_str(), port, moved[0], moved[1]);
    }

    fn carried(&self, way: Opened, moved: &mut [u64; 2]) -> Result<(), Failed> {
        let Opened { mut client, mut server, said, host, port, budget } = way;
        client.set_read_timeout(Some(PATIENCE))?;
        server.set_read_timeout(Some(PATIENCE))?;
        let name = ServerName::try_from(host.to_string()).map_err(|_| Failed::Broken)?;
        let towards = ClientConnection::new(Arc::clone(&self.towards_hosts), name);
        let mut towards = towards.map_err(|_| Failed::Broken)?;
        if towards.complete_io(&mut server).is_err() {
            let reason =
                Reason::Unreachable("its certificate is not trusted, or it speaks no TLS".into());
            let _ = client.write_all(&gate::alert());
            return Err(Failed::Turned(reason));
        }
        let mut acceptor = Acceptor::default();
        let mut said = said.as_slice();
        let accepted = loop {
            let read = acceptor.read_tls(&mut (&mut said).chain(&mut client))?;
            match acceptor.accept() {
                Ok(Some(accepted)) => break accepted,
                Ok(None) if read > 0 => {}
                Ok(None) | Err(_) => return Err(Failed::Broken),
            }
        };
        let named = accepted.client_hello().server_name().map(str::to_owned);
        if named.as_deref().map(Host::parse) != Some(Ok(host.clone())) {
            let _ = client.write_all(&gate::alert());
            return Err(Failed::Turned(named.map_or(Reason::HiddenName, Reason::OtherName)));
        }
        let config = self.shown(&host).map_err(|_| Failed::Broken)?;
        let mut from = accepted.into_connection(config).map_err(|_| Failed::Broken)?;
        from.complete_io(&mut client)?;
        let mut pump = Pump {
            client: Side::new(from.into(), client)?,
            server: Side::new(towards.into(), server)?,
            gate: Gate::within(host.clone(), port),
            out: Exchange::outward(self.own(&host)),
            back: Exchange::inward(self.own(&host)),
            begun: false,
            moved,
        };
        pump.run(|message| {
            let strange = self.strange(&host, message).map_or(Ok(()), Err);
            strange.and_then(|()| spend(budget.as_deref(), message.len()))
        })
    }
}

/// A connection whose both ends are open, before anything was said.
pub(crate) struct Opened {
    pub(crate) client: TcpStream,
    pub(crate) server: TcpStream,
    pub(crate) said: Vec<u8>,
    pub(crate) host: Host,
    pub(crate) port: u16,
    pub(crate) budget: Option<Arc<AtomicU64>>,
}

enum Failed {
    /// A rule.
    Turned(Reason),
    Broken,
}

impl From<io::Error> for Failed {
    fn from(_: io::Error) -> Self {
        Self::Broken
    }
}

fn authority(
    hosts: Vec<GeneralSubtree>,
) -> Result<(String, Issuer<'static, KeyPair>), rcgen::Error> {
    let key = KeyPair::generate()?;
    let mut params = CertificateParams::new(Vec::new())?;
    params.distinguished_name.push(DnType::CommonName, "Ringfence, for one run");
    params.is_ca = IsCa::Ca(BasicConstraints::Constrained(0));
    params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::DigitalSignature];
    params.name_constraints =
        Some(NameConstraints { permitted_subtrees: hosts, excluded_subtrees: Vec::new() });
    let certificate = params.self_signed(&key)?.pem();
    Ok((certificate, Issuer::new(params, key)))
}

/// One end of a connection.
struct Side {
    tls: Connection,
    stream: Watched,
    ended: bool,
}

impl Side {
    fn new(mut tls: Connection, stream: TcpStream) -> io::Result<Self> {
        // What may wait is bounded by what is read, which waits for what waits.
        tls.set_buffer_limit(None);
        stream.set_nonblocking(true)?;
        Ok(Self { tls, stream: Watched::from_std(stream), ended: false })
    }

    /// Sends what waits. Whether nothing waits any more.
    fn flush(&mut self) -> io::Result<bool> {
        while self.tls.wants_write() {
            match self.tls.write_tls(&mut self.stream) {
                Ok(_) => {}
                Err(error) if error.kind() == ErrorKind::WouldBlock => return Ok(false),
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
        Ok(true)
    }

    /// Reads what is there now. None: nothing; empty: nothing more will come.
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<Option<usize>> {
        loop {
            match self.tls.reader().read(buffer) {
                Ok(0) => self.ended = true,
                Ok(length) => return Ok(Some(length)),
                // It went away without a word, as many do.
                Err(error) if error.kind() == ErrorKind::UnexpectedEof => self.ended = true,
                Err(error) if error.kind() == ErrorKind::WouldBlock => {}
                Err(error) => return Err(error),
            }
            if self.ended {
                return Ok(Some(0));
            }
            match self.tls.read_tls(&mut self.stream) {
                Ok(_) => {
                    self.tls.process_new_packets().map_err(io::Error::other)?;
                }
                Err(error) if error.kind() == ErrorKind::WouldBlock => return Ok(None),
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
    }

    fn close(&mut self) -> io::Result<()> {
        self.tls.send_close_notify();
        self.flush().map(drop)
    }
}

/// Both ends, and what lies between them.
struct Pump<'a> {
    client: Side,
    server: Side,
    gate: Gate,
    out: Exchange,
    back: Exchange,
    /// Whether the head of the request has gone out.
    begun: bool,
    moved: &'a mut [u64; 2],
}

impl Pump<'_> {
    fn run(&mut self, look: impl Fn(&[u8]) -> Result<(), Reason>) -> Result<(), Failed> {
        let mut poll = Poll::new()?;
        let both = Interest::READABLE | Interest::WRITABLE;
        poll.registry().register(&mut self.client.stream, Token(0), both)?;
        poll.registry().register(&mut self.server.stream, Token(1), both)?;
        let mut events = Events::with_capacity(8);
        let mut buffer = vec![0; 16 << 10];
        loop {
            let up = self.up(&mut buffer, &look)?;
            let down = self.down(&mut buffer)?;
            if self.server.ended && self.client.flush()? {
                self.client.close()?;
                let _ = self.client.stream.shutdown(Shutdown::Write);
                return Ok(());
            }
            if up || down {
                continue;
            }
            // Nothing more for now, so that nothing is held back for what may follow.
            let mut rest = Vec::new();
            self.back.flush(&mut rest);
            self.client.tls.writer().write_all(&rest)?;
            self.client.flush()?;
            match poll.poll(&mut events, None) {
                Err(error) if error.kind() != ErrorKind::Interrupted => return Err(error.into()),
                _ => {}
            }
        }
    }

    fn up(
        &mut self,
        buffer: &mut [u8],
        look: &impl Fn(&[u8]) -> Result<(), Reason>,
    ) -> Result<bool, Failed> {
        if !self.server.flush()? || self.client.ended {
            return Ok(false);
        }
        let Some(length) = self.client.read(buffer)? else { return Ok(false) };
        if length == 0 {
            self.server.close()?;
            return Ok(true);
        }
        let mut passed = Vec::new();
        let taken = self.gate.take(buffer.get(..length).unwrap_or_default(), &mut passed);
        if let Err(reason) = taken.and_then(|()| look(&passed)) {
            self.client.tls.writer().write_all(&gate::refusal(&reason))?;
            self.client.close()?;
            return Err(Failed::Turned(reason));
        }
        let mut sent = Vec::new();
        let head = passed.windows(4).position(|it| it == b"\r\n\r\n").filter(|_| !self.begun);
        let body = match head.and_then(|it| passed.split_at_checked(it + 4)) {
            Some((head, body)) => {
                self.begun = true;
                self.out.head(head, &mut sent);
                body
            }
            None => passed.as_slice(),
        };
        self.out.pass(body, &mut sent);
        if self.gate.is_over() {
            self.out.flush(&mut sent);
        }
        self.moved[0] += u64::try_from(sent.len()).unwrap_or(0);
        self.server.tls.writer().write_all(&sent)?;
        self.server.flush()?;
        Ok(true)
    }

    fn down(&mut self, buffer: &mut [u8]) -> Result<bool, Failed> {
        if !self.client.flush()? || self.server.ended {
            return Ok(false);
        }
        let Some(length) = self.server.read(buffer)? else { return Ok(false) };
        let said = buffer.get(..length).unwrap_or_default();
        let mut waited = Vec::new();
        self.gate.heard(said, &mut waited);
        self.server.tls.writer().write_all(&waited)?;
        let mut shown = Vec::new();
        self.back.pass(said, &mut shown);
        if length == 0 {
            self.back.flush(&mut shown);
        }
        self.moved[1] += u64::try_from(shown.len()).unwrap_or(0);
        self.client.tls.writer().write_all(&shown)?;
        self.client.flush()?;
        Ok(true)
    }
}
