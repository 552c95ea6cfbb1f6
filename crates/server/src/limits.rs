//! How much may be asked: so much that nobody who looks takes the place of an agent that waits for a decision.

use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use axum::http::StatusCode;
use tokio::sync::{Semaphore, SemaphorePermit};

use crate::problem::Problem;

/// Whoever looks, all together: so many requests at once, and so many a second after that. A page that checks the
/// whole log asks for thousands.
const LOOKS: f64 = 5_000.0;
const LOOKS_A_SECOND: f64 = 500.0;

/// So many of them are worked on at a time; hooks have threads of their own left.
const AT_WORK: usize = 16;

/// So long one waits for its turn.
const PATIENCE: Duration = Duration::from_secs(20);

/// A bucket that empties by what is done, and fills with time.
#[derive(Debug)]
pub(crate) struct Bucket {
    state: Mutex<(f64, Instant)>,
    most: f64,
    a_second: f64,
}

impl Bucket {
    /// Full: so many at once, and so many a second after that.
    pub(crate) fn new(most: f64, a_second: f64) -> Self {
        Self { state: Mutex::new((most, now())), most, a_second }
    }

    /// Takes one out; false where there is none.
    pub(crate) fn take(&self) -> bool {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        let (left, at) = *state;
        let left = (left + at.elapsed().as_secs_f64() * self.a_second).min(self.most);
        let has_one = left >= 1.0;
        *state = (if has_one { left - 1.0 } else { left }, now());
        has_one
    }
}

/// What those who look are held to.
pub(crate) struct Limits {
    looks: Bucket,
    at_work: Semaphore,
    patience: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        let looks = Bucket::new(LOOKS, LOOKS_A_SECOND);
        Self { looks, at_work: Semaphore::new(AT_WORK), patience: PATIENCE }
    }
}

impl Limits {
    /// Lets somebody who may look look, in their turn.
    pub(crate) async fn enter(&self) -> Result<SemaphorePermit<'_>, Problem> {
        if !self.looks.take() {
            return Err(too_much());
        }
        let turn = tokio::time::timeout(self.patience, self.at_work.acquire()).await;
        turn.ok().and_then(Result::ok).ok_or_else(too_much)
    }
}

fn too_much() -> Problem {
    let problem = "too much is asked at once; wait a moment, and try again";
    Problem::new(StatusCode::TOO_MANY_REQUESTS, problem)
}

#[expect(clippy::disallowed_methods, reason = "buckets fill with time")]
fn now() -> Instant {
    Instant::now()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bucket_empties_and_fills() {
        let bucket = Bucket::new(3.0, 0.0);
        let taken: Vec<bool> = (0..5).map(|_| bucket.take()).collect();
        assert_eq!(taken, [true, true, true, false, false]);
        let quick = Bucket::new(1.0, 1e6);
        assert!(quick.take());
        std::thread::sleep(Duration::from_millis(1));
        assert!(quick.take());
    }

    #[tokio::test]
    async fn who_comes_when_all_are_busy_waits_and_is_turned_away_in_the_end() {
        let limits = Limits { patience: Duration::from_millis(20), ..Limits::default() };
        let mut inside = Vec::new();
        for _ in 0..AT_WORK {
            inside.push(limits.enter().await.unwrap());
        }
        assert!(limits.enter().await.is_err());
        inside.pop();
        assert!(limits.enter().await.is_ok());
        // And at once where too many came before.
        while limits.looks.take() {}
        assert!(limits.enter().await.is_err());
    }
}
