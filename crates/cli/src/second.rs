//! The second score of the probe: the model that the user's settings name, checked and loaded.

use std::path::Path;
use std::sync::Arc;

use ringfence_classify::probe::{Second, Settings};

/// The files of a model, as they lie in its folder.
#[cfg(feature = "encoder")]
pub(crate) const FILES: [&str; 2] = ["model.onnx", "vocab.txt"];

/// Loads the model that these settings name. Nothing is taken that the head was not trained over, or that others than
/// `me` could have written.
pub(crate) fn load(settings: &Settings, me: u32) -> Result<Arc<dyn Second>, String> {
    let folder = settings.encoder.as_deref().ok_or("no folder is named")?;
    if !folder.is_absolute() {
        return Err(format!("`{}` is not an absolute folder", folder.display()));
    }
    load_from(folder, settings.encoder_timeout_ms, me)
}

#[cfg(feature = "encoder")]
fn load_from(folder: &Path, patience_ms: u64, me: u32) -> Result<Arc<dyn Second>, String> {
    use std::time::Duration;

    use ringfence_classify::probe::{Encoder, EncoderHead};

    use crate::rules;

    // The library listens to such variables, and would write into what the agent reads.
    if std::env::vars_os().any(|(name, _)| is_switch(&name)) {
        return Err("the environment sets RTEN_ variables".to_owned());
    }
    let head = EncoderHead::trained();
    let read = |name: &str, wanted: &str| {
        let path = folder.join(name);
        let bytes = rules::private_bytes(&path, me, MOST_BYTES)?;
        let found = digest(&bytes);
        if found == wanted {
            return Ok(bytes);
        }
        Err(format!("`{}` is another file than the one it was made for: {found}", path.display()))
    };
    let [network, vocabulary] = &head.digests;
    let network = read(FILES[0], network)?;
    let vocabulary = String::from_utf8(read(FILES[1], vocabulary)?)
        .map_err(|_| "the vocabulary is not UTF-8".to_owned())?;
    let patience = Duration::from_millis(patience_ms);
    Ok(Arc::new(Encoder::new(network, &vocabulary, head, patience)?))
}

#[cfg(not(feature = "encoder"))]
fn load_from(_: &Path, _: u64, _: u32) -> Result<Arc<dyn Second>, String> {
    Err("this program was built without the part that runs it".to_owned())
}

/// Longer files are no model of this kind.
#[cfg(feature = "encoder")]
pub(crate) const MOST_BYTES: u64 = 64 << 20;

#[cfg(feature = "encoder")]
pub(crate) fn digest(bytes: &[u8]) -> String {
    use std::fmt::Write as _;

    use sha2::{Digest as _, Sha256};

    Sha256::digest(bytes).iter().fold(String::new(), |mut text, byte| {
        let _ = write!(text, "{byte:02x}");
        text
    })
}

/// What the library that runs the model would take as a switch.
#[cfg(feature = "encoder")]
pub(crate) fn is_switch(name: &std::ffi::OsStr) -> bool {
    name.as_encoded_bytes().starts_with(b"RTEN_")
}
