//! The audit log in the formats that others read.
