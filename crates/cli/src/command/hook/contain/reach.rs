//! The hosts that a contained call reaches: those that its predicted effects name, if code that nobody has
//! read may be let near them.
//!
//! Inside, the files of the person are out of reach, but the workspace is not, and a host that takes anything
//! from anybody would be a way out for it. So only hosts that others publish through are granted: registries,
//! forges, toolchains. Whoever sends something to them has to show who they are, and inside nobody can. A
//! call that names another host, or none, is not contained, and the person is asked.

use std::collections::BTreeSet;

use ringfence_action::{Attr, AttrValue, Effect, EffectKind, Target};
use ringfence_analysis::{classes_of_host, hosts_of_registry};

/// Classes of hosts that unread code may reach.
const GRANTED: [&str; 3] = ["package-registry", "source-forge", "toolchain-bootstrap"];

/// The hosts of a call with these effects, or why it cannot do its work inside.
pub(crate) fn hosts(effects: &[Effect]) -> Result<BTreeSet<String>, String> {
    let mut hosts = BTreeSet::new();
    for effect in effects {
        match effect.kind {
            EffectKind::Net => connection(effect, &mut hosts)?,
            EffectKind::Package => package(effect, &mut hosts)?,
            EffectKind::VcsRemote => {
                return Err("it changes a remote, for which it needs the person's keys".to_owned());
            }
            // Its connection is an effect of its own, if the host is known.
            EffectKind::DownloadExec if !matches!(effect.target, Target::Known(_)) => {
                return Err("it does not say where the code comes from".to_owned());
            }
            _ => {}
        }
    }
    Ok(hosts)
}

fn connection(effect: &Effect, hosts: &mut BTreeSet<String>) -> Result<(), String> {
    let here = effect.attributes.contains(Attr::Classes, "localhost");
    if effect.is(Attr::Listen) || here {
        return Ok(());
    }
    if effect.is(Attr::Upload) {
        return Err("it sends something away, which code that nobody has read must not".to_owned());
    }
    let Target::Known(host) = &effect.target else {
        return Err("it does not say which host it needs".to_owned());
    };
    let port = match effect.attributes.get(Attr::Port) {
        Some(AttrValue::Count(port)) => Some(*port),
        _ => None,
    };
    let scheme = effect.text(Attr::Url).and_then(|url| url.split_once("://")).map(|it| it.0);
    match (port, scheme) {
        (None | Some(80 | 443), None | Some("http" | "https")) => grant(host, hosts),
        _ => Err(format!("it needs {host} for more than pages and files")),
    }
}

fn package(effect: &Effect, hosts: &mut BTreeSet<String>) -> Result<(), String> {
    if effect.is(Attr::Global) {
        return Err("it installs outside of the workspace".to_owned());
    }
    if let Some(registry) = effect.text(Attr::Registry) {
        return grant(host_of(registry), hosts);
    }
    match effect.text(Attr::Source) {
        Some("local") => Ok(()),
        None | Some("registry") => {
            let ecosystem = effect.text(Attr::Ecosystem).unwrap_or_default();
            let known = hosts_of_registry(ecosystem);
            if known.is_empty() {
                return Err("it is not known where such packages come from".to_owned());
            }
            known.iter().try_for_each(|host| grant(host, hosts))
        }
        Some(_) => match effect.text(Attr::Url) {
            Some(url) if !url.contains("ssh") => grant(host_of(url), hosts),
            _ => Err("it does not say which host the package comes from".to_owned()),
        },
    }
}

/// The host of a URL of a package, as far as it has one.
fn host_of(url: &str) -> &str {
    let place = url.split_once("://").map_or(url, |(_, place)| place);
    let authority = place.split(['/', '?', '#']).next().unwrap_or(place);
    authority.strip_suffix(":443").unwrap_or(authority)
}

fn grant(host: &str, hosts: &mut BTreeSet<String>) -> Result<(), String> {
    let classes = classes_of_host(host);
    if !GRANTED.iter().any(|granted| classes.contains(granted)) {
        return Err(format!("it needs {host}, which anybody may send something to"));
    }
    hosts.insert(host.to_owned());
    Ok(())
}

#[cfg(test)]
mod tests {
    use ringfence_action::EffectKind::{DownloadExec, Exec, Net, Package, VcsRemote};

    use super::*;

    fn granted(effects: Vec<Effect>) -> Result<Vec<String>, String> {
        hosts(&effects).map(|it| it.into_iter().collect())
    }

    fn to(kind: EffectKind, target: &str) -> Effect {
        Effect::new(kind, Target::known(target))
    }

    #[test]
    fn packages_come_from_their_registries() {
        let npm = || to(Package, "left-pad").with(Attr::Ecosystem, "npm");
        assert_eq!(granted(vec![npm(), to(Exec, "npm")]), Ok(vec!["registry.npmjs.org".into()]));
        let pypi = to(Package, "six").with(Attr::Ecosystem, "pypi");
        assert_eq!(granted(vec![pypi]).map(|it| it.len()), Ok(2));
        let other = npm().with(Attr::Registry, "https://npm.pkg.github.com/x");
        assert_eq!(granted(vec![other]), Ok(vec!["npm.pkg.github.com".into()]));
        assert_eq!(granted(vec![npm().with(Attr::Source, "local")]), Ok(vec![]));
        for wrong in [
            npm().with(Attr::Registry, "https://evil.test/"),
            npm().with(Attr::Registry, "https://registry.npmjs.org@evil.test/"),
            npm().with(Attr::Global, true),
            npm().with(Attr::Source, "network").with(Attr::Url, "https://evil.test/a.tgz"),
            npm().with(Attr::Source, "vcs"),
            to(Package, "x").with(Attr::Ecosystem, "apt"),
        ] {
            assert!(granted(vec![wrong.clone()]).is_err(), "{wrong:?}");
        }
    }

    #[test]
    fn only_hosts_that_others_publish_through_are_granted() {
        let forge = || to(Net, "github.com").with(Attr::Url, "https://github.com/a/b");
        assert_eq!(granted(vec![forge()]), Ok(vec!["github.com".into()]));
        assert_eq!(granted(vec![to(Net, "127.0.0.1").with(Attr::Listen, true)]), Ok(vec![]));
        for wrong in [
            to(Net, "evil.test"),
            to(Net, "192.0.2.1"),
            forge().with(Attr::Upload, true),
            forge().with(Attr::Port, 22_i64),
            to(Net, "github.com").with(Attr::Url, "ssh://git@github.com/a/b"),
            Effect::new(Net, Target::Unknown),
            Effect::new(DownloadExec, Target::Unknown),
            to(VcsRemote, "origin/main"),
        ] {
            assert!(granted(vec![forge(), wrong.clone()]).is_err(), "{wrong:?}");
        }
    }
}
