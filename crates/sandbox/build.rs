//! Compiles the profiles in, in a format that is read faster than the one they are written in.

use std::error::Error;
use std::path::Path;
use std::{env, fs};

const PROFILES: &str = "profiles";

#[expect(clippy::disallowed_methods, reason = "a build reads its sources and writes its output")]
fn main() -> Result<(), Box<dyn Error>> {
    println!("cargo::rerun-if-changed={PROFILES}");
    let out = env::var_os("OUT_DIR").ok_or("cargo names no OUT_DIR")?;
    for entry in fs::read_dir(PROFILES)? {
        let path = entry?.path();
        if path.extension().is_some_and(|it| it == "toml") {
            let profile: toml::Table = toml::from_str(&fs::read_to_string(&path)?)?;
            let name = path.with_extension("json");
            let name = name.file_name().ok_or("a profile has no name")?;
            fs::write(Path::new(&out).join(name), serde_json::to_string(&profile)?)?;
        }
    }
    Ok(())
}
