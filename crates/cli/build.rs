//! Compiles the pages of `tests/policy` in: `ringfence policy explain` tells by a case what a rule means.

use std::fmt::Write as _;
use std::fs;
use std::path::Path;
use std::{env, error::Error};

const PAGES: &str = "../../tests/policy";

#[expect(clippy::disallowed_methods, reason = "a build reads its sources and writes its output")]
fn main() -> Result<(), Box<dyn Error>> {
    println!("cargo::rerun-if-changed={PAGES}");
    let mut names = Vec::new();
    for entry in fs::read_dir(PAGES)? {
        let name = entry?.file_name().to_string_lossy().into_owned();
        if name.ends_with(".md") && name != "README.md" {
            names.push(name);
        }
    }
    names.sort();
    let folder = fs::canonicalize(PAGES)?;
    let mut list = String::from("const PAGES: &[(&str, &str)] = &[\n");
    for name in names {
        let path = folder.join(&name);
        writeln!(list, "    (\"tests/policy/{name}\", include_str!({path:?})),")?;
    }
    list.push_str("];\n");
    let out = env::var_os("OUT_DIR").ok_or("cargo names no OUT_DIR")?;
    Ok(fs::write(Path::new(&out).join("pages.rs"), list)?)
}
