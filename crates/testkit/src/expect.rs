//! What a case expects, and how it differs from what came out.

use ringfence_action::{Effect, EffectKind, EffectPattern, Opaque, OpaqueReason, Outcome};

/// The lines of an `effects` block.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct EffectsExpectation {
    lines: Vec<(String, Expected)>,
    only: bool,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Expected {
    /// Some effect matches.
    Some(EffectPattern),
    /// No effect matches.
    None(EffectPattern),
    /// Some opaque remark has this reason, or any.
    Opaque(Option<OpaqueReason>),
    /// No opaque remark has this reason, or there is none at all.
    NotOpaque(Option<OpaqueReason>),
}

impl EffectsExpectation {
    /// Reads the block.
    ///
    /// # Errors
    /// The offset of the bad line and what is wrong with it.
    pub fn parse(text: &str) -> Result<Self, (usize, String)> {
        let mut expectation = Self::default();
        for (offset, line) in text.lines().enumerate() {
            let line = line.trim();
            if line.is_empty() || line.starts_with("# ") {
                continue;
            }
            if line == "only" {
                expectation.only = true;
                continue;
            }
            let expected = Expected::parse(line).map_err(|problem| (offset, problem))?;
            expectation.lines.push((line.to_owned(), expected));
        }
        if expectation.lines.is_empty() && !expectation.only {
            return Err((0, "expects nothing; write a line, or `only` for no effects".to_owned()));
        }
        Ok(expectation)
    }

    /// What is not as expected; empty is success.
    pub fn check(&self, effects: &[Effect], opaque: &[Opaque]) -> Vec<String> {
        let unmet = self.lines.iter().filter(|(_, expected)| !expected.holds(effects, opaque));
        let unmet = unmet.map(|(line, _)| format!("expected    {line}"));
        let unnamed = effects.iter().filter(|effect| self.only && !self.names(effect));
        unmet.chain(unnamed.map(|effect| format!("unexpected  {effect}"))).collect()
    }

    /// Whether a line asks for this effect. Running a program needs no naming.
    fn names(&self, effect: &Effect) -> bool {
        effect.kind == EffectKind::Exec
            || self.lines.iter().any(|(_, expected)| match expected {
                Expected::Some(pattern) => pattern.matches(effect),
                Expected::None(_) | Expected::Opaque(_) | Expected::NotOpaque(_) => false,
            })
    }
}

impl Expected {
    fn parse(line: &str) -> Result<Self, String> {
        let (negated, rest) = match line.strip_prefix('!') {
            Some(rest) => (true, rest.trim_start()),
            None => (false, line),
        };
        let (first, reason) = rest.split_once(char::is_whitespace).unwrap_or((rest, ""));
        if first == "opaque" {
            let reason = match reason.trim() {
                "" => None,
                name => Some(reason_named(name)?),
            };
            return Ok(if negated { Self::NotOpaque(reason) } else { Self::Opaque(reason) });
        }
        let pattern = EffectPattern::parse(rest).map_err(|error| error.to_string())?;
        Ok(if negated { Self::None(pattern) } else { Self::Some(pattern) })
    }

    fn holds(&self, effects: &[Effect], opaque: &[Opaque]) -> bool {
        let remarked = |reason: &Option<OpaqueReason>| {
            opaque.iter().any(|remark| reason.is_none_or(|reason| reason == remark.reason))
        };
        match self {
            Self::Some(pattern) => effects.iter().any(|effect| pattern.matches(effect)),
            Self::None(pattern) => !effects.iter().any(|effect| pattern.matches(effect)),
            Self::Opaque(reason) => remarked(reason),
            Self::NotOpaque(reason) => !remarked(reason),
        }
    }
}

fn reason_named(name: &str) -> Result<OpaqueReason, String> {
    let found = OpaqueReason::ALL.iter().find(|reason| reason.as_str() == name);
    found.copied().ok_or_else(|| format!("`{name}` is not a reason of opacity"))
}

/// The words of a `verdict` block.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct VerdictExpectation {
    verdicts: Vec<String>,
    rules: Vec<String>,
    absent: Vec<String>,
}

impl VerdictExpectation {
    /// Reads `VERDICT[|VERDICT…] [RULE | !RULE]…`.
    pub(crate) fn parse(text: &str) -> Result<Self, (usize, String)> {
        let mut words = text.split_whitespace();
        let verdicts: Vec<String> =
            words.next().unwrap_or_default().split('|').map(str::to_owned).collect();
        for verdict in &verdicts {
            let known = Outcome::from_name(verdict).is_some_and(|known| known != Outcome::Review);
            if !known {
                let hint = "write `allow`, `contain`, `ask` or `deny` first";
                return Err((0, format!("`{verdict}` is not a verdict; {hint}")));
            }
        }
        let (absent, rules): (Vec<&str>, Vec<&str>) = words.partition(|id| id.starts_with('!'));
        let absent = absent.into_iter().map(|id| id.trim_start_matches('!').to_owned()).collect();
        Ok(Self { verdicts, rules: rules.into_iter().map(str::to_owned).collect(), absent })
    }

    /// Whether the action must be let through as it is.
    pub fn allows(&self) -> bool {
        self.verdicts.iter().all(|verdict| verdict == "allow")
    }

    /// Whether the action must not be let through as it is.
    pub fn objects(&self) -> bool {
        self.verdicts.iter().all(|verdict| verdict != "allow")
    }

    /// What is not as expected; empty is success.
    pub fn check(&self, verdict: &str, rules: &[String]) -> Vec<String> {
        let mut problems = Vec::new();
        if !self.verdicts.iter().any(|expected| expected == verdict) {
            problems.push(format!("expected    {}, got {verdict}", self.verdicts.join(" or ")));
        }
        for id in self.rules.iter().filter(|id| !rules.contains(id)) {
            problems.push(format!("expected    rule {id}"));
        }
        for id in self.absent.iter().filter(|id| rules.contains(id)) {
            problems.push(format!("unexpected  rule {id}"));
        }
        problems
    }
}

#[cfg(test)]
mod tests {
    use ringfence_action::Target;

    use super::*;

    fn effects() -> Vec<Effect> {
        vec![
            Effect::new(EffectKind::Exec, Target::known("rm")),
            Effect::new(EffectKind::Delete, Target::known("/x")),
        ]
    }

    fn problems(expected: &str) -> Vec<String> {
        let opaque = [Opaque::new(OpaqueReason::DynamicCode, "")];
        EffectsExpectation::parse(expected).unwrap().check(&effects(), &opaque)
    }

    #[test]
    fn what_holds_is_silent() {
        for line in [
            "delete /x",
            "!net",
            "delete /x\nonly",
            "opaque dynamic_code",
            "opaque",
            "!opaque too_deep",
        ] {
            assert_eq!(problems(line), Vec::<String>::new(), "{line}");
        }
    }

    #[test]
    fn what_does_not_hold_is_named() {
        assert_eq!(problems("delete /y"), ["expected    delete /y"]);
        assert_eq!(problems("!delete"), ["expected    !delete"]);
        assert_eq!(problems("!opaque"), ["expected    !opaque"]);
        assert_eq!(problems("only"), ["unexpected  delete /x"]);
        assert_eq!(problems("opaque too_deep"), ["expected    opaque too_deep"]);
    }

    #[test]
    fn nonsense_is_refused_with_its_line() {
        assert_eq!(EffectsExpectation::parse("net\nremove /x").unwrap_err().0, 1);
        assert!(EffectsExpectation::parse("opaque tiredness").is_err());
        assert!(EffectsExpectation::parse("\n").is_err());
        assert!(VerdictExpectation::parse("maybe").is_err());
        assert!(VerdictExpectation::parse("review").is_err());
    }

    #[test]
    fn a_verdict_and_its_rules() {
        let expected = VerdictExpectation::parse("ask|deny fs.a !fs.b").unwrap();
        assert!(expected.check("deny", &["fs.a".into()]).is_empty());
        assert_eq!(expected.check("allow", &["fs.b".into()]).len(), 3);
    }
}
