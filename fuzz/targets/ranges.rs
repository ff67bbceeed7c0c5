//! `Range` and `Content-Range`: eight bytes of size, then the header.
#![no_main]

use libfuzzer_sys::fuzz_target;
use oci::{ByteRange, ChunkRange};

fuzz_target!(|data: (u64, &str)| {
    let (size, text) = data;
    for header in [text.to_owned(), format!("bytes={text}")] {
        if let Ok(ByteRange::Part(part)) = ByteRange::parse(&header, size) {
            assert!(part.start < part.end && part.end <= size);
        }
    }
    if let Ok(chunk) = text.parse::<ChunkRange>() {
        assert!(chunk.len > 0);
        assert!(chunk.first.checked_add(chunk.len - 1).is_some());
    }
});
