//! A profile by which AppArmor lets one program make user namespaces, where it keeps all others from it.
//!
//! Nothing else is said in it: the program stays as free as it is without. What it starts is held by Ringfence.

use std::path::Path;

use crate::refusal::Refusal;

/// The first line of the profile, by which it is known to be ours.
pub const APPARMOR_MARK: &str =
    "# Written by `ringfence setup apparmor`; `ringfence setup apparmor --undo` removes it.";

/// The profile for a program, by its absolute path without symbolic links.
///
/// # Errors
/// When the path cannot be said in a profile.
pub fn apparmor_profile(program: &Path) -> Result<String, Refusal> {
    let unusable = |why: &str| {
        let what = format!("{} cannot be named in a profile", program.display());
        Refusal::of_request(what, "install ringfence as /usr/local/bin/ringfence").because(why)
    };
    let path = program.to_str().ok_or_else(|| unusable("it is not text"))?;
    if !path.starts_with('/') {
        return Err(unusable("it is not absolute"));
    }
    if path.chars().any(char::is_control) {
        return Err(unusable("it holds a control character"));
    }
    // Letters that stand for others in a profile's paths, and those that end or quote.
    let special = |it: char| r#"*?[]{}^"\@,()"#.contains(it);
    let path: String =
        path.chars().flat_map(|it| special(it).then_some('\\').into_iter().chain([it])).collect();
    Ok(format!(
        r#"{APPARMOR_MARK}
# Lets Ringfence make the namespaces that it holds commands in, and nothing more: it is not confined by this, and other
# programs are restricted as before.

abi <abi/4.0>,
include <tunables/global>

profile ringfence "{path}" flags=(unconfined) {{
  userns,

  include if exists <local/ringfence>
}}
"#
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_profile_allows_user_namespaces_to_one_program() {
        insta::assert_snapshot!(apparmor_profile(Path::new("/usr/local/bin/ringfence")).unwrap());
    }

    #[test]
    fn a_path_means_itself_alone() {
        let text = apparmor_profile(Path::new("/opt/a b/*{x}@/r\"f")).unwrap();
        assert!(text.contains(r#"profile ringfence "/opt/a b/\*\{x\}\@/r\"f" flags"#), "{text}");
        for path in ["ringfence", "/opt/a\nb"] {
            assert!(apparmor_profile(Path::new(path)).is_err(), "{path}");
        }
    }
}
