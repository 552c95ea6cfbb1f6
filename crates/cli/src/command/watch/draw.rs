//! The screen. Nothing that an agent wrote reaches it unescaped ([`printable`], [`cut`]).

use ratatui::Frame;
use ratatui::layout::{Constraint, Layout, Rect};
use ratatui::style::{Color, Modifier, Style};
use ratatui::text::{Line, Span};
use ratatui::widgets::{Block, Borders, Clear, Paragraph};
use ringfence_action::Verdict;
use ringfence_record::cases::Case;
use ringfence_record::holds::Hold;

use unicode_width::{UnicodeWidthChar, UnicodeWidthStr};

use super::model::{Over, Tab, Watched};
use super::row::Row;
use crate::render::text::{cut, printable};

/// From so many columns on, the chosen entry stands beside the list.
const WIDE: u16 = 120;

/// Below so many, only what matters most has a place.
const NARROW: u16 = 72;

pub(super) fn draw(frame: &mut Frame, watched: &Watched) {
    let areas =
        Layout::vertical([Constraint::Length(1), Constraint::Fill(1), Constraint::Length(1)]);
    let [head, body, foot] = areas.areas(frame.area());
    let look = Look { is_colored: watched.is_colored };
    frame.render_widget(Paragraph::new(head_line(watched, look)), head);
    let is_split = body.width >= WIDE && watched.over != Over::Page;
    let halves = Layout::horizontal([Constraint::Fill(3), Constraint::Fill(2)]);
    let [list, beside] = if is_split { halves.areas(body) } else { [body, Rect::ZERO] };
    if watched.over == Over::Page {
        page(frame, watched, look, body, Borders::NONE);
    } else {
        frame.render_widget(Paragraph::new(lines(watched, look, list)), list);
        if is_split {
            page(frame, watched, look, beside, Borders::LEFT);
        }
    }
    frame.render_widget(Paragraph::new(foot_line(watched, look, foot.width)), foot);
    if watched.over == Over::Keys {
        keys(frame, body);
    }
}

/// How things look, with colours and without.
#[derive(Debug, Clone, Copy)]
struct Look {
    is_colored: bool,
}

impl Look {
    fn color(self, color: Color) -> Style {
        if self.is_colored { Style::new().fg(color) } else { Style::new() }
    }

    fn of(self, verdict: Verdict) -> Style {
        match verdict {
            Verdict::Allow => self.color(Color::Green),
            Verdict::Contain => self.color(Color::Cyan),
            Verdict::Ask => self.color(Color::Yellow).add_modifier(Modifier::BOLD),
            Verdict::Deny => self.color(Color::Red).add_modifier(Modifier::BOLD),
        }
    }
}

const FAINT: Style = Style::new().add_modifier(Modifier::DIM);
const STRONG: Style = Style::new().add_modifier(Modifier::BOLD);
const CHOSEN: Style = Style::new().add_modifier(Modifier::REVERSED);

fn head_line<'a>(watched: &Watched, look: Look) -> Line<'a> {
    let (waiting, held) = (watched.waiting.len(), watched.holds.len());
    let tab = |tab: Tab, name: String, alarm: bool| {
        let style = if alarm { look.color(Color::Yellow) } else { Style::new() };
        Span::styled(
            format!(" {name} "),
            if tab == watched.tab { style.patch(CHOSEN) } else { style },
        )
    };
    let served = if watched.is_served { " live by the daemon" } else { "" };
    Line::from(vec![
        Span::styled("ringfence ", STRONG),
        tab(Tab::Live, "live".to_owned(), false),
        tab(Tab::Waiting, format!("waiting {waiting}"), waiting > 0),
        tab(Tab::Held, format!("held {held}"), held > 0),
        Span::styled(served, FAINT),
    ])
}

fn foot_line<'a>(watched: &Watched, look: Look, width: u16) -> Line<'a> {
    let width = usize::from(width);
    if watched.over == Over::Search {
        return Line::raw(cut(&format!("/{}▏", watched.search), width));
    }
    if let Some(trouble) = &watched.trouble {
        return Line::styled(cut(trouble, width), look.color(Color::Red));
    }
    let keys = match watched.tab {
        Tab::Live => "j k  Enter open  / search  e everything  p pause  x kill  Tab  ? keys  q",
        Tab::Waiting => "a let through  d refuse  p pause  x kill  Enter open  Tab  ? keys  q",
        Tab::Held => "r release  Tab  ? keys  q",
    };
    let filter = if watched.search.is_empty() {
        String::new()
    } else {
        format!("“{}” Esc clears  ", watched.search)
    };
    Line::styled(cut(&format!("{filter}{keys}"), width), FAINT)
}

fn lines<'a>(watched: &Watched, look: Look, area: Rect) -> Vec<Line<'a>> {
    let (width, height) = (usize::from(area.width), usize::from(area.height));
    let place = watched.place();
    // What is chosen stays in sight.
    let first = (place + 1).saturating_sub(height);
    let mut lines: Vec<Line> = match watched.tab {
        Tab::Live => {
            let rows = watched.shown().skip(first).take(height);
            rows.map(|row| row_line(row, look, area.width)).collect()
        }
        Tab::Waiting => {
            let cases = watched.waiting.iter().skip(first).take(height);
            let line = |case: &Case| {
                let text =
                    format!("{}  {}  {}  {}", case.tool, case.input, case.rule, case.session);
                Line::raw(cut(&text, width))
            };
            cases.map(line).collect()
        }
        Tab::Held => {
            let holds = watched.holds.iter().skip(first).take(height);
            let line = |hold: &Hold| {
                let whose = hold.session.as_deref().unwrap_or("every session");
                let kind = hold.kind.as_str();
                let text =
                    format!("{}  {kind}  {whose}  {} (by {})", hold.id, hold.reason, hold.by);
                Line::raw(cut(&text, width))
            };
            holds.map(line).collect()
        }
    };
    if let Some(line) = lines.get_mut(place - first.min(place)) {
        *line = line.clone().patch_style(CHOSEN);
    }
    if lines.is_empty() {
        lines.push(Line::styled(cut(nothing(watched), width), FAINT));
    }
    lines
}

fn nothing(watched: &Watched) -> &'static str {
    match watched.tab {
        Tab::Live if watched.search.is_empty() => "nothing has happened yet",
        Tab::Live => "nothing fits; Esc shows all",
        Tab::Waiting => "nobody waits for you",
        Tab::Held => "nothing is held",
    }
}

fn row_line<'a>(row: &Row, look: Look, width: u16) -> Line<'a> {
    let verdict = row.verdict.map_or_else(
        || Span::styled(format!("{:<10}", cut(&row.kind, 9)), FAINT),
        |verdict| Span::styled(format!("{:<10}", mark(verdict)), look.of(verdict)),
    );
    let left = usize::from(width);
    if width < NARROW {
        return Line::from(vec![verdict, Span::raw(cut(&row.text, left.saturating_sub(10)))]);
    }
    // What was asked comes first, and what says so has what is left.
    let words = if row.text.is_empty() { &row.code } else { &row.text };
    let left = left.saturating_sub(9 + 10 + 11);
    let code = if row.text.is_empty() { "" } else { &*row.code };
    let room = left.saturating_sub(words.width() + 2).clamp(left.min(16), 34);
    let code = cut(code, room);
    let taken = if code.is_empty() { 0 } else { code.width() + 2 };
    let text = cut(words, left.saturating_sub(taken));
    let pad = left.saturating_sub(taken + text.width());
    let mut spans = vec![
        Span::styled(format!("{} ", row.time), FAINT),
        verdict,
        Span::styled(format!("{:<11}", cut(&row.who, 10)), FAINT),
        Span::raw(text),
    ];
    if !code.is_empty() {
        spans.push(Span::raw(" ".repeat(pad + 2)));
        spans.push(Span::styled(code, FAINT));
    }
    Line::from(spans)
}

/// A sign and a word each, so that none is told by its colour alone.
fn mark(verdict: Verdict) -> &'static str {
    match verdict {
        Verdict::Allow => "✓ allow",
        Verdict::Contain => "▢ contain",
        Verdict::Ask => "? ask",
        Verdict::Deny => "✗ deny",
    }
}

fn page(frame: &mut Frame, watched: &Watched, look: Look, area: Rect, borders: Borders) {
    let said: Vec<(String, String)> = match watched.tab {
        Tab::Live => watched.row().map(Row::page).unwrap_or_default(),
        Tab::Waiting => watched.waiting.get(watched.place()).map(case_page).unwrap_or_default(),
        Tab::Held => Vec::new(),
    };
    let width = usize::from(area.width).saturating_sub(usize::from(borders != Borders::NONE));
    let named = look.color(Color::Cyan).patch(FAINT);
    let mut lines = Vec::new();
    for (name, text) in said {
        // A name beside its text, or above it where there is no room.
        let (indent, mut name) = if width < NAMES * 3 {
            lines.push(Line::styled(name, named));
            (2, String::new())
        } else {
            (NAMES, name)
        };
        for part in wrapped(&text, width.saturating_sub(indent)) {
            let begin = Span::styled(format!("{:<indent$}", std::mem::take(&mut name)), named);
            lines.push(Line::from(vec![begin, Span::raw(part)]));
        }
    }
    let page = Paragraph::new(lines).scroll((watched.scrolled, 0));
    frame.render_widget(page.block(Block::new().borders(borders)), area);
}

/// A text in lines of so many columns, broken between words where there are some.
fn wrapped(text: &str, width: usize) -> Vec<String> {
    let width = width.max(1);
    let (mut lines, mut line) = (Vec::new(), String::new());
    for word in text.split(' ') {
        if !line.is_empty() && line.width() + 1 + word.width() > width {
            lines.push(std::mem::take(&mut line));
        } else if !line.is_empty() {
            line.push(' ');
        }
        for c in word.chars() {
            if line.width() + c.width().unwrap_or(0) > width {
                lines.push(std::mem::take(&mut line));
            }
            line.push(c);
        }
    }
    lines.push(line);
    lines
}

/// Columns for names of what a page tells.
const NAMES: usize = 18;

fn case_page(case: &Case) -> Vec<(String, String)> {
    let cwd = case.cwd.as_deref().unwrap_or("an unknown folder");
    let risk = format!("{} of 100", case.risk);
    let said = [
        ("because", case.why.as_str()),
        ("would", &case.effects.join("; ")),
        ("tool", &case.tool),
        ("input", &case.input),
        ("in", cwd),
        ("if it goes wrong", &case.blast),
        ("what a no costs", &case.cost_of_no),
        ("seen", &case.seen.join("; ")),
        ("instead", &case.instead),
        ("rule", &case.rule),
        ("risk", &risk),
        ("agent", &case.agent),
        ("session", &case.session),
    ];
    let told = said.into_iter().filter(|(_, text)| !text.is_empty());
    told.map(|(name, text)| (name.to_owned(), printable(text).into_owned())).collect()
}

const KEYS: &[(&str, &str)] = &[
    ("j k ↑ ↓", "next, the one before"),
    (". G", "the newest, the oldest"),
    ("Enter, Esc", "open, close"),
    ("Space", "further down in what is open"),
    ("Tab", "live, waiting, held"),
    ("/", "search"),
    ("e", "everything, or what matters"),
    ("a d", "what waits; there: let through, refuse"),
    ("p x", "pause, kill the session"),
    ("P D A", "all: pause, only look, ask"),
    ("r", "what is held; there: release"),
    ("q", "end"),
];

fn keys(frame: &mut Frame, area: Rect) {
    let box_width = 54.min(area.width);
    let room = usize::from(box_width).saturating_sub(2 + 13);
    let mut lines: Vec<Line> = Vec::new();
    for (keys, does) in KEYS {
        for (at, part) in wrapped(does, room).into_iter().enumerate() {
            lines.push(Line::raw(format!(" {:<11} {part}", if at == 0 { keys } else { &"" })));
        }
    }
    let height = u16::try_from(lines.len()).unwrap_or(u16::MAX).saturating_add(2);
    let place = Rect {
        x: area.x + (area.width - box_width) / 2,
        y: area.y,
        width: box_width,
        height: height.min(area.height),
    };
    frame.render_widget(Clear, place);
    frame.render_widget(Paragraph::new(lines).block(Block::bordered().title(" keys ")), place);
}
