//! The names of one entry: options and operands that rules speak of, each with a number.

/// Names in order of first mention; the number of a name is its index.
#[derive(Debug)]
pub(crate) struct Names {
    defined: Vec<String>,
}

impl Names {
    /// Every entry knows `op`, the words of the subcommand.
    pub(crate) fn new() -> Self {
        Self { defined: vec!["op".to_owned()] }
    }

    /// Gives a name a number.
    pub(crate) fn define(&mut self, name: &str) -> Result<u8, String> {
        let valid = name.starts_with(|c: char| c.is_ascii_lowercase())
            && name.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_');
        if !valid {
            return Err(format!("`{name}` is not a name; names are lower-case words"));
        }
        let known = self.defined.iter().position(|defined| defined == name);
        let index = known.unwrap_or_else(|| {
            self.defined.push(name.to_owned());
            self.defined.len() - 1
        });
        u8::try_from(index).map_err(|_| "more than 255 names in one entry".to_owned())
    }

    /// The number of a name that an option or operand has defined.
    pub(crate) fn find(&self, name: &str) -> Result<u8, String> {
        let found = self.defined.iter().position(|defined| defined == name);
        found
            .and_then(|index| u8::try_from(index).ok())
            .ok_or_else(|| format!("`{name}` names no option or operand of this entry"))
    }

    pub(crate) fn all(&self) -> &[String] {
        &self.defined
    }
}
