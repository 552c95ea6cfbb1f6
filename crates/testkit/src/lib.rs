//! Literate Markdown tests, corpora and oracles for the other crates.
