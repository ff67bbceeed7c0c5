//! The page that documents the checks, made from their own texts.

use crate::CHECKS;

/// Returns the page as Markdown, one sentence per line where the texts are so written.
pub fn catalogue() -> String {
    let mut page = String::from(
        "# Certification checks\n\n\
         <!-- Made from the checks' own texts; rewrite it with UPDATE_DOCS=1 cargo test -p plimsoll-certify -->\n\n\
         Each image is checked without being run.\n\
         An image passes when no check of level *error* fails; warnings and infos are for its publisher to weigh.\n\n\
         | check | level | question |\n|---|---|---|\n",
    );
    for check in CHECKS {
        let (id, level, title) = (check.id, check.level.as_str(), check.title);
        page.push_str(&format!("| [`{id}`](#{id}) | {level} | {title} |\n"));
    }
    for check in CHECKS {
        page.push_str(&format!(
            "\n## {}\n\n**{}** ({})\n\n{}\n\n*A pass proves:* {}\n\n*If it fails:* {}\n",
            check.id,
            check.title,
            check.level.as_str(),
            check.help,
            check.proves,
            check.suggestion
        ));
    }
    page
}
