//! How deep JSON text nests. What is told again stands deeper than it did: it must not be so deep that
//! whoever reads it then gives up.

/// Whether arrays and objects of this JSON text stand more than so many levels within each other.
pub fn nests_deeper(json: &[u8], levels: usize) -> bool {
    let (mut depth, mut within_string, mut escaped) = (0_usize, false, false);
    for byte in json {
        match byte {
            _ if escaped => escaped = false,
            b'\\' => escaped = within_string,
            b'"' => within_string = !within_string,
            _ if within_string => {}
            b'[' | b'{' => depth += 1,
            b']' | b'}' => depth = depth.saturating_sub(1),
            _ => {}
        }
        if depth > levels {
            return true;
        }
    }
    false
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn levels_are_counted_outside_of_strings() {
        for (json, depth) in [
            ("1", 0),
            ("[]", 1),
            (r#"{"a":[{"b":1}]}"#, 3),
            (r#"["[[[[", "\"[[[[", "\\", [1]]"#, 2),
            ("[[],[],[]]", 2),
        ] {
            assert!(!nests_deeper(json.as_bytes(), depth), "{json}");
            assert!(depth == 0 || nests_deeper(json.as_bytes(), depth - 1), "{json}");
        }
    }
}
