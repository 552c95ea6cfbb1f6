//! One process that decides for many agents, shows what they do, and lets people step in.
