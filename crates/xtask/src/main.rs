//! Build tasks: schema, tidy, catalogue and corpus reports.
fn main() {}
