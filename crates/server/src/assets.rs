//! The console, where it is within the binary.

use axum::http::{StatusCode, Uri};
use axum::response::{IntoResponse, Response};

use crate::problem::Problem;

#[cfg(feature = "console")]
mod embedded {
    use super::*;
    use axum::http::header;
    use include_dir::{Dir, include_dir};

    static CONSOLE: Dir<'static> = include_dir!("$CARGO_MANIFEST_DIR/../../console/dist");

    /// The type of what is served, by the ending of its name.
    fn kind_of(path: &str) -> &'static str {
        match path.rsplit('.').next() {
            Some("html") => "text/html; charset=utf-8",
            Some("js") => "text/javascript; charset=utf-8",
            Some("css") => "text/css; charset=utf-8",
            Some("svg") => "image/svg+xml",
            Some("png") => "image/png",
            Some("woff2") => "font/woff2",
            Some("json" | "webmanifest") => "application/json",
            _ => "application/octet-stream",
        }
    }

    /// A file of the console; its first page for every path that names none, since those are its own.
    pub(super) fn find(path: &str) -> Option<Response> {
        let is_page = !path.rsplit('/').next().is_some_and(|name| name.contains('.'));
        let path = if is_page { "index.html" } else { path };
        let file = CONSOLE.get_file(path)?;
        // What the build names by its content never changes.
        let keep = if path.starts_with("assets/") {
            "public, max-age=31536000, immutable"
        } else {
            "no-store"
        };
        let headers = [(header::CONTENT_TYPE, kind_of(path)), (header::CACHE_CONTROL, keep)];
        Some((headers, file.contents()).into_response())
    }
}

#[cfg(not(feature = "console"))]
mod embedded {
    use super::*;

    const WHY: &str = "the console is not within this binary: run `console/build`, then build with \
                       `--features console`; the interface is at /api/v1\n";

    pub(super) fn find(path: &str) -> Option<Response> {
        path.is_empty().then(|| (StatusCode::OK, WHY).into_response())
    }
}

pub(crate) async fn asset(uri: Uri) -> Response {
    let path = uri.path().trim_start_matches('/');
    let missing = || Problem::new(StatusCode::NOT_FOUND, "there is nothing here");
    embedded::find(path).unwrap_or_else(|| missing().into_response())
}
