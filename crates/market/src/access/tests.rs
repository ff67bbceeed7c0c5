use super::*;

#[test]
fn every_action_has_exactly_one_rule() {
    for action in Action::ALL {
        assert_eq!(
            RULES.iter().filter(|(rule, _)| rule == action).count(),
            1,
            "{action}"
        );
    }
}

#[test]
fn nobody_does_anything_without_a_role() {
    for action in Action::ALL {
        assert!(!allows(*action, &[]), "{action}");
    }
}

#[test]
fn less_than_a_password_is_good_for_what_was_reviewed() {
    let mut table = String::new();
    for holding in Holding::ALL {
        let open = Action::ALL
            .iter()
            .filter(|action| holder_may(*holding, **action));
        let open: Vec<_> = open.map(|action| action.as_str()).collect();
        table.push_str(&format!("{holding}: {}\n", open.join(" ")));
    }
    insta::assert_snapshot!(table);
}

#[test]
fn nobody_approves_their_own() {
    for decide in [
        Action::DecideSubmission,
        Action::AssignSubmission,
        Action::DecideStatement,
        Action::Classify,
        Action::ManageAdvisories,
        Action::WaiveCheck,
        Action::DecidePartnership,
        Action::DecidePublisher,
        Action::ManageListing,
        Action::SetTerms,
    ] {
        assert!(allows(decide, &[Role::Operator]));
        assert!(!allows(decide, &[Role::Reviewer, Role::Owner]));
        assert!(!allows(decide, &[Role::Operator, Role::Viewer]));
        assert!(!allows(decide, &[Role::Reviewer, Role::Finance]));
    }
}

#[test]
fn the_table_is_the_reviewed_one() {
    let mut table = String::new();
    for action in Action::ALL {
        let open: Vec<_> = Role::ALL
            .iter()
            .filter(|role| allows(*action, &[**role]))
            .map(|role| role.as_str())
            .collect();
        table.push_str(&format!("{:18} {}\n", action.as_str(), open.join(" ")));
    }
    insta::assert_snapshot!(table);
}

#[test]
#[expect(clippy::disallowed_methods, reason = "only tests rewrite documents")]
fn the_documented_table_is_this_one() {
    let mut page = String::from(
        "# Who may do what\n\nMade from the table in `crates/market/src/access.rs`, which is what the program asks. Everything that is not here is denied.\nMembers of a publisher never decide on it, its submissions, statements, listings and terms, whatever else they are.\n\n",
    );
    let heads: Vec<_> = Role::ALL.iter().map(|role| role.as_str()).collect();
    page.push_str(&format!(
        "| action | {} |\n|---|{}\n",
        heads.join(" | "),
        ":-:|".repeat(heads.len())
    ));
    for action in Action::ALL {
        let cells: Vec<_> = Role::ALL
            .iter()
            .map(|role| if allows(*action, &[*role]) { "✓" } else { "" })
            .collect();
        page.push_str(&format!("| {action} | {} |\n", cells.join(" | ")));
    }
    page.push_str("\n## With less than a password\n\nWhoever signs in with an access token, or is a robot, does none of the above beyond this, whatever their roles are.\nA token that is cut down to repositories pulls and pushes in those only.\n\n");
    let heads: Vec<_> = Holding::ALL.iter().map(|held| held.as_str()).collect();
    page.push_str(&format!(
        "| action | {} |\n|---|{}\n",
        heads.join(" | "),
        ":-:|".repeat(heads.len())
    ));
    for action in Action::ALL {
        let cells: Vec<_> = Holding::ALL
            .iter()
            .map(|held| {
                if holder_may(*held, *action) {
                    "✓"
                } else {
                    ""
                }
            })
            .collect();
        page.push_str(&format!("| {action} | {} |\n", cells.join(" | ")));
    }
    let file = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/permissions.md");
    if std::env::var("UPDATE_DOCS").is_ok() {
        std::fs::write(&file, &page).expect("the page can be written");
    }
    let found = std::fs::read_to_string(&file).unwrap_or_default();
    assert!(
        found == page,
        "docs/permissions.md is out of date: run the tests with UPDATE_DOCS=1"
    );
}
