//! The rules that are compiled in.

use std::borrow::Cow;

use crate::bundle::Source;
use crate::rule::Layer;

macro_rules! packs {
    ($($name:literal,)+) => {
        const PACKS: &[(&str, &str)] = &[$((
            concat!("policies/packs/", $name, "/rules.cedar"),
            include_str!(concat!("../../../policies/packs/", $name, "/rules.cedar")),
        ),)+];
    };
}

packs! {
    "agent",
    "credentials",
    "databases",
    "files",
    "git",
    "infrastructure",
    "network",
    "opaque",
    "packages",
    "people",
    "processes",
    "protections",
    "system",
    "workspace",
}

/// The default packs, as sources of a bundle.
pub fn default_sources() -> Vec<Source> {
    PACKS
        .iter()
        .map(|(name, text)| Source {
            layer: Layer::Default,
            name: (*name).to_owned(),
            text: Cow::Borrowed(text),
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    #[expect(clippy::disallowed_methods, reason = "tests look at checked-in files")]
    fn every_pack_on_disk_is_compiled_in() {
        let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/../../policies/packs");
        let mut on_disk: Vec<String> = std::fs::read_dir(folder)
            .unwrap()
            .map(|entry| {
                let name = entry.unwrap().file_name().into_string().unwrap();
                format!("policies/packs/{name}/rules.cedar")
            })
            .collect();
        on_disk.sort();
        let compiled: Vec<&str> = PACKS.iter().map(|(name, _)| *name).collect();
        assert_eq!(on_disk, compiled);
    }
}
