//! A form that was sent to us. Every POST handler takes one, and there is none that did
//! not come from a page of ours.

use std::sync::Arc;

use app::{App, AppError};
use axum::{
    body::Bytes,
    extract::{FromRequest, FromRequestParts, Multipart, Request, multipart::MultipartError},
    http::{HeaderMap, StatusCode, header},
};

use crate::{csrf, failure::Failure, viewer::Viewer};

/// The most that is read of a form with pictures, in bytes.
pub(crate) const MAX_FORM_BYTES: usize = 32 << 20;
/// The most fields and files of a form.
const MAX_PARTS: usize = 300;

/// A form that came from a page of ours, and who sent it.
#[derive(Debug)]
pub(crate) struct Form {
    /// Who sent it.
    pub(crate) viewer: Viewer,
    fields: Vec<(String, String)>,
    files: Vec<(String, Bytes)>,
}

impl Form {
    /// Returns what was typed into a field; nothing if it is not there.
    pub(crate) fn text(&self, name: &str) -> &str {
        let field = self.fields.iter().find(|(field, _)| field == name);
        field.map_or("", |(_, text)| text)
    }

    /// Returns what was typed into a field, without spaces around; nothing if that is empty.
    pub(crate) fn given(&self, name: &str) -> Option<String> {
        let text = self.text(name).trim();
        (!text.is_empty()).then(|| text.to_owned())
    }

    /// Returns everything that was sent under one name.
    pub(crate) fn all<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a str> {
        let fields = self.fields.iter().filter(move |(field, _)| field == name);
        fields.map(|(_, text)| text.as_str())
    }

    /// Returns the files that were chosen in a field.
    pub(crate) fn files<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a Bytes> {
        let files = self.files.iter().filter(move |(field, _)| field == name);
        files.map(|(_, bytes)| bytes)
    }
}

impl FromRequest<Arc<App>> for Form {
    type Rejection = Failure;

    async fn from_request(request: Request, app: &Arc<App>) -> Result<Self, Failure> {
        let (mut parts, body) = request.into_parts();
        let viewer = Viewer::from_request_parts(&mut parts, app).await?;
        let headers = parts.headers.clone();
        let request = Request::from_parts(parts, body);
        let (fields, files) = if is_multipart(&headers) {
            // Only forms for members have pictures: nobody else makes us read megabytes.
            if !viewer.is_signed_in() {
                return Err(AppError::Unauthenticated("it is needed to upload".to_owned()).into());
            }
            read_parts(
                Multipart::from_request(request, app)
                    .await
                    .map_err(|refused| Failure::BadForm(refused.body_text()))?,
            )
            .await?
        } else {
            (read_fields(request, app).await?, Vec::new())
        };
        let form = Self {
            viewer,
            fields,
            files,
        };
        csrf::check(
            &form.viewer,
            &headers,
            form.text("csrf"),
            app.config().host(),
        )?;
        Ok(form)
    }
}

fn is_multipart(headers: &HeaderMap) -> bool {
    headers
        .get(header::CONTENT_TYPE)
        .is_some_and(|kind| kind.as_bytes().starts_with(b"multipart/form-data"))
}

async fn read_fields(request: Request, app: &Arc<App>) -> Result<Vec<(String, String)>, Failure> {
    let form = axum::Form::<Vec<(String, String)>>::from_request(request, app).await;
    let axum::Form(fields) = form.map_err(|refused| match refused.status() {
        StatusCode::PAYLOAD_TOO_LARGE => Failure::LargeForm,
        _ => Failure::BadForm(refused.body_text()),
    })?;
    let fields = fields.into_iter().take(MAX_PARTS);
    Ok(fields
        .map(|(name, text)| (name, plain_ends(&text)))
        .collect())
}

type FieldsAndFiles = (Vec<(String, String)>, Vec<(String, Bytes)>);

async fn read_parts(mut multipart: Multipart) -> Result<FieldsAndFiles, Failure> {
    let refuse = |error: MultipartError| match error.status() {
        StatusCode::PAYLOAD_TOO_LARGE => Failure::LargeForm,
        _ => Failure::BadForm(error.body_text()),
    };
    let (mut fields, mut files) = (Vec::new(), Vec::new());
    while let Some(part) = multipart.next_field().await.map_err(refuse)? {
        let name = part.name().unwrap_or_default().to_owned();
        let is_file = part.file_name().is_some();
        let bytes = part.bytes().await.map_err(refuse)?;
        if fields.len() + files.len() >= MAX_PARTS {
            return Err(Failure::BadForm(format!(
                "it has more than {MAX_PARTS} parts"
            )));
        }
        if !is_file {
            fields.push((name, plain_ends(&String::from_utf8_lossy(&bytes))));
        } else if !bytes.is_empty() {
            // A file field in which nothing was chosen sends an empty file.
            files.push((name, bytes));
        }
    }
    Ok((fields, files))
}

/// Browsers end lines in text areas with CR LF.
fn plain_ends(text: &str) -> String {
    text.replace("\r\n", "\n")
}
