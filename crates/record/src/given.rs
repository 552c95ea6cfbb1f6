//! Files that somebody else may have put there: read only where they are regular and small, and never
//! waited for. Opening a named pipe waits for a writer that may never come, and a device may have no end.

use std::fs::{self, File, Metadata, OpenOptions};
use std::io::{self, Read};
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;

/// `O_NONBLOCK`: a pipe that takes the place of a file after it was looked at is not waited for either.
const NO_WAIT: i32 = if cfg!(target_os = "macos") { 0x4 } else { 0o4_000 };

/// Bytes of the longest file that is read whole: 1 MiB.
pub const MOST_BYTES: u64 = 1 << 20;

/// The number of the user who runs, where the system shows processes as files.
pub fn own_user() -> Option<u32> {
    use std::os::unix::fs::MetadataExt;
    fs::metadata("/proc/self").ok().map(|own| own.uid())
}

/// Opens a regular file for reading; what is known of it is known of the very file that was opened.
///
/// # Errors
/// When it cannot be opened, and when it is a folder, a pipe, a socket or a device.
pub fn open(path: &Path) -> io::Result<(File, Metadata)> {
    let regular = |metadata: Metadata| {
        let error = || io::Error::new(io::ErrorKind::InvalidInput, "it is not a regular file");
        if metadata.is_file() { Ok(metadata) } else { Err(error()) }
    };
    // Opening a device can already do something.
    regular(fs::metadata(path)?)?;
    let file = OpenOptions::new().read(true).custom_flags(NO_WAIT).open(path)?;
    let metadata = regular(file.metadata()?)?;
    Ok((file, metadata))
}

/// All of a regular file of at most so many bytes.
///
/// # Errors
/// As [`open`]; and when it is longer.
pub fn bytes(path: &Path, most: u64) -> io::Result<(Vec<u8>, Metadata)> {
    let (file, metadata) = open(path)?;
    let mut bytes = Vec::new();
    file.take(most + 1).read_to_end(&mut bytes)?;
    if bytes.len() as u64 > most {
        return Err(invalid(format!("it is longer than {most} bytes")));
    }
    Ok((bytes, metadata))
}

fn invalid(problem: String) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, problem)
}

/// The text of a small regular file.
///
/// # Errors
/// As [`open`]; and when it is longer than [`MOST_BYTES`] or not UTF-8.
pub fn text(path: &Path) -> io::Result<(String, Metadata)> {
    let (bytes, metadata) = bytes(path, MOST_BYTES)?;
    let text = String::from_utf8(bytes).map_err(|error| {
        invalid(format!("it is not UTF-8 at byte {}", error.utf8_error().valid_up_to()))
    })?;
    Ok((text, metadata))
}
