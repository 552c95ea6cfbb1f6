//! As much of JSON Schema as the schemas here use; a word that is not known is an error, not a pass.

use serde_json::Value;

pub(crate) struct Schema(Value);

impl Schema {
    pub(crate) fn read(name: &str) -> Self {
        let path = format!("{}/../../schema/export/{name}", env!("CARGO_MANIFEST_DIR"));
        Self(serde_json::from_str(&std::fs::read_to_string(path).unwrap()).unwrap())
    }

    pub(crate) fn problems(&self, value: &Value) -> Vec<String> {
        let mut problems = Vec::new();
        self.check(&self.0, value, "", &mut problems);
        problems
    }

    fn check(&self, schema: &Value, value: &Value, at: &str, problems: &mut Vec<String>) {
        for (word, rule) in schema.as_object().unwrap() {
            match word.as_str() {
                "$schema" | "title" | "$defs" => {}
                "$ref" => {
                    let pointer = rule.as_str().unwrap().strip_prefix('#').unwrap();
                    self.check(self.0.pointer(pointer).unwrap(), value, at, problems);
                    return;
                }
                "type" => {
                    let is = match rule.as_str().unwrap() {
                        "object" => value.is_object(),
                        "array" => value.is_array(),
                        "string" => value.is_string(),
                        "integer" => value.is_i64() || value.is_u64(),
                        "boolean" => value.is_boolean(),
                        other => panic!("type {other}"),
                    };
                    if !is {
                        wrong(problems, at, &format!("{value} is no {rule}"));
                    }
                }
                "const" if value != rule => wrong(problems, at, &format!("{value} is not {rule}")),
                "enum" if !rule.as_array().unwrap().contains(value) => {
                    wrong(problems, at, &format!("{value} is none of {rule}"))
                }
                "minimum" if value.as_i64() < rule.as_i64() => {
                    wrong(problems, at, &format!("{value} is below {rule}"))
                }
                "const" | "enum" | "minimum" | "additionalProperties" => {}
                "pattern" => {
                    let text = value.as_str().unwrap_or_default();
                    let hex = |length| {
                        text.len() == length
                            && text
                                .bytes()
                                .all(|b| b.is_ascii_hexdigit() && !b.is_ascii_uppercase())
                    };
                    let fits = match rule.as_str().unwrap() {
                        "^[0-9]+$" => !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit()),
                        "^[0-9a-f]{16}$" => hex(16),
                        "^[0-9a-f]{32}$" => hex(32),
                        other => panic!("pattern {other}"),
                    };
                    if !fits {
                        wrong(problems, at, &format!("{value} does not fit {rule}"));
                    }
                }
                "required" => {
                    for name in rule.as_array().unwrap() {
                        if value.get(name.as_str().unwrap()).is_none() {
                            wrong(problems, at, &format!("{name} is missing"));
                        }
                    }
                }
                "properties" => {
                    for (name, inner) in value.as_object().into_iter().flatten() {
                        match rule.get(name) {
                            Some(rule) => {
                                self.check(rule, inner, &format!("{at}/{name}"), problems)
                            }
                            None if schema["additionalProperties"] == false => {
                                problems.push(format!("{at}: {name} is not known"))
                            }
                            None => {}
                        }
                    }
                }
                "items" => {
                    for (index, inner) in value.as_array().into_iter().flatten().enumerate() {
                        self.check(rule, inner, &format!("{at}/{index}"), problems);
                    }
                }
                "oneOf" => {
                    let tried: Vec<Vec<String>> = rule
                        .as_array()
                        .unwrap()
                        .iter()
                        .map(|rule| {
                            let mut problems = Vec::new();
                            self.check(rule, value, at, &mut problems);
                            problems
                        })
                        .collect();
                    if tried.iter().filter(|it| it.is_empty()).count() != 1 {
                        let closest = tried.into_iter().min_by_key(Vec::len).unwrap_or_default();
                        problems
                            .push(format!("{at}: not exactly one fits; the closest: {closest:?}"));
                    }
                }
                other => panic!("`{other}` is not known here"),
            }
        }
    }
}

fn wrong(problems: &mut Vec<String>, at: &str, what: &str) {
    problems.push(format!("{at}: {what}"));
}
