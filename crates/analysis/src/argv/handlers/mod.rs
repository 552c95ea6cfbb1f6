//! What rules cannot say: a closed list of functions that entries refer to by name.

pub(super) mod cargo;
mod checkout;
mod cluster;
mod container;
mod copy;
mod find;
mod http;
mod opened;
mod parallel;
mod powershell;
mod push;
mod runner;
mod split;
mod task;
mod transfer;
mod xargs;

use crate::context::Analyzer;
use crate::invocation::Data;
use crate::value::{Value, Word};

use super::rules::Subject;

/// The functions, by the names that the catalogue uses (in kebab case).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Handler {
    /// Branches and files of `git checkout`.
    Checkout,
    /// Programs that a kubeconfig names.
    Cluster,
    /// Mounts of `docker run -v`.
    Container,
    /// Files under another name: cp, mv, ln, install.
    Copy,
    /// Names and actions of a `find` expression.
    Find,
    /// URLs, methods and payloads of curl, wget and their like.
    Http,
    /// Operands that Perl's `<>` opens: `CMD |` is a command.
    Opened,
    /// Command lines of `parallel`, and what they are given.
    Parallel,
    /// Commands, encoded commands and files of PowerShell.
    PowerShell,
    /// Remotes and refspecs of `git push`.
    Push,
    /// Programs of packages that are run by name: `npx prisma`.
    Runner,
    /// Scripts of package.json.
    PackageScript,
    /// Recipes of a Makefile.
    MakeRecipe,
    /// Recipes of a justfile.
    JustRecipe,
    /// One text that is a program and arguments, with more arguments behind it: `env -S`.
    Split,
    /// Sources and targets on other machines: scp, rsync.
    Transfer,
    /// Arguments from standard input.
    Xargs,
}

/// Runs one handler. Returns what is written to standard output, if the handler can tell.
pub(crate) fn handle(
    analyzer: &mut Analyzer<'_>,
    subject: &Subject<'_>,
    handler: Handler,
) -> Option<Data> {
    match handler {
        Handler::Checkout => checkout::handle(analyzer, subject),
        Handler::Cluster => cluster::handle(analyzer, subject),
        Handler::Container => container::handle(analyzer, subject),
        Handler::Copy => copy::handle(analyzer, subject),
        Handler::Find => find::handle(analyzer, subject),
        Handler::Http => return http::handle(analyzer, subject),
        Handler::Opened => opened::handle(analyzer, subject),
        Handler::Parallel => parallel::handle(analyzer, subject),
        Handler::PowerShell => powershell::handle(analyzer, subject),
        Handler::Push => push::handle(analyzer, subject),
        Handler::Runner => runner::handle(analyzer, subject),
        Handler::PackageScript => task::package_script(analyzer, subject),
        Handler::MakeRecipe => task::make_recipe(analyzer, subject),
        Handler::JustRecipe => task::just_recipe(analyzer, subject),
        Handler::Split => split::handle(analyzer, subject),
        Handler::Transfer => transfer::handle(analyzer, subject),
        Handler::Xargs => return Some(xargs::handle(analyzer, subject)),
    }
    None
}

/// `tar xvf a.tar`: the first word is a cluster of options even without a dash.
pub(crate) fn old_style(argv: &[Word]) -> Option<Vec<Word>> {
    let first = argv.get(1)?;
    let letters = first.value.as_known()?;
    let bundled = !letters.is_empty()
        && !letters.starts_with('-')
        && letters.contains(['c', 'x', 't', 'r', 'u', 'A'])
        && letters.chars().all(|c| c.is_ascii_alphabetic());
    if !bundled {
        return None;
    }
    // Letters that take a value find their values in the words that follow, in order.
    let mut words = vec![argv.first()?.clone()];
    let mut rest = argv.iter().skip(2);
    for letter in letters.chars() {
        words.push(Word::new(Value::known(format!("-{letter}")), first.span));
        if "fbCTXLNVKHFIg".contains(letter) {
            words.extend(rest.next().cloned());
        }
    }
    words.extend(rest.cloned());
    Some(words)
}
