//! What others have published, to read one's own figures beside.
//!
//! Figures of one vendor's users and of controlled studies, as published in 2026. They are no targets.

/// Users of a coding agent approve this share of its prompts.
pub const APPROVAL: &str = "93 %";

/// Share of sessions in which everything is approved automatically: of new users, and after about 750 sessions.
pub const EVERYTHING: &str = "20 → 40 %";

/// Share of turns that are interrupted: by new users, and by experienced ones.
pub const INTERRUPTED: &str = "5 → 9 %";

/// The length that one turn in a thousand exceeds: late September 2025, and early January 2026.
pub const LONGEST: &str = "25 → 45 min";

/// The middle length of a turn.
pub const MEDIAN: &str = "45 s";

/// Interventions in a session: August, and December 2025, in the vendor's own use.
pub const INTERVENTIONS: &str = "5.4 → 3.3";

/// Share of tool calls that cannot be undone.
pub const IRREVERSIBLE: &str = "0.8 %";

/// Share of people who caught a dangerous prompt that was slipped in: of all, and of those with 50 prompts or more behind them.
pub const CAUGHT: &str = "13.6 % (17 → 5 %)";

/// On the most complex goals the agent stops to ask this much more often than on the simplest.
pub const CLARIFIED: &str = "> 2 × if complex";
