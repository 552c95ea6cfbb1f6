//! The only place where a decision is made: analysis, facts, policy and session, in that order.
