//! The people of the story and what each of them does, over HTTP as anybody would.

use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use base64::{Engine as _, engine::general_purpose::STANDARD};
use oci::{
    Client, ClientOptions, Credentials, Descriptor, Digest, ImageSource, Progress, Reference,
    media_type,
};
use serde_json::{Value, json};
use trust::{SigningKey, cosign};

use crate::{User, logo, screenshot};

/// The password of every made-up person; the operator's is the server's own.
const PASSWORD: &str = "harbour-demo-password";

/// Whoever watches.
pub trait Narrator {
    /// Something happened.
    fn say(&self, text: &str);
    /// Something long is so far: done, in all, what it is at.
    fn progress(&self, done: u64, total: u64, note: &str);
}

/// The people.
#[derive(Debug, Clone)]
pub struct Cast {
    /// Keeps the marketplace.
    pub operator: User,
    /// Certifies.
    pub reviewer: User,
    /// Publishes.
    pub publisher: User,
    /// Consumes.
    pub consumer: User,
}

impl Cast {
    /// Has everybody make an account.
    ///
    /// # Errors
    /// The server refuses.
    pub fn gather(base: &str, operator_password: &str) -> Result<Self> {
        let operator = User::with_password(base, "operator", operator_password);
        let account = |name: &str| json!({ "name": name, "email": format!("{name}@example.com"), "password": PASSWORD });
        let mut reviewer = account("rita");
        reviewer["staff_role"] = json!("reviewer");
        operator.post("/api/v1/accounts", &reviewer)?;
        for name in ["ann", "carl"] {
            User::nobody(base).post("/api/v1/accounts", &account(name))?;
        }
        let person = |name: &str| User::with_password(base, name, PASSWORD);
        Ok(Self {
            operator,
            reviewer: person("rita"),
            publisher: person("ann"),
            consumer: person("carl"),
        })
    }

    /// Returns the password of everybody but the operator.
    pub fn password() -> &'static str {
        PASSWORD
    }
}

/// A publisher's desk: profile, key, one product.
#[derive(Debug)]
pub struct PublisherDesk {
    /// Who sits there.
    pub user: User,
    /// The publisher's short name.
    pub slug: String,
    /// The product's short name.
    pub product: String,
    /// What images are signed with.
    pub key: SigningKey,
    host: String,
    token: String,
}

/// Registers a signing key and proves it.
///
/// # Errors
/// The server refuses.
pub fn register_key(user: &User, slug: &str, name: &str, key: &SigningKey) -> Result<()> {
    let keys = format!("/api/v1/publishers/{slug}/keys");
    let new = json!({ "name": name, "pem": key.public().to_pem() });
    let added = user.post(&keys, &new)?;
    let text = |field: &str| added[field].as_str().with_context(|| format!("no {field}"));
    let proof = STANDARD.encode(key.sign_der(text("challenge")?.as_bytes()));
    let proof = json!({ "signature": proof });
    user.post(&format!("{keys}/{}/proof", text("id")?), &proof)?;
    Ok(())
}

/// What a listing is about.
#[derive(Debug, Clone)]
pub struct Listing {
    /// Name.
    pub name: String,
    /// At most 140 characters.
    pub short_description: String,
    /// Markdown.
    pub long_description: String,
}

impl PublisherDesk {
    /// Applies, is verified by the operator, registers a signing key and makes a product.
    ///
    /// # Errors
    /// The server refuses.
    pub fn open(cast: &Cast, host: &str, slug: &str, product: &str) -> Result<Self> {
        let user = cast.publisher.clone();
        let application = json!({
            "slug": slug, "legal_name": "Acme Shipping GmbH", "website": "https://acme.example.com",
            "phone": "+49 40 5550100", "email": "registry@acme.example.com",
        });
        user.post("/api/v1/publishers", &application)?;
        let verified = json!({ "state": "verified-without-proofs", "reason": "Register entry and website seen" });
        cast.operator
            .post(&format!("/api/v1/publishers/{slug}/decision"), &verified)?;
        let key = SigningKey::generate()?;
        register_key(&user, slug, "release key", &key)?;
        user.post(
            &format!("/api/v1/publishers/{slug}/products"),
            &json!({ "slug": product }),
        )?;
        let token = user.post(
            "/api/v1/account/tokens",
            &json!({ "name": "build machine", "may_push": true }),
        )?;
        let token = token["secret"]
            .as_str()
            .context("the token is shown once")?
            .to_owned();
        Ok(Self {
            user,
            slug: slug.to_owned(),
            product: product.to_owned(),
            key,
            host: host.to_owned(),
            token,
        })
    }

    /// Returns the access token that pushes.
    pub fn token(&self) -> &str {
        &self.token
    }

    fn path(&self, rest: &str) -> String {
        format!(
            "/api/v1/publishers/{}/products/{}{rest}",
            self.slug, self.product
        )
    }

    /// Uploads a picture; gives its digest.
    ///
    /// # Errors
    /// It is no picture.
    pub fn upload(&self, png: Vec<u8>) -> Result<String> {
        let asset = self
            .user
            .post_png(&format!("/api/v1/publishers/{}/pictures", self.slug), png)?;
        asset["digest"]
            .as_str()
            .map(str::to_owned)
            .context("the picture has a digest")
    }

    /// Writes the manifest with all twelve items; gives what still keeps it from being submitted.
    ///
    /// # Errors
    /// The server refuses.
    pub fn describe(&self, listing: &Listing) -> Result<Vec<Value>> {
        let logo = self.upload(logo(512, [11, 61, 92]))?;
        let profile = json!({ "digest": logo });
        self.user
            .put(&format!("/api/v1/publishers/{}/logo", self.slug), &profile)?;
        let picture = self.upload(screenshot(1280, 720, [11, 110, 140]))?;
        let price = |amount_minor: i64| json!({ "amount_minor": amount_minor, "currency": "USD" });
        let manifest = json!({
            "name": listing.name,
            "logo": logo,
            "short_description": listing.short_description,
            "category": "Monitoring",
            "tags": ["log", "harbour", "ships"],
            "long_description": listing.long_description,
            "screenshots": [picture],
            "support_link": "https://acme.example.com/support",
            "support": {
                "website": "https://acme.example.com/help", "email": "help@acme.example.com",
                "resources": "https://acme.example.com/troubleshooting",
                "sla": {
                    "days": "monday-to-friday", "from": "08:00", "until": "18:00", "time_zone": "Europe/Vienna",
                    "response_hours": { "critical": 4, "major": 24, "minor": 72 },
                },
            },
            "plans": [
                { "id": "community", "name": "Community", "description": "For one harbour; help from the community", "price": price(0) },
                { "id": "business", "name": "Business", "description": "For every harbour; answers within four hours", "price": price(4_900) },
            ],
            "installation_instructions": "Run it beside your pier:\n\n```\ndocker run -d --name harbour IMAGE\n```",
            "license": { "link": "https://www.apache.org/licenses/LICENSE-2.0", "text": null },
            "platform": "certified-infrastructure",
            "access": "subscribers",
        });
        let answer = self.user.put(&self.path("/manifest"), &manifest)?;
        Ok(answer["problems"].as_array().cloned().unwrap_or_default())
    }

    /// Pushes an image to staging and its signature beside it; gives the digest.
    ///
    /// # Errors
    /// The registry refuses.
    pub fn push(
        &self,
        image: &dyn ImageSource,
        tag: &str,
        narrator: &dyn Narrator,
    ) -> Result<Digest> {
        let reference: Reference =
            format!("staging/{}/{}:{tag}", self.slug, self.product).parse()?;
        let credentials = Credentials::Basic {
            user: self.user.name.clone(),
            password: self.token.clone(),
        };
        let client = Client::new(&self.host, credentials, &ClientOptions::default())?;
        sign_and_push(&client, &self.host, image, &reference, &self.key, narrator)
    }

    /// Submits what a tag names; gives the submission's identifier.
    ///
    /// # Errors
    /// The manifest is incomplete, nothing changed, or the image is not there.
    pub fn submit(&self, tag: &str) -> Result<String> {
        let new = json!({ "repository": self.product, "tag": tag });
        let submission = self.user.post(&self.path("/submissions"), &new)?;
        submission["id"]
            .as_str()
            .map(str::to_owned)
            .context("the submission has an identifier")
    }

    /// Waits until a submission has left the states in `while_in`; gives it with its findings,
    /// checks and images.
    ///
    /// # Errors
    /// It takes more than five minutes.
    pub fn wait(
        &self,
        submission: &str,
        while_in: &[&str],
        narrator: &dyn Narrator,
    ) -> Result<Value> {
        let end = Instant::now() + Duration::from_secs(300);
        let path = format!("/api/v1/submissions/{submission}");
        while Instant::now() < end {
            let mut page = self.user.get(&path)?;
            let state = page["submission"]["state"].as_str().unwrap_or_default();
            if !while_in.contains(&state) {
                for list in ["findings", "checks", "images"] {
                    page[list] = self.user.get(&format!("{path}/{list}"))?["items"].take();
                }
                return Ok(page);
            }
            let progress = &page["progress"];
            let number = |name: &str| progress[name].as_u64().unwrap_or(0);
            narrator.progress(
                number("done"),
                number("total"),
                progress["note"].as_str().unwrap_or(state),
            );
            std::thread::sleep(Duration::from_millis(100));
        }
        bail!("submission {submission} is still {}", while_in.join(" or "));
    }
}

/// Pushes an image with everything it consists of, then a signature over its digest in cosign's form.
///
/// # Errors
/// The registry refuses, or the image cannot be read.
pub fn sign_and_push(
    client: &Client,
    host: &str,
    image: &dyn ImageSource,
    reference: &Reference,
    key: &SigningKey,
    narrator: &dyn Narrator,
) -> Result<Digest> {
    let digest = client.push_from(image, reference, &mut |progress| {
        if let Progress::Blob {
            digest,
            done,
            total,
        } = progress
        {
            narrator.progress(done, total, digest.short());
        }
    })?;
    let payload = cosign::payload(&format!("{host}/{}", reference.repo), &digest, None);
    let signature = cosign::signature_manifest(&[cosign::sign(key, payload).expect("signed")])?;
    for bytes in signature.payloads.iter().chain([&signature.config]) {
        let descriptor = Descriptor::new(
            media_type::OCI_CONFIG,
            Digest::of(bytes),
            bytes.len() as u64,
        );
        client.push_blob(&reference.repo, &descriptor, &mut bytes.as_slice())?;
    }
    let tag = cosign::signature_tag(&digest).context("the digest is SHA-256")?;
    client.put_manifest(&reference.repo, tag.as_str(), &signature.manifest)?;
    Ok(digest)
}
