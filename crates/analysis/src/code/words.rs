//! Perl, Ruby and PHP: a scan for the words that matter.
//!
//! A word that runs, removes, writes or connects, with its argument written out, becomes an effect. With
//! an argument that is computed the code is opaque. Code without such words only computes.

use std::collections::HashMap;

use ringfence_action::{Attr, Dialect, EffectKind, OpaqueReason};

use super::{MAX_CALLS, perl};
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
    ("truncate", Does::Write),
    ("dbmopen", Does::Write),
    ("require", Does::Code),
    ("execl", Does::Shell),
    ("execv", Does::Shell),
    ("execlp", Does::Shell),
    ("execvp", Does::Shell),
    ("open2", Does::Shell),
    ("open3", Does::Shell),
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
    ("Kernel.system", Does::Shell),
    ("Kernel.exec", Does::Shell),
    ("Kernel.spawn", Does::Shell),
    ("sh", Does::Shell),
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
    ("open", Does::Open),
    ("Kernel.open", Does::Open),
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
    // What is code in it, where texts can be told from code.
    let (kept, runs) = match language {
        "perl" => perl::code_only(code),
        _ => (String::new(), None),
    };
    if language == "perl" {
        let runs = runs.map(|at| (at, "the result of a replacement runs as code"));
        if let Some((at, detail)) = runs.or_else(|| perl::hidden(code, &kept)) {
            let span = Span::new(at, at + 1);
            analyzer.opaque(frame, span, OpaqueReason::DynamicCode, detail);
        }
    } else if let Some(at) = by_name(language, code) {
        let detail = "a function whose name is computed";
        analyzer.opaque(frame, Span::new(at, at + 1), OpaqueReason::DynamicCode, detail);
    }
    let mut calls = 0;
    for (word, does) in words {
        for (at, _) in code.match_indices(word) {
            calls += 1;
            if calls > MAX_CALLS {
                let span = Span::new(at, at + word.len());
                let detail = "more calls than are followed";
                return analyzer.opaque(frame, span, OpaqueReason::OutOfFuel, detail);
            }
            let after = called(language, code, at, word).or_else(|| {
                let called = perl::called(code, &kept, at, word);
                code.get(at + word.len()..).filter(|_| called).map(str::trim_start)
            });
            if let Some(after) = after {
                let span = Span::new(at, at + word.len());
                if !analyzer.step(frame, span) {
                    return;
                }
                let mut texts = texts(after);
                // `system reverse "…"`: what another function makes of its texts.
                let made = after.trim_start_matches(['(', ' ']).starts_with(char::is_alphabetic);
                if language == "perl"
                    && made
                    && matches!(does, Does::Shell)
                    && !word.starts_with("open")
                {
                    texts.clear();
                }
                if language == "perl"
                    && matches!(does, Does::Open)
                    && perl::opens_anything(after, &texts)
                {
                    let detail = "what is opened is computed, and may be a command";
                    analyzer.opaque(frame, span, OpaqueReason::DynamicCode, detail);
                    continue;
                }
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
    // `use open …` is a setting.
    if language == "perl" && word == "open" && code.get(..at)?.trim_end().ends_with("use") {
        return None;
    }
    // Inside quotes on the same line it is a text.
    let line = last_part(code.get(..at)?).rsplit('\n').next()?;
    if line.matches('\'').count() % 2 == 1
        || (line.matches('"').count() % 2 == 1
            && !["#{", "${", "@{"].iter().any(|it| line.contains(it)))
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
        Does::Delete => {
            let globbed = after.trim_start_matches(['(', ' ']).starts_with("glob");
            let file = match value(0) {
                Value::Known(pattern) if globbed => Value::Pattern(pattern),
                file => file,
            };
            path(analyzer, EffectKind::Delete, &file, false);
        }
        Does::DeleteTree => path(analyzer, EffectKind::Delete, &value(0), true),
        Does::Write => path(analyzer, EffectKind::Write, &value(0), false),
        Does::Read => match value(0) {
            Value::Known(url) if url.contains("://") && !url.starts_with("php://") => {
                analyzer.effect(frame, span, hosts::connection(&Value::Known(url)));
            }
            Value::Known(command) if command.starts_with('|') => {
                let word = Word::new(Value::known(command.trim_start_matches('|')), span);
                analyzer.shell(frame, &word, Dialect::Posix, &Data::None);
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
        // `>` or `w`; `>a` is a mode and a name.
        let all = |marks: &str| text.chars().all(|c| marks.contains(c));
        !text.is_empty() && text.len() <= 3 && (all("<>+|-") || all("+rwabxct"))
    };
    let mode = known.iter().find(is_mode).copied();
    let file = known.iter().find(|text| Some(**text) != mode).copied();
    let pipe = |text: &str| text.trim().starts_with('|') || text.trim().ends_with('|');
    let shell = |analyzer: &mut Analyzer<'_>, code: Value| {
        analyzer.shell(frame, &Word::new(code, span), Dialect::Posix, &Data::None);
    };
    match (mode, file) {
        (Some(mode), file) if mode.contains('|') || mode == "-|" => {
            // `open(F, "-|", "touch", $x)`: a program and its arguments.
            let behind = texts.iter().skip_while(|text| text.as_deref() != Some(mode)).skip(1);
            let argv: Vec<Value> =
                behind.map(|text| text.clone().map_or(Value::Unknown, Value::Known)).collect();
            let known = if file.is_some() { Value::words(argv.iter()) } else { Value::Unknown };
            shell(analyzer, known);
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

/// Where a function is called by a name that is a text: PHP's `$f(…)` and `("sys"."tem")(…)`, Ruby's
/// `send(:system, …)`.
fn by_name(language: &str, code: &str) -> Option<usize> {
    if language == "php" {
        let mut closures: HashMap<String, bool> = HashMap::new();
        let variable = code.match_indices('(').find(|(at, _)| {
            let before = last_part(code.get(..*at).unwrap_or_default());
            let name = before.trim_end_matches(|c: char| c.is_alphanumeric() || c == '_');
            let called = name.ends_with('$') && name.len() < before.len();
            // A closure of the program itself.
            let name = before.get(name.len()..).unwrap_or_default();
            let mut is_closure = || {
                *closures.entry(name.to_owned()).or_insert_with(|| {
                    ["= fn", "= function", "=fn", "=function"].iter().any(|made| {
                        code.contains(&format!("${name} {made}"))
                            || code.contains(&format!("${name}{made}"))
                    })
                })
            };
            (called && !is_closure()) || before.ends_with("\")") || before.ends_with("')")
        });
        let named = || {
            let runs = PHP.iter().filter(|(_, does)| matches!(does, Does::Shell));
            runs.flat_map(|(word, _)| [format!("'{word}'"), format!("\"{word}\"")])
                .find_map(|text| code.find(&text))
        };
        return variable.map(|(at, _)| at).or_else(named);
    }
    ["send", "__send__", "public_send", "method"].iter().find_map(|word| {
        let (at, _) = code.match_indices(word).find(|(at, _)| {
            let before = code.get(..*at).unwrap_or_default();
            let Some(rest) = code.get(at + word.len()..) else { return false };
            if before.ends_with(|c: char| c.is_alphanumeric() || c == '_')
                || !rest.starts_with(['(', ' '])
            {
                return false;
            }
            let rest = rest.trim_start_matches(['(', ' ']);
            match rest.strip_prefix([':', '"', '\'']) {
                Some(name) => {
                    let end = name
                        .find(|c: char| !(c.is_alphanumeric() || c == '_'))
                        .unwrap_or(name.len());
                    let (name, rest) = name.split_at_checked(end).unwrap_or((name, ""));
                    name.is_empty()
                        || rest.starts_with("#{")
                        || RUBY.iter().any(|(word, _)| *word == name)
                }
                None => {
                    let plain = rest.starts_with(|c: char| c.is_lowercase() || c == '_');
                    (plain && before.ends_with('.')) || rest.starts_with(['$', '@', '['])
                }
            }
        })?;
        Some(at)
    })
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
    fn perl_runs_what_it_is_handed_without_parentheses() {
        for code in [
            "open F,\"|touch P\"",
            "open F,\"-|\",\"touch P\"",
            "open F,'-|','touch','P'",
            "POSIX::execvp(\"touch\", \"touch\")",
            "CORE::system(\"touch P\")",
            "open3(\\*A, \\*B, \\*C, \"touch P\")",
            "print \"@{[system('touch P')]}\"",
            "s/x/system(\"touch P\")/e",
            "print(1) . system 'touch P'",
        ] {
            expect("perl", code, &["exec touch"]);
        }
        for code in [
            "$_=q(x); s/x/q(system(\"touch P\"))/ee",
            "&{\"CORE::system\"}(\"touch P\")",
            "\"CORE::system\"->(\"touch P\")",
            "my $f = \"CORE::\".\"system\"; &$f(\"touch P\")",
            "require \"./x.pl\"",
            "require $x",
            "<touch P|>",
            "print <<`E`;\ntouch P\nE\n",
            "open F, $x",
            "open my $fh, \"$x|\"",
            "system reverse 'P hcuot'",
            "exec {$p} @a",
            "eval reverse $x",
            "eval",
            "syscall 87, 'a'",
        ] {
            expect("perl", code, &["opaque"]);
        }
        expect("perl", "open F,\">a\"", &["write /home/u/proj/a", "!opaque"]);
        expect("perl", "unlink glob \"*\"", &["delete /home/u/proj/*"]);
        expect("perl", "unlink <*>", &["delete ?"]);
        expect("perl", "truncate \"a\",0", &["write /home/u/proj/a"]);
        expect("perl", "open F, \"<$x\"; print <F>", &["!opaque"]);
    }

    #[test]
    fn perl_that_speaks_of_what_runs_does_not_run_it() {
        for code in [
            "print if /failed to open file/",
            "print unless m{exec format error}; # it's a system call",
            "eval { die 1 }; warn $@ if $@",
            "use open qw(:std :utf8); print $h{system}, $h{open} / 2",
            "my %h = (open => 1, exec => 2); print \"$_ \" for keys %h && 1",
            "s/(\\d+)/$1*2/e; s{a}{b}g; tr/a-z/A-Z/; print $a <=> $b",
            "use strict; my $f = sub { 1 }; $f->(2)",
            "require Foo::Bar; require 5.010; do { $n++ } while $n < 3",
            "print \"we open $x\"; print q(system foo), qw(exec eval)",
            "print $x / 2; print $y / 3 if $z && $w",
        ] {
            expect("perl", code, &["!opaque", "!delete", "!write", "!exec"]);
        }
    }

    #[test]
    fn functions_called_by_a_name_that_is_a_text() {
        expect("php", "$f=\"sys\".\"tem\"; $f(\"touch P\");", &["opaque dynamic_code"]);
        expect("php", "(\"sys\".\"tem\")(\"touch P\");", &["opaque dynamic_code"]);
        expect("php", "array_map('system', ['touch P']);", &["opaque dynamic_code"]);
        expect("php", "$f = fn($x) => $x + 1; echo $f(2);", &["!opaque"]);
        for code in [
            "Kernel.send(:system, \"touch P\")",
            "public_send(\"system\", \"touch P\")",
            "x.send(name, 1)",
            "method(:system).call(\"touch P\")",
        ] {
            expect("ruby", code, &["opaque dynamic_code"]);
        }
        expect("ruby", "p [1].send(:first); mail.send; # send it", &["!opaque"]);
        for code in [
            "open(\"|touch P\")",
            "Kernel.open('|touch P')",
            "IO.read('|touch P')",
            "sh \"touch P\"",
        ] {
            expect("ruby", code, &["exec touch"]);
        }
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
