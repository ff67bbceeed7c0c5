//! What clients ask a token for (distribution, "Token Scope Documentation").

/// One scope: `repository:NAME:pull,push`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Scope {
    /// `repository` or `registry`.
    pub kind: String,
    /// `plugin` where a client says `repository(plugin)`.
    pub class: Option<String>,
    /// The repository's name.
    pub name: String,
    /// `pull`, `push`, `delete`, `*`.
    pub actions: Vec<String>,
}

impl Scope {
    /// Reads `type:name:actions`; the name may hold colons (a host with a port), the type a
    /// class: `repository(plugin):…` is what Docker asks for plugins.
    pub fn parse(text: &str) -> Option<Self> {
        let (kind, rest) = text.split_once(':')?;
        let (name, actions) = rest.rsplit_once(':')?;
        let (kind, class) = match kind.split_once('(') {
            Some((kind, class)) => (kind, Some(class.strip_suffix(')')?)),
            None => (kind, None),
        };
        let plain =
            |word: &str| !word.is_empty() && word.bytes().all(|b| b.is_ascii_alphanumeric());
        if !plain(kind) || !class.is_none_or(plain) {
            return None;
        }
        let actions = actions
            .split(',')
            .filter(|action| !action.is_empty())
            .map(str::to_owned)
            .collect();
        Some(Self {
            kind: kind.to_owned(),
            class: class.map(str::to_owned),
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
        let plugin = Scope::parse("repository(plugin):acme/p:pull").expect("a scope");
        assert_eq!(
            (plugin.kind.as_str(), plugin.class.as_deref()),
            ("repository", Some("plugin"))
        );
        for nonsense in ["nonsense", "repository(:a:pull", "()x:a:pull", ":a:pull"] {
            assert_eq!(Scope::parse(nonsense), None, "{nonsense}");
        }
    }
}
