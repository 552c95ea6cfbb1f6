//! How agents speak: foreign payloads and transcripts to actions, and back.
