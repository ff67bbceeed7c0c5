//! A manifest as anybody may push it: the media type on the first line, the document below.
#![no_main]

use libfuzzer_sys::fuzz_target;
use oci::RawManifest;

fuzz_target!(|data: &[u8]| {
    let at = data.iter().position(|byte| *byte == b'\n').unwrap_or(0);
    let (first, document) = data.split_at(at);
    let Ok(media_type) = std::str::from_utf8(first) else {
        return;
    };
    let media_type = (!media_type.is_empty()).then_some(media_type);
    let Ok(manifest) = RawManifest::parse(document.to_vec(), media_type) else {
        return;
    };
    assert_eq!(manifest.bytes, document, "the bytes are kept as they came");
    for named in manifest.blobs().chain(manifest.children()) {
        let text = named.digest.as_str();
        assert_eq!(text.parse(), Ok(named.digest.clone()));
    }
    let _about = (manifest.subject(), manifest.artifact_type(), manifest.annotations());
    // It is stored with its type, and must be read alike from then on.
    let stored = RawManifest::parse(manifest.bytes.clone(), Some(&manifest.media_type));
    assert_eq!(stored.expect("what was taken is read again"), manifest);
});
