//! What a run is asked to hold to, and what is known when it has ended.

use std::ffi::{OsStr, OsString};
use std::net::{TcpListener, UdpSocket};
use std::path::PathBuf;
use std::time::Duration;

use crate::after::After;
use crate::observe::{Observe, Observed};
use crate::support::Tier;
use crate::system::Inside;
use crate::walls::Walls;

/// The sockets of a run's own network, in the hands of its supervisor. See [`crate::Doors`].
#[derive(Debug)]
pub struct Sockets {
    /// Where names are asked for.
    pub names: Vec<UdpSocket>,
    /// Where connections to any address arrive, one for each port, in order.
    pub doors: Vec<TcpListener>,
    /// Where a proxy is spoken to.
    pub proxy: TcpListener,
    /// The way to ports inside, if it was asked for.
    pub inside: Option<Inside>,
}

/// What a run has to hold to.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Terms {
    /// Start with nothing less than this.
    pub require: Option<Tier>,
    /// Stand in for a command that a shell would have run itself: what it leaves in the background lives
    /// on, behind its walls, and the folder that a shell ended in is told. Otherwise everything ends with
    /// the command.
    pub in_place: bool,
    /// The longest that it may take. Then everything ends, with exit code 124.
    pub longest: Option<Duration>,
    /// A folder of this run alone for what is moved away after it; it need not exist. None: what is moved away
    /// gets another name where it is.
    pub quarantine: Option<PathBuf>,
    /// What is watched while it runs. None: nothing. What cannot be watched is not started.
    pub observe: Option<Observe>,
    /// Whether every file of the workspace is asked at the end whether it was made or changed meanwhile.
    pub touched: bool,
    /// The best tier to take; the best there is, but in tests.
    #[doc(hidden)]
    pub best: Option<Tier>,
    /// All of them, but in tests.
    #[doc(hidden)]
    pub walls: Walls,
}

/// How a run ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ended {
    /// The exit code of the command: 128 + n if signal n ended it, 124 if its time was over.
    pub code: u8,
    /// The tier that held it.
    pub tier: Tier,
    /// Where a shell that was run in place ended, if it ended well. The command may have written
    /// anything here.
    pub folder: Option<PathBuf>,
    /// Whether something of it still runs.
    pub left_running: bool,
    /// What it left that others would execute later, and what was done about that.
    pub after: After,
    /// What it was seen to do, if that was asked for.
    pub observed: Option<Observed>,
    /// What is known of the folders that were looked through, for [`crate::Request::seen`] of the next run. None:
    /// hardly more than that one knew.
    pub seen: Option<Vec<u8>>,
}

/// The same shell command, telling on a descriptor where it ended: `SHELL -c CODE` alone.
///
/// The code itself does not see the descriptor. As in a shell that goes on, nothing is told after a
/// failure, or after an `exit`.
pub(crate) fn telling(argv: &[OsString], descriptor: i32) -> Option<Vec<OsString>> {
    let [shell, flag, code] = argv else { return None };
    // Shells read numbers of one digit only in front of a redirection.
    if flag != OsStr::new("-c") || !(3..=9).contains(&descriptor) {
        return None;
    }
    let code = quoted(code.to_str()?);
    let told = format!("{{ eval {code}; }} {descriptor}>&- && pwd -P >&{descriptor}");
    Some(vec![shell.clone(), flag.clone(), told.into()])
}

fn quoted(code: &str) -> String {
    format!("'{}'", code.replace('\'', "'\\''"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn words(words: &[&str]) -> Vec<OsString> {
        words.iter().map(OsString::from).collect()
    }

    #[test]
    fn only_a_shell_with_code_can_tell() {
        let told = telling(&words(&["bash", "-c", "cd 'a b'"]), 5).unwrap();
        let code = r"{ eval 'cd '\''a b'\'''; } 5>&- && pwd -P >&5";
        assert_eq!(told, words(&["bash", "-c", code]));
        assert_eq!(telling(&words(&["make"]), 5), None);
        assert_eq!(telling(&words(&["bash", "-c", "x", "y"]), 5), None);
        assert_eq!(telling(&words(&["bash", "-c", "x"]), 12), None);
    }
}
