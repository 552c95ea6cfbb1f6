//! Ways in for somebody, and ways out for data of users.

use std::cell::OnceCell;
use std::collections::{HashMap, HashSet};

use super::Finding;
use super::lines::{Diff, Line};
use super::names::{names, words};

/// What is compared with what somebody sends.
const CREDENTIALS: &[&str] = &[
    "password",
    "passwd",
    "pwd",
    "pass",
    "passphrase",
    "secret",
    "token",
    "apikey",
    "key",
    "otp",
    "pin",
    "code",
    "header",
    "headers",
    "cookie",
    "cookies",
    "email",
    "username",
    "user",
    "login",
    "query",
    "params",
    "signature",
];

/// What lets somebody in.
const GRANTS: &[&str] = &[
    "return true",
    "createsession",
    "create_session",
    "next(",
    "isadmin=true",
    "is_admin=true",
    "role='admin'",
    "is_superuser=true",
    "login(",
    "login_user(",
    "sign_in",
    "signin(",
    "authenticated=true",
    "authorized=true",
    "grantaccess",
    "grant_access",
    "issuetoken",
    "issue_token",
    "returnuser",
    "return user",
    "return ok",
    "return nil",
    "return admin",
    "allow",
    "superuser",
    "bypass",
    "admin:true",
    "'admin'",
];

/// Names of checks of who somebody is and what they may.
const CHECKS: &[&str] = &[
    "verify",
    "authenticate",
    "authorize",
    "isadmin",
    "authorized",
    "authenticated",
    "permission",
    "permitted",
    "validate",
    "check",
    "auth",
];

/// A grant follows its comparison this soon, in lines.
const SOON: usize = 2;

/// What is compared stands so near to the sign between, in bytes.
const REACH: usize = 256;

/// A constant that lets whoever knows it in, or a check that always says yes.
pub(super) fn back_door(diff: &Diff<'_>) -> Option<Finding> {
    let door = diff.added().find(|(place, line)| {
        let grants = || {
            let after = diff.new.lines.get(*place..).unwrap_or_default().iter().take(SOON + 1);
            after.into_iter().any(|line| GRANTS.iter().any(|it| line.normal.contains(it)))
        };
        (compares_with_constant(line) && grants()) || says_yes(diff, *place, line)
    });
    door.map(|(_, line)| Finding::of("plant", "back-door", line.span, line.text))
}

/// `password === 'letmein!42'`, `headers['x-debug'] == "1"`, `"s3cret".equals(token)`.
fn compares_with_constant(line: &Line<'_>) -> bool {
    let normal = &line.normal;
    let condition = ["if", "return", "||", "&&", " or ", "?", "case", "unless"];
    if !condition.iter().any(|word| normal.contains(word)) {
        return false;
    }
    let spelled = OnceCell::new();
    ["==", ".equals(", ".eql?(", "compare("].iter().any(|sign| {
        normal.match_indices(sign).any(|(at, _)| {
            let start = normal.floor_char_boundary(at.saturating_sub(REACH));
            let before = normal.get(start..at).unwrap_or_default();
            let end = normal.floor_char_boundary(at + sign.len() + REACH);
            let after = normal.get(at + sign.len()..end).unwrap_or_default();
            let after = after.trim_start_matches('=');
            let right = literal(after);
            let left = || before.strip_suffix('\'')?.rsplit_once('\'').map(|(_, it)| it);
            let Some(constant) = right.or_else(left) else { return false };
            if !is_secret_like(constant, true) {
                return false;
            }
            let other = if right.is_some() { operand(before) } else { after };
            is_secret_like(constant, is_plain_secret(other))
                && is_sent(spelled.get_or_init(|| Spelled::of(line.text)), other)
        })
    })
}

/// A line as it is spelled, looked up by how it is compared.
struct Spelled<'t> {
    /// It is about a request.
    of_request: bool,
    /// Its names by their lower case.
    names: HashMap<String, &'t str>,
}

impl<'t> Spelled<'t> {
    fn of(line: &'t str) -> Self {
        let mut spelled = HashMap::new();
        for name in names(line) {
            spelled.entry(name.to_lowercase()).or_insert(name);
        }
        Self { of_request: line.to_lowercase().contains("req"), names: spelled }
    }
}

/// A text between quotes at the beginning.
fn literal(text: &str) -> Option<&str> {
    text.strip_prefix('\'').and_then(|rest| rest.split_once('\'')).map(|(literal, _)| literal)
}

/// The last thing before a comparison: back to what joins it to others.
fn operand(before: &str) -> &str {
    let joint = ["if(", "(", "||", "&&", "return ", "if ", " or ", " and ", "!", "?"]
        .iter()
        .filter_map(|joint| before.rfind(joint).map(|at| at + joint.len()))
        .max()
        .unwrap_or(0);
    // `req.get('x-debug')`, `headers.get('x')` end with what they are called with.
    let call = before.strip_suffix(')').and_then(|rest| rest.rfind('('));
    let start = call.map_or(joint, |_| before.rfind(['|', '&', '!', ' ']).map_or(0, |at| at + 1));
    before.get(start..).unwrap_or_default()
}

/// Whether the thing compared is a secret by its name, and no word of a language that is read.
fn is_plain_secret(operand: &str) -> bool {
    ["passw", "pwd", "passphrase", "secret", "apikey", "api_key", "header", "query", "params"]
        .iter()
        .any(|word| operand.contains(word))
}

/// Words that programs compare with to tell kinds and states apart are none.
fn is_secret_like(constant: &str, of_secret: bool) -> bool {
    const KINDS: &[&str] = &[
        "string",
        "number",
        "object",
        "undefined",
        "function",
        "boolean",
        "bearer",
        "basic",
        "password",
        "token",
        "text",
        "enter",
        "escape",
        "tab",
        "none",
        "null",
        "admin",
        "user",
        "guest",
        "anonymous",
        "refresh",
        "access",
        "true",
        "false",
        "production",
        "development",
        "test",
    ];
    let is_word = constant.chars().all(|c| c.is_alphabetic() || c == '_' || c == '-');
    let mixed = constant.contains(|c: char| c.is_ascii_digit())
        || constant.contains(['!', '@', '#', '$', '%']);
    !KINDS.contains(&constant)
        && ((mixed && constant.len() >= 4)
            || (of_secret && is_word && constant.len() >= 6)
            || (of_secret && constant == "1"))
}

/// Whether somebody sends it: by the words of its name, the last of them first.
fn is_sent(line: &Spelled<'_>, operand: &str) -> bool {
    let from_request = ["header", "cookie", "query"].iter().any(|it| operand.contains(it))
        || (operand.contains(".get(") && line.of_request);
    // The spelling of the source has the words apart.
    let name = names(operand).last().unwrap_or_default();
    let spelled = line.names.get(name).copied().unwrap_or_default();
    let last = words(spelled).pop().unwrap_or_default();
    from_request || CREDENTIALS.contains(&last.as_str())
}

/// The first thing that a check of somebody's rights does is to say yes.
fn says_yes(diff: &Diff<'_>, place: usize, line: &Line<'_>) -> bool {
    let yes = ["return true", "return nil", "returntrue", "=>true"];
    let text = line.normal.trim_end_matches(';');
    if !yes.iter().any(|it| text == *it || text.ends_with("=>true")) {
        return false;
    }
    let header = if text.ends_with("=>true") {
        Some(line)
    } else {
        place.checked_sub(1).and_then(|at| diff.new.lines.get(at))
    };
    header.is_some_and(|header| {
        let defines = ["def ", "function ", "func ", "fn ", "=>", "public ", "async "]
            .iter()
            .any(|it| header.normal.contains(it) || header.text.contains(it));
        let all: Vec<String> = names(header.text).flat_map(words).collect();
        let of_rights = [
            "token",
            "password",
            "signature",
            "access",
            "login",
            "auth",
            "admin",
            "permission",
            "jwt",
            "user",
            "session",
        ];
        defines
            && all.iter().any(|word| CHECKS.contains(&word.as_str()))
            && all.iter().any(|word| of_rights.contains(&word.as_str()))
    })
}

/// Calls that send something elsewhere.
const SENDERS: &[&str] = &[
    "fetch(",
    "axios",
    "sendbeacon(",
    "xmlhttprequest",
    "newimage(",
    "new image(",
    ".src=",
    "requests.post",
    "requests.put",
    "requests.get",
    "httpx.",
    "urlopen(",
    "http.post",
    "http.get",
    "websocket(",
    "curl",
    "net::http",
    "faraday",
    "restclient",
    "httpclient",
    "reqwest",
    "ureq",
    "$.post",
    "$.ajax",
    "got(",
    "got.post",
    "superagent",
    ".postform(",
];

/// What people type and programs keep for them, as what is sent.
const PRIVATE: &[&str] = &[
    "document.cookie",
    "localstorage",
    "sessionstorage",
    "json.stringify(process.env)",
    "...process.env",
    "dict(os.environ)",
    "json.dumps(os.environ",
    "=os.environ)",
    "env::vars(",
    "system.getenv()",
    "os.environ()",
    "json.stringify(card",
    "cardnumber",
    "card_number",
    "card.number",
    "cvv",
    "cvc",
    "ssn",
    "privatekey",
    "private_key",
    "seedphrase",
    "mnemonic",
    "formdata(",
    "stringify(card)",
    "password",
    "passwd",
    "credentials",
    "navigator.clipboard",
    "keydown",
    "keypress",
    "id_rsa",
    ".aws/credentials",
    "session_token",
    "sessiontoken",
    "auth_token",
    "authtoken",
    "access_token",
    "accesstoken",
];

/// What signs a request in, and is no content of it.
const SIGNS_IN: &[&str] = &[
    "authorization",
    "bearer",
    "x-api-key",
    "/login",
    "/auth",
    "/oauth",
    "/token",
    "/signin",
    "/session",
];

/// What is sent stands this soon before or after its address, in lines.
const BEFORE: usize = 2;
const AFTER: usize = 5;

/// What users type or programs keep for them goes to a host that the code did not know.
pub(super) fn beacon(diff: &Diff<'_>) -> Option<Finding> {
    let known = OnceCell::new();
    diff.added().find_map(|(place, line)| {
        let mut hosts = hosts(&line.normal).filter(|host| host.contains('.') && !is_nobody(host));
        let first = hosts.next()?;
        let statement = place.saturating_sub(BEFORE)..=place + AFTER;
        let says = |words| diff.new.says_in(&statement, words);
        if !says(SENDERS) || !says(PRIVATE) || says(SIGNS_IN) {
            return None;
        }
        let known: &HashSet<&str> = known.get_or_init(|| diff.old_names());
        let host = std::iter::once(first).chain(hosts).find(|host| !known.contains(host))?;
        let mut finding = Finding::of("plant", "beacon", line.span, "");
        finding.brings.extend(host.rsplit('.').nth(1).map(str::to_owned));
        finding.brings.insert(host.to_owned());
        Some(finding)
    })
}

/// This machine, and hosts that only stand for some.
fn is_nobody(host: &str) -> bool {
    ["localhost", "127.0.0.1", "0.0.0.0", "example.com", "example.org"].iter().any(|own| {
        host.strip_suffix(own).is_some_and(|rest| rest.is_empty() || rest.ends_with('.'))
    })
}

/// The hosts of the addresses that stand there letter by letter.
fn hosts(line: &str) -> impl Iterator<Item = &str> {
    line.match_indices("://").filter_map(|(at, sign)| {
        let scheme = line.get(..at)?;
        let rest = line.get(at + sign.len()..)?;
        let is_of_host = |c: char| c.is_alphanumeric() || c == '.' || c == '-';
        let end = rest.find(|c| !is_of_host(c)).unwrap_or(rest.len());
        let host = rest.get(..end).filter(|host| !host.is_empty())?;
        ["http", "https", "ws", "wss"].iter().any(|it| scheme.ends_with(it)).then_some(host)
    })
}
