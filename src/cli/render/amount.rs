//! Sizes and times as people read them.

/// `512 B`, `1.5 GiB`.
pub fn bytes(bytes: u64) -> String {
    const UNITS: [&str; 5] = ["B", "KiB", "MiB", "GiB", "TiB"];
    let mut value = bytes as f64;
    let mut unit = 0;
    // 1023.5 would be rounded to 1024.
    while value >= 1023.5 && unit + 1 < UNITS.len() {
        value /= 1024.0;
        unit += 1;
    }
    match unit {
        0 => format!("{bytes} B"),
        _ if value >= 99.95 => format!("{value:.0} {}", UNITS[unit]),
        _ => format!("{value:.1} {}", UNITS[unit]),
    }
}

/// `0.4 s`, `42 s`, `12 min 3 s`, `2 h 5 min`.
pub fn seconds(seconds: f64) -> String {
    if seconds < 9.95 {
        return format!("{:.1} s", seconds.max(0.0));
    }
    let whole = seconds.round() as u64;
    match (whole / 3600, whole / 60 % 60, whole % 60) {
        (0, 0, s) => format!("{s} s"),
        (0, min, s) => format!("{min} min {s} s"),
        (h, min, _) => format!("{h} h {min} min"),
    }
}

/// About how long: `40 s`, `2 min`, `1 h 10 min`.
pub fn about_seconds(seconds: f64) -> String {
    let minutes = (seconds / 60.0).round() as u64;
    match (minutes / 60, minutes % 60) {
        (0, _) if seconds < 90.0 => format!("{} s", seconds.max(0.0).round()),
        (0, min) => format!("{min} min"),
        (h, 0) => format!("{h} h"),
        (h, min) => format!("{h} h {min} min"),
    }
}

/// `1 job`, `2 jobs`.
pub fn count(number: u64, what: &str) -> String {
    match number {
        1 => format!("1 {what}"),
        _ => format!("{number} {what}s"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn amounts_are_short_and_right_at_their_edges() {
        assert_eq!([0, 1023, 1024, 1536 << 20].map(bytes), ["0 B", "1023 B", "1.0 KiB", "1.5 GiB"]);
        assert_eq!(bytes((1 << 20) - 1), "1.0 MiB");
        assert_eq!([1023 << 20, 1000 << 20, 99 << 20].map(bytes), ["1023 MiB", "1000 MiB", "99.0 MiB"]);
        assert_eq!(
            [0.04, 9.96, 59.6, 723.0, 7500.0].map(seconds),
            ["0.0 s", "10 s", "1 min 0 s", "12 min 3 s", "2 h 5 min"]
        );
        assert_eq!([42.0, 89.0, 120.0, 4200.0].map(about_seconds), ["42 s", "89 s", "2 min", "1 h 10 min"]);
    }
}
