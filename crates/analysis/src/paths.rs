//! Paths: where they lie and what they are, told from their names alone.

use ringfence_action::{Attr, Effect, EffectKind, Target};

use crate::context::{Analyzer, Frame};
use crate::value::{Span, Value};

/// The absolute, normalised target that a path operand names in this frame.
pub(crate) fn locate(_analyzer: &Analyzer<'_>, frame: &Frame, path: &Value) -> Target {
    match (frame.cwd.as_known(), path) {
        (Some(cwd), Value::Known(path)) => {
            Target::known(ringfence_action::path::absolute(cwd, path))
        }
        _ => path.to_target(),
    }
}

/// Records an effect on a path: locates it, says where it lies and what it is, and adds the effects
/// that follow from touching such a path (`persist` for an rc file, `guard` for agent settings…).
pub(crate) fn effect(
    analyzer: &mut Analyzer<'_>,
    frame: &Frame,
    span: Span,
    kind: EffectKind,
    path: &Value,
    attributes: &[(Attr, ringfence_action::AttrValue)],
) {
    let mut effect = Effect::new(kind, locate(analyzer, frame, path));
    for (attr, value) in attributes {
        effect.attributes.set(*attr, value.clone());
    }
    analyzer.effect(frame, span, effect);
}
