//! `plimsoll scan`: the known vulnerabilities of an image, by the same code as the server's.

use std::{
    path::{Path, PathBuf},
    str::FromStr as _,
};

use advisory::vex;
use app::{
    inventory::{Inventory, LayerSummary},
    scan::{ImageContent, ScanFinding, ScanResult, match_inventory},
};
use clap::Args;
use inventory::{Claim, DiffId};
use market::Class;
use oci::ImageRef;

use super::{
    Context, sbom as sbom_command,
    scan_report::{self, Report},
};
use crate::{
    advisory_file::{self, Advisories},
    exit::Exit,
    failure::{Failure, OrFail},
    image::{self, ImageArgs, Loaded},
    printer::plain,
};

/// List the known vulnerabilities of an image
///
/// Findings are grouped by package, the worst first. Each bears the programme's class, which
/// decides how fast it must be fixed (Critical: 72 hours, Major: 7 days), and beside it the
/// CVSS word and score. Advisories come from --advisories, else from the configuration, else
/// from the database that `plimsoll advisories update` makes, else from a small starter set.
#[derive(Debug, Args)]
#[command(after_long_help = "Examples:
  plimsoll scan registry.example/team/app:1.4
  plimsoll scan --fail-on major --only-fixed oci:build/app
  plimsoll scan --format json docker-archive:app.tar | jq '.images[].summary'
  plimsoll scan --output-format sarif registry.example/team/app:1.4 > app.sarif
  plimsoll scan --vex app.openvex.json --fail-on critical registry.example/team/app:1.4

Ends with 0 whatever is found, unless --fail-on or --exit-code is given. What a VEX statement
closes does not fail.")]
pub(crate) struct ScanArgs {
    #[command(flatten)]
    image: ImageArgs,
    /// The advisory database to match with
    #[arg(long, value_name = "FILE")]
    advisories: Option<PathBuf>,
    /// Show only these classes: critical, major, minor, unscored
    #[arg(long, value_name = "CLASS,…", value_delimiter = ',', value_parser = class)]
    severity: Vec<Class>,
    /// Which kind of report
    #[arg(long, value_enum, default_value_t, value_name = "KIND")]
    output_format: Report,
    /// Apply the statements of an OpenVEX, CycloneDX or CSAF document; may be given again
    #[arg(long, value_name = "FILE")]
    vex: Vec<PathBuf>,
    /// Show only what is known to be exploited (CISA's catalogue)
    #[arg(long)]
    known_exploited: bool,
    /// Show only what is exploited with at least this probability, 0 to 1 (EPSS)
    #[arg(long, value_name = "P", value_parser = probability)]
    min_epss: Option<f64>,
    /// Leave out what lock files ask for and bills of materials claim
    #[arg(long)]
    installed_only: bool,
    /// Show only what a newer version fixes
    #[arg(long)]
    only_fixed: bool,
    /// End with 1 where something of this class or a worse one is shown
    #[arg(long, value_name = "CLASS", value_parser = class)]
    fail_on: Option<Class>,
    /// End with N where something is shown; with --fail-on, instead of 1
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u8).range(1..))]
    exit_code: Option<u8>,
    /// Show which layer brought each package
    #[arg(long)]
    layers: bool,
}

/// Everything that is shown.
pub(super) struct Shown<'a> {
    pub(super) image: &'a Loaded,
    pub(super) reference: &'a ImageRef,
    pub(super) advisories: &'a Advisories,
    pub(super) scans: Vec<Scan<'a>>,
    pub(super) layers: bool,
}

/// One platform's content and what is known of it.
pub(super) struct Scan<'a> {
    pub(super) digest: Option<&'a oci::Digest>,
    pub(super) content: &'a ImageContent,
    pub(super) result: ScanResult<'a>,
}

impl Scan<'_> {
    /// Counts what is shown, by class.
    pub(super) fn count(&self, class: Class) -> usize {
        let findings = self.result.findings.iter();
        findings.filter(|finding| finding.class == class).count()
    }

    pub(super) fn inventory(&self) -> &Inventory {
        &self.content.inventory
    }

    pub(super) fn layers(&self) -> &[LayerSummary] {
        &self.content.inventory.layers
    }
}

pub(super) fn run(args: &ScanArgs, context: &Context<'_>) -> Result<Exit, Failure> {
    let config = context.config(Vec::new())?;
    let printer = context.printer;
    let file = args.advisories.as_deref();
    let advisories = advisory_file::open(file, &config, context.now(), printer)?;
    let image = image::load(&args.image, &config.environment, DiffId::Skip, printer)?;
    let statements = statements(&args.vex)?;
    let mut shown = Shown {
        image: &image,
        reference: args.image.image(),
        advisories: &advisories,
        scans: Vec::new(),
        layers: args.layers,
    };
    for (digest, content) in &image.platforms {
        let mut result = match_inventory(&content.inventory, &advisories.database)
            .or_fail("cannot match the image with the advisories")?;
        let digests = [image.digest.as_ref(), digest.as_ref()];
        let digests = digests.into_iter().flatten().map(ToString::to_string);
        let subject = sbom_command::subject(args.image.image(), digest.as_ref(), content);
        let names = digests.chain([image.name.clone(), subject.repository_purl()]);
        let names: Vec<_> = names.collect();
        result.apply(&statements, &names);
        result.findings.retain(|finding| args.shows(finding));
        shown.scans.push(Scan {
            digest: digest.as_ref(),
            content,
            result,
        });
    }
    scan_report::write(args.output_format, &shown, context.now(), printer)?;
    let exit = args.exit(&shown.scans);
    let mut problems = shown
        .scans
        .iter()
        .flat_map(|scan| &scan.inventory().problems);
    match problems.find(|problem| problem.is_cut_off()) {
        Some(problem) if exit == Exit::Success && args.judges() => Err(Failure::failed(format!(
            "a layer is {}, so nothing can be said of all of the image",
            plain(&problem.text)
        ))),
        _ => Ok(exit),
    }
}

impl ScanArgs {
    fn shows(&self, finding: &ScanFinding<'_>) -> bool {
        (self.severity.is_empty() || self.severity.contains(&finding.class))
            && (!self.only_fixed || finding.matched.fixed_version.is_some())
            && (!self.known_exploited || finding.matched.kev.is_some())
            && (!self.installed_only || finding.component.claim == Claim::Installed)
            && self.min_epss.is_none_or(|least| {
                let epss = finding.matched.epss.as_ref();
                epss.is_some_and(|epss| epss.score >= least)
            })
    }

    /// Whether the exit code tells what was found.
    fn judges(&self) -> bool {
        self.fail_on.is_some() || self.exit_code.is_some()
    }

    fn exit(&self, scans: &[Scan<'_>]) -> Exit {
        let mut findings = scans.iter().flat_map(|scan| &scan.result.findings);
        let fails = match self.fail_on {
            Some(class) => findings.any(|finding| finding.class >= class),
            None => self.exit_code.is_some() && findings.next().is_some(),
        };
        match (fails, self.exit_code) {
            (false, _) => Exit::Success,
            (true, None) => Exit::Findings,
            (true, Some(code)) => Exit::Chosen(code),
        }
    }
}

/// Reads every document of statements.
fn statements(files: &[PathBuf]) -> Result<Vec<vex::Statement>, Failure> {
    let read = |file: &Path| {
        let what = || format!("cannot read the statements of {}", file.display());
        let bytes = std::fs::read(file).or_fail(what())?;
        vex::read(&bytes).or_fail(what())
    };
    let mut statements = Vec::new();
    for file in files {
        statements.extend(read(file)?);
    }
    Ok(statements)
}

fn probability(text: &str) -> Result<f64, String> {
    let number = text.parse().ok().filter(|it| (0.0..=1.0).contains(it));
    number.ok_or_else(|| "use a number from 0 to 1".to_owned())
}

fn class(text: &str) -> Result<Class, String> {
    let word = text.trim().to_lowercase();
    let meant = match word.as_str() {
        "high" => Some("critical (7.0 to 10.0)"),
        "medium" | "moderate" => Some("major (4.0 to 6.9)"),
        "low" | "negligible" => Some("minor (0.1 to 3.9)"),
        "unknown" | "unspecified" => Some("unscored"),
        _ => None,
    };
    if let Some(meant) = meant {
        return Err(format!(
            "`{text}` is a word of CVSS; the programme's class for it is {meant}"
        ));
    }
    Class::from_str(&word)
        .ok()
        .filter(|class| *class != Class::None)
        .ok_or_else(|| "use critical, major, minor or unscored".to_owned())
}
