//! Ways in for somebody, and ways out for data of users.

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

/// A constant that lets whoever knows it in, or a check that always says yes.
pub(super) fn back_door(diff: &Diff<'_>) -> Option<Finding> {
    let door = diff.added().find(|(place, line)| {
        let after = diff.new.iter().skip(*place).take(SOON + 1);
        (compares_with_constant(line)
            && after.clone().any(|line| GRANTS.iter().any(|it| line.normal.contains(it))))
            || says_yes(diff, *place, line)
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
    ["===", "==", ".equals(", ".eql?(", "compare("].iter().any(|sign| {
        normal.match_indices(sign).any(|(at, _)| {
            let before = normal.get(..at).unwrap_or_default();
            let after = normal.get(at + sign.len()..).unwrap_or_default();
            let after = after.trim_start_matches('=');
            let right = literal(after);
            let left =
                before.strip_suffix('\'').and_then(|it| it.rsplit_once('\'')).map(|(_, it)| it);
            let constant = right.or(left);
            let other = if right.is_some() { operand(before) } else { after };
            constant.is_some_and(|constant| is_secret_like(constant, is_plain_secret(other)))
                && is_sent(line.text, other)
        })
    })
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
fn is_sent(line: &str, operand: &str) -> bool {
    let lower = line.to_lowercase();
    let name = names(operand).last().unwrap_or_default().to_owned();
    let from_request = ["header", "cookie", "query"].iter().any(|it| operand.contains(it))
        || (operand.contains(".get(") && lower.contains("req"));
    // The spelling of the source has the words apart.
    let spelled = names(line).find(|own| own.to_lowercase() == name).unwrap_or_default().to_owned();
    let last = words(&spelled).pop().unwrap_or_default();
    let of_kind = ["type", "kind", "status", "state", "value", "length", "name"];
    from_request || (CREDENTIALS.contains(&last.as_str()) && !of_kind.contains(&last.as_str()))
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
        place.checked_sub(1).and_then(|at| diff.new.get(at))
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

/// What is sent follows its address this soon, in lines.
const STATEMENT: usize = 6;

/// What users type or programs keep for them goes to a host that the code did not know.
pub(super) fn beacon(diff: &Diff<'_>) -> Option<Finding> {
    for (place, line) in diff.added() {
        let Some(host) = host(&line.normal).filter(|host| !diff.had(host)) else { continue };
        let statement = diff.new.iter().skip(place.saturating_sub(2)).take(STATEMENT + 2);
        let says = |words: &[&str]| {
            statement.clone().any(|line| words.iter().any(|word| line.normal.contains(word)))
        };
        let known = ["localhost", "127.0.0.1", "0.0.0.0", "example.com", "example.org"]
            .iter()
            .any(|own| host == *own || host.ends_with(&format!(".{own}")));
        if !known && host.contains('.') && says(SENDERS) && says(PRIVATE) && !says(SIGNS_IN) {
            let mut finding = Finding::of("plant", "beacon", line.span, "");
            finding.brings.extend(host.rsplit('.').nth(1).map(str::to_owned));
            finding.brings.insert(host);
            return Some(finding);
        }
    }
    None
}

/// The host of the first address that stands there letter by letter.
fn host(line: &str) -> Option<String> {
    let at = ["https://", "http://", "wss://", "ws://"]
        .iter()
        .filter_map(|scheme| line.find(scheme).map(|at| at + scheme.len()))
        .min()?;
    let rest = line.get(at..)?;
    let end =
        rest.find(|c: char| !c.is_alphanumeric() && c != '.' && c != '-').unwrap_or(rest.len());
    rest.get(..end).filter(|host| !host.is_empty()).map(str::to_owned)
}
