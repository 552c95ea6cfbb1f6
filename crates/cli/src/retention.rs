//! How long the audit log is kept, as `config.toml` says.

use jiff::{SignedDuration, Timestamp};
use ringfence_record::RecordError;
use ringfence_record::log::{Keep, Log, Pruned};
use serde::Deserialize;

/// The section `[audit]`. Without it everything is kept.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct Retention {
    /// When the newest segment is closed before it is full (16 MiB).
    pub(crate) rotate: Rotate,
    /// Segments whose newest entry is older go.
    pub(crate) keep_days: Option<u32>,
    /// The oldest segments go where there are more MiB of them.
    pub(crate) keep_mib: Option<u64>,
}

/// When a segment is closed before it is full.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Rotate {
    /// Only when it is.
    #[default]
    Size,
    /// At the end of the first session of another day (UTC).
    Day,
}

impl Retention {
    /// Closes and removes what is to be.
    ///
    /// # Errors
    /// When the log is not sound, or files cannot be read, written or removed.
    pub(crate) fn apply(&self, log: &Log, now: Timestamp) -> Result<Option<Pruned>, RecordError> {
        if self.rotate == Rotate::Day {
            let today = now.to_string().split('T').next().unwrap_or_default().to_owned();
            if log.began()?.is_some_and(|began| !began.starts_with(&today)) {
                log.rotate()?;
            }
        }
        self.prune(log, now, "retention")
    }

    /// Removes what is to be.
    ///
    /// # Errors
    /// As [`Self::apply`].
    pub(crate) fn prune(
        &self,
        log: &Log,
        now: Timestamp,
        by: &str,
    ) -> Result<Option<Pruned>, RecordError> {
        if self.keep_days.is_none() && self.keep_mib.is_none() {
            return Ok(None);
        }
        let days = self.keep_days.map(|days| SignedDuration::from_hours(i64::from(days) * 24));
        let before = days.and_then(|days| now.checked_sub(days).ok());
        // A time that cannot be read is not known to be old.
        let is_old = |at: &str| {
            before.is_some_and(|before| at.parse::<Timestamp>().is_ok_and(|at| at < before))
        };
        let most_bytes = self.keep_mib.map(|mib| mib.saturating_mul(1 << 20));
        log.prune(&Keep { is_old: Some(&is_old), most_bytes }, &now.to_string(), by)
    }
}
