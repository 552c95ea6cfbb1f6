//! Compiles the data files of `catalog/` into tables.

#![expect(clippy::disallowed_methods, reason = "a build script reads data and writes tables")]

#[path = "build/catalogue/mod.rs"]
mod catalogue;
#[path = "build/data.rs"]
mod data;
#[path = "src/aside/normal.rs"]
mod normal;

use std::error::Error;
use std::path::Path;
use std::process::ExitCode;

fn main() -> Result<ExitCode, Box<dyn Error>> {
    data::generate()?;
    let folder = Path::new(&std::env::var("CARGO_MANIFEST_DIR")?).join("../../catalog/commands");
    println!("cargo::rerun-if-changed={}", folder.display());
    match catalogue::compile(&folder) {
        Ok(text) => {
            std::fs::write(Path::new(&std::env::var("OUT_DIR")?).join("catalogue.rs"), text)?;
            Ok(ExitCode::SUCCESS)
        }
        Err(problems) => {
            for line in problems.iter().flat_map(|problem| problem.lines()) {
                println!("cargo::error={line}");
            }
            Ok(ExitCode::FAILURE)
        }
    }
}
