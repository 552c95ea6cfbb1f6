//! The judge over TLS: an endpoint whose certificate leads to an authority of the user's own, and to nobody else's.

use std::io::{Read, Write};
use std::net::TcpListener;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;
use std::time::Duration;

use rcgen::{BasicConstraints, CertificateParams, IsCa, Issuer, KeyPair};
use ringfence_action::{Action, Preset, Verdict};
use ringfence_classify::judge::{
    Answer, Beside, Docket, Fault, History, Judge, Judgement, Known, Mode, ProviderName, Said,
    Seen, Settings, Subject,
};
use ringfence_record::ledger::Ledger;
use rustls::pki_types::PrivateKeyDer;
use rustls::{ServerConfig, ServerConnection, StreamOwned};
use serde_json::json;

/// An authority of nobody that this machine knows.
struct Authority {
    pem: String,
    issuer: Issuer<'static, KeyPair>,
}

impl Authority {
    fn new() -> Self {
        let key = KeyPair::generate().unwrap();
        let mut params = CertificateParams::new(Vec::new()).unwrap();
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let pem = params.self_signed(&key).unwrap().pem();
        Self { pem, issuer: Issuer::new(params, key) }
    }

    /// A server that shows a certificate for this name, and lets everything pass. Its port, and how often it was asked.
    fn serve(&self, name: &str) -> (u16, Arc<AtomicUsize>) {
        let key = KeyPair::generate().unwrap();
        let certificate = CertificateParams::new(vec![name.to_owned()]).unwrap();
        let certificate = certificate.signed_by(&key, &self.issuer).unwrap().der().clone();
        let key = PrivateKeyDer::try_from(key.serialize_der()).unwrap();
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let config = ServerConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_no_client_auth()
            .with_single_cert(vec![certificate], key)
            .unwrap();
        let config = Arc::new(config);
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        let asked = Arc::new(AtomicUsize::new(0));
        let counter = Arc::clone(&asked);
        thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let tls = ServerConnection::new(Arc::clone(&config)).unwrap();
                let mut stream = StreamOwned::new(tls, stream);
                if whole_request(&mut stream) {
                    counter.fetch_add(1, Ordering::SeqCst);
                    let body = json!({"choices": [{"message": {"content": "A"}}]}).to_string();
                    let head =
                        "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\nconnection: close";
                    let _ =
                        write!(stream, "{head}\r\ncontent-length: {}\r\n\r\n{body}", body.len());
                    stream.conn.send_close_notify();
                    let _ = stream.flush();
                }
            }
        });
        (port, asked)
    }
}

/// Reads a request to its end: what is closed with something unread is taken for a broken connection. False if there
/// was none.
fn whole_request(stream: &mut impl Read) -> bool {
    let (mut request, mut piece) = (Vec::new(), [0; 4096]);
    loop {
        match stream.read(&mut piece) {
            Ok(read) if read > 0 => request.extend_from_slice(&piece[..read]),
            _ => return false,
        }
        let text = String::from_utf8_lossy(&request).to_ascii_lowercase();
        if let Some((head, body)) = text.split_once("\r\n\r\n") {
            let length = head.lines().find_map(|it| it.strip_prefix("content-length:"));
            if length.is_none_or(|it| body.len() >= it.trim().parse().unwrap()) {
                return true;
            }
        }
    }
}

fn ask(port: u16, authorities: Option<&str>) -> Judgement {
    let settings = Settings {
        mode: Mode::All,
        provider: Some(ProviderName::OpenAi),
        endpoint: Some(format!("https://localhost:{port}")),
        model: Some("m".to_owned()),
        timeout_ms: 20_000,
        attempts: 1,
        ..Settings::default()
    };
    let judge = Judge::trusting(&settings, None, authorities, Ledger::in_memory()).unwrap();
    let text = json!({"tool": "Bash", "input": {"command": "make"}}).to_string();
    let action = Action::from_json(text.as_bytes()).unwrap();
    let call = ringfence_adapters::normalize(&action);
    let seen = Seen::of(&action, &call, &Default::default(), &[]);
    let mut history = History::new("5f2ca11b".to_owned());
    history.hear(&Said::typed_by_the_user("build it"));
    let (known, beside) = (Known::default(), Beside::default());
    let docket = Docket::new(&history, Subject::Call(&seen, &known), &beside);
    judge.judge(&docket, "tls", "", 1_000_000, Duration::from_secs(20))
}

#[test]
fn only_the_named_endpoint_of_a_trusted_authority_is_told_anything() {
    let (ours, others) = (Authority::new(), Authority::new());
    let (port, asked) = ours.serve("localhost");
    let judgement = ask(port, Some(&ours.pem));
    assert_eq!(judgement.answer, Answer::Clear, "an authority of one's own");
    assert_eq!(asked.load(Ordering::SeqCst), 1);

    let (elsewhere, misnamed) = ours.serve("judge.example");
    for (port, authorities) in
        [(port, None), (port, Some(others.pem.as_str())), (elsewhere, Some(ours.pem.as_str()))]
    {
        let judgement = ask(port, authorities);
        assert_eq!(judgement.answer, Answer::Unavailable(Fault::Connection), "{authorities:?}");
        assert!(judgement.verdict(Preset::Guard) > Verdict::Allow);
    }
    assert_eq!((asked.load(Ordering::SeqCst), misnamed.load(Ordering::SeqCst)), (1, 0));
    // Several may be named in one file.
    assert_eq!(ask(port, Some(&format!("{}{}", others.pem, ours.pem))).answer, Answer::Clear);
}

#[test]
fn a_file_without_a_certificate_makes_no_judge() {
    for (pem, word) in [
        ("", "no certificate"),
        ("hello", "no certificate"),
        ("-----BEGIN CERTIFICATE-----\n!\n-----END CERTIFICATE-----\n", "cannot be read"),
    ] {
        let settings = Settings {
            provider: Some(ProviderName::OpenAi),
            endpoint: Some("https://localhost".to_owned()),
            model: Some("m".to_owned()),
            ..Settings::default()
        };
        let error = Judge::trusting(&settings, None, Some(pem), Ledger::in_memory()).unwrap_err();
        assert!(error.to_string().contains(word), "{error}");
    }
}
