//! The settings of a repository: git reads programs to execute from them, and every tool that looks at the
//! repository makes it do so. What a run changes there leaves it only if it is known to be harmless.
//!
//! A run sees a copy of its own. Afterwards the copy is read, variable by variable, and what may leave is
//! written into the file that was there all the time, in words of our own: nothing that only git would
//! understand differently can get through.

mod allowed;
mod text;

use std::collections::BTreeMap;

use self::allowed::Allowed;
pub(crate) use self::text::Unreadable;
use self::text::{Entry, Variable};

/// What becomes of settings that a run has changed.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(crate) struct Settled {
    /// The file as it is to be. None: nothing of it changes.
    pub(crate) text: Option<String>,
    /// Variables whose change stays behind.
    pub(crate) held: Vec<String>,
}

type Values<'a> = BTreeMap<&'a Variable, Vec<&'a str>>;

/// What a run changed between `before` and `after`, carried over to what the file holds `now`.
pub(crate) fn carried_over(before: &str, after: &str, now: &str) -> Result<Settled, Unreadable> {
    let allowed = Allowed::read();
    let (old, new) = (text::entries(before)?, text::entries(after)?);
    let current = text::entries(now)?;
    let (old, new) = (values(&old), values(&new));
    let mut variables: Vec<&Variable> = old.keys().chain(new.keys()).copied().collect();
    variables.sort();
    variables.dedup();
    let none = Vec::new();
    let (mut gone, mut come, mut held) = (Vec::new(), Vec::new(), Vec::new());
    for variable in variables {
        let was = old.get(variable).unwrap_or(&none);
        let is = new.get(variable).unwrap_or(&none);
        if was == is {
            continue;
        }
        if allowed.leaves(variable, was, is) {
            gone.push(variable.clone());
            come.extend(is.iter().map(|value| (variable.clone(), (*value).to_owned())));
        } else {
            held.push(variable.to_string());
        }
    }
    if gone.is_empty() {
        return Ok(Settled { text: None, held });
    }
    let left: Vec<&Entry> = current.iter().filter(|it| gone.contains(&it.variable)).collect();
    let mut result = text::without(now, &left);
    if !result.is_empty() && !result.ends_with('\n') {
        result.push('\n');
    }
    result.push_str(&text::written(&come));
    Ok(Settled { text: Some(result), held })
}

/// The settings of a repository that a run has made: what is harmless in them, written anew.
pub(crate) fn of_new(text: &str) -> Result<Settled, Unreadable> {
    let allowed = Allowed::read();
    let entries = text::entries(text)?;
    let (mut kept, mut held) = (Vec::new(), Vec::new());
    for Entry { variable, value, .. } in &entries {
        if allowed.leaves(variable, &[], &[value]) {
            kept.push((variable.clone(), value.clone()));
        } else {
            held.push(variable.to_string());
        }
    }
    let new = text::written(&kept);
    Ok(Settled { text: (new != text).then_some(new), held })
}

fn values(entries: &[Entry]) -> Values<'_> {
    let mut values = Values::new();
    for entry in entries {
        values.entry(&entry.variable).or_default().push(&entry.value);
    }
    values
}

#[cfg(test)]
mod tests {
    use super::*;

    const OURS: &str =
        "# of ours\n[core]\n\tbare = false\n\thooksPath = .husky/_\n[user]\n\tname = n\n";

    fn over(after: &str) -> Settled {
        carried_over(OURS, after, OURS).unwrap()
    }

    #[test]
    fn a_name_and_where_a_branch_goes_leave_the_run() {
        let after = format!(
            "{OURS}\temail = e@x\n[remote \"origin\"]\n\turl = https://host/r\n\tfetch = +refs/heads/*:refs/remotes/origin/*\n[branch \"a \\\"b\\\\\"]\n\tremote = origin\n\tmerge = refs/heads/a\n"
        );
        let settled = over(&after);
        assert_eq!(settled.held, Vec::<String>::new());
        let text = settled.text.unwrap();
        assert!(text.starts_with(OURS), "{text}");
        assert_eq!(
            values(&text::entries(&text).unwrap()),
            values(&text::entries(&after).unwrap()),
            "{text}"
        );
    }

    #[test]
    fn what_executes_stays_behind() {
        for line in [
            "[core]\nfsmonitor = ./x",
            "[core]fsmonitor=./x",
            "[CORE] sshCommand = x",
            "[core]\n\teditor = x",
            "[core]\n\thooksPath = /tmp/x",
            "[filter \"x\"]\n\tsmudge = x",
            "[filter.x] clean = x",
            "[diff \"x\"]\n\ttextconv = x\n",
            "[diff]\n\texternal = x",
            "[merge \"x\"] driver = x",
            "[alias]\n\tst = !x",
            "[include]\n\tpath = ../x",
            "[includeIf \"gitdir:/\"]\n\tpath = ../x",
            "[credential]\n\thelper = !x",
            "[credential \"https://host\"]\n\thelper = x",
            "[url \"https://evil.example/\"]\n\tinsteadOf = https://host/",
            "[http]\n\tproxy = http://evil.example",
            "[gpg]\n\tprogram = x",
            "[remote \"o\"]\n\tuploadpack = x",
            "[remote \"o\"]\n\turl = ext::sh -c x",
            "[remote \"o\"]\n\turl = --upload-pack=x",
            "[remote \"o\"]\n\tvcs = x",
            "[branch \"main\"]\n\tremote = ext::x",
            "[submodule \"s\"]\n\tupdate = !x",
            "[core]\n\tworktree = /home/u",
            "[core]\n\tattributesFile = x",
            "[pager]\n\tlog = x",
            "[sequence]\n\teditor = x",
            "[uploadpack]\n\tpackObjectsHook = x",
            "[lfs \"customtransfer.x\"]\n\tpath = x",
            "[protocol \"ext\"]\n\tallow = always",
        ] {
            let settled = over(&format!("{OURS}{line}"));
            assert_eq!(settled.text, None, "{line}");
            assert_eq!(settled.held.len(), 1, "{line}");
            let settled = of_new(line).unwrap();
            assert_eq!(settled.text.as_deref(), Some(""), "{line}");
        }
    }

    #[test]
    fn what_a_person_set_stays_though_the_run_removed_it() {
        let settled = over("[core]\n\tbare = false\n[user]\n\tname = other\n");
        assert_eq!(settled.held, ["core.hookspath"]);
        let text = settled.text.unwrap();
        assert!(text.contains("hooksPath = .husky/_") && text.contains("name = other"), "{text}");
        assert!(!text.contains("name = n\n"), "{text}");
    }

    #[test]
    fn an_address_that_was_set_is_not_replaced() {
        let before = "[remote \"origin\"]\n\turl = https://host/ours\n";
        let after = "[remote \"origin\"]\n\turl = https://evil.example/theirs\n";
        let settled = carried_over(before, after, before).unwrap();
        assert_eq!((settled.text, settled.held), (None, vec!["remote.origin.url".to_owned()]));
        let settled = carried_over(before, "", before).unwrap();
        assert_eq!(settled.text.as_deref(), Some("[remote \"origin\"]\n"));
    }

    #[test]
    fn what_changed_outside_meanwhile_is_kept() {
        let now = format!("{OURS}[pull]\n\trebase = true\n");
        let after = format!("{OURS}[push]\n\tdefault = current\n");
        let text = carried_over(OURS, &after, &now).unwrap().text.unwrap();
        assert_eq!(text, format!("{now}[push]\n\tdefault = current\n"));
    }

    #[test]
    fn what_cannot_be_read_is_an_error() {
        for text in ["[core", "[core]\n\t= x", "[a \"b]\n", "[core]\n\tx = \"y", "x = \\q", "\u{0}"]
        {
            assert!(of_new(text).is_err(), "{text:?}");
        }
    }
}
