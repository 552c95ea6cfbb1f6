//! What analysis could not tell, and why. Not an error and not harmless: a value that policy sees.

use std::fmt;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::Evidence;

/// A part of the action whose effects are not known.
#[derive(
    Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize, JsonSchema,
)]
pub struct Opaque {
    /// The class of reason: what policy decides on.
    pub reason: OpaqueReason,
    /// The particulars, for people: a program, an option, a variable.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub detail: String,
    /// The words that could not be understood.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub evidence: Option<Evidence>,
}

impl Opaque {
    /// An opaque remark without evidence.
    pub fn new(reason: OpaqueReason, detail: impl Into<String>) -> Self {
        Self { reason, detail: detail.into(), evidence: None }
    }

    /// The same remark, pointing at the words.
    pub fn at(mut self, evidence: Evidence) -> Self {
        self.evidence = Some(evidence);
        self
    }
}

macro_rules! reasons {
    ($($(#[doc = $doc:literal])+ $variant:ident = $name:literal,)+) => {
        /// Why a part of an action could not be understood.
        #[derive(
            Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize, JsonSchema,
        )]
        #[serde(rename_all = "snake_case")]
        pub enum OpaqueReason {
            $($(#[doc = $doc])+ $variant,)+
        }

        impl OpaqueReason {
            /// Every reason.
            pub const ALL: &'static [Self] = &[$(Self::$variant),+];

            /// The word for it, as in policies and JSON.
            pub const fn as_str(self) -> &'static str {
                match self {
                    $(Self::$variant => $name,)+
                }
            }
        }
    };
}

reasons! {
    /// Longer than analysis reads (64 KiB).
    TooLarge = "too_large",
    /// Nested deeper than analysis follows.
    TooDeep = "too_deep",
    /// Analysis ran out of steps or of time.
    OutOfFuel = "out_of_fuel",
    /// Analysis panicked; the panic was caught.
    Panicked = "panicked",
    /// NUL bytes, or text that is not what its encoding says.
    InvalidText = "invalid_text",
    /// Characters that a reader does not see or mistakes for others.
    HiddenCharacters = "hidden_characters",
    /// Code that was written in an encoding, so that nobody would read it, is decoded and run.
    DecodedCode = "decoded_code",
    /// The text does not parse in its language.
    ParseError = "parse_error",
    /// It parses, but uses a construct that analysis does not model.
    UnsupportedSyntax = "unsupported_syntax",
    /// The name of the program that would run is computed.
    DynamicProgram = "dynamic_program",
    /// Code that is computed would be run.
    DynamicCode = "dynamic_code",
    /// An option that the catalogue does not know.
    UnknownOption = "unknown_option",
    /// Inline code in a language that is not analysed.
    InlineCode = "inline_code",
    /// Code arrives on standard input from somewhere that analysis cannot see.
    StdinCode = "stdin_code",
    /// A file would be run whose content was not available.
    UnseenFile = "unseen_file",
    /// Substitution openers or separators were found that no visited command accounts for.
    Unvisited = "unvisited",
    /// The variable environment changes which programs run.
    EnvironmentCode = "environment_code",
    /// A tool that Ringfence does not know.
    UnknownTool = "unknown_tool",
    /// A known tool with input that does not have its shape.
    MalformedInput = "malformed_input",
    /// A shell dialect that is not analysed.
    UnsupportedDialect = "unsupported_dialect",
}

impl fmt::Display for OpaqueReason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

impl fmt::Display for Opaque {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.detail.is_empty() {
            write!(f, "opaque({})", self.reason)
        } else {
            write!(f, "opaque({}: {})", self.reason, self.detail)
        }
    }
}
