//! A file that is said to be an image, as skopeo or `docker save` writes one: it is opened as
//! either, and every platform's image in it is read to the end.
#![no_main]

use std::{io, path::PathBuf, sync::LazyLock};

use libfuzzer_sys::fuzz_target;
use oci::{ImageRef, open_image, platform_images};
use plimsoll_fuzz::mend_headers;

static FOLDER: LazyLock<tempfile::TempDir> =
    LazyLock::new(|| tempfile::tempdir().expect("a folder"));

fn read(image: &ImageRef) {
    let Ok(source) = open_image(image) else { return };
    let Ok(images) = platform_images(&*source) else { return };
    for image in images {
        let _history = image.config.layer_history();
        for layer in image.layers() {
            if let Ok(mut bytes) = source.open(layer) {
                let _read = io::copy(&mut bytes, &mut io::sink());
            }
        }
    }
}

fuzz_target!(|data: &[u8]| {
    let mut archive = data.to_vec();
    mend_headers(&mut archive);
    let file: PathBuf = FOLDER.path().join("image.tar");
    std::fs::write(&file, &archive).expect("written");
    read(&ImageRef::OciArchive(file.clone(), None));
    read(&ImageRef::DockerArchive(file, None));
});
