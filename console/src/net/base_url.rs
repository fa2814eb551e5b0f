//! The address of an agent, as a person gives it.

use std::fmt;
use std::str::FromStr;

use reqwest::Url;

use super::clean_text;

/// Where an agent's API begins: scheme, host, port and perhaps a path prefix; never a trailing slash.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct BaseUrl(Url);

impl BaseUrl {
    /// The URL of an endpoint below this address. Each segment is percent-encoded, so that none can leave its place.
    #[must_use]
    pub fn endpoint(&self, segments: &[&str]) -> Url {
        let mut url = self.0.clone();
        // Only URLs such as `mailto:` have no path segments; parsing has refused them.
        if let Ok(mut path) = url.path_segments_mut() {
            path.pop_if_empty().extend(segments);
        }
        url
    }

    /// Whether it is reached through TLS.
    #[must_use]
    pub fn is_https(&self) -> bool {
        self.0.scheme() == "https"
    }

    /// Whether it names this machine.
    #[must_use]
    pub fn is_local(&self) -> bool {
        match self.0.host_str() {
            Some("localhost" | "[::1]") => true,
            Some(host) => host.parse::<std::net::Ipv4Addr>().is_ok_and(|address| address.is_loopback()),
            None => false,
        }
    }
}

impl fmt::Display for BaseUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.0.as_str().trim_end_matches('/'))
    }
}

/// Why a text is not the address of an agent.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum BaseUrlError {
    /// Nothing but white space.
    #[error("it is empty; expected something like http://localhost:8000")]
    Empty,
    /// There is no `http://` or `https://` in front.
    #[error("it has no scheme; did you mean http://{0}?")]
    NoScheme(String),
    /// The scheme is another one.
    #[error("scheme `{0}` is not supported; expected http or https")]
    Scheme(String),
    /// It holds a user name or a password.
    #[error("a user name or password in a URL is not supported (it would end up in shell histories)")]
    Credentials,
    /// It holds a `?` or `#` part.
    #[error("it must end with the path: drop everything from `{0}` on")]
    Trailer(char),
    /// It is no URL at all.
    #[error("{0}")]
    Invalid(String),
}

impl FromStr for BaseUrl {
    type Err = BaseUrlError;

    fn from_str(text: &str) -> Result<Self, BaseUrlError> {
        let text = text.trim();
        if text.is_empty() {
            return Err(BaseUrlError::Empty);
        }
        // `localhost:8000` parses as the scheme `localhost`, which would be a puzzling thing to complain about.
        if !text.contains("://") {
            return Err(BaseUrlError::NoScheme(clean_text(text)));
        }
        let url = Url::parse(text).map_err(|error| BaseUrlError::Invalid(error.to_string()))?;
        if !matches!(url.scheme(), "http" | "https") {
            return Err(BaseUrlError::Scheme(url.scheme().to_owned()));
        }
        if !url.username().is_empty() || url.password().is_some() {
            return Err(BaseUrlError::Credentials);
        }
        if url.query().is_some() {
            return Err(BaseUrlError::Trailer('?'));
        }
        if url.fragment().is_some() {
            return Err(BaseUrlError::Trailer('#'));
        }
        Ok(Self(url))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(text: &str) -> Result<BaseUrl, BaseUrlError> {
        text.parse()
    }

    #[test]
    fn trailing_slashes_vanish_and_prefixes_stay() {
        let cases = [
            ("http://localhost:8000", "http://localhost:8000", "http://localhost:8000/v1/replica"),
            (" http://localhost:8000/ ", "http://localhost:8000", "http://localhost:8000/v1/replica"),
            ("https://ops.example/agents/", "https://ops.example/agents", "https://ops.example/agents/v1/replica"),
            ("http://[::1]:8000/a/b", "http://[::1]:8000/a/b", "http://[::1]:8000/a/b/v1/replica"),
        ];
        for (given, shown, endpoint) in cases {
            let url = parse(given).unwrap();
            assert_eq!(url.to_string(), shown);
            assert_eq!(url.endpoint(&["v1", "replica"]).as_str(), endpoint);
        }
    }

    #[test]
    fn an_id_cannot_leave_its_segment() {
        let url = parse("http://localhost:8000/p").unwrap().endpoint(&["v1", "investigations", "../../x?y#z"]);
        assert_eq!(url.as_str(), "http://localhost:8000/p/v1/investigations/..%2F..%2Fx%3Fy%23z");
    }

    #[test]
    fn what_is_no_address_is_refused_with_a_reason() {
        let cases = [
            ("", "empty"),
            ("localhost:8000", "did you mean http://localhost:8000?"),
            ("ftp://host", "scheme `ftp`"),
            ("http://user:secret@host", "password"),
            ("http://host/?since=3", "`?`"),
            ("http://host/#top", "`#`"),
            ("http://", "empty host"),
            ("http://host:99999", "port"),
        ];
        for (bad, reason) in cases {
            let error = parse(bad).unwrap_err().to_string();
            assert!(error.contains(reason), "{bad:?}: {error}");
            assert!(!error.contains("secret"), "a password was repeated: {error}");
        }
    }

    #[test]
    fn local_addresses_are_known() {
        for (url, local) in [
            ("http://localhost:1", true),
            ("http://127.0.0.1", true),
            ("http://[::1]:3", true),
            ("http://10.0.0.1", false),
            ("http://localhost.example", false),
        ] {
            assert_eq!(parse(url).unwrap().is_local(), local, "{url}");
        }
    }
}
