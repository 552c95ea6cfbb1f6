//! Where the server listens, and who comes in where.

use std::io::ErrorKind;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::os::unix::fs::PermissionsExt;

use axum::Router;
use axum::extract::connect_info::Connected;
use axum::serve::IncomingStream;
use ringfence_record::RecordError;
use tokio::net::{TcpListener, UnixListener};
use tokio::signal::unix::{SignalKind, signal};

use crate::Terms;

/// Why nothing is served.
#[derive(Debug, thiserror::Error)]
pub enum ServeError {
    /// Another one does.
    #[error("another `ringfence serve` serves this state folder; end that one first")]
    Taken,
    /// Others than this machine's could come in, in the clear.
    #[error(
        "{0} is not on this machine alone; listen on 127.0.0.1, or say --behind-tls where something in front of it speaks TLS"
    )]
    NotLoopback(SocketAddr),
    /// A socket could not be had.
    #[error("cannot listen: {0}; take another port with --listen, or free this one")]
    Listen(#[source] std::io::Error),
    /// What is kept could not be read or written.
    #[error(transparent)]
    Record(#[from] RecordError),
}

/// Who is at the other end of a connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Whom {
    /// A process of this user, through the socket.
    Process(u32),
    /// A process of another user, or one in namespaces outside of ours, which the kernel does not name.
    Stranger,
    /// Whoever comes over the network.
    Network,
}

impl Connected<IncomingStream<'_, UnixListener>> for Whom {
    fn connect_info(stream: IncomingStream<'_, UnixListener>) -> Self {
        let own = ringfence_record::given::own_user();
        let Ok(peer) = stream.io().peer_cred() else { return Self::Stranger };
        let pid = peer.pid().and_then(|pid| u32::try_from(pid).ok()).filter(|pid| *pid != 0);
        let process = pid.filter(|_| Some(peer.uid()) == own);
        process.map_or(Self::Stranger, Self::Process)
    }
}

impl Connected<IncomingStream<'_, TcpListener>> for Whom {
    fn connect_info(_: IncomingStream<'_, TcpListener>) -> Self {
        Self::Network
    }
}

/// The sockets.
pub(crate) struct Listeners {
    unix: UnixListener,
    network: TcpListener,
    /// The other addresses of `localhost`.
    others: Vec<TcpListener>,
    pub(crate) address: SocketAddr,
}

impl Listeners {
    pub(crate) async fn bind(terms: &Terms) -> Result<Self, ServeError> {
        if !terms.listen.ip().is_loopback() && !terms.behind_tls {
            return Err(ServeError::NotLoopback(terms.listen));
        }
        let path = terms.state.path().join(SOCKET);
        // Whoever has the place has made sure that nobody listens here.
        #[expect(clippy::disallowed_methods, reason = "the socket of one that was killed")]
        let _ = std::fs::remove_file(&path);
        let unix = UnixListener::bind(&path).map_err(ServeError::Listen)?;
        let private = std::fs::Permissions::from_mode(0o600);
        std::fs::set_permissions(&path, private).map_err(ServeError::Listen)?;
        let network = TcpListener::bind(terms.listen).await.map_err(ServeError::Listen)?;
        let address = network.local_addr().map_err(ServeError::Listen)?;
        let mut others = Vec::new();
        for ip in other_names_of_localhost(address.ip()) {
            match TcpListener::bind((ip, address.port())).await {
                Ok(other) => others.push(other),
                // This machine has no such address, so that nobody else has it either.
                Err(error)
                    if error.kind() == ErrorKind::AddrNotAvailable
                        || matches!(error.raw_os_error(), Some(97 | 47)) => {}
                Err(error) => return Err(ServeError::Listen(error)),
            }
        }
        Ok(Self { unix, network, others, address })
    }

    /// Answers until a signal says that it is enough.
    pub(crate) async fn serve(self, routes: Router) -> Result<(), ServeError> {
        let by_unix = routes.clone().into_make_service_with_connect_info::<Whom>();
        let by_network = routes.into_make_service_with_connect_info::<Whom>();
        for other in self.others {
            let by_network = by_network.clone();
            drop(tokio::spawn(async move { axum::serve(other, by_network).await }));
        }
        let mut terminated = signal(SignalKind::terminate()).map_err(ServeError::Listen)?;
        tokio::select! {
            ended = async { axum::serve(self.unix, by_unix).await } => ended,
            ended = async { axum::serve(self.network, by_network).await } => ended,
            // What is being answered is recorded already, or is decided by the hook itself.
            _ = terminated.recv() => Ok(()),
            _ = tokio::signal::ctrl_c() => Ok(()),
        }
        .map_err(ServeError::Listen)
    }
}

/// A browser that is sent to `localhost` tries `::1` first. Passkeys and the origin belong to that name, so that
/// whoever listens under it would be us.
fn other_names_of_localhost(own: IpAddr) -> Vec<IpAddr> {
    let both = [IpAddr::V4(Ipv4Addr::LOCALHOST), IpAddr::V6(Ipv6Addr::LOCALHOST)];
    let is_served =
        |it: &IpAddr| *it == own || own.is_unspecified() && (own.is_ipv6() || it.is_ipv4());
    both.into_iter().filter(|it| !is_served(it)).collect()
}

/// The name of the socket in the state folder.
pub(crate) const SOCKET: &str = "serve.sock";
