//! Logos and screenshots.

use std::sync::Arc;

use app::{App, Asset};
use axum::{
    Json,
    extract::State,
    http::{StatusCode, header},
    response::IntoResponse,
};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::{router::OpenApiRouter, routes};

use super::{
    error::Answer,
    extract::{Asker, At, Body, Picture, SignedIn},
    publishers::PublisherPath,
    words::DigestJson,
};

/// A digest names the same bytes for ever.
const FOR_EVER: &str = "public, max-age=31536000, immutable";

pub(super) fn routes() -> OpenApiRouter<Arc<App>> {
    OpenApiRouter::new()
        .routes(routes!(upload_picture))
        .routes(routes!(get_picture))
        .routes(routes!(set_logo))
}

#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Path)]
struct PicturePath {
    /// The picture's digest.
    #[param(inline)]
    digest: DigestJson,
}

/// The bytes of a PNG file, at most 5 MiB and 8192 pixels along an edge.
#[derive(ToSchema)]
#[schema(value_type = String, format = Binary)]
#[expect(dead_code, reason = "stands for the bytes in the document")]
struct PngBytes(Vec<u8>);

/// An SVG document of at most 512 KiB, of plain shapes; it is kept as PNG.
#[derive(ToSchema)]
#[schema(value_type = String, format = Binary)]
#[expect(dead_code, reason = "stands for the bytes in the document")]
struct SvgBytes(Vec<u8>);

/// A picture that was uploaded.
#[derive(Serialize, ToSchema)]
struct PictureJson {
    /// What manifests and profiles name it by.
    digest: String,
    /// Columns.
    width: i64,
    /// Rows.
    height: i64,
    /// Bytes.
    size: i64,
}

/// The picture to be the logo.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct LogoJson {
    /// Its digest; square, at least 512 × 512.
    digest: DigestJson,
}

/// Uploads a picture; what is drawn (SVG) is rendered and kept as PNG.
#[utoipa::path(post, path = "/publishers/{publisher}/pictures", tag = "publishers", params(PublisherPath),
    request_body(content((PngBytes = "image/png"), (SvgBytes = "image/svg+xml"))),
    responses((status = 201, description = "The picture.", body = PictureJson)))]
async fn upload_picture(
    State(app): State<Arc<App>>,
    SignedIn(actor): SignedIn,
    At(at): At<PublisherPath>,
    Picture(bytes): Picture,
) -> Answer<(StatusCode, Json<PictureJson>)> {
    let asset = app
        .upload_picture(&actor, at.publisher.as_str(), bytes)
        .await?;
    Ok((StatusCode::CREATED, Json(asset.into())))
}

/// Returns a picture's bytes; pictures are public.
#[utoipa::path(get, path = "/pictures/{digest}", tag = "publishers", security(()), params(PicturePath),
    responses((status = 200, description = "The bytes.", body = PngBytes, content_type = "image/png",
        headers(("Cache-Control" = String, description = "For ever.")))))]
async fn get_picture(
    State(app): State<Arc<App>>,
    Asker(_): Asker,
    At(at): At<PicturePath>,
) -> Answer<impl IntoResponse> {
    let (media_type, bytes) = app.picture(at.digest.as_str()).await?;
    let headers = [
        (header::CONTENT_TYPE, media_type),
        (header::CACHE_CONTROL, FOR_EVER.to_owned()),
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff".to_owned()),
    ];
    Ok((headers, bytes))
}

/// Makes an uploaded picture the publisher's logo.
#[utoipa::path(put, path = "/publishers/{publisher}/logo", tag = "publishers", params(PublisherPath),
    request_body = LogoJson, responses((status = 204, description = "It is the logo.")))]
async fn set_logo(
    State(app): State<Arc<App>>,
    SignedIn(actor): SignedIn,
    At(at): At<PublisherPath>,
    Body(json): Body<LogoJson>,
) -> Answer<StatusCode> {
    app.set_publisher_logo(&actor, at.publisher.as_str(), json.digest.as_str())
        .await?;
    Ok(StatusCode::NO_CONTENT)
}

impl From<Asset> for PictureJson {
    fn from(asset: Asset) -> Self {
        Self {
            digest: asset.digest,
            width: asset.width,
            height: asset.height,
            size: asset.size,
        }
    }
}
