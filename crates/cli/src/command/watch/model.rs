//! What is watched, what of it is looked at, and what a key does.

use std::collections::VecDeque;

use jiff::tz::TimeZone;
use ratatui::crossterm::event::{KeyCode, KeyEvent, KeyModifiers};
use ringfence_record::cases::Case;
use ringfence_record::holds::{Hold, HoldKind};

use super::row::Row;

/// Older entries are not kept at hand; `ringfence audit tail` has them.
const KEPT: usize = 5_000;

/// So many lines further at a time.
const SCROLL: u16 = 8;

/// What a person wants done that takes more than looking.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Wish {
    End,
    LetThrough(String),
    Refuse(String),
    Hold(HoldKind, Option<String>),
    Release(String),
}

/// Which list is looked at.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Tab {
    Live,
    Waiting,
    Held,
}

impl Tab {
    pub(super) const ALL: [Self; 3] = [Self::Live, Self::Waiting, Self::Held];
}

/// What lies over the lists.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Over {
    Nothing,
    Page,
    Keys,
    Search,
}

/// All that is on the screen.
#[derive(Debug)]
pub(super) struct Watched {
    zone: TimeZone,
    pub(super) is_colored: bool,
    /// Newest first.
    rows: VecDeque<Row>,
    pub(super) waiting: Vec<Case>,
    pub(super) holds: Vec<Hold>,
    pub(super) tab: Tab,
    pub(super) over: Over,
    /// The number of the chosen entry; the newest one, whichever that is, where there is none.
    chosen: Option<u64>,
    /// The place in the other lists.
    place: usize,
    pub(super) search: String,
    /// Whether what went as decided is shown, too.
    everything: bool,
    pub(super) trouble: Option<String>,
    /// Whether the daemon tells what happens; else it is read from the log.
    pub(super) is_served: bool,
    /// Lines of what is open that are above the screen.
    pub(super) scrolled: u16,
}

impl Watched {
    pub(super) fn new(zone: TimeZone, is_colored: bool) -> Self {
        Self {
            zone,
            is_colored,
            rows: VecDeque::new(),
            waiting: Vec::new(),
            holds: Vec::new(),
            tab: Tab::Live,
            over: Over::Nothing,
            chosen: None,
            place: 0,
            search: String::new(),
            everything: false,
            trouble: None,
            is_served: false,
            scrolled: 0,
        }
    }

    /// Takes in lines of the log, oldest first.
    pub(super) fn take<'a>(&mut self, lines: impl Iterator<Item = &'a str>) {
        for row in lines.filter_map(|line| Row::read(line, &self.zone)) {
            self.rows.push_front(row);
        }
        self.rows.truncate(KEPT);
    }

    /// How things stand.
    pub(super) fn stand(&mut self, waiting: Vec<Case>, holds: Vec<Hold>) {
        (self.waiting, self.holds) = (waiting, holds);
        self.place = self.place.min(self.length().saturating_sub(1));
    }

    /// What keeps it from being looked at, if something does.
    pub(super) fn trouble(&mut self, trouble: Option<String>) {
        self.trouble = trouble;
    }

    /// The entries that are looked at, newest first.
    pub(super) fn shown(&self) -> impl Iterator<Item = &Row> {
        let words = self.search.to_lowercase();
        self.rows.iter().filter(move |row| (self.everything || row.matters()) && row.has(&words))
    }

    /// The chosen entry.
    pub(super) fn row(&self) -> Option<&Row> {
        let chosen = self.shown().find(|row| self.chosen.is_none_or(|seq| row.seq <= seq));
        chosen.or_else(|| self.shown().last())
    }

    /// The place of what is chosen in its list.
    pub(super) fn place(&self) -> usize {
        match self.tab {
            Tab::Live => {
                let seq = self.row().map(|row| row.seq);
                self.shown().position(|row| Some(row.seq) == seq).unwrap_or_default()
            }
            Tab::Waiting | Tab::Held => self.place,
        }
    }

    fn length(&self) -> usize {
        match self.tab {
            Tab::Live => self.shown().count(),
            Tab::Waiting => self.waiting.len(),
            Tab::Held => self.holds.len(),
        }
    }

    fn go(&mut self, to: usize) {
        let to = to.min(self.length().saturating_sub(1));
        match self.tab {
            // At the newest, it goes on with whatever is the newest.
            Tab::Live => {
                self.chosen = (to > 0).then(|| self.shown().nth(to).map(|row| row.seq)).flatten()
            }
            Tab::Waiting | Tab::Held => self.place = to,
        }
    }

    /// The session of what is chosen.
    fn session(&self) -> Option<String> {
        match self.tab {
            Tab::Live => self.row()?.session.clone(),
            Tab::Waiting => Some(self.waiting.get(self.place)?.session.clone()),
            Tab::Held => self.holds.get(self.place)?.session.clone(),
        }
    }

    /// Does what a key is for, or says what has to be done for it.
    pub(super) fn press(&mut self, key: KeyEvent) -> Option<Wish> {
        if key.modifiers.contains(KeyModifiers::CONTROL) {
            return (key.code == KeyCode::Char('c')).then_some(Wish::End);
        }
        if self.over == Over::Search {
            self.type_search(key.code);
            return None;
        }
        if key.code == KeyCode::Char(' ') {
            self.scrolled = self.scrolled.saturating_add(SCROLL);
            return None;
        }
        self.scrolled = 0;
        match key.code {
            KeyCode::Char('q') => return Some(Wish::End),
            KeyCode::Esc if self.over != Over::Nothing => self.over = Over::Nothing,
            KeyCode::Esc => self.search.clear(),
            KeyCode::Char('?') => self.over = Over::Keys,
            KeyCode::Char('/') => (self.tab, self.over) = (Tab::Live, Over::Search),
            KeyCode::Char('j') | KeyCode::Down => self.go(self.place() + 1),
            KeyCode::Char('k') | KeyCode::Up => self.go(self.place().saturating_sub(1)),
            KeyCode::PageDown => self.go(self.place() + 20),
            KeyCode::PageUp => self.go(self.place().saturating_sub(20)),
            KeyCode::Char('.') | KeyCode::Home => self.go(0),
            KeyCode::Char('G') | KeyCode::End => self.go(usize::MAX),
            KeyCode::Enter => self.over = Over::Page,
            KeyCode::Tab => self.turn(1),
            KeyCode::BackTab => self.turn(Tab::ALL.len() - 1),
            KeyCode::Char('e') => self.everything = !self.everything,
            KeyCode::Char(letter) => return self.wish(letter),
            _ => {}
        }
        None
    }

    fn wish(&mut self, letter: char) -> Option<Wish> {
        match letter {
            'a' if self.tab == Tab::Waiting => {
                Some(Wish::LetThrough(self.waiting.get(self.place)?.code.clone()))
            }
            'd' if self.tab == Tab::Waiting => {
                Some(Wish::Refuse(self.waiting.get(self.place)?.code.clone()))
            }
            'a' | 'd' => {
                (self.tab, self.place) = (Tab::Waiting, 0);
                None
            }
            'p' => Some(Wish::Hold(HoldKind::Pause, Some(self.session()?))),
            'x' => Some(Wish::Hold(HoldKind::Kill, Some(self.session()?))),
            'P' => Some(Wish::Hold(HoldKind::Pause, None)),
            'D' => Some(Wish::Hold(HoldKind::DenyAll, None)),
            'A' => Some(Wish::Hold(HoldKind::AskAll, None)),
            'r' if self.tab == Tab::Held => {
                Some(Wish::Release(self.holds.get(self.place)?.id.clone()))
            }
            'r' => {
                (self.tab, self.place) = (Tab::Held, 0);
                None
            }
            _ => None,
        }
    }

    fn turn(&mut self, by: usize) {
        let now = Tab::ALL.iter().position(|tab| *tab == self.tab).unwrap_or_default();
        if let Some(next) = Tab::ALL.iter().cycle().nth(now + by) {
            (self.tab, self.place, self.over) = (*next, 0, Over::Nothing);
        }
    }

    fn type_search(&mut self, key: KeyCode) {
        match key {
            KeyCode::Char(letter) => self.search.push(letter),
            KeyCode::Backspace => {
                self.search.pop();
            }
            KeyCode::Enter => self.over = Over::Nothing,
            KeyCode::Esc => {
                self.search.clear();
                self.over = Over::Nothing;
            }
            _ => {}
        }
        self.chosen = None;
    }
}
