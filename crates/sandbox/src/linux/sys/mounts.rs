//! System calls that lay out mounts, each by descriptor.

use std::ffi::CStr;
use std::io;
use std::mem::{size_of, zeroed};
use std::os::fd::{AsRawFd, BorrowedFd, OwnedFd};
use std::path::Path;

use libc::{c_int, c_long, c_uint};

use super::{c_string, check, owned};

/// Flags of `mount_setattr`.
#[derive(Debug, Clone, Copy)]
pub(in super::super) struct Attributes(pub(in super::super) u64);

impl Attributes {
    pub(in super::super) const READ_ONLY: u64 = libc::MOUNT_ATTR_RDONLY;
    pub(in super::super) const NO_SETUID: u64 = libc::MOUNT_ATTR_NOSUID;
    pub(in super::super) const NO_DEVICES: u64 = libc::MOUNT_ATTR_NODEV;
    pub(in super::super) const NO_EXEC: u64 = libc::MOUNT_ATTR_NOEXEC;
}

#[repr(C)]
struct MountAttributes {
    set: u64,
    clear: u64,
    propagation: u64,
    user_namespace: u64,
}

/// A detached copy of the mount at a descriptor, with everything mounted below.
pub(in super::super) fn clone_tree(at: BorrowedFd<'_>) -> io::Result<OwnedFd> {
    let flags = libc::OPEN_TREE_CLONE
        | libc::OPEN_TREE_CLOEXEC
        | libc::AT_RECURSIVE as c_uint
        | libc::AT_EMPTY_PATH as c_uint;
    // SAFETY: the empty string outlives the call.
    owned(unsafe { libc::syscall(libc::SYS_open_tree, at.as_raw_fd(), c"".as_ptr(), flags) })
}

/// Attaches a detached mount on what a descriptor names.
pub(in super::super) fn attach(tree: BorrowedFd<'_>, onto: BorrowedFd<'_>) -> io::Result<()> {
    const BOTH_EMPTY: c_uint = 0x0000_0004 | 0x0000_0040;
    let (tree, onto) = (tree.as_raw_fd(), onto.as_raw_fd());
    let empty = c"".as_ptr();
    // SAFETY: the empty strings are static.
    let result =
        unsafe { libc::syscall(libc::SYS_move_mount, tree, empty, onto, empty, BOTH_EMPTY) };
    check(result).map(drop)
}

/// Sets attributes of the mount at a descriptor and of all below it.
pub(in super::super) fn set_attributes(at: BorrowedFd<'_>, set: Attributes) -> io::Result<()> {
    change_attributes(at, set, libc::AT_RECURSIVE)
}

/// Sets attributes of the mount at a descriptor alone.
pub(in super::super) fn set_attributes_here(at: BorrowedFd<'_>, set: Attributes) -> io::Result<()> {
    change_attributes(at, set, 0)
}

fn change_attributes(at: BorrowedFd<'_>, set: Attributes, deep: c_int) -> io::Result<()> {
    let attributes =
        MountAttributes { set: set.0, clear: 0, propagation: libc::MS_PRIVATE, user_namespace: 0 };
    let flags = deep | libc::AT_EMPTY_PATH;
    // SAFETY: the structure outlives the call, and the size is its own.
    let result = unsafe {
        libc::syscall(
            libc::SYS_mount_setattr,
            at.as_raw_fd(),
            c"".as_ptr(),
            flags,
            &attributes,
            size_of::<MountAttributes>(),
        )
    };
    check(result).map(drop)
}

/// A new file system of its own, not attached yet.
pub(in super::super) fn new_tree(
    kind: &CStr,
    options: &[(&CStr, &CStr)],
    attributes: Attributes,
) -> io::Result<OwnedFd> {
    const SET_FLAG: c_uint = 0;
    const SET_STRING: c_uint = 1;
    const CREATE: c_uint = 6;
    // SAFETY: `kind` outlives the call.
    let context = owned(unsafe { libc::syscall(libc::SYS_fsopen, kind.as_ptr(), 1 as c_uint) })?;
    let context = context.as_raw_fd();
    for (name, value) in options {
        // An option without a value is there or not.
        let (how, value) = if value.is_empty() {
            (SET_FLAG, std::ptr::null())
        } else {
            (SET_STRING, value.as_ptr())
        };
        // SAFETY: both strings outlive the call.
        let result =
            unsafe { libc::syscall(libc::SYS_fsconfig, context, how, name.as_ptr(), value, 0) };
        check(result)?;
    }
    let nothing = std::ptr::null::<u8>();
    // SAFETY: this command takes no pointers.
    check(unsafe { libc::syscall(libc::SYS_fsconfig, context, CREATE, nothing, nothing, 0) })?;
    let attributes = c_uint::try_from(attributes.0).map_err(io::Error::other)?;
    // SAFETY: no pointers.
    owned(unsafe { libc::syscall(libc::SYS_fsmount, context, 1 as c_uint, attributes) })
}

/// Whether the file system at a path is read-only here.
pub(in super::super) fn is_read_only(path: &Path) -> io::Result<bool> {
    let name = c_string(path)?;
    // SAFETY: a structure of plain numbers, filled by the call while it lives.
    let flags = unsafe {
        let mut about: libc::statvfs = zeroed();
        check(c_long::from(libc::statvfs(name.as_ptr(), &mut about)))?;
        about.f_flag
    };
    Ok(flags & libc::ST_RDONLY != 0)
}
