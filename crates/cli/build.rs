//! Compiles the pages of `tests/policy` in: `ringfence policy explain` tells by a case what a rule means. And says
//! where the program lies in memory, and what of it lies side by side.

use std::fmt::Write as _;
use std::fs;
use std::path::Path;
use std::process::Command;
use std::{env, error::Error};

const PAGES: &str = "../../tests/policy";

#[expect(clippy::disallowed_methods, reason = "a build reads its sources and writes its output")]
fn main() -> Result<(), Box<dyn Error>> {
    println!("cargo::rerun-if-changed={PAGES}");
    lie_at_one_place();
    lie_side_by_side()?;
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

/// What answers an agent lies side by side, in the order in which it is needed. Spread over the whole program it is on
/// four times as many pages, each of which is mapped by itself, and given back at the end: `docs/adr/0019`.
fn lie_side_by_side() -> Result<(), Box<dyn Error>> {
    const LIST: &str = "layout/x86_64-linux.txt";
    println!("cargo::rerun-if-changed={LIST}");
    let is = |name: &str, value: &str| env::var(name).is_ok_and(|it| it == value);
    if is("TARGET", SIDE_BY_SIDE) && is("PROFILE", "release") && links_with_lld() {
        let list = fs::canonicalize(LIST)?;
        println!("cargo::rustc-link-arg-bins=-Wl,--symbol-ordering-file={}", list.display());
        // A list that has grown old costs time, and nothing else.
        println!("cargo::rustc-link-arg-bins=-Wl,--no-warn-symbol-ordering");
    }
    Ok(())
}

/// The target that there is a list for.
const SIDE_BY_SIDE: &str = "x86_64-unknown-linux-gnu";

/// Whether the linker is the one that comes with the compiler, as it is for this target unless something else is
/// asked for. Another one may not know the option.
#[expect(clippy::disallowed_methods, reason = "the compiler is asked where it lies")]
fn links_with_lld() -> bool {
    let flags = env::var("CARGO_ENCODED_RUSTFLAGS").unwrap_or_default();
    if env::var_os("RUSTC_LINKER").is_some() || flags.contains("link") || flags.contains("fuse-ld")
    {
        return false;
    }
    let Some(compiler) = env::var_os("RUSTC") else { return false };
    let asked = Command::new(compiler).args(["--print", "sysroot"]).output();
    let Some(told) = asked.ok().filter(|it| it.status.success()) else { return false };
    let root = String::from_utf8_lossy(&told.stdout).trim().to_owned();
    Path::new(&root).join("lib/rustlib").join(SIDE_BY_SIDE).join("bin/gcc-ld/ld.lld").is_file()
}

/// A program that can lie anywhere has all its pointers written at every start: 55,000 of them, on 250 pages, which
/// is a sixth of what a hook may take. `docs/adr/0018` weighs that against what it is good for.
fn lie_at_one_place() {
    let target = |name: &str| env::var(format!("CARGO_CFG_TARGET_{name}")).unwrap_or_default();
    if target("OS") == "linux" && target("ENV") == "gnu" {
        println!("cargo::rustc-link-arg-bins=-no-pie");
    }
}
