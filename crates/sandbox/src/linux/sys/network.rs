//! System calls for a network of one's own, and for handing over descriptors.

use std::io;
use std::mem::{size_of, zeroed};
use std::net::Ipv4Addr;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, FromRawFd, OwnedFd, RawFd};

use libc::{c_int, c_long, c_uint};

use super::{check, owned, receive, send};

/// The loopback device is the first of every network.
const LOOPBACK: u32 = 1;
/// The most descriptors that the kernel takes at a time.
const MOST: usize = 253;

/// Brings this thread into a network of its own, whose loopback device works. What stands for that network, for another
/// thread to enter it.
pub(in super::super) fn network_of_its_own() -> io::Result<OwnedFd> {
    /// A request to a socket for its network.
    const NETWORK_OF: c_uint = 0x894c;
    // SAFETY: no pointers.
    check(c_long::from(unsafe { libc::unshare(libc::CLONE_NEWNET) }))?;
    let kind = libc::SOCK_DGRAM | libc::SOCK_CLOEXEC;
    // SAFETY: no pointers.
    let socket = owned(c_long::from(unsafe { libc::socket(libc::AF_INET, kind, 0) }))?;
    loopback_up(socket.as_fd())?;
    // SAFETY: the request takes no pointers, and answers with a descriptor.
    owned(c_long::from(unsafe { libc::ioctl(socket.as_raw_fd(), NETWORK_OF.into(), 0) }))
}

/// Brings this thread into another network.
pub(in super::super) fn enter_network(network: BorrowedFd<'_>) -> io::Result<()> {
    // SAFETY: numbers alone.
    let result = unsafe { libc::setns(network.as_raw_fd(), libc::CLONE_NEWNET) };
    check(c_long::from(result)).map(drop)
}

/// Makes the loopback device of a socket's network work.
fn loopback_up(socket: BorrowedFd<'_>) -> io::Result<()> {
    // SAFETY: a structure of plain numbers, for which zero is a value.
    let mut request: libc::ifreq = unsafe { zeroed() };
    for (slot, byte) in request.ifr_name.iter_mut().zip(c"lo".to_bytes()) {
        *slot = *byte as libc::c_char;
    }
    request.ifr_ifru.ifru_flags = (libc::IFF_UP | libc::IFF_RUNNING) as libc::c_short;
    // SAFETY: the request is of the type that this call reads, and outlives it.
    let result = unsafe { libc::ioctl(socket.as_raw_fd(), libc::SIOCSIFFLAGS, &request) };
    check(c_long::from(result)).map(drop)
}

/// Makes every address one of this network's loopback device, and gives the device one address that is
/// not a loopback one. An older kernel without the newer addresses has only the older.
pub(in super::super) fn every_address_is_local(own: Ipv4Addr) -> io::Result<()> {
    let kind = libc::SOCK_RAW | libc::SOCK_CLOEXEC;
    // SAFETY: no pointers.
    let socket = unsafe { libc::socket(libc::AF_NETLINK, kind, libc::NETLINK_ROUTE) };
    let socket = owned(c_long::from(socket))?;
    let ask = |request: &[u8]| -> io::Result<()> {
        send(socket.as_fd(), request)?;
        let mut answer = [0; 512];
        // The kernel answers before the request returns: a header of 16 bytes, then the error.
        let length = receive(socket.as_fd(), &mut answer)?.unwrap_or(0);
        let error = answer.get(16..20).filter(|_| length >= 20);
        match error.and_then(|it| it.try_into().ok()).map(i32::from_ne_bytes) {
            Some(0) => Ok(()),
            Some(error) => Err(io::Error::from_raw_os_error(-error)),
            None => Err(io::Error::other("no answer about a route")),
        }
    };
    ask(&address(own))?;
    ask(&route(libc::AF_INET))?;
    match ask(&route(libc::AF_INET6)) {
        Err(error) if is_absent(&error) => Ok(()),
        other => other,
    }
}

fn is_absent(error: &io::Error) -> bool {
    let absent = [libc::EOPNOTSUPP, libc::EAFNOSUPPORT, libc::ENODEV, libc::EACCES];
    error.raw_os_error().is_some_and(|it| absent.contains(&it))
}

/// A route that makes every address of a family a local one.
fn route(family: c_int) -> Vec<u8> {
    let family = u8::try_from(family).unwrap_or_default();
    // Family, lengths of both ends, service, table, protocol, scope, type; then flags.
    let mut body = vec![
        family,
        0,
        0,
        0,
        libc::RT_TABLE_LOCAL,
        libc::RTPROT_BOOT,
        libc::RT_SCOPE_HOST,
        libc::RTN_LOCAL,
    ];
    body.extend_from_slice(&[0; 4]);
    body.extend_from_slice(&attribute(libc::RTA_OIF, &LOOPBACK.to_ne_bytes()));
    request(libc::RTM_NEWROUTE, &body)
}

fn address(own: Ipv4Addr) -> Vec<u8> {
    let family = u8::try_from(libc::AF_INET).unwrap_or_default();
    // Family, length, flags, scope; then the device.
    let mut body = vec![family, 32, 0, libc::RT_SCOPE_UNIVERSE];
    body.extend_from_slice(&LOOPBACK.to_ne_bytes());
    body.extend_from_slice(&attribute(libc::IFA_LOCAL, &own.octets()));
    body.extend_from_slice(&attribute(libc::IFA_ADDRESS, &own.octets()));
    request(libc::RTM_NEWADDR, &body)
}

/// An attribute of four bytes, which needs no padding.
fn attribute(kind: u16, value: &[u8; 4]) -> Vec<u8> {
    [&8_u16.to_ne_bytes()[..], &kind.to_ne_bytes(), value].concat()
}

fn request(kind: u16, body: &[u8]) -> Vec<u8> {
    let flags = libc::NLM_F_REQUEST | libc::NLM_F_ACK | libc::NLM_F_CREATE;
    let flags = u16::try_from(flags).unwrap_or_default();
    let length = u32::try_from(16 + body.len()).unwrap_or_default();
    let mut bytes = length.to_ne_bytes().to_vec();
    bytes.extend_from_slice(&kind.to_ne_bytes());
    bytes.extend_from_slice(&flags.to_ne_bytes());
    bytes.extend_from_slice(&[0; 8]);
    bytes.extend_from_slice(body);
    bytes
}

/// Lets more connections wait at a listening socket.
pub(in super::super) fn listen(socket: BorrowedFd<'_>, backlog: c_int) -> io::Result<()> {
    // SAFETY: an open descriptor, and a number.
    check(c_long::from(unsafe { libc::listen(socket.as_raw_fd(), backlog) })).map(drop)
}

/// Room for the descriptors of one message, aligned as the kernel wants it.
#[repr(C, align(8))]
struct Ancillary([u8; 1024 + 64]);

/// Sends one message, and descriptors with it.
pub(in super::super) fn send_with(
    to: BorrowedFd<'_>,
    message: &[u8],
    files: &[BorrowedFd<'_>],
) -> io::Result<()> {
    if files.is_empty() {
        return send(to, message);
    }
    if files.len() > MOST {
        return Err(io::ErrorKind::InvalidInput.into());
    }
    let mut ancillary = Ancillary([0; 1024 + 64]);
    let size = files.len() * size_of::<RawFd>();
    let size_of_files = c_uint::try_from(size).map_err(io::Error::other)?;
    let mut part =
        libc::iovec { iov_base: message.as_ptr().cast_mut().cast(), iov_len: message.len() };
    // SAFETY: a structure of numbers and pointers, for which zero is a value. All that it points to lives
    // until the call returns; the ancillary part has room for the most descriptors there may be.
    let sent = unsafe {
        let mut header: libc::msghdr = zeroed();
        header.msg_iov = &mut part;
        header.msg_iovlen = 1;
        header.msg_control = std::ptr::from_mut(&mut ancillary).cast();
        header.msg_controllen = libc::CMSG_SPACE(size_of_files) as _;
        let first = libc::CMSG_FIRSTHDR(&header);
        (*first).cmsg_level = libc::SOL_SOCKET;
        (*first).cmsg_type = libc::SCM_RIGHTS;
        (*first).cmsg_len = libc::CMSG_LEN(size_of_files) as _;
        let numbers: Vec<RawFd> = files.iter().map(AsRawFd::as_raw_fd).collect();
        std::ptr::copy_nonoverlapping(numbers.as_ptr().cast(), libc::CMSG_DATA(first), size);
        libc::sendmsg(to.as_raw_fd(), &header, libc::MSG_NOSIGNAL)
    };
    check(sent as c_long).map(drop)
}

/// Waits for one message, and takes the descriptors that come with it. 0 bytes: the other side is gone.
pub(in super::super) fn receive_with(
    from: BorrowedFd<'_>,
    buffer: &mut [u8],
) -> io::Result<(usize, Vec<OwnedFd>)> {
    take(from, buffer, 0)
}

/// The same without waiting. None: nothing is there.
pub(in super::super) fn receive_what_came(
    from: BorrowedFd<'_>,
    buffer: &mut [u8],
) -> io::Result<Option<(usize, Vec<OwnedFd>)>> {
    match take(from, buffer, libc::MSG_DONTWAIT) {
        Err(error) if error.kind() == io::ErrorKind::WouldBlock => Ok(None),
        other => other.map(Some),
    }
}

fn take(
    from: BorrowedFd<'_>,
    buffer: &mut [u8],
    flags: c_int,
) -> io::Result<(usize, Vec<OwnedFd>)> {
    let mut ancillary = Ancillary([0; 1024 + 64]);
    let mut part = libc::iovec { iov_base: buffer.as_mut_ptr().cast(), iov_len: buffer.len() };
    let mut files = Vec::new();
    // SAFETY: as above; the kernel fills what the header points to. Each number that it leaves there is a
    // descriptor that it has just made for this process.
    let got = unsafe {
        let mut header: libc::msghdr = zeroed();
        header.msg_iov = &mut part;
        header.msg_iovlen = 1;
        header.msg_control = std::ptr::from_mut(&mut ancillary).cast();
        header.msg_controllen = size_of::<Ancillary>() as _;
        let got = loop {
            match check(
                libc::recvmsg(from.as_raw_fd(), &mut header, flags | libc::MSG_CMSG_CLOEXEC)
                    as c_long,
            ) {
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                other => break other?,
            }
        };
        let mut next = libc::CMSG_FIRSTHDR(&header);
        while let Some(about) = next.as_ref() {
            if about.cmsg_level == libc::SOL_SOCKET && about.cmsg_type == libc::SCM_RIGHTS {
                let data = about.cmsg_len - libc::CMSG_LEN(0) as usize;
                let numbers = libc::CMSG_DATA(next).cast::<RawFd>();
                for index in 0..data / size_of::<RawFd>() {
                    files.push(OwnedFd::from_raw_fd(numbers.add(index).read_unaligned()));
                }
            }
            next = libc::CMSG_NXTHDR(&header, next);
        }
        got
    };
    Ok((usize::try_from(got).map_err(io::Error::other)?, files))
}

/// The process and the user at the other end of a connection, as this process would name them. A process that
/// this one cannot see, since it is in namespaces outside of its own, is 0.
pub(in super::super) fn peer(connection: BorrowedFd<'_>) -> io::Result<(u32, u32)> {
    let mut about = libc::ucred { pid: 0, uid: 0, gid: 0 };
    let mut size = libc::socklen_t::try_from(size_of::<libc::ucred>()).map_err(io::Error::other)?;
    // SAFETY: the kernel fills a structure of this type and size, which lives until the call returns.
    let asked = unsafe {
        libc::getsockopt(
            connection.as_raw_fd(),
            libc::SOL_SOCKET,
            libc::SO_PEERCRED,
            std::ptr::from_mut(&mut about).cast(),
            &mut size,
        )
    };
    check(c_long::from(asked))?;
    Ok((u32::try_from(about.pid).map_err(io::Error::other)?, about.uid))
}

/// Has the kernel name the writer of each part that comes.
pub(in super::super) fn know_writers(connection: BorrowedFd<'_>) -> io::Result<()> {
    let on: c_int = 1;
    let size = libc::socklen_t::try_from(size_of::<c_int>()).map_err(io::Error::other)?;
    // SAFETY: the kernel reads a number of this size, which lives until the call returns.
    let set = unsafe {
        libc::setsockopt(
            connection.as_raw_fd(),
            libc::SOL_SOCKET,
            libc::SO_PASSCRED,
            std::ptr::from_ref(&on).cast(),
            size,
        )
    };
    check(c_long::from(set)).map(drop)
}

/// Waits for a part, and takes who wrote it. Parts of several writers do not come as one.
pub(in super::super) fn read_written(
    from: BorrowedFd<'_>,
    buffer: &mut [u8],
) -> io::Result<(usize, Option<u32>)> {
    let mut ancillary = Ancillary([0; 1024 + 64]);
    let mut part = libc::iovec { iov_base: buffer.as_mut_ptr().cast(), iov_len: buffer.len() };
    let mut writer = None;
    // SAFETY: as in `take`.
    let got = unsafe {
        let mut header: libc::msghdr = zeroed();
        header.msg_iov = &mut part;
        header.msg_iovlen = 1;
        header.msg_control = std::ptr::from_mut(&mut ancillary).cast();
        // Room for the writer alone: descriptors do not fit beside it, and are closed by the kernel.
        header.msg_controllen = libc::CMSG_SPACE(size_of::<libc::ucred>() as _) as _;
        let got =
            check(libc::recvmsg(from.as_raw_fd(), &mut header, libc::MSG_CMSG_CLOEXEC) as c_long)?;
        let mut next = libc::CMSG_FIRSTHDR(&header);
        while let Some(about) = next.as_ref() {
            if about.cmsg_level == libc::SOL_SOCKET && about.cmsg_type == libc::SCM_CREDENTIALS {
                let who = libc::CMSG_DATA(next).cast::<libc::ucred>().read_unaligned();
                writer = u32::try_from(who.pid).ok().filter(|pid| *pid != 0);
            }
            next = libc::CMSG_NXTHDR(&header, next);
        }
        got
    };
    Ok((usize::try_from(got).map_err(io::Error::other)?, writer))
}

/// Waits until one of several descriptors has something, or is closed.
pub(in super::super) fn wait_for_any(files: &[BorrowedFd<'_>]) -> io::Result<()> {
    let entry =
        |fd: &BorrowedFd<'_>| libc::pollfd { fd: fd.as_raw_fd(), events: libc::POLLIN, revents: 0 };
    let mut entries: Vec<libc::pollfd> = files.iter().map(entry).collect();
    let count = libc::nfds_t::try_from(entries.len()).map_err(io::Error::other)?;
    // SAFETY: as many entries as said.
    match check(c_long::from(unsafe { libc::poll(entries.as_mut_ptr(), count, -1) })) {
        Err(error) if error.kind() != io::ErrorKind::Interrupted => Err(error),
        _ => Ok(()),
    }
}

/// Lets this process have as many open files as it may ask for.
pub(in super::super) fn raise_open_files() -> io::Result<()> {
    let mut limit = libc::rlimit { rlim_cur: 0, rlim_max: 0 };
    // SAFETY: the structure is of the type that the call fills, and then reads.
    unsafe {
        check(c_long::from(libc::getrlimit(libc::RLIMIT_NOFILE, &mut limit)))?;
        limit.rlim_cur = limit.rlim_max;
        check(c_long::from(libc::setrlimit(libc::RLIMIT_NOFILE, &limit))).map(drop)
    }
}
