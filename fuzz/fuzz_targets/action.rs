//! Any bytes as an action: refused with a message, or read, normalised and analysed to the end.

#![no_main]

use libfuzzer_sys::fuzz_target;
use ringfence_action::Action;

fuzz_target!(|bytes: &[u8]| {
    if let Ok(action) = Action::from_json(bytes) {
        let call = ringfence_adapters::normalize(&action);
        let _ = ringfence_analysis::analyze(&action, &call);
    }
});
