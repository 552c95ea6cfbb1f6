//! Compiles the data files of `catalog/` into tables.

#[path = "build/data.rs"]
mod data;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    data::generate()?;
    Ok(())
}
