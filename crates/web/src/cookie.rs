//! Cookies: found in a request, written for an answer.

use axum::http::{HeaderMap, HeaderValue, header};

/// A cookie to set. All of ours are out of reach of scripts and of other sites' forms.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Cookie<'a> {
    /// Its name.
    pub(crate) name: &'a str,
    /// What it says: letters, digits, `-`, `_`.
    pub(crate) value: &'a str,
    /// How long it is kept, in seconds; 0 takes it away.
    pub(crate) seconds: i64,
    /// Whether it only travels encrypted.
    pub(crate) secure: bool,
}

impl Cookie<'_> {
    /// Adds it to an answer.
    pub(crate) fn set(self, headers: &mut HeaderMap) {
        let secure = if self.secure { "; Secure" } else { "" };
        let text = format!(
            "{}={}; Path=/; Max-Age={}; HttpOnly; SameSite=Lax{secure}",
            self.name, self.value, self.seconds
        );
        if let Ok(value) = HeaderValue::try_from(text) {
            headers.append(header::SET_COOKIE, value);
        }
    }
}

/// Returns what the cookie `name` says.
pub(crate) fn find<'a>(headers: &'a HeaderMap, name: &str) -> Option<&'a str> {
    let lines = headers.get_all(header::COOKIE).into_iter();
    lines
        .filter_map(|line| line.to_str().ok())
        .flat_map(|line| line.split(';'))
        .filter_map(|pair| pair.trim().split_once('='))
        .find(|(found, _)| *found == name)
        .map(|(_, value)| value)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn is_found_among_others() {
        let mut headers = HeaderMap::new();
        headers.append(
            header::COOKIE,
            HeaderValue::from_static("a=1; plimsoll=x=y"),
        );
        headers.append(
            header::COOKIE,
            HeaderValue::from_static("plimsoll_session=s"),
        );
        assert_eq!(find(&headers, "plimsoll_session"), Some("s"));
        assert_eq!(find(&headers, "plimsoll"), Some("x=y"));
        assert_eq!(find(&headers, "b"), None);
    }

    #[test]
    fn says_how_it_may_travel() {
        let mut headers = HeaderMap::new();
        let cookie = Cookie {
            name: "n",
            value: "v",
            seconds: 60,
            secure: true,
        };
        cookie.set(&mut headers);
        assert_eq!(
            headers[header::SET_COOKIE],
            "n=v; Path=/; Max-Age=60; HttpOnly; SameSite=Lax; Secure"
        );
    }
}
