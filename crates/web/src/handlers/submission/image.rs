//! The image, platform by platform and layer by layer.

use std::collections::HashMap;

use app::{ComponentView, FindingView, InspectedImage};
use market::{Class, FindingState};

use crate::{
    handlers::count,
    pages::{ComponentLine, LayerPanel, PlatformPanel},
    view::Digest,
};

/// Components of a layer that are shown; those with findings come first.
const SHOWN: usize = 100;

/// Which findings a component has, by name and version.
type Found<'a> = HashMap<(&'a str, &'a str), Vec<(String, Class)>>;

/// Returns one platform's panel; `product` is the address of the product's page.
pub(super) fn panel(
    product: &str,
    image: &InspectedImage,
    findings: &[FindingView],
) -> PlatformPanel {
    let mut found: Found<'_> = HashMap::new();
    for finding in findings.iter().map(|view| &view.finding) {
        if finding.image == image.digest && finding.state == FindingState::Open {
            let of_component = found
                .entry((&finding.component, &finding.version))
                .or_default();
            of_component.push((finding.vulnerability.clone(), finding.class));
        }
    }
    let mut of_layer: HashMap<&str, Vec<ComponentLine>> = HashMap::new();
    for component in &image.components {
        let lines = of_layer.entry(&component.layer).or_default();
        lines.push(line(component, &found));
    }
    let layers = image.layers.iter().zip(1..).map(|(layer, number)| {
        layer_panel(
            layer,
            number,
            of_layer.remove(layer.digest.as_str()).unwrap_or_default(),
        )
    });
    PlatformPanel {
        platform: image.platform.clone(),
        os: image
            .distribution
            .clone()
            .unwrap_or_else(|| "no distribution".to_owned()),
        size: image.size,
        digest: Digest(image.digest.clone()),
        url: format!("{product}/images/{}", image.digest),
        layers: layers.collect(),
    }
}

fn layer_panel(layer: &app::LayerView, number: u64, mut lines: Vec<ComponentLine>) -> LayerPanel {
    let component_count = count(lines.len());
    let vulnerable = lines
        .iter()
        .filter(|line| !line.findings.is_empty())
        .count();
    lines
        .sort_by_key(|line| std::cmp::Reverse(line.findings.iter().map(|(_, class)| *class).max()));
    lines.truncate(SHOWN.max(vulnerable));
    LayerPanel {
        number,
        instruction: layer.instruction.clone(),
        digest: Digest(layer.digest.clone()),
        size: layer.size,
        component_count,
        vulnerable_count: count(vulnerable),
        components: lines,
    }
}

fn line(component: &ComponentView, found: &Found<'_>) -> ComponentLine {
    let name = (component.name.as_str(), component.version.as_str());
    let mut findings = found.get(&name).cloned().unwrap_or_default();
    findings.sort_by_key(|(_, class)| std::cmp::Reverse(*class));
    ComponentLine {
        name: component.name.clone(),
        version: component.version.clone(),
        kind: kind(&component.purl).to_owned(),
        findings,
    }
}

/// Returns the type in a package URL: `deb` of `pkg:deb/debian/zlib@1`.
fn kind(purl: &str) -> &str {
    let rest = purl.strip_prefix("pkg:").unwrap_or(purl);
    rest.split_once('/').map_or("", |(kind, _)| kind)
}
