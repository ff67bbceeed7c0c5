//! Drawings (SVG) as pictures of pixels. They are programs for whoever shows them: scripts,
//! references to elsewhere, shapes that stand for millions. So what may be in one is listed,
//! counted, and rendered on a thread of its own, for a limited time; the drawing itself is
//! never kept or given out.

use std::time::Duration;

use bytes::Bytes;
use quick_xml::{Reader, events::Event};
use resvg::{
    tiny_skia::{Pixmap, Transform},
    usvg::{Group, ImageHrefResolver, Node, Options, Tree},
};
use tokio::sync::oneshot;

use crate::AppError;

/// Largest drawing accepted, in bytes.
const MAX_BYTES: usize = 512 << 10;
/// Most elements as they are written.
const MAX_ELEMENTS: usize = 5_000;
/// Most shapes and groups once everything that is used again is put in its places.
const MAX_SHAPES: usize = 10_000;
/// Deepest nesting as it is written.
const MAX_DEPTH: usize = 100;
/// Most clips, masks and patterns: each is a picture of its own.
const MAX_LAYERS: usize = 100;
/// Pixels along the longer edge of what it becomes.
const EDGE: f32 = 1_024.0;
/// How long it may take.
const LONGEST: Duration = Duration::from_secs(10);
/// For the deepest nesting.
const STACK: usize = 32 << 20;

/// What a drawing may consist of. Text would need fonts, which differ from machine to machine.
const ELEMENTS: &[&str] = &[
    "circle",
    "clipPath",
    "defs",
    "desc",
    "ellipse",
    "g",
    "line",
    "linearGradient",
    "mask",
    "metadata",
    "path",
    "pattern",
    "polygon",
    "polyline",
    "radialGradient",
    "rect",
    "stop",
    "style",
    "svg",
    "symbol",
    "title",
    "use",
];

/// Returns whether bytes are XML, of which no other picture consists.
pub(super) fn is_one(bytes: &[u8]) -> bool {
    let text = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes);
    text.trim_ascii_start().starts_with(b"<")
}

/// Renders a drawing as PNG.
pub(super) async fn render(bytes: Bytes) -> Result<Vec<u8>, AppError> {
    let (send, receive) = oneshot::channel();
    let worker = std::thread::Builder::new().name("svg".to_owned());
    worker
        .stack_size(STACK)
        .spawn(move || {
            // Nobody waits any more where it took too long.
            drop(send.send(rendered(&bytes)));
        })
        .map_err(AppError::internal)?;
    match tokio::time::timeout(LONGEST, receive).await {
        Ok(Ok(rendered)) => rendered,
        Ok(Err(_gone)) => Err(refuse("it cannot be rendered: upload it as PNG")),
        Err(_late) => Err(refuse("it takes too long to render: upload it as PNG")),
    }
}

fn refuse(message: impl Into<String>) -> AppError {
    AppError::invalid("picture", message)
}

fn rendered(bytes: &[u8]) -> Result<Vec<u8>, AppError> {
    if bytes.len() > MAX_BYTES {
        return Err(AppError::TooLarge(format!(
            "the SVG has {} bytes; at most {MAX_BYTES} are accepted",
            bytes.len()
        )));
    }
    let text = std::str::from_utf8(bytes).map_err(|_| refuse("the SVG is not UTF-8"))?;
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    check(text)?;
    let options = Options {
        // Nothing is fetched and no file is read, whatever it names.
        image_href_resolver: ImageHrefResolver {
            resolve_data: Box::new(|_, _, _| None),
            resolve_string: Box::new(|_, _| None),
        },
        ..Options::default()
    };
    let tree = Tree::from_str(text, &options)
        .map_err(|error| refuse(format!("it cannot be read as SVG: {error}")))?;
    let layers = tree.clip_paths().len() + tree.masks().len() + tree.patterns().len();
    if !tree.root().has_children() {
        return Err(refuse(
            "the SVG draws nothing: convert text to paths, or upload it as PNG",
        ));
    }
    if !tree.filters().is_empty() {
        return Err(refuse(
            "the SVG has filters, which are not taken: upload it as PNG",
        ));
    }
    if count(tree.root()) > MAX_SHAPES || layers > MAX_LAYERS {
        return Err(refuse(format!(
            "the SVG has more than {MAX_SHAPES} shapes, or {MAX_LAYERS} clips, masks and patterns: upload it as PNG"
        )));
    }
    draw(&tree)
}

/// Says what a drawing has that it may not have.
fn check(text: &str) -> Result<(), AppError> {
    let mut reader = Reader::from_str(text);
    let (mut elements, mut depth) = (0, 0_usize);
    loop {
        let event = reader
            .read_event()
            .map_err(|error| refuse(format!("it cannot be read as SVG: {error}")))?;
        let (start, opens) = match event {
            Event::Start(start) => (start, 1),
            Event::Empty(start) => (start, 0),
            Event::End(_) => {
                depth = depth.saturating_sub(1);
                continue;
            }
            Event::DocType(_) => {
                return Err(refuse(
                    "the SVG has a document type: take `<!DOCTYPE …>` out",
                ));
            }
            Event::Eof => return Ok(()),
            _ => continue,
        };
        elements += 1;
        depth += opens;
        if elements > MAX_ELEMENTS || depth > MAX_DEPTH {
            return Err(refuse(format!(
                "the SVG has more than {MAX_ELEMENTS} elements, or more than {MAX_DEPTH} in one another"
            )));
        }
        let name = start.local_name();
        let name = String::from_utf8_lossy(name.as_ref());
        // What drawing programs note for themselves has names of their own.
        let is_foreign = start
            .name()
            .prefix()
            .is_some_and(|prefix| prefix.as_ref() != b"svg");
        if !is_foreign && !ELEMENTS.contains(&name.as_ref()) {
            let advice = match name.as_ref() {
                "text" | "tspan" | "textPath" => "convert text to paths",
                _ => "export it as plain shapes",
            };
            return Err(refuse(format!(
                "the SVG has `<{name}>`, which is not taken: {advice}, or upload it as PNG"
            )));
        }
    }
}

fn count(group: &Group) -> usize {
    let inner = group.children().iter().map(|node| match node {
        Node::Group(group) => 1 + count(group),
        _ => 1,
    });
    inner.sum()
}

fn draw(tree: &Tree) -> Result<Vec<u8>, AppError> {
    let (width, height) = (tree.size().width(), tree.size().height());
    let scale = EDGE / width.max(height);
    let pixels = |length: f32| (length * scale).round().clamp(1.0, EDGE) as u32;
    let (columns, rows) = (pixels(width), pixels(height));
    let pixmap = Pixmap::new(columns, rows);
    let mut pixmap = pixmap.ok_or_else(|| refuse("the SVG has no size"))?;
    let transform = Transform::from_scale(scale, scale);
    resvg::render(tree, transform, &mut pixmap.as_mut());
    let mut bytes = Vec::with_capacity(pixmap.data().len());
    for pixel in pixmap.pixels() {
        let plain = pixel.demultiply();
        bytes.extend([plain.red(), plain.green(), plain.blue(), plain.alpha()]);
    }
    let mut png = Vec::new();
    let mut encoder = png::Encoder::new(&mut png, columns, rows);
    encoder.set_color(png::ColorType::Rgba);
    encoder.set_depth(png::BitDepth::Eight);
    let mut writer = encoder.write_header().map_err(AppError::internal)?;
    writer
        .write_image_data(&bytes)
        .map_err(AppError::internal)?;
    writer.finish().map_err(AppError::internal)?;
    Ok(png)
}

#[cfg(test)]
mod tests {
    use super::*;

    const OPEN: &str = r#"<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 20 20">"#;

    fn size(svg: &str) -> Result<(u32, u32), String> {
        let png = rendered(svg.as_bytes()).map_err(|error| error.to_string())?;
        let reader = png::Decoder::new(std::io::Cursor::new(png)).read_info();
        let reader = reader.map_err(|error| error.to_string())?;
        Ok((reader.info().width, reader.info().height))
    }

    fn refused(inside: &str) -> String {
        size(&format!("{OPEN}{inside}</svg>")).expect_err("refused")
    }

    #[test]
    fn a_drawing_becomes_pixels() {
        let square = format!("{OPEN}<circle cx='10' cy='10' r='8' fill='#c00'/></svg>");
        assert_eq!(size(&square), Ok((1_024, 1_024)));
        let png = rendered(square.as_bytes()).expect("rendered");
        let mut reader = png::Decoder::new(std::io::Cursor::new(png))
            .read_info()
            .expect("a PNG");
        let mut pixels = vec![0; reader.output_buffer_size().expect("small")];
        reader.next_frame(&mut pixels).expect("pixels");
        let at = |x: usize, y: usize| &pixels[(y * 1_024 + x) * 4..][..4];
        assert_eq!(at(512, 512), [0xcc, 0, 0, 0xff]);
        assert_eq!(at(5, 5), [0; 4]);
        let wide = r#"<svg xmlns="http://www.w3.org/2000/svg" width="400" height="100"><path d="M0 0h9v9z"/></svg>"#;
        assert_eq!(size(wide), Ok((1_024, 256)));
        assert!(is_one(b"\xef\xbb\xbf <?xml version='1.0'?><svg/>"));
        assert!(!is_one(b"\x89PNG\r\n"));
    }

    #[test]
    fn what_is_a_program_or_leads_elsewhere_is_refused() {
        insta::assert_snapshot!(refused("<script>alert(1)</script>"), @"picture: the SVG has `<script>`, which is not taken: export it as plain shapes, or upload it as PNG");
        insta::assert_snapshot!(refused("<text>Acme</text>"), @"picture: the SVG has `<text>`, which is not taken: convert text to paths, or upload it as PNG");
        for inside in [
            "<image href='file:///etc/passwd'/>",
            "<foreignObject/>",
            "<filter id='f'/>",
            "<a href='https://evil.example'/>",
            "<animate/>",
            "<rect width='9' height='9' filter='blur(5)'/>",
        ] {
            assert!(refused(inside).contains("not taken"), "{inside}");
        }
        let entities = r#"<!DOCTYPE svg [<!ENTITY a "aaaa"><!ENTITY b "&a;&a;&a;">]><svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 1 1"/>"#;
        assert!(
            size(entities)
                .expect_err("refused")
                .contains("document type")
        );
    }

    #[test]
    fn what_stands_for_much_is_refused() {
        // Ten times ten times ten …
        let mut bomb = String::from("<g id='a0'><rect width='1' height='1'/></g>");
        for level in 1..9 {
            let uses = format!("<use href='#a{}'/>", level - 1).repeat(10);
            bomb.push_str(&format!("<g id='a{level}'>{uses}</g>"));
        }
        refused(&bomb);
        assert!(refused(&"<g>".repeat(200)).contains("in one another"));
        assert!(refused(&"<rect/>".repeat(6_000)).contains("elements"));
        assert!(
            size(&" ".repeat(600 << 10))
                .expect_err("refused")
                .contains("bytes")
        );
    }

    #[test]
    fn nothing_makes_it_panic() {
        let seeds = [
            "<svg",
            "<svg xmlns='http://www.w3.org/2000/svg' width='-1'/>",
            "<",
            "<a><b></a>",
            "<svg width='1e30' height='1e-30' xmlns='http://www.w3.org/2000/svg'/>",
        ];
        for seed in seeds {
            drop(rendered(seed.as_bytes()));
        }
    }
}
