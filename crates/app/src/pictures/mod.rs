//! Logos and screenshots: uploaded, decoded, checked, given out. What is drawn (SVG) is made a
//! picture of pixels first, and only that is kept.

mod svg;

use bytes::Bytes;
use market::{Action, LogoSize, Problem, check_logo};
use oci::Digest;
use store::{Tx, assets::Asset};

use crate::{Actor, App, AppError, audit::Change};

/// Largest picture accepted, in bytes.
const MAX_PICTURE_BYTES: usize = 5 << 20;

/// Largest picture accepted, in pixels along an edge.
const MAX_PICTURE_PIXELS: u32 = 8_192;

/// Returns what keeps a picture from being a logo, before it is uploaded.
pub async fn picture_logo_problems(picture: Bytes) -> Vec<Problem> {
    let decoded = async { decode_png(&as_png(picture).await?) };
    match decoded.await.map(check_logo) {
        Ok(Ok(())) => Vec::new(),
        Ok(Err(problem)) => vec![problem],
        Err(error) => vec![Problem {
            field: "logo".to_owned(),
            message: match error {
                AppError::Invalid(problems) => problems
                    .into_iter()
                    .map(|problem| problem.message)
                    .collect::<Vec<_>>()
                    .join("; "),
                other => other.to_string(),
            },
        }],
    }
}

/// Returns a picture as PNG: what is drawn is rendered, and nothing of the drawing is kept.
async fn as_png(picture: Bytes) -> Result<Bytes, AppError> {
    if !svg::is_one(&picture) {
        return Ok(picture);
    }
    svg::render(picture).await.map(Bytes::from)
}

impl App {
    /// Uploads a picture (PNG or SVG) for use as logo or screenshot; it is decoded, not trusted,
    /// and kept as PNG.
    ///
    /// # Errors
    /// It is neither, too large, or the asker may not.
    pub async fn upload_picture(
        &self,
        actor: &Actor,
        slug: &str,
        picture: Bytes,
    ) -> Result<Asset, AppError> {
        let mut tx = self.read().await?;
        let publisher = self
            .publisher_for(&mut tx, actor, slug, Action::EditProduct)
            .await?;
        drop(tx);
        let png = as_png(picture).await?;
        let size = decode_png(&png)?;
        let digest = Digest::of(&png);
        let asset = Asset {
            digest: digest.to_string(),
            publisher_id: publisher.id.clone(),
            media_type: "image/png".to_owned(),
            width: i64::from(size.width),
            height: i64::from(size.height),
            size: i64::try_from(png.len()).unwrap_or(i64::MAX),
            created_at: self.now(),
            unreachable_since: None,
        };
        self.blobs.put_bytes(&digest, png).await?;
        let mut tx = self.begin().await?;
        store::assets::create(&mut tx, &*self.blobs, &asset).await?;
        store::damaged::mend(&mut tx, &asset.digest).await?;
        tx.commit().await?;
        Ok(asset)
    }

    /// Makes an uploaded picture the publisher's logo.
    ///
    /// # Errors
    /// It is not square or too small, unknown, or the asker may not.
    pub async fn set_publisher_logo(
        &self,
        actor: &Actor,
        slug: &str,
        digest: &str,
    ) -> Result<(), AppError> {
        let mut tx = self.begin().await?;
        let publisher = self
            .publisher_for(&mut tx, actor, slug, Action::EditProduct)
            .await?;
        if let Some(problem) = self.logo_problem(&mut tx, digest).await? {
            return Err(AppError::Invalid(vec![problem]));
        }
        store::publishers::set_logo(&mut tx, &publisher.id, digest).await?;
        let change = Change {
            subject: publisher.id.as_str(),
            before: publisher.logo.as_deref(),
            after: Some(digest),
            ..Change::default()
        };
        self.record(&mut tx, actor, Action::EditProduct, change)
            .await?;
        Ok(tx.commit().await?)
    }

    /// Returns what keeps an uploaded picture from being a logo.
    pub(crate) async fn logo_problem(
        &self,
        tx: &mut Tx,
        digest: &str,
    ) -> Result<Option<Problem>, AppError> {
        let Some(asset) = store::assets::find(tx, digest).await? else {
            let message = format!("no picture `{digest}` was uploaded: upload it first");
            return Ok(Some(Problem {
                field: "logo".to_owned(),
                message,
            }));
        };
        let pixels = |edge| u32::try_from(edge).unwrap_or(0);
        Ok(check_logo(LogoSize {
            width: pixels(asset.width),
            height: pixels(asset.height),
        })
        .err())
    }

    /// Returns an uploaded picture's type and bytes; pictures are public.
    ///
    /// # Errors
    /// There is none with this digest.
    pub async fn picture(&self, digest: &str) -> Result<(String, Bytes), AppError> {
        let missing = || AppError::not_found("picture", digest);
        let asset = store::assets::find(&mut self.read().await?, digest)
            .await?
            .ok_or_else(missing)?;
        let digest: Digest = digest.parse().map_err(|_malformed| missing())?;
        let blob = self.blobs.get(&digest, None).await?;
        let bytes = crate::registry::collect(blob.into_stream(), MAX_PICTURE_BYTES).await?;
        Ok((asset.media_type, bytes))
    }
}

fn decode_png(bytes: &[u8]) -> Result<LogoSize, AppError> {
    if bytes.len() > MAX_PICTURE_BYTES {
        return Err(AppError::TooLarge(format!(
            "the picture has {} bytes; at most {MAX_PICTURE_BYTES} are accepted",
            bytes.len()
        )));
    }
    let refuse = |error: png::DecodingError| {
        AppError::invalid("picture", format!("it cannot be decoded as PNG: {error}"))
    };
    let limits = png::Limits { bytes: 512 << 20 };
    let mut reader = png::Decoder::new_with_limits(std::io::Cursor::new(bytes), limits)
        .read_info()
        .map_err(refuse)?;
    let size = LogoSize {
        width: reader.info().width,
        height: reader.info().height,
    };
    if size.width > MAX_PICTURE_PIXELS || size.height > MAX_PICTURE_PIXELS {
        return Err(AppError::invalid(
            "picture",
            format!(
                "it is {} × {} pixels; at most {MAX_PICTURE_PIXELS} along an edge",
                size.width, size.height
            ),
        ));
    }
    while reader.next_row().map_err(refuse)?.is_some() {}
    Ok(size)
}
