//! How long a remote may take, and how often it is asked again.

use std::time::Duration;

use backon::{BackoffBuilder as _, ExponentialBackoff, ExponentialBuilder};

/// Bounds of every wait. A build must never hang because a remote does.
#[derive(Clone, Copy, Debug)]
pub struct Patience {
    pub connect: Duration,
    /// How long nothing may come or go. A remote that sends less than [`Patience::SLOWEST`] in that time counts as silent.
    pub silence: Duration,
    /// How often what passes by itself is tried again.
    pub retries: usize,
    pub first_delay: Duration,
    /// Bounds the growing delays. A remote that asks for a longer one with Retry-After is not waited for.
    pub longest_delay: Duration,
}

impl Patience {
    /// Bytes: a line that is slower is of no use for what takes megabytes.
    pub(super) const SLOWEST: u64 = 64 << 10;

    pub(super) fn delays(&self) -> ExponentialBackoff {
        ExponentialBuilder::new()
            .with_min_delay(self.first_delay)
            .with_max_delay(self.longest_delay)
            .with_max_times(self.retries)
            .build()
    }
}

impl Default for Patience {
    fn default() -> Self {
        Self {
            connect: Duration::from_secs(10),
            silence: Duration::from_secs(30),
            retries: 3,
            first_delay: Duration::from_millis(500),
            longest_delay: Duration::from_secs(20),
        }
    }
}
