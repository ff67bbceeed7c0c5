//! cosign's signatures as anybody may push them: a manifest, a zero byte, a payload. What holds
//! was signed by the key that is asked for, and names the image that is asked about.
#![no_main]

use libfuzzer_sys::fuzz_target;
use oci::{Digest, RawManifest};
use trust::{
    SigningKey,
    cosign::{self, Trusted},
};

fuzz_target!(|data: &[u8]| {
    let at = data.iter().position(|byte| *byte == 0).unwrap_or(data.len());
    let (document, payload) = data.split_at(at);
    let payload = payload.get(1..).unwrap_or_default().to_vec();
    let key = SigningKey::from_scalar(&[7; 32]).expect("a small number is a scalar");
    let keys = [key.public()];
    let image = Digest::of(b"image");
    let payload_of = |_: &Digest| Some(payload.clone());
    let verify = |manifest: &RawManifest, whose| {
        cosign::verify(manifest, &payload_of, &image, Trusted::keys(&keys), whose)
    };
    if let Ok(manifest) = RawManifest::parse(document.to_vec(), None) {
        assert!(verify(&manifest, None).is_err(), "nobody else signs");
        assert!(!cosign::carries(&manifest, &payload, &keys[0]));
        if let Ok(signature) = cosign::sign(&key, b"ours".to_vec()) {
            let _more = cosign::append(&manifest, &[signature]);
        }
    }
    // The payload signed as it is, so that what is in it is read.
    let signature = cosign::sign(&key, payload.clone()).expect("a key in memory signs");
    let signed = cosign::signature_manifest(&[signature]).expect("it is one");
    if let Ok(verified) = verify(&signed.manifest, None) {
        let read: serde_json::Value = serde_json::from_slice(&payload).expect("it is JSON");
        let named = &read["critical"]["image"]["docker-manifest-digest"];
        assert_eq!(named, image.as_str());
        assert_eq!(verified.payload, payload);
        let whose = verified.docker_reference.as_str();
        if let Ok(again) = verify(&signed.manifest, Some(whose)) {
            assert_eq!(again, verified);
        }
    }
});
