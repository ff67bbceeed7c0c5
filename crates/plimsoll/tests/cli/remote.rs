//! Images in a registry: what is fetched, and what is not fetched again.

use std::{
    io::{BufRead as _, BufReader, Write as _},
    net::{TcpListener, TcpStream},
    path::{Path, PathBuf},
    sync::{Arc, Mutex},
    thread,
};

use oci::{ImageSource as _, Layout};

use crate::{
    sample,
    support::{NOW, Place},
};

/// A registry of one layout, which keeps account of what it was asked for.
struct Registry {
    host: String,
    asked: Arc<Mutex<Vec<String>>>,
}

impl Registry {
    fn start(layout: PathBuf) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
        let host = listener.local_addr().expect("an address").to_string();
        let asked = Arc::new(Mutex::new(Vec::new()));
        let list = asked.clone();
        thread::spawn(move || {
            for stream in listener.incoming() {
                let (layout, list) = (layout.clone(), list.clone());
                thread::spawn(move || answer(stream.expect("a connection"), &layout, &list));
            }
        });
        Self { host, asked }
    }

    /// Returns the paths that were asked for since the last time.
    fn asked(&self) -> Vec<String> {
        std::mem::take(&mut self.asked.lock().expect("no panic"))
    }
}

fn answer(mut stream: TcpStream, layout: &Path, asked: &Mutex<Vec<String>>) {
    let mut reader = BufReader::new(stream.try_clone().expect("a stream"));
    let (mut first, mut line) = (String::new(), String::new());
    reader.read_line(&mut first).expect("a request");
    while reader.read_line(&mut line).expect("a head") > 2 {
        line.clear();
    }
    let path = first
        .split_whitespace()
        .nth(1)
        .unwrap_or_default()
        .to_owned();
    let digest = match path.strip_prefix("/v2/app/manifests/") {
        Some("1.4") => {
            let layout = Layout::open(layout).expect("a layout");
            layout
                .select(Some("1.4"))
                .expect("an image")
                .root()
                .digest
                .to_string()
        }
        Some(digest) => digest.to_owned(),
        None => path.rsplit('/').next().unwrap_or_default().to_owned(),
    };
    let blob = digest.replace(':', "/");
    let body = std::fs::read(layout.join("blobs").join(blob)).unwrap_or_default();
    let kind = match path.contains("/manifests/") {
        true => oci::media_type::OCI_MANIFEST,
        false => "application/octet-stream",
    };
    let head = format!(
        "HTTP/1.1 200 OK\r\nContent-Type: {kind}\r\nContent-Length: {}\r\nConnection: close\r\n\r\n",
        body.len()
    );
    asked.lock().expect("no panic").push(path);
    // Whoever asked may be gone already.
    drop(stream.write_all(&[head.as_bytes(), &body].concat()));
}

#[test]
fn layers_that_are_known_are_not_fetched() {
    let place = Place::new();
    sample::image(&place);
    let registry = Registry::start(place.join("image"));
    let image = format!("{}/app:1.4", registry.host);
    let args = ["sbom", &image, "--now", NOW];
    let first = place.json(&args);
    let layers = first["metadata"]["component"]["properties"]
        .as_array()
        .expect("a list");
    let layers = layers
        .iter()
        .filter(|one| one["name"].to_string().contains("layer"));
    let layers: Vec<_> = layers
        .map(|one| one["value"].as_str().expect("a digest"))
        .collect();
    assert_eq!(layers.len(), 2);
    let asked = registry.asked();
    for layer in &layers {
        assert_eq!(
            asked.iter().filter(|path| path.ends_with(*layer)).count(),
            1,
            "{asked:?}"
        );
    }
    assert_eq!(place.json(&args), first);
    let asked = registry.asked();
    assert_eq!(asked.len(), 2, "{asked:?}");
    assert!(
        asked[0].ends_with("/manifests/1.4") && asked[1].contains("/blobs/"),
        "{asked:?}"
    );
    assert!(
        layers.iter().all(|layer| !asked[1].ends_with(layer)),
        "the configuration"
    );
    // Another image with the same layers.
    std::fs::remove_dir_all(place.join(".cache/plimsoll/images")).expect("a cache");
    assert_eq!(place.json(&args), first);
    assert_eq!(registry.asked().len(), 2);
    // What is not what its digest says is not believed.
    std::fs::remove_dir_all(place.join(".cache")).expect("a cache");
    let path = place.join("image/blobs").join(layers[1].replace(':', "/"));
    let mut bytes = std::fs::read(&path).expect("a layer");
    let last = bytes.len() - 1;
    bytes[last] ^= 1;
    std::fs::write(&path, bytes).expect("a layer");
    let output = place.output(&args);
    assert_eq!(output.status.code(), Some(3), "{}", place.show(&output));
}
