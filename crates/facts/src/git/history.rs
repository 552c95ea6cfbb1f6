//! Branches, remotes, and the commits that only one of them holds.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use gix::ObjectId;
use gix::bstr::ByteSlice;
use gix::state::InProgress;
use ringfence_action::{GitFacts, GitHead, WorkTree};

use super::open::Repository;
use super::read_small;
use crate::deadline::Deadline;

impl Repository {
    /// What takes no more than a few small files to tell. None where not even that is in order.
    pub(super) fn basics(&self) -> Option<GitFacts> {
        let head = self.git.head().ok()?;
        let branch = head
            .referent_name()
            .and_then(|name| name.as_bstr().strip_prefix(b"refs/heads/"))
            .and_then(|name| String::from_utf8(name.to_vec()).ok());
        let remotes = self.remotes();
        Some(GitFacts {
            default_branch: self.default_branch(&remotes),
            upstream: branch.as_deref().and_then(|branch| self.upstream(branch)),
            branch,
            head: Some(if head.is_detached() {
                GitHead::Detached
            } else if head.is_unborn() {
                GitHead::Unborn
            } else {
                GitHead::Branch
            }),
            work_tree: Some(match &self.place.top {
                None => WorkTree::Bare,
                Some(_) if self.place.is_linked() => WorkTree::Linked,
                Some(_) if self.submodule => WorkTree::Submodule,
                Some(_) => WorkTree::Main,
            }),
            in_progress: Some(self.in_progress().to_owned()),
            remotes: Some(remotes),
            top: self.place.top.as_deref().and_then(Path::to_str).map(str::to_owned),
            ..GitFacts::default()
        })
    }

    fn in_progress(&self) -> &'static str {
        match self.git.state() {
            None => "",
            Some(InProgress::ApplyMailbox | InProgress::ApplyMailboxRebase) => "am",
            Some(InProgress::Bisect) => "bisect",
            Some(InProgress::CherryPick | InProgress::CherryPickSequence) => "cherry-pick",
            Some(InProgress::Merge) => "merge",
            Some(InProgress::Rebase | InProgress::RebaseInteractive) => "rebase",
            Some(InProgress::Revert | InProgress::RevertSequence) => "revert",
        }
    }

    /// Remotes with the address that is pushed to.
    fn remotes(&self) -> BTreeMap<String, String> {
        let mut remotes = BTreeMap::new();
        for key in ["url", "pushurl"] {
            for (name, url) in self.settings("remote", key) {
                remotes.insert(name, without_credentials(&url));
            }
        }
        remotes
    }

    /// The branch that the remote checks out by default, of `origin` or of the only remote.
    fn default_branch(&self, remotes: &BTreeMap<String, String>) -> Option<String> {
        let remote = match remotes.contains_key("origin") {
            true => "origin",
            false => remotes.keys().next().filter(|_| remotes.len() == 1)?,
        };
        let prefix = format!("refs/remotes/{remote}/");
        let head = self.git.try_find_reference(format!("{prefix}HEAD").as_str()).ok()??;
        let name = head.target().try_name()?.as_bstr().to_str().ok()?.to_owned();
        name.strip_prefix(&prefix).map(str::to_owned)
    }

    fn upstream(&self, branch: &str) -> Option<String> {
        let of = |key: &str| {
            let all = self.settings("branch", key);
            all.into_iter().rev().find(|(name, _)| name == branch).map(|(_, value)| value)
        };
        let (remote, merged) = (of("remote")?, of("merge")?);
        let name = merged.strip_prefix("refs/heads/")?;
        (remote != ".").then(|| format!("{remote}/{name}"))
    }

    /// Entries of the stash.
    pub(super) fn stashes(&self) -> Option<u64> {
        if self.git.try_find_reference("refs/stash").ok()?.is_none() {
            return Some(0);
        }
        let log = read_small(&self.place.common().join("logs/refs/stash"))?;
        u64::try_from(log.lines().count()).ok()
    }

    /// Commits on the current branch that no remote has.
    pub(super) fn unpushed(&self, deadline: Deadline) -> Option<u64> {
        let head = self.git.head().ok()?;
        if head.is_unborn() {
            return Some(0);
        }
        let remote = self.tips(|name| name.starts_with("refs/remotes/"), deadline)?;
        self.count(self.git.head_id().ok()?.detach(), remote, deadline)
    }

    /// Commits that nothing else would hold if this branch were deleted.
    pub(super) fn orphaned_by_deleting(&self, branch: &str, deadline: Deadline) -> Option<u64> {
        let name = format!("refs/heads/{branch}");
        let mut reference = self.git.try_find_reference(name.as_str()).ok()??;
        let tip = reference.peel_to_id().ok()?.detach();
        let mut others = self.tips(|other| other != name, deadline)?;
        let head = self.git.head().ok()?;
        if head.is_detached() {
            others.extend(head.id().map(|id| id.detach()));
        }
        self.count(tip, others, deadline)
    }

    /// Commits that nothing else would hold if the current branch moved to this revision.
    pub(super) fn orphaned_by_moving(&self, revision: &str, deadline: Deadline) -> Option<u64> {
        let tip = self.git.head_id().ok()?.detach();
        let current = self.git.head_name().ok()?.map(|name| name.as_bstr().to_string());
        let mut others = self.tips(|name| Some(name) != current.as_deref(), deadline)?;
        let target = self.git.rev_parse_single(revision).ok()?;
        others.push(target.object().ok()?.peel_to_commit().ok()?.id);
        self.count(tip, others, deadline)
    }

    /// Commits that others made and that, of all that was seen of remotes, only this branch holds.
    pub(super) fn foreign(
        &self,
        remote: &str,
        branch: &str,
        own: &BTreeSet<String>,
        deadline: Deadline,
    ) -> Option<u64> {
        let name = format!("refs/remotes/{remote}/{branch}");
        let mut reference = self.git.try_find_reference(name.as_str()).ok()??;
        let tip = reference.peel_to_id().ok()?.detach();
        let elsewhere = |other: &str| {
            other != name && (other.starts_with("refs/remotes/") || other.starts_with("refs/tags/"))
        };
        let elsewhere = self.tips(elsewhere, deadline)?;
        let walk = self.git.rev_walk([tip]).with_hidden(elsewhere).all().ok()?;
        let (mut seen, mut foreign) = (0, 0);
        for commit in walk {
            if deadline.has_passed() {
                return None;
            }
            let commit = commit.ok()?.object().ok()?;
            let author = commit.author().ok()?.email.to_str().ok()?.trim().to_lowercase();
            foreign += u64::from(!own.contains(&author));
            seen += 1;
            if seen == GitFacts::MAX_COMMITS {
                break;
            }
        }
        // Past the limit nobody has looked whose they are.
        (seen < GitFacts::MAX_COMMITS || foreign > 0).then_some(foreign)
    }

    /// The addresses that commits of the user carry, by the repository's own configuration.
    pub(super) fn own_address(&self) -> Option<String> {
        Some(self.git.config_snapshot().string("user.email")?.to_str().ok()?.to_lowercase())
    }

    /// The commits that branches, tags and remote branches point to, by full name. One that cannot be
    /// read holds nothing.
    fn tips(&self, wanted: impl Fn(&str) -> bool, deadline: Deadline) -> Option<Vec<ObjectId>> {
        let references = self.git.references().ok()?;
        let mut tips = BTreeSet::new();
        for reference in references.all().ok()?.peeled().ok()? {
            if deadline.has_passed() {
                return None;
            }
            let Ok(reference) = reference else { continue };
            let Ok(name) = reference.name().as_bstr().to_str() else { continue };
            let holds = ["refs/heads/", "refs/remotes/", "refs/tags/"];
            if !holds.iter().any(|prefix| name.starts_with(prefix)) || !wanted(name) {
                continue;
            }
            let Some(id) = reference.try_id() else { continue };
            let commit = !name.starts_with("refs/tags/")
                || id.header().is_ok_and(|header| header.kind() == gix::objs::Kind::Commit);
            if commit {
                tips.insert(id.detach());
            }
        }
        Some(tips.into_iter().collect())
    }

    /// How many commits are reachable from `tip` and from none of the others.
    fn count(&self, tip: ObjectId, others: Vec<ObjectId>, deadline: Deadline) -> Option<u64> {
        if others.contains(&tip) {
            return Some(0);
        }
        let mut count = 0;
        for commit in self.git.rev_walk([tip]).with_hidden(others).all().ok()? {
            commit.ok()?;
            count += 1;
            if deadline.has_passed() {
                return None;
            }
            if count == GitFacts::MAX_COMMITS {
                break;
            }
        }
        Some(count)
    }
}

/// The addresses that the user's own settings name, read as data.
pub(super) fn own_addresses(home: &Path) -> BTreeSet<String> {
    let mut addresses = BTreeSet::new();
    for file in [".gitconfig", ".config/git/config"] {
        let Some(text) = read_small(&home.join(file)) else { continue };
        let metadata = gix::config::file::Metadata::from(gix::config::Source::User);
        let parsed = gix::config::File::from_bytes_no_includes(
            text.as_bytes(),
            metadata,
            gix::config::file::init::Options::default(),
        );
        let address = parsed.ok().and_then(|config| config.string("user.email"));
        addresses.extend(address.map(|address| address.to_string().to_lowercase()));
    }
    addresses
}

/// Whom forges know the user as, by `gh`: `github.com/alice`. Of its file only names are looked at.
pub(super) fn accounts(home: &Path) -> BTreeSet<String> {
    let Some(text) = read_small(&home.join(".config/gh/hosts.yml")) else { return BTreeSet::new() };
    logins(&text)
}

/// The user of each host in `hosts.yml`.
fn logins(text: &str) -> BTreeSet<String> {
    let mut host = "";
    let mut found = BTreeSet::new();
    for line in text.lines() {
        let (name, value) = line.split_once(':').unwrap_or((line, ""));
        if !name.starts_with([' ', '\t', '#']) {
            host = name.trim();
        } else if name.trim() == "user" && !host.is_empty() {
            let user = value.trim().trim_matches(['"', '\'']);
            found.insert(format!("{host}/{user}").to_lowercase());
        }
    }
    found
}

/// A remote's address without user names that are secrets, passwords and tokens.
fn without_credentials(url: &str) -> String {
    let Some((scheme, rest)) = url.split_once("://") else { return url.to_owned() };
    let (authority, path) = match rest.find('/') {
        Some(at) => rest.split_at(at),
        None => (rest, ""),
    };
    let path = path.split(['?', '#']).next().unwrap_or_default();
    let host = match authority.rsplit_once('@') {
        Some((user, host)) if scheme.ends_with("ssh") => {
            let user = user.split(':').next().unwrap_or_default();
            format!("{user}@{host}")
        }
        Some((_, host)) => host.to_owned(),
        None => authority.to_owned(),
    };
    format!("{scheme}://{host}{path}")
}

#[cfg(test)]
mod tests {
    use super::{logins, without_credentials};

    #[test]
    fn the_user_of_a_forge_is_told_and_no_token() {
        let text = "github.com:\n    users:\n        alice:\n            oauth_token: x\n    \
                    git_protocol: ssh\n    user: Alice\ngit.example.org:\n    user: \"al\"\n";
        let found: Vec<String> = logins(text).into_iter().collect();
        assert_eq!(found, ["git.example.org/al", "github.com/alice"]);
    }

    #[test]
    fn addresses_of_remotes_carry_no_secrets() {
        for (url, shown) in [
            ("git@github.com:acme/app.git", "git@github.com:acme/app.git"),
            ("https://github.com/acme/app.git", "https://github.com/acme/app.git"),
            ("https://token@github.com/acme/app.git", "https://github.com/acme/app.git"),
            ("https://u:p@ss@git.example/acme/app?access_token=1", "https://git.example/acme/app"),
            ("ssh://git:pw@git.example:22/acme/app", "ssh://git@git.example:22/acme/app"),
            ("/srv/git/app.git", "/srv/git/app.git"),
        ] {
            assert_eq!(without_credentials(url), shown);
        }
    }
}
