//! Compiles the data files of `catalog/` into tables.

#![expect(clippy::disallowed_methods, reason = "a build script reads data and writes tables")]

#[path = "build/data.rs"]
mod data;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    data::generate()?;
    Ok(())
}
