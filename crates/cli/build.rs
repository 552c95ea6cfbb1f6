//! Compiles the pages of `tests/policy` in: `ringfence policy explain` tells by a case what a rule means. And says
//! where the program lies in memory.

use std::fmt::Write as _;
use std::fs;
use std::path::Path;
use std::{env, error::Error};

const PAGES: &str = "../../tests/policy";

#[expect(clippy::disallowed_methods, reason = "a build reads its sources and writes its output")]
fn main() -> Result<(), Box<dyn Error>> {
    println!("cargo::rerun-if-changed={PAGES}");
    lie_at_one_place();
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

/// A program that can lie anywhere has all its pointers written at every start: 55,000 of them, on 250 pages, which
/// is a sixth of what a hook may take. `docs/adr/0018` weighs that against what it is good for.
fn lie_at_one_place() {
    let target = |name: &str| env::var(format!("CARGO_CFG_TARGET_{name}")).unwrap_or_default();
    if target("OS") == "linux" && target("ENV") == "gnu" {
        println!("cargo::rustc-link-arg-bins=-no-pie");
    }
}
