//! Pictures drawn for listings: the mark as a logo, and a harbour chart as a screenshot.

/// Returns a square PNG of `edge` pixels: a load-line disc in `colour`.
pub fn logo(edge: u32, colour: [u8; 3]) -> Vec<u8> {
    let (size, centre) = (f64::from(edge), f64::from(edge) / 2.0);
    draw(edge, edge, |x, y| {
        let (dx, dy) = (f64::from(x) + 0.5 - centre, f64::from(y) + 0.5 - centre);
        let radius = dx.hypot(dy) / size;
        let ring = (0.26..0.34).contains(&radius);
        let line = dy.abs() / size < 0.04 && dx.abs() / size < 0.46;
        if ring || line {
            colour
        } else {
            [250, 250, 247]
        }
    })
}

/// Returns a PNG of `width` × `height` pixels: bars as of a dashboard.
pub fn screenshot(width: u32, height: u32, colour: [u8; 3]) -> Vec<u8> {
    draw(width, height, |x, y| {
        let bar = x / (width / 24).max(1);
        let tall = 1.0 - 0.35 - 0.3 * f64::from(bar * 7 % 11) / 11.0;
        let inside = x % (width / 24).max(1) > (width / 96);
        if y < height / 12 {
            [27, 38, 49]
        } else if inside && f64::from(y) / f64::from(height) > tall {
            colour
        } else {
            [244, 246, 248]
        }
    })
}

fn draw(width: u32, height: u32, pixel: impl Fn(u32, u32) -> [u8; 3]) -> Vec<u8> {
    let pixels: Vec<u8> = (0..height)
        .flat_map(|y| (0..width).map(move |x| (x, y)))
        .flat_map(|(x, y)| pixel(x, y))
        .collect();
    let mut bytes = Vec::new();
    let mut encoder = png::Encoder::new(&mut bytes, width, height);
    encoder.set_color(png::ColorType::Rgb);
    encoder.set_depth(png::BitDepth::Eight);
    let mut writer = encoder
        .write_header()
        .expect("a header can be written to memory");
    writer
        .write_image_data(&pixels)
        .expect("as many pixels as the header says");
    writer.finish().expect("the end can be written to memory");
    bytes
}
