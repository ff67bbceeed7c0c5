//! Whether the distribution still gets security fixes.

use crate::{Check, Level, Outcome, Subject, support_end::support_end};

pub(crate) static CHECK: Check = Check {
    id: "supported-distribution",
    title: "Its distribution is still supported",
    proves: "Security fixes for the distribution's packages are still published.",
    help: "After the end of support nobody fixes vulnerabilities, so that the publisher cannot \
        keep the programme's deadlines. Known are Debian and Raspbian (with LTS), Ubuntu \
        (without paid support), Alpine, Red Hat Enterprise Linux, CentOS, AlmaLinux, Rocky Linux, \
        Oracle Linux, Fedora, Amazon Linux, openSUSE Leap and SUSE Linux Enterprise, CBL-Mariner and \
        Azure Linux, and Photon OS.",
    suggestion: "Rebuild on a supported release.",
    level: Level::Error,
    run,
};

fn run(subject: &Subject<'_>) -> Outcome {
    let Some(distribution) = &subject.inventory.distribution else {
        return Outcome::NotApplicable("the image is of no known distribution".to_owned());
    };
    let name = &distribution.name;
    match support_end(distribution) {
        None => Outcome::NotApplicable(format!("no end of support is known for {name}")),
        Some(end) if end < subject.now.date_naive() => {
            Outcome::fail(format!("support of {name} ended {end}"))
        }
        Some(end) => Outcome::Pass(format!("{name} is supported until {end}")),
    }
}
