//! Whether people who watch agents still see anything.
