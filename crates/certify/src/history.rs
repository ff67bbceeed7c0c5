//! Lines of history, which differ by builder: Docker's classic builder wraps everything in
//! `/bin/sh -c` and marks what is no command with `#(nop)`; BuildKit writes `RUN … # buildkit`.

use oci::ImageConfig;

use crate::Evidence;

/// Lines are looked at this far.
const MAX_LINE_BYTES: usize = 64 << 10;

/// One step of a build.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Step<'a> {
    /// The line as the builder wrote it.
    pub(crate) line: &'a str,
    /// `RUN`, `COPY`, `CMD` and so on; empty where the builder's form is not known.
    pub(crate) instruction: &'a str,
    /// What follows it, without the builder's wrapping.
    pub(crate) arguments: &'a str,
    /// The index of the layer that it made, if it made one and the counts agree.
    pub(crate) layer: Option<usize>,
}

/// Returns the steps, oldest first.
pub(crate) fn steps(config: &ImageConfig) -> impl Iterator<Item = Step<'_>> {
    let layers = config.history.iter().filter(|h| !h.empty_layer).count();
    let agree = layers == config.rootfs.diff_ids.len();
    let mut next = 0;
    config.history.iter().map(move |history| {
        let line = history.created_by.as_deref().unwrap_or_default();
        let (instruction, arguments) = split(shorten(line));
        let layer = (agree && !history.empty_layer).then_some(next);
        next += usize::from(!history.empty_layer);
        Step {
            line,
            instruction,
            arguments,
            layer,
        }
    })
}

fn shorten(line: &str) -> &str {
    let mut end = line.len().min(MAX_LINE_BYTES);
    while !line.is_char_boundary(end) {
        end -= 1;
    }
    &line[..end]
}

fn split(line: &str) -> (&str, &str) {
    const INSTRUCTIONS: [&str; 17] = [
        "RUN",
        "COPY",
        "ADD",
        "CMD",
        "ENTRYPOINT",
        "ENV",
        "ARG",
        "LABEL",
        "USER",
        "VOLUME",
        "WORKDIR",
        "EXPOSE",
        "HEALTHCHECK",
        "STOPSIGNAL",
        "SHELL",
        "ONBUILD",
        "MAINTAINER",
    ];
    let line = line.trim();
    let line = line.strip_suffix("# buildkit").unwrap_or(line).trim_end();
    let plain = line
        .strip_prefix("/bin/sh -c #(nop)")
        .unwrap_or(line)
        .trim_start();
    let (first, rest) = plain.split_once(char::is_whitespace).unwrap_or((plain, ""));
    if INSTRUCTIONS.contains(&first) {
        return (first, rest.trim());
    }
    if plain.starts_with("/bin/sh -c") || plain.starts_with('|') {
        return ("RUN", plain);
    }
    ("", plain)
}

impl<'a> Step<'a> {
    /// Returns the words of each simple command that a `RUN` step ran.
    pub(crate) fn commands(&self) -> Vec<Vec<&'a str>> {
        if self.instruction != "RUN" {
            return Vec::new();
        }
        let script = match self.arguments.split_once(" -c ") {
            Some((shell, script)) if shell.len() < 4096 => script,
            _ => self.arguments,
        };
        script
            .split(['&', ';', '|', '\n', '(', ')', '{', '}'])
            .map(|command| words(command).collect::<Vec<_>>())
            .filter(|words| !words.is_empty())
            .collect()
    }

    /// Returns evidence that points at this step.
    pub(crate) fn evidence(
        &self,
        subject: &crate::Subject<'_>,
        note: impl Into<String>,
    ) -> Evidence {
        let layer = self.layer.and_then(|index| subject.layer(index));
        Evidence::new(note)
            .with_line(shown(self.line))
            .in_layer(layer)
    }
}

/// Returns what evidence may show of a line: all but the values of build arguments, which may
/// be secrets, and nothing of a line that holds one.
pub(crate) fn shown(line: &str) -> &str {
    if inventory::secret_in_text(line).is_some() {
        return "(not shown: it holds a secret)";
    }
    let start = line.strip_prefix("RUN ").unwrap_or(line);
    match start.find(" /bin/sh -c") {
        Some(end) if start.starts_with('|') => &start[end + 1..],
        _ => line,
    }
}

/// The words of a command, without what may stand before the program's name.
fn words(command: &str) -> impl Iterator<Item = &str> {
    command.split_whitespace().skip_while(|word| {
        matches!(
            *word,
            "if" | "then" | "do" | "else" | "!" | "time" | "exec" | "env" | "\\"
        ) || word.split_once('=').is_some_and(|(name, _)| {
            !name.is_empty() && name.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_')
        })
    })
}

#[cfg(test)]
mod tests {
    use oci::History;
    use proptest::prelude::*;

    use super::*;

    fn config(lines: &[&str]) -> ImageConfig {
        ImageConfig {
            history: lines
                .iter()
                .map(|line| History {
                    created_by: Some((*line).to_owned()),
                    ..History::default()
                })
                .collect(),
            ..ImageConfig::default()
        }
    }

    fn check(line: &str, instruction: &str, arguments: &str) {
        let config = config(&[line]);
        let step = steps(&config).next().expect("one step");
        assert_eq!((step.instruction, step.arguments), (instruction, arguments));
    }

    #[test]
    fn reads_the_lines_of_all_builders() {
        check("/bin/sh -c #(nop)  CMD [\"sh\"]", "CMD", "[\"sh\"]");
        check("/bin/sh -c apk add curl", "RUN", "/bin/sh -c apk add curl");
        check("RUN /bin/sh -c make # buildkit", "RUN", "/bin/sh -c make");
        check("ADD rootfs.tar.gz / # buildkit", "ADD", "rootfs.tar.gz /");
        check("|1 A=b /bin/sh -c make", "RUN", "|1 A=b /bin/sh -c make");
        check("bazel build ...", "", "bazel build ...");
        check("", "", "");
    }

    #[test]
    fn build_arguments_are_not_shown() {
        let line = shown("RUN |1 TOKEN=x /bin/sh -c make # buildkit");
        assert_eq!(line, "/bin/sh -c make # buildkit");
        assert_eq!(shown("COPY a /a"), "COPY a /a");
        let line = shown("RUN /bin/sh -c sudo curl https://me:s3c@files.example/b");
        assert!(!line.contains("s3c"), "{line}");
    }

    #[test]
    fn finds_the_commands() {
        let config =
            config(&["RUN |1 V=2 /bin/sh -c set -e; A=1 apt-get update && sudo make # buildkit"]);
        let step = steps(&config).next().expect("one step");
        assert_eq!(
            step.commands(),
            [
                vec!["set", "-e"],
                vec!["apt-get", "update"],
                vec!["sudo", "make"]
            ]
        );
    }

    proptest! {
        #[test]
        fn never_panics(line in "\\PC{0,80}", run in "(RUN |/bin/sh -c |\\|1 )[ -~]{0,60}") {
            let config = config(&[&line, &run]);
            for step in steps(&config) {
                let _commands = step.commands();
            }
        }
    }
}
