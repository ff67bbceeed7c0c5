//! The forms of bills of materials that are JSON, each read for what is wanted of it. What else
//! they hold passes by, so that no document takes more memory than the packages it lists.

use std::{fmt, marker::PhantomData};

use serde::{
    Deserialize, Deserializer,
    de::{IgnoredAny, MapAccess, SeqAccess, Visitor, value::MapAccessDeserializer},
};

use super::{MAX_PACKAGES, package};
use crate::{Claim, Kind, Package, licenses};

/// A document; which of its lists count follows from what it says of itself.
#[derive(Default)]
pub(super) struct Document {
    form: Text,
    spdx: Text,
    components: Each<Component>,
    packages: Each<Spdx>,
    graph: Each<Element>,
    artifacts: Each<Artifact>,
    bitnami: Vec<Package>,
}

impl Document {
    /// Returns what it lists.
    pub(super) fn into_packages(self) -> Vec<Package> {
        if self.form.0.as_deref() == Some("CycloneDX") {
            return self.components.0;
        }
        if self.spdx.0.is_some() {
            return self.packages.0;
        }
        let lists = [self.graph.0, self.artifacts.0, self.bitnami];
        let mut lists = lists.into_iter().filter(|list| !list.is_empty());
        lists.next().unwrap_or_default()
    }
}

impl<'de> Deserialize<'de> for Document {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(OfDocument)
    }
}

struct OfDocument;

impl<'de> Visitor<'de> for OfDocument {
    type Value = Document;

    fn expecting(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Document, A::Error> {
        let mut document = Document::default();
        while let Some(key) = map.next_key::<String>()? {
            match &*key {
                "bomFormat" => document.form = map.next_value()?,
                "spdxVersion" => document.spdx = map.next_value()?,
                "components" => document.components = map.next_value()?,
                "packages" => document.packages = map.next_value()?,
                "@graph" => document.graph = map.next_value()?,
                "artifacts" => document.artifacts = map.next_value()?,
                _ => {
                    let Loose(one) = map.next_value::<Loose<Bitnami>>()?;
                    let package = one.and_then(|one| one.package(key));
                    add(&mut document.bitnami, package);
                }
            }
        }
        Ok(document)
    }
}

/// Adds what there is room for; one more than is kept says that there were more.
fn add<T>(list: &mut Vec<T>, more: impl IntoIterator<Item = T>) {
    let room = (MAX_PACKAGES + 1).saturating_sub(list.len());
    list.extend(more.into_iter().take(room));
}

/// Adds the package of a package URL that nothing else is said beside.
fn add_bare(list: &mut Vec<Package>, purl: &Text) {
    let purl = purl.0.as_deref();
    add(list, purl.and_then(|purl| package(purl, Vec::new())));
}

/// One of a list, and what of it is kept.
trait Listed {
    type Kept;

    fn keep(self, kept: &mut Vec<Self::Kept>);
}

/// What is kept of a list; nothing of anything else.
struct Each<T: Listed>(Vec<T::Kept>);

impl<T: Listed> Default for Each<T> {
    fn default() -> Self {
        Self(Vec::new())
    }
}

impl<'de, T: Listed + Deserialize<'de>> Deserialize<'de> for Each<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(Any::<Self>(PhantomData))
    }
}

impl<'de, T: Listed + Deserialize<'de>> OfAny<'de> for Each<T> {
    fn of_list<A: SeqAccess<'de>>(mut list: A) -> Result<Self, A::Error> {
        let mut kept = Vec::new();
        while let Some(Loose(one)) = list.next_element::<Loose<T>>()? {
            if let Some(one) = one {
                one.keep(&mut kept);
            }
        }
        Ok(Self(kept))
    }
}

/// An object; nothing of anything else.
struct Loose<T>(Option<T>);

impl<T> Default for Loose<T> {
    fn default() -> Self {
        Self(None)
    }
}

impl<'de, T: Deserialize<'de>> Deserialize<'de> for Loose<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(Any::<Self>(PhantomData))
    }
}

impl<'de, T: Deserialize<'de>> OfAny<'de> for Loose<T> {
    fn of_object<A: MapAccess<'de>>(object: A) -> Result<Self, A::Error> {
        let one = T::deserialize(MapAccessDeserializer::new(object))?;
        Ok(Self(Some(one)))
    }
}

/// A text; nothing of anything else.
#[derive(Default)]
struct Text(Option<String>);

impl<'de> Deserialize<'de> for Text {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(Any::<Self>(PhantomData))
    }
}

impl OfAny<'_> for Text {
    fn of_text(text: &str) -> Self {
        Self(Some(text.to_owned()))
    }
}

/// Made of a value of one type; its default stands for those of others, which pass by.
trait OfAny<'de>: Default {
    fn of_text(_: &str) -> Self {
        Self::default()
    }

    fn of_list<A: SeqAccess<'de>>(mut list: A) -> Result<Self, A::Error> {
        while list.next_element::<IgnoredAny>()?.is_some() {}
        Ok(Self::default())
    }

    fn of_object<A: MapAccess<'de>>(mut object: A) -> Result<Self, A::Error> {
        while object.next_entry::<IgnoredAny, IgnoredAny>()?.is_some() {}
        Ok(Self::default())
    }
}

struct Any<T>(PhantomData<T>);

impl<'de, T: OfAny<'de>> Visitor<'de> for Any<T> {
    type Value = T;

    fn expecting(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str("a value")
    }

    fn visit_bool<E>(self, _: bool) -> Result<T, E> {
        Ok(T::default())
    }

    fn visit_i64<E>(self, _: i64) -> Result<T, E> {
        Ok(T::default())
    }

    fn visit_u64<E>(self, _: u64) -> Result<T, E> {
        Ok(T::default())
    }

    fn visit_f64<E>(self, _: f64) -> Result<T, E> {
        Ok(T::default())
    }

    fn visit_unit<E>(self) -> Result<T, E> {
        Ok(T::default())
    }

    fn visit_str<E>(self, text: &str) -> Result<T, E> {
        Ok(T::of_text(text))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, list: A) -> Result<T, A::Error> {
        T::of_list(list)
    }

    fn visit_map<A: MapAccess<'de>>(self, object: A) -> Result<T, A::Error> {
        T::of_object(object)
    }
}

/// One of CycloneDX's components, and those within it; the reader of JSON bounds the depth.
#[derive(Default, Deserialize)]
#[serde(default)]
struct Component {
    purl: Text,
    licenses: Each<Choice>,
    components: Each<Component>,
}

impl Listed for Component {
    type Kept = Package;

    fn keep(self, kept: &mut Vec<Package>) {
        let purl = self.purl.0.as_deref();
        add(kept, purl.and_then(|purl| package(purl, self.licenses.0)));
        add(kept, self.components.0);
    }
}

/// A licence or an expression of some.
#[derive(Default, Deserialize)]
#[serde(default)]
struct Choice {
    license: Loose<License>,
    expression: Text,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct License {
    id: Text,
    name: Text,
}

impl Listed for Choice {
    type Kept = String;

    fn keep(self, kept: &mut Vec<String>) {
        let license = self.license.0.unwrap_or_default();
        add(kept, license.id.0.or(license.name.0).or(self.expression.0));
    }
}

/// A package of SPDX 2.
#[derive(Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct Spdx {
    external_refs: Each<Reference>,
    license_concluded: Text,
    license_declared: Text,
}

impl Listed for Spdx {
    type Kept = Package;

    fn keep(self, kept: &mut Vec<Package>) {
        let stated = [self.license_concluded, self.license_declared];
        let stated = stated.into_iter().filter_map(|text| text.0);
        let mut stated = stated.filter(|text| !matches!(&**text, "NOASSERTION" | "NONE"));
        let license = stated.next().and_then(|text| licenses::normalise(&text));
        let purl = self.external_refs.0.first();
        let package = purl.and_then(|purl| package(purl, license.into_iter().collect()));
        add(kept, package);
    }
}

#[derive(Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct Reference {
    reference_type: Text,
    reference_locator: Text,
}

impl Listed for Reference {
    type Kept = String;

    fn keep(self, kept: &mut Vec<String>) {
        let is_purl = self.reference_type.0.as_deref() == Some("purl");
        add(kept, self.reference_locator.0.filter(|_| is_purl));
    }
}

/// SPDX 3 has a property for it, beside identifiers of other kinds.
#[derive(Default, Deserialize)]
#[serde(default)]
struct Element {
    #[serde(rename = "software_packageUrl")]
    purl: Text,
}

impl Listed for Element {
    type Kept = Package;

    fn keep(self, kept: &mut Vec<Package>) {
        add_bare(kept, &self.purl);
    }
}

/// One of Syft's.
#[derive(Default, Deserialize)]
#[serde(default)]
struct Artifact {
    purl: Text,
}

impl Listed for Artifact {
    type Kept = Package;

    fn keep(self, kept: &mut Vec<Package>) {
        add_bare(kept, &self.purl);
    }
}

/// One of Bitnami's list of what its images are made of.
#[derive(Default, Deserialize)]
#[serde(default)]
struct Bitnami {
    #[serde(rename = "type")]
    sort: Text,
    version: Text,
    arch: Text,
}

impl Bitnami {
    fn package(self, name: String) -> Option<Package> {
        let version = self.version.0?;
        (self.sort.0.as_deref() == Some("NAMI")).then(|| Package {
            architecture: self.arch.0.unwrap_or_default(),
            claim: Claim::Claimed,
            ..Package::new(Kind::Bitnami, name, version)
        })
    }
}
