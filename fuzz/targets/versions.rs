//! Every version order: three texts, which no order may sort in a circle.
#![no_main]

use std::cmp::Ordering;

use advisory::version::Scheme;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: (u8, &str, &str, &str)| {
    let (which, a, b, c) = data;
    let scheme = Scheme::ALL[usize::from(which) % Scheme::ALL.len()];
    let (Ok(forth), Ok(back)) = (scheme.compare(a, b), scheme.compare(b, a)) else {
        return;
    };
    assert_eq!(forth, back.reverse());
    assert_eq!(scheme.compare(a, a), Ok(Ordering::Equal));
    // Arch does not compare releases where one of two versions has none.
    if scheme != Scheme::Pacman && forth.is_le() && scheme.compare(b, c).is_ok_and(Ordering::is_le) {
        assert!(scheme.compare(a, c).is_ok_and(Ordering::is_le));
    }
});
