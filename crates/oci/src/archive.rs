//! Images in one tar file, read in place: the file is indexed once and never unpacked.

mod docker;
mod oci;
mod tar_index;
#[cfg(test)]
mod tests;

pub use docker::DockerArchive;
pub use oci::OciArchive;

use crate::{ImageRef, ImageSource, Layout, SourceError};

/// Opens an image that lies in a file or a layout.
///
/// # Errors
/// [`SourceError`] where it cannot be read; for a registry and a root file system it says
/// what handles them.
pub fn open_image(image: &ImageRef) -> Result<Box<dyn ImageSource>, SourceError> {
    let instead = match image {
        ImageRef::OciLayout(dir, tag) => {
            return Ok(Box::new(Layout::open(dir)?.select(tag.as_deref())?));
        }
        ImageRef::OciArchive(file, tag) => {
            return Ok(Box::new(OciArchive::open(file, tag.as_deref())?));
        }
        ImageRef::DockerArchive(file, name) => {
            return Ok(Box::new(DockerArchive::open(file, name.as_deref())?));
        }
        ImageRef::Registry(_) => {
            "an image in a registry is pulled first, with `Client::pull_to_layout`"
        }
        ImageRef::Rootfs(_) => {
            "a root file system has no manifest; it is walked as it is, by the inventory"
        }
    };
    Err(SourceError::NotAFile {
        reference: image.to_string(),
        instead,
    })
}
