//! Schemas generated from the code and checked in, so that a change of the format is seen in review.

use ringfence_action::{Action, Decision};
use schemars::Schema;
use serde_json::Value;

use crate::{Failure, files};

/// Writes the schemas, or with `check` says which differ; false if any does.
pub(crate) fn run(check: bool) -> Result<bool, Failure> {
    let mut fine = true;
    for (path, text) in generated()? {
        fine &= settle(path, &text, check)?;
    }
    Ok(fine)
}

/// Writes a generated file that differs, or with `check` says so; false if it was left as it is.
pub(crate) fn settle(path: &str, text: &str, check: bool) -> Result<bool, Failure> {
    if files::read(path)?.as_deref() == Some(text) {
        return Ok(true);
    }
    if check {
        eprintln!(
            "error: {path} is not what it is generated from; run `cargo xtask` and commit it"
        );
        return Ok(false);
    }
    files::write(path, text)?;
    println!("wrote {path}");
    Ok(true)
}

fn generated() -> Result<Vec<(&'static str, String)>, Failure> {
    Ok(vec![
        ("schema/action.json", json(schemars::schema_for!(Action))?),
        ("schema/decision.json", json(schemars::schema_for!(Decision))?),
        ("policies/schema.cedarschema", ringfence_policy::schema_text()),
    ])
}

fn json(schema: Schema) -> Result<String, Failure> {
    let mut text = serde_json::to_string_pretty(&Value::from(schema))?;
    text.push('\n');
    Ok(text)
}
