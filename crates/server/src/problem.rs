//! What went wrong, as it is answered.

use axum::Json;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use ringfence_record::RecordError;
use serde_json::json;

use crate::gate::Refused;

/// A status, and what happened, why, what to do.
#[derive(Debug)]
pub(crate) struct Problem(pub(crate) StatusCode, pub(crate) String);

impl Problem {
    pub(crate) fn new(status: StatusCode, problem: impl Into<String>) -> Self {
        Self(status, problem.into())
    }

    pub(crate) fn wrong(problem: impl Into<String>) -> Self {
        Self::new(StatusCode::BAD_REQUEST, problem)
    }

    pub(crate) fn forbidden(problem: impl Into<String>) -> Self {
        Self::new(StatusCode::FORBIDDEN, problem)
    }

    pub(crate) fn missing(problem: impl Into<String>) -> Self {
        Self::new(StatusCode::NOT_FOUND, problem)
    }

    pub(crate) fn failed(problem: impl Into<String>) -> Self {
        Self::new(StatusCode::SERVICE_UNAVAILABLE, problem)
    }
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        (self.0, Json(json!({"error": self.1}))).into_response()
    }
}

impl From<RecordError> for Problem {
    fn from(error: RecordError) -> Self {
        Self::failed(error.to_string())
    }
}

impl From<Refused> for Problem {
    fn from(refused: Refused) -> Self {
        let status = StatusCode::from_u16(refused.status);
        Self(status.unwrap_or(StatusCode::SERVICE_UNAVAILABLE), refused.problem)
    }
}
