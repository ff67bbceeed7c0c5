//! The one place that writes: data to standard output, everything else to standard error.

use std::io::{self, IsTerminal, Write};

use clap::{ValueEnum, builder::styling::Style};
use serde::Serialize;

use crate::failure::Failure;

/// How data is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, ValueEnum)]
pub(crate) enum Format {
    /// For people.
    #[default]
    Text,
    /// For programs.
    Json,
}

/// When colours are used.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, ValueEnum)]
pub(crate) enum Color {
    /// On a terminal, unless `NO_COLOR` is set.
    #[default]
    Auto,
    /// Always.
    Always,
    /// Never.
    Never,
}

/// Writes what the user asked to see, as the user asked to see it.
#[derive(Debug, Clone)]
pub(crate) struct Printer {
    format: Format,
    quiet: bool,
    color_out: bool,
    color_err: bool,
    progress: bool,
}

impl Printer {
    /// Decides on colours and progress once.
    pub(crate) fn new(format: Format, quiet: bool, color: Color, no_color: bool) -> Self {
        let (out, err) = (io::stdout().is_terminal(), io::stderr().is_terminal());
        let colored = |terminal: bool| match color {
            Color::Always => true,
            Color::Never => false,
            Color::Auto => terminal && !no_color,
        };
        Self {
            format,
            quiet,
            color_out: colored(out),
            color_err: colored(err),
            progress: err && !quiet,
        }
    }

    /// Returns whether data is for programs.
    pub(crate) fn is_json(&self) -> bool {
        self.format == Format::Json
    }

    /// Returns whether progress may be drawn on standard error.
    pub(crate) fn shows_progress(&self) -> bool {
        self.progress
    }

    /// Writes data, as it is.
    ///
    /// # Errors
    /// Standard output cannot be written; a reader that went away is no failure.
    pub(crate) fn out(&self, text: &str) -> Result<(), Failure> {
        let mut out = io::stdout().lock();
        let written = out.write_all(text.as_bytes()).and_then(|()| out.flush());
        written.map_err(|error| match error.kind() {
            io::ErrorKind::BrokenPipe => Failure::reader_gone(),
            _ => Failure::failed("cannot write to standard output").because(&error),
        })
    }

    /// Writes a document, indented.
    ///
    /// # Errors
    /// As [`Self::out`].
    pub(crate) fn json(&self, document: &impl Serialize) -> Result<(), Failure> {
        let mut text = serde_json::to_string_pretty(document)
            .map_err(|error| Failure::failed("the result has no JSON form").because(&error))?;
        text.push('\n');
        self.out(&text)
    }

    /// Writes a document on one line, for streams of events.
    ///
    /// # Errors
    /// As [`Self::out`].
    pub(crate) fn json_line(&self, document: &serde_json::Value) -> Result<(), Failure> {
        self.out(&format!("{document}\n"))
    }

    /// Tells something by the way.
    pub(crate) fn note(&self, text: &str) {
        if !self.quiet {
            err(text);
        }
    }

    /// Tells something that may make the result worth less.
    pub(crate) fn warn(&self, text: &str) {
        let label = self.label("warning", YELLOW);
        err(&format!("{label}: {text}"));
    }

    /// Tells why the command ends, once.
    pub(crate) fn failure(&self, failure: &Failure) {
        if failure.message.is_empty() {
            return;
        }
        err(&format!(
            "{}: {}",
            self.label("error", RED),
            failure.message
        ));
        for cause in &failure.causes {
            err(&format!("  caused by: {cause}"));
        }
        if let Some(hint) = &failure.hint {
            err(&format!("{}: {hint}", self.label("hint", CYAN)));
        }
    }

    /// Returns `text` in `style`, where data may be coloured.
    pub(crate) fn paint(&self, style: Style, text: &str) -> String {
        paint(self.color_out, style, text)
    }

    fn label(&self, text: &str, style: Style) -> String {
        paint(self.color_err, style, text)
    }
}

const RED: Style = color(clap::builder::styling::AnsiColor::Red).bold();
const YELLOW: Style = color(clap::builder::styling::AnsiColor::Yellow).bold();
const CYAN: Style = color(clap::builder::styling::AnsiColor::Cyan).bold();

/// Returns the style of a colour.
pub(crate) const fn color(color: clap::builder::styling::AnsiColor) -> Style {
    Style::new().fg_color(Some(clap::builder::styling::Color::Ansi(color)))
}

fn paint(colored: bool, style: Style, text: &str) -> String {
    if colored && !text.is_empty() {
        format!("{style}{text}{style:#}")
    } else {
        text.to_owned()
    }
}

/// A message that cannot be written has nobody to tell it to.
fn err(text: &str) {
    let _nobody_to_tell = writeln!(io::stderr().lock(), "{text}");
}

/// Keeps words of an image or a stranger from moving the cursor of a terminal.
pub(crate) fn plain(text: &str) -> String {
    text.chars()
        .map(|c| if c.is_control() { ' ' } else { c })
        .collect()
}

/// Returns the first `most` characters, with `…` where something was left out.
pub(crate) fn short(text: &str, most: usize) -> String {
    let clean = plain(text);
    match clean.char_indices().nth(most) {
        Some((end, _)) => format!("{}…", clean[..end].trim_end()),
        None => clean,
    }
}

/// Lines up rows of cells in columns, two spaces between them.
pub(crate) fn columns(rows: &[Vec<Cell>]) -> String {
    let count = rows.iter().map(Vec::len).max().unwrap_or(0);
    let width = |column: usize| {
        let cells = rows.iter().filter_map(|row| row.get(column));
        cells.map(|cell| cell.width).max().unwrap_or(0)
    };
    let widths: Vec<_> = (0..count).map(width).collect();
    let mut text = String::new();
    for row in rows {
        let mut line = String::new();
        for (cell, width) in row.iter().zip(&widths) {
            line.push_str(&cell.text);
            line.push_str(&" ".repeat(width + 2 - cell.width));
        }
        text.push_str(line.trim_end());
        text.push('\n');
    }
    text
}

/// One cell: what is written, and how wide it is without colours.
#[derive(Debug, Clone)]
pub(crate) struct Cell {
    text: String,
    width: usize,
}

impl Cell {
    /// A cell without colour; control characters become spaces.
    pub(crate) fn new(text: &str) -> Self {
        let text = plain(text);
        Self {
            width: text.chars().count(),
            text,
        }
    }

    /// A cell in a style.
    pub(crate) fn styled(printer: &Printer, style: Style, text: &str) -> Self {
        let cell = Self::new(text);
        Self {
            text: printer.paint(style, &cell.text),
            width: cell.width,
        }
    }
}

/// Returns `1 layer`, `2 layers`.
pub(crate) fn count(number: usize, one: &str, many: &str) -> String {
    format!("{number} {}", if number == 1 { one } else { many })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_line_up_and_hostile_words_stay_in_their_cell() {
        let row = |a: &str, b: &str| vec![Cell::new(a), Cell::new(b)];
        let text = columns(&[
            row("NAME", "VERSION"),
            row("zlib\u{1b}[2J", "1"),
            row("é", ""),
        ]);
        assert_eq!(
            text,
            "NAME       VERSION\nzlib [2J  1\né\n".replace("NAME       ", "NAME      ")
        );
        assert_eq!(short("a long title", 6), "a long…");
        assert_eq!(count(1, "file", "files"), "1 file");
    }
}
