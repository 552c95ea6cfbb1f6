//! The same plan in the words of Seatbelt, macOS's sandbox: a profile that `sandbox-exec -f` takes.
//!
//! It is made on any system and was executed on none: what it says is tested, what macOS makes of it is not. Of several
//! rules the last that fits decides, so that the order is that of the mounts elsewhere: all may be read, what is hidden may
//! not, what is shown may again, and inside of what can be written stands last what others execute. Names that do
//! not exist yet are refused by pattern, which mounts cannot do.

use std::fmt::Write;
use std::path::Path;

use crate::plan::Plan;
use crate::refusal::Refusal;
use crate::request::Doors;

/// What every program needs of the system, and what none of it gives away.
const BASE: &str = r#"(version 1)
; Made by `ringfence run --explain --target macos`. NOT TESTED ON macOS: read it before you rely on it.
(deny default)
(allow process-exec process-fork)
(allow process-info* (target same-sandbox))
(allow signal (target same-sandbox))
(allow sysctl-read)
(allow pseudo-tty)
(allow ipc-posix-sem)
(allow mach-lookup
  (global-name "com.apple.system.logger")
  (global-name "com.apple.system.notification_center")
  (global-name "com.apple.system.opendirectoryd.libinfo"))
(allow file-ioctl (literal "/dev/tty") (literal "/dev/ptmx") (regex #"^/dev/ttys[0-9]+$"))
(allow file-write* (literal "/dev/null") (literal "/dev/zero") (literal "/dev/tty") (literal "/dev/ptmx")
  (regex #"^/dev/ttys[0-9]+$") (regex #"^/dev/fd/[0-9]+$"))
"#;

/// The profile.
///
/// # Errors
/// When a path cannot be said in it.
pub fn seatbelt_profile(plan: &Plan) -> Result<String, Refusal> {
    let mut text = BASE.to_owned();
    reads(&mut text, plan)?;
    writes(&mut text, plan)?;
    last(&mut text, plan)?;
    network(&mut text, plan);
    Ok(text)
}

fn reads(text: &mut String, plan: &Plan) -> Result<(), Refusal> {
    text.push_str("\n; everything can be read but what is hidden\n(allow file-read*)\n");
    for path in &plan.hide {
        rule(text, "deny file-read*", "subpath", path)?;
    }
    text.push_str("; that a folder is there can be seen, or no path could be resolved\n");
    text.push_str("(allow file-read-metadata (vnode-type DIRECTORY))\n");
    for show in &plan.show {
        rule(text, "allow file-read*", reach(show.folder), &show.path)?;
    }
    for link in &plan.links {
        rule(text, "allow file-read*", "literal", &link.at)?;
    }
    Ok(())
}

fn writes(text: &mut String, plan: &Plan) -> Result<(), Refusal> {
    text.push_str("\n; what can be written; folders that are a run's own elsewhere are those of the machine here\n");
    let hidden = |path: &Path| plan.hide.iter().any(|it| path.starts_with(it));
    for path in plan.private.iter().filter(|it| !hidden(it)) {
        rule(text, "allow file-write*", "subpath", path)?;
    }
    for show in &plan.show {
        let how = if show.write { "allow file-write*" } else { "deny file-write*" };
        rule(text, how, reach(show.folder), &show.path)?;
    }
    text.push_str(
        "\n; what others execute or obey is there to be read, and cannot be moved from its place\n",
    );
    for path in plan.protect.iter().chain(&plan.settings) {
        rule(text, "deny file-write*", "subpath", path)?;
    }
    for path in &plan.pin {
        rule(text, "deny file-write-unlink", "literal", path)?;
    }
    text.push_str("\n; names that others would execute or obey, anywhere in what can be written\n");
    for folder in &plan.watch.folders {
        for name in &plan.watch.names {
            named(text, folder, name)?;
        }
    }
    for path in &plan.watch.absent {
        rule(text, "deny file-write*", "subpath", path)?;
    }
    Ok(())
}

/// What nothing above may bring back.
fn last(text: &mut String, plan: &Plan) -> Result<(), Refusal> {
    text.push_str("\n; what cannot be opened\n");
    for mask in &plan.mask {
        rule(text, "deny file-read* file-write* network-outbound", reach(mask.folder), &mask.path)?;
    }
    Ok(())
}

fn network(text: &mut String, plan: &Plan) {
    let rules = match (plan.network, &plan.doors) {
        (true, _) => {
            "the network of this machine\n(allow network*)\n(allow system-socket)\n".to_owned()
        }
        (false, Some(_)) => format!(
            "a proxy on this machine alone; whoever starts this serves it there\n\
             (allow network-outbound (remote ip \"localhost:{}\"))\n",
            Doors::PROXY.port()
        ),
        (false, None) => "no network\n(deny network*)\n".to_owned(),
    };
    // Writing to a text does not fail.
    let _ = write!(text, "\n; {rules}");
}

fn reach(folder: bool) -> &'static str {
    if folder { "subpath" } else { "literal" }
}

fn rule(text: &mut String, action: &str, filter: &str, path: &Path) -> Result<(), Refusal> {
    let path = quoted(said(path)?);
    let _ = writeln!(text, "({action} ({filter} \"{path}\"))");
    Ok(())
}

/// A name, or a path of names, in any folder below one.
fn named(text: &mut String, folder: &Path, name: &str) -> Result<(), Refusal> {
    let folder = said(folder)?.trim_end_matches('/');
    let name: Vec<String> = name.split('*').map(pattern).collect();
    let (folder, name) = (pattern(folder), name.join("[^/]*"));
    let _ = writeln!(text, "(deny file-write* (regex #\"^{folder}/(.*/)?{name}(/|$)\"))");
    Ok(())
}

fn said(path: &Path) -> Result<&str, Refusal> {
    let text = path.to_str().filter(|it| !it.chars().any(char::is_control));
    text.ok_or_else(|| {
        let what = format!("{} cannot be said in a profile of Seatbelt", path.display());
        Refusal::of_request(what, "rename it, or leave it out")
    })
}

fn quoted(text: &str) -> String {
    text.replace('\\', "\\\\").replace('"', "\\\"")
}

/// A text in a regular expression, where it means itself, in any case: file systems of macOS see none.
fn pattern(text: &str) -> String {
    let special = |it: char| r#"\.^$|?*+()[]{}"#.contains(it);
    let mut pattern = String::new();
    for letter in text.chars() {
        match letter {
            it if special(it) => pattern.extend(['\\', it]),
            // The expression itself ends at a quote.
            '"' => pattern.push('.'),
            it if it.is_ascii_alphabetic() => {
                pattern.extend(['[', it.to_ascii_lowercase(), it.to_ascii_uppercase(), ']']);
            }
            it => pattern.push(it),
        }
    }
    pattern
}

#[cfg(test)]
mod tests {
    use super::{pattern, quoted};

    #[test]
    fn a_path_means_itself_alone() {
        for (text, expected) in [
            ("/a b", "/a b"),
            ("/a\"b", "/a\\\"b"),
            ("/a\\b", "/a\\\\b"),
            ("/a\" (allow default) \"", "/a\\\" (allow default) \\\""),
        ] {
            assert_eq!(quoted(text), expected, "{text}");
        }
    }

    #[test]
    fn a_name_means_itself_in_any_case() {
        for (text, expected) in [
            (".mcp", "\\.[mM][cC][pP]"),
            ("1(2)", "1\\(2\\)"),
            ("\"", "."),
            ("é", "é"),
            ("a+", "[aA]\\+"),
        ] {
            assert_eq!(pattern(text), expected, "{text}");
        }
    }
}
