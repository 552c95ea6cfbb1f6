//! What folders held when they were last read, so that those that have not changed need not be read again.
//!
//! It can be written down between runs. What is written down is a line for each folder, those first that are
//! looked at first; a text that is not as it should be is as good as none.

use std::borrow::Cow;
use std::collections::{BTreeMap, HashMap};
use std::ffi::{OsStr, OsString};
use std::fmt::Write;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::path::Path;

use super::Page;
use crate::profile::Workspace;
use crate::request::Look;

/// Folders that were read, by device and number.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Memory {
    pages: HashMap<(u64, u64), Known>,
    /// Whether stamps can be relied on, for each device.
    devices: BTreeMap<u64, bool>,
    /// Lines that were not needed yet.
    rest: Vec<u8>,
    /// How many folders were asked for, and how many of them were read.
    asked: usize,
    read: usize,
}

#[derive(Debug, Clone, PartialEq, Eq)]
struct Known {
    /// The stamp from before it was read.
    changed: (i64, i64),
    page: Page,
    /// When it was asked for: as the how manieth.
    turn: Option<usize>,
}

impl Memory {
    /// What matters of a folder: as it is remembered, if it is as it was then.
    pub(super) fn page(
        &mut self,
        folder: &Path,
        look: &dyn Look,
        read: impl FnOnce() -> Page,
    ) -> Cow<'_, Page> {
        let Some(stamp) = look.stamp(folder) else { return Cow::Owned(read()) };
        let keeps = *self.devices.entry(stamp.device).or_insert_with(|| look.keeps_stamps(folder));
        if !keeps {
            return Cow::Owned(read());
        }
        self.asked += 1;
        let fresh = Known { changed: (i64::MIN, 0), page: Page::default(), turn: None };
        let known = self.pages.entry((stamp.device, stamp.number)).or_insert(fresh);
        known.turn = Some(self.asked);
        if known.changed != stamp.changed {
            self.read += 1;
            (known.changed, known.page) = (stamp.changed, read());
        }
        Cow::Borrowed(&known.page)
    }

    /// Before everything is looked through once more.
    pub(crate) fn begin_again(&mut self) {
        for known in self.pages.values_mut() {
            known.turn = None;
        }
        let rest = std::mem::take(&mut self.rest);
        if let Some(more) = lines(&rest) {
            for (folder, known) in more {
                self.pages.entry(folder).or_insert(known);
            }
        }
    }

    /// What was written down by a run that looked for the same. At most so many lines are read now.
    pub(crate) fn read(text: &[u8], profile: &Workspace, most: usize) -> Self {
        let header = header(profile);
        let Some(text) = text.strip_prefix(header.as_bytes()) else { return Self::default() };
        let ends = text.iter().enumerate().filter(|(_, byte)| **byte == b'\n');
        let end = ends.map(|(at, _)| at + 1).take(most).last().unwrap_or_default();
        let (now, rest) = text.split_at_checked(end).unwrap_or_default();
        let Some(pages) = lines(now).filter(|_| rest.is_empty() || rest.ends_with(b"\n")) else {
            return Self::default();
        };
        Self { pages, rest: rest.to_vec(), ..Self::default() }
    }

    /// All that was asked for since it began again, to be written down. None: too little of it is new.
    pub(crate) fn text(&self, profile: &Workspace) -> Option<Vec<u8>> {
        if self.read * 50 <= self.asked {
            return None;
        }
        let asked = self.pages.iter().filter_map(|(it, known)| Some((known.turn?, it, known)));
        let mut asked: Vec<_> = asked.collect();
        asked.sort_unstable_by_key(|(turn, ..)| *turn);
        let mut text = header(profile);
        for (_, folder, known) in asked {
            text.extend(line(*folder, known));
        }
        Some(text.into_bytes())
    }
}

/// What is looked for, and how it is written down.
fn header(profile: &Workspace) -> String {
    let mut hasher = DefaultHasher::new();
    (env!("CARGO_PKG_VERSION"), profile).hash(&mut hasher);
    format!("ringfence folders 2 {:x}\n", hasher.finish())
}

/// Fields that end with a NUL, lists that end with an empty one. None: a name could not be read back.
fn line((device, number): (u64, u64), known: &Known) -> Option<String> {
    let Known { changed: (seconds, rest), page, .. } = known;
    let mut line = String::new();
    let repository = u8::from(page.repository);
    write!(line, "{device}\0{number}\0{seconds}\0{rest}\0{repository}\0").ok()?;
    for list in [&page.protected, &page.below, &page.secret, &page.folders] {
        for name in list {
            let name = name.to_str().filter(|it| !it.contains('\n'))?;
            write!(line, "{name}\0").ok()?;
        }
        line.push('\0');
    }
    line.push_str(std::str::from_utf8(&page.files).ok().filter(|it| !it.contains('\n'))?);
    line.push_str("\0\n");
    Some(line)
}

fn lines(text: &[u8]) -> Option<HashMap<(u64, u64), Known>> {
    let text = std::str::from_utf8(text).ok()?;
    text.split_terminator('\n').map(read_line).collect()
}

fn read_line(line: &str) -> Option<((u64, u64), Known)> {
    let mut fields = line.strip_suffix('\0')?.split('\0');
    let folder = (fields.next()?.parse().ok()?, fields.next()?.parse().ok()?);
    let changed = (fields.next()?.parse().ok()?, fields.next()?.parse().ok()?);
    let repository = fields.next()? == "1";
    let mut list = || {
        let names = fields.by_ref().take_while(|it| !it.is_empty());
        names.map(|it| OsString::from(OsStr::new(it))).collect::<Vec<_>>()
    };
    let (protected, below, secret, folders) = (list(), list(), list(), list());
    let mut page = Page { repository, protected, below, secret, folders, files: Vec::new() };
    fields.by_ref().take_while(|it| !it.is_empty()).for_each(|name| page.file(name.as_bytes()));
    fields.next().is_none().then_some((folder, Known { changed, page, turn: None }))
}
