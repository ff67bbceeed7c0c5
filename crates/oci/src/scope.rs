//! What clients ask a token for (distribution, "Token Scope Documentation").

/// One scope: `repository:NAME:pull,push`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Scope {
    /// `repository` or `registry`.
    pub kind: String,
    /// The repository's name.
    pub name: String,
    /// `pull`, `push`, `delete`, `*`.
    pub actions: Vec<String>,
}

impl Scope {
    /// Reads `type:name:actions`; the name may hold colons (a host with a port).
    pub fn parse(text: &str) -> Option<Self> {
        let (kind, rest) = text.split_once(':')?;
        let (name, actions) = rest.rsplit_once(':')?;
        // `repository(plugin):…` is what Docker sends for plugins.
        let kind = kind.split('(').next().unwrap_or(kind).to_owned();
        let actions = actions
            .split(',')
            .filter(|action| !action.is_empty())
            .map(str::to_owned)
            .collect();
        Some(Self {
            kind,
            name: name.to_owned(),
            actions,
        })
    }

    /// Returns whether this asks for the list of repositories: `registry:catalog:*`.
    pub fn is_catalog(&self) -> bool {
        self.kind == "registry" && self.name == "catalog" && self.actions == ["*"]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn scopes_are_read_as_clients_write_them() {
        let scope = Scope::parse("repository:127.0.0.1:5000/acme/db:pull,push").expect("a scope");
        assert_eq!(
            (scope.name.as_str(), scope.actions.len()),
            ("127.0.0.1:5000/acme/db", 2)
        );
        assert_eq!(
            Scope::parse("repository(plugin):acme/p:pull")
                .expect("a scope")
                .kind,
            "repository"
        );
        assert_eq!(Scope::parse("nonsense"), None);
    }
}
