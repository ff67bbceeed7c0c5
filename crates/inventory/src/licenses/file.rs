//! Which licence a file like `LICENSE` or `COPYING` holds: by the identifier that it states, or
//! by sentences that only this licence has. What a package says of itself comes before.

use memchr::memmem;

use super::names;
use crate::{
    FileEntry, Found,
    analyser::{Analyser, Counts, Findings, Reading, Want},
};

/// Reads licence files; the merge looks up those of packages that state no licence.
pub(crate) static ANALYSER: Analyser = Analyser {
    name: "license",
    wants: &[Want::File(is_wanted)],
    counts: Counts::Asked,
    read: Reading::Whole {
        most: MOST,
        read: |_, bytes| {
            let licenses = recognise(bytes);
            let found = (!licenses.is_empty()).then_some(Found::Licenses(licenses));
            found.map(Findings::one).unwrap_or_default()
        },
    },
    ..Analyser::BASE
};

/// The longest licences are a fourth of this; collections of many are of no use as a hint.
const MOST: u64 = 256 << 10;
/// More licences than these say nothing of a package.
const MAX_LICENSES: usize = 16;

fn is_wanted(file: &FileEntry) -> bool {
    file.size <= MOST && is_license(file.path.rsplit_once('/').map_or(&file.path, |(_, n)| n))
}

/// Returns whether a file of this name holds a licence.
pub(crate) fn is_license(name: &str) -> bool {
    let starts = |word: &str| {
        let start = name.get(..word.len());
        start.is_some_and(|start| start.eq_ignore_ascii_case(word))
    };
    let Some(word) = ["license", "licence", "copying", "unlicense"]
        .into_iter()
        .find(|word| starts(word))
    else {
        return false;
    };
    // `LICENSE`, `LICENSE-MIT`, `COPYING.LESSER`, `LICENSE.txt`; no `license.js`.
    let rest = name[word.len()..].to_ascii_lowercase();
    let extension = rest.rsplit_once('.').map_or("", |(_, extension)| extension);
    let is_text = matches!(
        extension,
        "" | "txt" | "md" | "rst" | "lesser" | "lib" | "mit" | "apache" | "bsd"
    );
    is_text && (rest.is_empty() || rest.starts_with(['.', '-', '_', '2', '3']))
}

/// Sentences, all of which a licence has, in lower case and with single spaces.
static SENTENCES: &[(&str, &[&str])] = &[
    (
        "AGPL-3.0-only",
        &["gnu affero general public license version 3, 19 november 2007"],
    ),
    ("Apache-2.0", &["apache license version 2.0, january 2004"]),
    ("Artistic-2.0", &["the artistic license 2.0"]),
    ("BlueOak-1.0.0", &["blue oak model license version 1.0.0"]),
    (
        "BSL-1.0",
        &["boost software license - version 1.0 - august 17th, 2003"],
    ),
    ("CC0-1.0", &["cc0 1.0 universal"]),
    ("EPL-1.0", &["eclipse public license - v 1.0"]),
    ("EPL-2.0", &["eclipse public license - v 2.0"]),
    (
        "GPL-2.0-only",
        &["gnu general public license version 2, june 1991"],
    ),
    (
        "GPL-3.0-only",
        &["gnu general public license version 3, 29 june 2007"],
    ),
    (
        "LGPL-2.0-only",
        &["gnu library general public license version 2, june 1991"],
    ),
    (
        "LGPL-2.1-only",
        &["gnu lesser general public license version 2.1, february 1999"],
    ),
    (
        "LGPL-3.0-only",
        &["gnu lesser general public license version 3, 29 june 2007"],
    ),
    (
        "MIT",
        &[
            "permission is hereby granted, free of charge, to any person obtaining a copy of",
            "to deal in the software without restriction, including without limitation the \
             rights to use, copy, modify, merge, publish",
            "shall be included in all copies or substantial portions of the software",
        ],
    ),
    ("MPL-1.1", &["mozilla public license version 1.1"]),
    (
        "MPL-2.0",
        &["mozilla public license version 2.0", "1.1. \"contributor\""],
    ),
    (
        "OFL-1.1",
        &["sil open font license version 1.1 - 26 february 2007"],
    ),
    ("PSF-2.0", &["python software foundation license version 2"]),
    (
        "Unlicense",
        &["this is free and unencumbered software released into the public domain"],
    ),
    ("WTFPL", &["do what the fuck you want to public license"]),
    (
        "Zlib",
        &[
            "without any express or implied warranty",
            "the origin of this software must not be misrepresented",
        ],
    ),
];

/// Words that make another licence of one that they are added to: nothing is said of such a text.
const RESTRICTIONS: [&str; 5] = [
    "commons clause",
    "shall be used for good, not evil",
    "llvm exceptions to the apache 2.0 license",
    "no express or implied licenses to any party's patent rights",
    "nuclear facility",
];

/// Returns the identifiers of the licences in a text, in order and each once.
pub(crate) fn recognise(bytes: &[u8]) -> Vec<String> {
    let text = String::from_utf8_lossy(bytes);
    let mut found: Vec<String> = stated(&text);
    if found.is_empty() {
        let plain = plain(&text);
        if RESTRICTIONS.iter().any(|words| has(&plain, words)) {
            return found;
        }
        let known = SENTENCES
            .iter()
            .filter(|(_, all)| all.iter().all(|one| has(&plain, one)));
        found.extend(known.map(|(id, _)| (*id).to_owned()));
        found.extend(bsd(&plain).map(str::to_owned));
        found.extend(isc(&plain).map(str::to_owned));
    }
    found.sort();
    found.dedup();
    found.truncate(MAX_LICENSES);
    found
}

/// Returns whether a text has these words; faster than the standard library does.
fn has(plain: &str, words: &str) -> bool {
    memmem::find(plain.as_bytes(), words.as_bytes()).is_some()
}

/// Returns what is stated as SPDX would have it (SPDX 2.3, annex E).
fn stated(text: &str) -> Vec<String> {
    let lines = text
        .lines()
        .filter_map(|line| line.split_once("SPDX-License-Identifier:"));
    let texts = lines.map(|(_, text)| text.trim().trim_end_matches("*/").trim());
    let known = texts.filter(|text| names::is_expression(text));
    known.take(MAX_LICENSES).map(str::to_owned).collect()
}

/// The clauses tell which of the BSD licences it is.
fn bsd(plain: &str) -> Option<&'static str> {
    let has = |sentence: &str| has(plain, sentence);
    let is_bsd = has("redistributions of source code must retain the above copyright notice")
        && has("redistributions in binary form must reproduce the above copyright notice");
    // Apache's first licence grew out of it.
    if !is_bsd || has("apache software foundation") {
        return None;
    }
    Some(
        match has("neither the name") || has("may not be used to endorse or promote") {
            true if has("all advertising materials mentioning features") => "BSD-4-Clause",
            true => "BSD-3-Clause",
            false => "BSD-2-Clause",
        },
    )
}

/// The same sentence, with a condition or without.
fn isc(plain: &str) -> Option<&'static str> {
    let (_, rest) =
        plain.split_once("distribute this software for any purpose with or without fee")?;
    let rest = rest.strip_prefix(" is hereby granted")?;
    match rest.starts_with(", provided that the above copyright notice") {
        true => Some("ISC"),
        false => Some("0BSD"),
    }
}

/// Lower case, single spaces, plain quotes, no marks of comments and headings.
fn plain(text: &str) -> String {
    let lower = text.to_lowercase().replace(['\u{201c}', '\u{201d}'], "\"");
    let words = lower.split_whitespace();
    let words = words.filter(|word| {
        !word
            .chars()
            .all(|c| matches!(c, '#' | '*' | '/' | '=' | '-') && *word != "-")
    });
    words.collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn is(text: &str) -> String {
        recognise(text.as_bytes()).join(" ")
    }

    #[test]
    fn knows_names_of_licence_files() {
        for name in [
            "LICENSE",
            "license.md",
            "LICENCE.txt",
            "COPYING",
            "COPYING.LESSER",
            "LICENSE-MIT",
            "LICENSE.APACHE",
            "UNLICENSE",
            "COPYING3",
            "LICENSE-MIT.txt",
        ] {
            assert!(is_license(name), "{name}");
        }
        for name in [
            "license.js",
            "licenses",
            "LICENSES",
            "licensing.txt",
            "copy",
            "",
            "copyings",
        ] {
            assert!(!is_license(name), "{name}");
        }
    }

    #[test]
    fn knows_licences_by_their_sentences() {
        for (id, sentences) in SENTENCES {
            assert_eq!(is(&sentences.join("\n\n")), *id);
            assert!(super::super::spdx::is_id(id), "{id}");
            for sentence in *sentences {
                assert_eq!(plain(sentence), *sentence);
            }
        }
        let mit = "MIT License\n\nCopyright (c) A\n\nPermission is hereby granted, free of charge, \
            to any person obtaining a copy\n of this software and associated documentation files \
            (the \"Software\"), to deal\n in the Software without restriction, including without \
            limitation the rights\n to use, copy, modify, merge, publish, distribute, sublicense, \
            and/or sell\n copies.\nThe above copyright notice and this permission notice shall be \
            included in all\n copies or substantial portions of the Software.\n";
        assert_eq!(is(mit), "MIT");
        let json = format!("{mit}\nThe Software shall be used for Good, not Evil.\n");
        assert_eq!(is(&json), "", "another licence");
        let long = format!("SPDX-License-Identifier: MIT{}", " OR MIT".repeat(1_000));
        assert_eq!(is(&long), "");
        let bsd = "Redistributions of source code must retain the above copyright notice\n * \
            Redistributions in binary form must reproduce the above copyright notice\n";
        assert_eq!(is(bsd), "BSD-2-Clause");
        let three = format!("{bsd} 3. Neither the name of the holder");
        assert_eq!(is(&three), "BSD-3-Clause");
        let four = format!("{three} All advertising materials mentioning features");
        assert_eq!(is(&four), "BSD-4-Clause");
        let isc = "Permission to use, copy, modify, and/or distribute this software for any\n \
            purpose with or without fee is hereby granted";
        assert_eq!(is(isc), "0BSD");
        let provided = format!("{isc}, provided that the above\n copyright notice and this");
        assert_eq!(is(&provided), "ISC");
        let both = format!("{mit}\n{bsd}");
        assert_eq!(is(&both), "BSD-2-Clause MIT");
        assert_eq!(is("All rights reserved."), "");
        assert_eq!(
            is("/* SPDX-License-Identifier: MIT OR Apache-2.0 */"),
            "MIT OR Apache-2.0"
        );
        assert_eq!(is("# SPDX-License-Identifier: nothing"), "");
    }

    proptest::proptest! {
        #[test]
        fn never_panics(bytes in proptest::collection::vec(proptest::num::u8::ANY, 0..300), name in "\\PC{0,12}") {
            recognise(&bytes);
            is_license(&name);
            is_license(&format!("License{name}"));
        }
    }
}
