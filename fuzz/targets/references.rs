//! Names, tags, digests, references and the paths below `/v2/`.
#![no_main]

use libfuzzer_sys::fuzz_target;
use oci::{Digest, ImageRef, Reference, RepoName, Route, Tag};

fuzz_target!(|text: &str| {
    if let Ok(name) = text.parse::<RepoName>() {
        assert_eq!(name.as_str(), text);
        assert!(name.parts().all(|part| !part.is_empty()));
    }
    if let Ok(tag) = text.parse::<Tag>() {
        assert_eq!(tag.as_str(), text);
    }
    if let Ok(digest) = text.parse::<Digest>() {
        assert_eq!(digest.as_str(), text);
        let _shown = (digest.short(), digest.hex(), digest.algorithm());
    }
    if let Ok(reference) = text.parse::<Reference>() {
        let again: Reference = reference.to_string().parse().expect("what is written is read");
        assert_eq!(again, reference);
        let _target = reference.target();
    }
    let _image = text.parse::<ImageRef>();
    for path in [text.to_owned(), format!("/v2/{text}")] {
        if let Ok(route) = Route::parse(&path) {
            let named = route.repo().is_none_or(|repo| path.contains(repo.as_str()));
            assert!(named, "a route's repository stands in its path");
        }
    }
});
