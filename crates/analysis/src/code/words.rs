//! Perl, Ruby and PHP: a scan for the words that matter.
//!
//! A word that runs, removes, writes or connects, with its argument written out, becomes an effect. With
//! an argument that is computed the code is opaque. Code without such words only computes.

use ringfence_action::{Attr, Dialect, EffectKind, OpaqueReason};

use super::MAX_CALLS;
use crate::context::{Analyzer, Frame};
use crate::invocation::Data;
use crate::value::{Span, Value, Word};
use crate::{hosts, paths};

/// What a word does with its first text.
#[derive(Clone, Copy)]
enum Does {
    Shell,
    Code,
    Delete,
    DeleteTree,
    Write,
    Read,
    Move,
    Metadata,
    /// `open`: the mode tells.
    Open,
    Net,
    Kill,
    /// Needs no argument to be understood as too much for a scan.
    Opaque,
}

type Words = &'static [(&'static str, Does)];

const PERL: Words = &[
    ("system", Does::Shell),
    ("exec", Does::Shell),
    ("qx", Does::Shell),
    ("readpipe", Does::Shell),
    ("eval", Does::Code),
    ("do", Does::Code),
    ("unlink", Does::Delete),
    ("rmdir", Does::Delete),
    ("rmtree", Does::DeleteTree),
    ("remove_tree", Does::DeleteTree),
    ("open", Does::Open),
    ("sysopen", Does::Write),
    ("rename", Does::Move),
    ("move", Does::Move),
    ("chmod", Does::Metadata),
    ("chown", Does::Metadata),
    ("kill", Does::Kill),
    ("syscall", Does::Opaque),
    ("IO::Socket::INET", Does::Opaque),
    ("IO::Socket", Does::Opaque),
    ("LWP::UserAgent", Does::Net),
    ("LWP::Simple", Does::Net),
    ("HTTP::Tiny", Does::Net),
    ("Socket", Does::Opaque),
    ("spew", Does::Write),
    ("write_file", Does::Write),
];

const RUBY: Words = &[
    ("system", Does::Shell),
    ("exec", Does::Shell),
    ("spawn", Does::Shell),
    ("IO.popen", Does::Shell),
    ("Open3.capture2", Does::Shell),
    ("Open3.capture3", Does::Shell),
    ("Open3.popen3", Does::Shell),
    ("PTY.spawn", Does::Shell),
    ("eval", Does::Code),
    ("instance_eval", Does::Code),
    ("class_eval", Does::Code),
    ("load", Does::Code),
    ("File.delete", Does::Delete),
    ("File.unlink", Does::Delete),
    ("Dir.rmdir", Does::Delete),
    ("FileUtils.rm", Does::Delete),
    ("FileUtils.rm_f", Does::Delete),
    ("FileUtils.rm_r", Does::DeleteTree),
    ("FileUtils.rm_rf", Does::DeleteTree),
    ("FileUtils.remove_dir", Does::DeleteTree),
    ("FileUtils.mv", Does::Move),
    ("File.rename", Does::Move),
    ("File.write", Does::Write),
    ("IO.write", Does::Write),
    ("File.open", Does::Open),
    ("File.new", Does::Open),
    ("File.read", Does::Read),
    ("IO.read", Does::Read),
    ("File.chmod", Does::Metadata),
    ("FileUtils.chmod", Does::Metadata),
    ("Process.kill", Does::Kill),
    ("Net::HTTP", Does::Net),
    ("URI.open", Does::Net),
    ("TCPSocket", Does::Opaque),
    ("UDPSocket", Does::Opaque),
    ("Fiddle", Does::Opaque),
    ("Marshal.load", Does::Opaque),
];

const PHP: Words = &[
    ("system", Does::Shell),
    ("exec", Does::Shell),
    ("shell_exec", Does::Shell),
    ("passthru", Does::Shell),
    ("popen", Does::Shell),
    ("proc_open", Does::Shell),
    ("pcntl_exec", Does::Shell),
    ("eval", Does::Code),
    ("assert", Does::Code),
    ("create_function", Does::Opaque),
    ("unserialize", Does::Opaque),
    ("unlink", Does::Delete),
    ("rmdir", Does::Delete),
    ("file_put_contents", Does::Write),
    ("fopen", Does::Open),
    ("file_get_contents", Does::Read),
    ("readfile", Does::Read),
    ("rename", Does::Move),
    ("copy", Does::Move),
    ("chmod", Does::Metadata),
    ("chown", Does::Metadata),
    ("posix_kill", Does::Kill),
    ("curl_init", Does::Net),
    ("curl_exec", Does::Opaque),
    ("fsockopen", Does::Opaque),
    ("stream_socket_client", Does::Opaque),
    ("mail", Does::Opaque),
    ("dl", Does::Opaque),
    ("include", Does::Opaque),
    ("require", Does::Opaque),
];

/// Scans a program, recording its effects.
pub(super) fn analyze(analyzer: &mut Analyzer<'_>, frame: &Frame, language: &str, code: &str) {
    let words = match language {
        "perl" => PERL,
        "ruby" => RUBY,
        _ => PHP,
    };
    let mut calls = 0;
    for (word, does) in words {
        for (at, _) in code.match_indices(word) {
            calls += 1;
            if calls > MAX_CALLS {
                let span = Span::new(at, at + word.len());
                let detail = "more calls than are followed";
                return analyzer.opaque(frame, span, OpaqueReason::OutOfFuel, detail);
            }
            if let Some(after) = called(language, code, at, word) {
                let span = Span::new(at, at + word.len());
                if !analyzer.step(frame, span) {
                    return;
                }
                let texts = texts(after);
                follow(analyzer, frame, span, *does, &texts, after);
            }
        }
    }
    backticks(analyzer, frame, language, code);
}

/// What follows a word where it stands as a call of its own: `word(…)`, `word "…"`, `word $x`.
fn called<'c>(language: &str, code: &'c str, at: usize, word: &str) -> Option<&'c str> {
    let before = code.get(..at)?.chars().next_back();
    if before.is_some_and(|c| {
        c.is_alphanumeric()
            || matches!(c, '_' | '$' | '@' | '%' | '>' | ':' | '/' | '.' | '-' | '\\')
    }) {
        return None;
    }
    // Inside quotes on the same line it is a text.
    let line = last_part(code.get(..at)?).rsplit('\n').next()?;
    if line.matches('\'').count() % 2 == 1
        || (line.matches('"').count() % 2 == 1 && !line.contains("#{") && !line.contains("${"))
    {
        return None;
    }
    let rest = code.get(at + word.len()..)?;
    if rest.starts_with(|c: char| c.is_alphanumeric() || c == '_') {
        return None;
    }
    let after = rest.trim_start_matches([' ', '\t']);
    let spaced = after.len() < rest.len();
    let argument = match after.chars().next() {
        Some('(') => true,
        Some('"' | '\'' | '$' | '@') => spaced,
        // `system qw(…)`, `exec {…}`, `qx{…}`, `Net::HTTP.get`, `use Socket;`
        Some('{' | '|' | '!' | '<') => language == "perl" && word == "qx",
        Some('.' | '-' | ':') => word.contains("::"),
        Some(';') => word == "Socket" || word.starts_with("IO::Socket"),
        Some(c) => c == 'q' && spaced && language == "perl",
        None => false,
    };
    argument.then_some(after)
}

/// How far a scan looks around a word.
const REACH: usize = 2_000;

fn last_part(text: &str) -> &str {
    let from = text.len().saturating_sub(REACH);
    (from..text.len()).find_map(|at| text.get(at..)).unwrap_or_default()
}

/// The texts among the arguments, in order, up to the end of the statement; `None` for one that is
/// computed. Interpolation makes a text computed.
fn texts(after: &str) -> Vec<Option<String>> {
    let mut texts = Vec::new();
    let near = (0..=REACH).rev().find_map(|end| after.get(..end)).unwrap_or(after);
    let mut chars = if after.len() > REACH { near.chars() } else { after.chars() };
    let mut depth = 0usize;
    let mut pending_name = false;
    while let Some(c) = chars.next() {
        match c {
            '(' | '[' => depth += 1,
            ')' | ']' => {
                depth = depth.saturating_sub(1);
                if depth == 0 {
                    break;
                }
            }
            ';' | '\n' if depth == 0 => break,
            '"' | '\'' => {
                let mut text = String::new();
                let mut computed = false;
                while let Some(inner) = chars.next() {
                    match inner {
                        inner if inner == c => break,
                        '\\' => text.extend(chars.next()),
                        '$' | '@' if c == '"' => {
                            computed = true;
                            text.push(inner);
                        }
                        '#' if c == '"' && chars.as_str().starts_with('{') => {
                            computed = true;
                            text.push(inner);
                        }
                        inner => text.push(inner),
                    }
                }
                texts.push((!computed).then_some(text));
                pending_name = false;
            }
            '$' | '@' => pending_name = true,
            ',' => {
                if pending_name {
                    texts.push(None);
                }
                pending_name = false;
            }
            _ => {}
        }
    }
    if pending_name {
        texts.push(None);
    }
    texts
}

fn follow(
    analyzer: &mut Analyzer<'_>,
    frame: &Frame,
    span: Span,
    does: Does,
    texts: &[Option<String>],
    after: &str,
) {
    let value =
        |index: usize| texts.get(index).cloned().flatten().map_or(Value::Unknown, Value::Known);
    let path = |analyzer: &mut Analyzer<'_>, kind: EffectKind, path: &Value, recursive: bool| {
        paths::effect(analyzer, frame, span, kind, path, &[(Attr::Recursive, recursive.into())]);
    };
    match does {
        Does::Shell => {
            // Several texts are a program and its arguments.
            let known = texts.iter().map(|text| text.clone().map_or(Value::Unknown, Value::Known));
            let known: Vec<Value> = known.collect();
            let code = if known.is_empty() { Value::Unknown } else { Value::words(known.iter()) };
            let word = Word::new(code, span);
            analyzer.shell(frame, &word, Dialect::Posix, &Data::None);
        }
        Does::Delete => path(analyzer, EffectKind::Delete, &value(0), false),
        Does::DeleteTree => path(analyzer, EffectKind::Delete, &value(0), true),
        Does::Write => path(analyzer, EffectKind::Write, &value(0), false),
        Does::Read => match value(0) {
            Value::Known(url) if url.contains("://") && !url.starts_with("php://") => {
                analyzer.effect(frame, span, hosts::connection(&Value::Known(url)));
            }
            file => path(analyzer, EffectKind::Read, &file, false),
        },
        Does::Move => {
            path(analyzer, EffectKind::Delete, &value(0), false);
            path(analyzer, EffectKind::Write, &value(1), false);
        }
        Does::Metadata => {
            let file = if texts.len() > 1 { value(1) } else { value(0) };
            path(analyzer, EffectKind::Metadata, &file, false);
        }
        Does::Open => open(analyzer, frame, span, texts),
        Does::Net => {
            let url = texts.iter().flatten().find(|text| text.contains("://"));
            let url = url.map_or(Value::Unknown, |url| Value::known(url.as_str()));
            let sends = ["post", "put", "POST", "PUT"].iter().any(|word| after.contains(word));
            analyzer.effect(frame, span, hosts::connection(&url).with(Attr::Upload, sends));
        }
        Does::Kill => {
            let effect = ringfence_action::Effect::new(
                EffectKind::Process,
                ringfence_action::Target::Unknown,
            )
            .with(Attr::Op, "kill");
            analyzer.effect(frame, span, effect);
        }
        Does::Code => {
            analyzer.opaque(frame, span, OpaqueReason::DynamicCode, "code that is computed");
        }
        Does::Opaque => {
            analyzer.opaque(frame, span, OpaqueReason::InlineCode, "more than a scan can tell");
        }
    }
}

/// `open(F, "<x")`, `open(F, '>', 'x')`, `open(F, "cmd |")`, `fopen('x', 'w')`, `File.open('x', 'w')`.
fn open(analyzer: &mut Analyzer<'_>, frame: &Frame, span: Span, texts: &[Option<String>]) {
    let known: Vec<&str> = texts.iter().flatten().map(String::as_str).collect();
    let is_mode = |text: &&&str| {
        let text = text.split(':').next().unwrap_or_default().trim();
        !text.is_empty() && text.len() <= 3 && text.chars().all(|c| "<>+|-rwabxct".contains(c))
    };
    let mode = known.iter().find(is_mode).copied();
    let file = known.iter().find(|text| Some(**text) != mode).copied();
    let pipe = |text: &str| text.trim().starts_with('|') || text.trim().ends_with('|');
    let shell = |analyzer: &mut Analyzer<'_>, code: Value| {
        analyzer.shell(frame, &Word::new(code, span), Dialect::Posix, &Data::None);
    };
    match (mode, file) {
        (Some(mode), file) if mode.contains('|') || mode == "-|" => {
            shell(analyzer, file.map_or(Value::Unknown, Value::known));
        }
        (None, Some(file)) if pipe(file) => {
            shell(analyzer, Value::known(file.trim().trim_matches('|').trim()));
        }
        (mode, file) => {
            let glued = file.filter(|file| file.starts_with(['<', '>', '+']));
            let changes = mode.is_some_and(|mode| mode.contains(['>', '+', 'w', 'a', 'x', 'c']))
                || glued.is_some_and(|file| file.starts_with(['>', '+']));
            let unknown_mode = mode.is_none() && file.is_none();
            let kind = if changes || unknown_mode { EffectKind::Write } else { EffectKind::Read };
            let name = file.map(|file| file.trim_start_matches(['<', '>', '+', ' ']));
            let path = name.map_or(Value::Unknown, Value::known);
            paths::effect(analyzer, frame, span, kind, &path, &[]);
        }
    }
}

/// Text in backticks is a command.
fn backticks(analyzer: &mut Analyzer<'_>, frame: &Frame, language: &str, code: &str) {
    let mut at = 0;
    let mut commands = 0;
    let marks = if language == "ruby" { &["`", "%x("][..] } else { &["`"][..] };
    while let Some((open, mark)) = marks
        .iter()
        .filter_map(|mark| Some((at + code.get(at..)?.find(mark)?, *mark)))
        .min_by_key(|(open, _)| *open)
    {
        commands += 1;
        let start = open + mark.len();
        if commands > MAX_CALLS {
            let span = Span::new(open, start);
            let detail = "more commands than are followed";
            return analyzer.opaque(frame, span, OpaqueReason::OutOfFuel, detail);
        }
        let close = if mark == "`" { '`' } else { ')' };
        let Some(length) = code.get(start..).and_then(|rest| rest.find(close)) else { return };
        let text = code.get(start..start + length).unwrap_or_default();
        let computed = text.contains("#{") || (language != "ruby" && text.contains(['$', '@']));
        let value = if computed { Value::Unknown } else { Value::known(text) };
        let word = Word::new(value, Span::new(start, start + length));
        analyzer.shell(frame, &word, Dialect::Posix, &Data::None);
        at = start + length + 1;
    }
}

#[cfg(test)]
mod tests {
    use crate::code::tests::expect;

    #[test]
    fn code_that_only_computes() {
        for code in [
            "s/system/exec/g; s/open (.*)/$1/",
            "print join(',', map { $_ * 2 } @F)",
            "while (<>) { $n++ if /eval/ } print $n",
            "$x =~ tr/a-z/A-Z/; print \"open the door\"",
            "print 'unlink (x)'",
        ] {
            expect("perl", code, &["!opaque", "!delete", "!write", "!exec"]);
        }
        expect("ruby", "puts ARGF.each_line.map(&:strip).sort.uniq", &["!opaque"]);
        expect("php", "echo json_encode(array_map(fn($x) => $x * 2, [1, 2]));", &["!opaque"]);
    }

    #[test]
    fn code_that_acts() {
        expect("perl", "unlink('/etc/passwd')", &["delete /etc/passwd"]);
        expect("perl", "unlink $f", &["delete ?"]);
        expect(
            "perl",
            "open(my $fh, '>', '/home/u/.bashrc'); print $fh 'x'",
            &["persist /home/u/.bashrc"],
        );
        expect("perl", "open(F, '</etc/shadow')", &["credential /etc/shadow", "!write"]);
        expect("perl", "system(\"rm $x\")", &["opaque dynamic_code"]);
        expect("perl", "eval $code", &["opaque dynamic_code"]);
        expect("perl", "use Socket; socket(S, PF_INET, SOCK_STREAM, 6)", &["opaque inline_code"]);
        expect(
            "ruby",
            "require 'fileutils'; FileUtils.rm_rf('/home/u')",
            &["delete /home/u recursive critical"],
        );
        expect("ruby", "File.write(\"x.txt\", 1)", &["write /home/u/proj/x.txt"]);
        expect(
            "ruby",
            "Net::HTTP.post(URI('https://a.example/'), File.read('x'))",
            &["net a.example upload"],
        );
        expect("php", "file_put_contents('/etc/cron.d/x', $y);", &["persist /etc/cron.d/x"]);
        expect("php", "echo file_get_contents('https://a.example/');", &["net a.example"]);
    }
}
