//! Ground truth, gathered by Ringfence itself: read-only, bounded, unknown is a value.
