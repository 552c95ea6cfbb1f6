//! Checked-in copies of generated text, for tests.

use std::path::Path;

/// Compares a generated text with its checked-in copy, or writes the copy where `RINGFENCE_BLESS`
/// is set.
#[expect(clippy::disallowed_methods, reason = "tests look at checked-in files")]
pub(crate) fn compare(path: &str, generated: &str) {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(path);
    if std::env::var_os("RINGFENCE_BLESS").is_some() {
        std::fs::write(&path, generated).unwrap();
        return;
    }
    let checked_in = std::fs::read_to_string(&path).unwrap_or_default();
    assert!(
        checked_in == generated,
        "{} is stale; run RINGFENCE_BLESS=1 cargo test -p ringfence-policy",
        path.display()
    );
}
