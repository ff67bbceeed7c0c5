//! Bars on standard error while something takes long; nothing where that is no terminal.

use std::time::Duration;

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

use crate::printer::Printer;

/// A bar over bytes.
pub(crate) struct Bar {
    bar: ProgressBar,
}

impl Bar {
    /// Starts a bar called `name`.
    pub(crate) fn new(printer: &Printer, name: &str) -> Self {
        let target = if printer.shows_progress() {
            ProgressDrawTarget::stderr()
        } else {
            ProgressDrawTarget::hidden()
        };
        let bar = ProgressBar::with_draw_target(Some(0), target);
        let style = "{prefix:>9} {bar:30} {bytes}/{total_bytes} {msg}";
        bar.set_style(ProgressStyle::with_template(style).expect("the template is well formed"));
        bar.set_prefix(name.to_owned());
        if printer.shows_progress() {
            bar.enable_steady_tick(Duration::from_millis(200));
        }
        Self { bar }
    }

    /// Starts a sign of life called `name`, for work whose length is not known.
    pub(crate) fn steps(printer: &Printer, name: &str) -> Self {
        let bar = Self::new(printer, name);
        let style = ProgressStyle::with_template("{prefix} {spinner} {elapsed} {msg}");
        bar.bar
            .set_style(style.expect("the template is well formed"));
        bar
    }

    /// Shows what it is at.
    pub(crate) fn note(&self, note: &str) {
        self.bar.set_message(note.to_owned());
    }

    /// Shows how far it is.
    pub(crate) fn set(&self, done: u64, total: u64, note: &str) {
        self.bar.set_length(total);
        self.bar.set_position(done);
        if self.bar.message() != note {
            self.bar.set_message(note.to_owned());
        }
    }
}

impl Drop for Bar {
    fn drop(&mut self) {
        self.bar.finish_and_clear();
    }
}
