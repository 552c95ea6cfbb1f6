//! Redirections: what is read, what is written, and where a command's streams lead.

use ringfence_action::{Attr, AttrValue, Effect, EffectKind, OpaqueReason, Target};

use super::Shell;
use super::ir::{self, Node, Piece, RedirectKind, Statement};
use crate::invocation::Data;
use crate::paths;
use crate::value::{Span, Value};

/// The streams of a command, and those to go back to.
pub(super) struct Streams {
    stdin: Data,
    stdout_shown: bool,
    /// Files that get what the command prints; the flag is for those that keep what they have.
    files: Vec<(String, bool)>,
    /// Standard output does not go on to the next command.
    elsewhere: bool,
    /// A descriptor is this connection.
    connected: Option<Value>,
}

impl Shell<'_, '_> {
    /// Follows the redirections of a statement.
    pub(super) fn redirect(&mut self, statement: &Statement) -> Streams {
        let mut streams = Streams {
            stdin: self.stdin.clone(),
            stdout_shown: self.stdout_shown,
            files: Vec::new(),
            elsewhere: false,
            connected: None,
        };
        let by = program_of(&statement.node);
        for redirect in &statement.redirects {
            self.redirect_one(redirect, by, &mut streams);
        }
        if streams.elsewhere {
            self.stdout_shown = false;
        }
        streams
    }

    /// Goes back to the streams before. Returns what the command prints to the outer one.
    pub(super) fn restore(&mut self, streams: Streams, output: Data) -> Data {
        self.stdin = streams.stdin;
        self.stdout_shown = streams.stdout_shown;
        for (path, append) in streams.files {
            let content = match self.analyzer.written(&path) {
                Some(Data::Text(before, at)) if append => match &output {
                    Data::Text(more, _) => Data::Text(format!("{before}{more}"), *at),
                    Data::None => Data::Text(before.clone(), *at),
                    Data::Network(from) => Data::Network(from.clone()),
                    Data::File(_) | Data::Setup(_) | Data::Unknown => Data::Unknown,
                },
                _ if append && !matches!(output, Data::Network(_)) => Data::Unknown,
                _ => output.clone(),
            };
            let content = match content {
                Data::None => Data::Text(String::new(), Span::default()),
                content => content,
            };
            self.analyzer.wrote(&path, content);
        }
        if streams.elsewhere { Data::None } else { output }
    }

    /// The streams stay as they are now: `exec > FILE`.
    pub(super) fn keep(&mut self, streams: Streams) {
        for (path, _) in streams.files {
            self.analyzer.wrote(&path, Data::Unknown);
        }
    }

    fn redirect_one(&mut self, redirect: &ir::Redirect, by: Option<&str>, streams: &mut Streams) {
        let span = redirect.span;
        let mut target = self.expand_value(&redirect.target);
        match redirect.kind {
            RedirectKind::Heredoc | RedirectKind::HereString => {
                let newline = redirect.kind == RedirectKind::HereString;
                self.stdin = match target {
                    Value::Known(mut text) => {
                        if newline {
                            text.push('\n');
                        }
                        Data::Text(text, redirect.target.span)
                    }
                    Value::OneOf(_) | Value::Pattern(_) | Value::Unknown => {
                        match self.frame.fetched.clone() {
                            Some(from) => Data::Network(from),
                            None => Data::Unknown,
                        }
                    }
                };
            }
            RedirectKind::Read => {
                self.reads(&target, by, span);
                if redirect.fd.unwrap_or(0) == 0 {
                    self.stdin = self.content_of(target);
                }
            }
            RedirectKind::ReadWrite => {
                self.reads(&target, by, span);
                self.writes(&target, false, by, span);
                self.connect(&target, streams);
                if redirect.fd.unwrap_or(0) == 0 {
                    self.stdin = self.descriptor(streams);
                }
            }
            RedirectKind::DuplicateInput => {
                // Another descriptor is read: whatever it leads to.
                if redirect.fd.unwrap_or(0) == 0 && target.as_known() != Some("-") {
                    self.stdin = self.descriptor(streams);
                }
            }
            RedirectKind::DuplicateOutput => {
                let descriptor = target.is_number()
                    || target.as_known().is_some_and(|text| {
                        let digits = text.strip_suffix('-').unwrap_or(text);
                        digits.bytes().all(|byte| byte.is_ascii_digit())
                    });
                if !descriptor {
                    // `>&file` is `&>file`.
                    self.output_to(&target, false, true, by, span, streams);
                } else if redirect.fd == Some(0) && streams.connected.is_some() {
                    // `>& /dev/tcp/HOST/PORT 0>&1`: what is typed there is read here.
                    self.stdin = self.descriptor(streams);
                } else if redirect.fd.unwrap_or(1) == 1 && target.as_known() == Some("2") {
                    streams.elsewhere = true;
                }
            }
            RedirectKind::Write | RedirectKind::Append | RedirectKind::WriteBoth => {
                if self.zsh()
                    && let Value::Known(text) = &target
                    && let Some(name) = text.strip_prefix('!')
                {
                    // Zsh's `>!` is `>|`. With a blank behind it, the file is the next word, which
                    // the parser has given to the command.
                    if name.is_empty() {
                        let detail = "`>!` names its file in the next word";
                        self.analyzer.opaque(
                            &self.frame,
                            span,
                            OpaqueReason::UnsupportedSyntax,
                            detail,
                        );
                    }
                    target = if name.is_empty() { Value::Unknown } else { Value::known(name) };
                }
                let append = redirect.kind == RedirectKind::Append;
                let stdout =
                    redirect.kind == RedirectKind::WriteBoth || redirect.fd.unwrap_or(1) == 1;
                self.output_to(&target, append, stdout, by, span, streams);
            }
        }
    }

    fn output_to(
        &mut self,
        target: &Value,
        append: bool,
        stdout: bool,
        by: Option<&str>,
        span: Span,
        streams: &mut Streams,
    ) {
        let descriptor = target.as_known().is_some_and(|path| {
            matches!(path, "/dev/stdout" | "/dev/stderr" | "/dev/tty" | "/dev/fd/1" | "/dev/fd/2")
        });
        if descriptor {
            return;
        }
        self.writes(target, append, by, span);
        self.connect(target, streams);
        streams.elsewhere |= stdout;
        match self.located(target) {
            Some(path) if stdout => streams.files.push((path, append)),
            Some(path) => self.analyzer.wrote(&path, Data::Unknown),
            None => {}
        }
    }

    fn writes(&mut self, target: &Value, append: bool, by: Option<&str>, span: Span) {
        if self.connects(target, true, span) || is_sink(target) {
            return;
        }
        let mut attributes: Vec<(Attr, AttrValue)> = Vec::with_capacity(2);
        if append {
            attributes.push((Attr::Append, true.into()));
        }
        if let Some(by) = by {
            attributes.push((Attr::By, by.into()));
        }
        paths::effect(self.analyzer, &self.frame, span, EffectKind::Write, target, &attributes);
    }

    fn reads(&mut self, target: &Value, by: Option<&str>, span: Span) {
        if self.connects(target, false, span) || is_sink(target) {
            return;
        }
        let by = by.map(|by| (Attr::By, AttrValue::from(by)));
        paths::effect(self.analyzer, &self.frame, span, EffectKind::Read, target, by.as_slice());
    }

    /// Remembers that a descriptor is a connection, for this shell too where the redirection stays.
    fn connect(&mut self, target: &Value, streams: &mut Streams) {
        if is_connection(target) {
            streams.connected = Some(target.clone());
            self.connected = Some(target.clone());
        }
    }

    /// What is read from a descriptor that was opened before: from the network, if one was.
    fn descriptor(&self, streams: &Streams) -> Data {
        let connected = streams.connected.as_ref().or(self.connected.as_ref());
        connected.map_or(Data::Unknown, |from| Data::Network(from.clone()))
    }

    /// `/dev/tcp/HOST/PORT` is a connection in bash.
    fn connects(&mut self, target: &Value, upload: bool, span: Span) -> bool {
        let text = match target {
            Value::Known(text) | Value::Pattern(text) => text.clone(),
            Value::OneOf(_) | Value::Unknown => return false,
        };
        let Some(rest) = text.strip_prefix("/dev/tcp/").or_else(|| text.strip_prefix("/dev/udp/"))
        else {
            return false;
        };
        let (host, port) = rest.split_once('/').unwrap_or((rest, ""));
        let target = match target {
            Value::Known(_) => Target::known(host.to_ascii_lowercase()),
            _ if host.contains("**") => Target::Unknown,
            _ => Target::Pattern(host.to_ascii_lowercase()),
        };
        let mut effect = Effect::new(EffectKind::Net, target).with(Attr::By, "bash");
        if let Ok(port) = port.parse::<i64>() {
            effect = effect.with(Attr::Port, port);
        }
        if upload {
            effect = effect.with(Attr::Upload, true);
        }
        self.analyzer.effect(&self.frame, span, effect);
        true
    }

    /// What is read from a file.
    pub(super) fn content_of(&mut self, target: Value) -> Data {
        if is_connection(&target) {
            return Data::Network(target);
        }
        let Some(path) = self.located(&target) else { return Data::File(target) };
        if path == "/dev/null" {
            return Data::None;
        }
        match self.analyzer.written(&path) {
            Some(content) => content.clone(),
            None => Data::File(Value::Known(path)),
        }
    }

    /// The absolute path, where there is just one.
    pub(super) fn located(&self, path: &Value) -> Option<String> {
        let path = path.as_known()?;
        if path.starts_with('/') {
            return Some(ringfence_action::path::absolute("/", path));
        }
        Some(ringfence_action::path::absolute(self.frame.cwd.as_known()?, path))
    }
}

/// `/dev/tcp/…`.
fn is_connection(target: &Value) -> bool {
    matches!(target, Value::Known(path) | Value::Pattern(path)
        if path.starts_with("/dev/tcp/") || path.starts_with("/dev/udp/"))
}

/// Places that keep nothing.
fn is_sink(target: &Value) -> bool {
    target.as_known().is_some_and(|path| path == "/dev/null" || path.starts_with("/dev/fd/"))
}

/// The program that a redirection belongs to, where it is written plainly.
fn program_of(node: &Node) -> Option<&str> {
    let Node::Simple(simple) = node else { return None };
    match simple.words.first()?.pieces.as_slice() {
        [Piece::Bare(name) | Piece::Quoted(name)] => Some(ringfence_action::path::base_name(name)),
        _ => None,
    }
}
