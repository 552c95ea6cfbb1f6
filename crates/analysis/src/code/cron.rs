//! Tables of jobs, as `crontab` takes them: what would run at its time.

use ringfence_action::Dialect;

use crate::context::{Analyzer, Frame};
use crate::invocation::Data;
use crate::value::{Span, Word};

/// Minute, hour, day, month, weekday.
const FIELDS: usize = 5;

/// Reads each line's command as a shell would, when its time has come.
pub(super) fn analyze(analyzer: &mut Analyzer<'_>, frame: &Frame, code: &str) {
    let mut at = 0;
    for line in code.split_inclusive('\n') {
        let span = Span::new(at, at + line.trim_end().len());
        at += line.len();
        if let Some(command) = command(line.trim()) {
            analyzer.shell(frame, &Word::known(command, span), Dialect::Bash, &Data::None);
        }
    }
}

/// The command of a line: what follows its time. A `%` ends it.
fn command(line: &str) -> Option<&str> {
    let fields = if line.starts_with('@') { 1 } else { FIELDS };
    let mut rest = line;
    for _ in 0..fields {
        rest = rest.split_once(char::is_whitespace)?.1.trim_start();
    }
    let timed = line.starts_with(|c: char| c.is_ascii_digit() || matches!(c, '*' | '@'));
    timed.then(|| rest.split('%').next().unwrap_or(rest)).filter(|command| !command.is_empty())
}

#[cfg(test)]
mod tests {
    use super::command;

    #[test]
    fn the_command_follows_the_time() {
        for (line, expected) in [
            ("0 2 * * * scripts/backup.sh -q", Some("scripts/backup.sh -q")),
            ("@daily  rm -rf x", Some("rm -rf x")),
            ("*/5 * * * * mail u%hello", Some("mail u")),
            ("# 0 2 * * * x", None),
            ("MAILTO=u", None),
            ("0 2 * *", None),
        ] {
            assert_eq!(command(line), expected, "{line}");
        }
    }
}
