//! Where peers are found, as the setting `--peers` says it: names in the DNS, and URLs.

use std::fmt;
use std::net::{IpAddr, Ipv6Addr, SocketAddr};
use std::str::FromStr;
use std::sync::Arc;

use hickory_resolver::proto::rr::Name;

/// How many peers there are at most, by count of the setting's parts as well as of what these lead to.
pub(crate) const MAX_PEERS: usize = 4096;

/// Where one peer is found, or several: a part of the setting.
///
/// Reads `dns://HOST:PORT` and `http://HOST:PORT`, and writes them the same way. The port of a URL is 80 where there is
/// none. A host is a name or an IP address, one of version 6 in brackets.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct PeerSource {
    kind: Kind,
    host: Host,
    port: u16,
}

/// How many peers the addresses of a host are.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) enum Kind {
    /// Each address is one: those of all pods behind a headless service.
    Dns,
    /// All together are one: a machine may have several.
    Url,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(super) enum Host {
    Ip(IpAddr),
    Name(Arc<str>),
}

/// Why a text does not say where peers are found.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum PeerSourceError {
    /// There is nothing.
    #[error("an address is missing")]
    Missing,
    /// It begins with neither `dns://` nor `http://`.
    #[error("it begins with neither dns:// nor http://")]
    Scheme,
    /// It begins with `https://`.
    #[error("peers speak plain HTTP with each other, inside the cluster; write http:// where that is meant")]
    Https,
    /// There is more than host and port.
    #[error("{0} has no place here, only a host and a port")]
    More(&'static str),
    /// The host is no IP address and cannot be a name.
    #[error("the host is neither an IP address, one of version 6 in brackets, nor a name")]
    Host,
    /// There is no port, and none is usual.
    #[error("the port is missing")]
    NoPort,
    /// The port is not a number from 1 to 65535.
    #[error("the port is not a number from 1 to 65535")]
    Port,
}

impl PeerSource {
    pub(super) const fn kind(&self) -> Kind {
        self.kind
    }

    pub(super) const fn host(&self) -> &Host {
        &self.host
    }

    pub(super) const fn port(&self) -> u16 {
        self.port
    }

    /// Host and port, as a request to it names them.
    pub(super) fn authority(&self) -> String {
        match &self.host {
            Host::Ip(ip) => SocketAddr::new(*ip, self.port).to_string(),
            Host::Name(name) => format!("{name}:{}", self.port),
        }
    }
}

impl fmt::Display for PeerSource {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let scheme = match self.kind {
            Kind::Dns => "dns",
            Kind::Url => "http",
        };
        write!(f, "{scheme}://{}", self.authority())
    }
}

impl FromStr for PeerSource {
    type Err = PeerSourceError;

    fn from_str(text: &str) -> Result<Self, PeerSourceError> {
        let text = text.trim_ascii();
        if text.is_empty() {
            return Err(PeerSourceError::Missing);
        }
        let (scheme, rest) = text.split_once("://").ok_or(PeerSourceError::Scheme)?;
        let (kind, usual_port) = match scheme.to_ascii_lowercase().as_str() {
            "dns" => (Kind::Dns, None),
            "http" => (Kind::Url, Some(80)),
            "https" => return Err(PeerSourceError::Https),
            _ => return Err(PeerSourceError::Scheme),
        };
        // Every URL that was copied from somewhere ends with one.
        let rest = rest.strip_suffix('/').unwrap_or(rest);
        for (sign, what) in [('@', "a user name"), ('?', "a query"), ('#', "a fragment"), ('/', "a path")] {
            if rest.contains(sign) {
                return Err(PeerSourceError::More(what));
            }
        }
        let (host, port) = host_and_port(rest)?;
        let port = port.or(usual_port).ok_or(PeerSourceError::NoPort)?;
        Ok(Self { kind, host, port })
    }
}

fn host_and_port(text: &str) -> Result<(Host, Option<u16>), PeerSourceError> {
    if let Some(bracketed) = text.strip_prefix('[') {
        let (ip, rest) = bracketed.split_once(']').ok_or(PeerSourceError::Host)?;
        let ip: Ipv6Addr = ip.parse().map_err(|_| PeerSourceError::Host)?;
        let port = match rest.strip_prefix(':') {
            Some(port) => Some(parse_port(port)?),
            None if rest.is_empty() => None,
            None => return Err(PeerSourceError::Host),
        };
        return Ok((Host::Ip(ip.into()), port));
    }
    let (host, port) = match text.split_once(':') {
        // One of version 6 without brackets, whose end could be a port or not.
        Some((_, port)) if port.contains(':') => return Err(PeerSourceError::Host),
        Some((host, port)) => (host, Some(port)),
        None => (text, None),
    };
    let host = match host.parse() {
        Ok(ip) => Host::Ip(ip),
        Err(_) if is_name(host) => Host::Name(host.to_ascii_lowercase().into()),
        Err(_) => return Err(PeerSourceError::Host),
    };
    Ok((host, port.map(parse_port).transpose()?))
}

fn parse_port(text: &str) -> Result<u16, PeerSourceError> {
    match text.parse() {
        // Rust would read a sign too.
        Ok(port) if port != 0 && !text.starts_with('+') => Ok(port),
        _ => Err(PeerSourceError::Port),
    }
}

/// Whether the DNS can be asked for it. An underscore is in no host name by the book, and in many of Docker's.
fn is_name(text: &str) -> bool {
    let fits = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.');
    text.bytes().any(|byte| byte.is_ascii_alphanumeric()) && text.bytes().all(fits) && Name::from_ascii(text).is_ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_can_be_read_is_written_the_same_way() {
        for (text, written) in [
            ("dns://agents:8000", "dns://agents:8000"),
            ("dns://agents.example.svc.cluster.local.:1", "dns://agents.example.svc.cluster.local.:1"),
            ("dns://10.0.0.7:65535", "dns://10.0.0.7:65535"),
            ("http://fleet_agent-1:8000", "http://fleet_agent-1:8000"),
            ("http://agent-0", "http://agent-0:80"),
            ("http://[::1]:8000", "http://[::1]:8000"),
            ("http://[2001:DB8::1]/", "http://[2001:db8::1]:80"),
            (" HTTP://Agent-0:8000/ ", "http://agent-0:8000"),
        ] {
            let source: PeerSource = text.parse().expect(text);
            assert_eq!(source.to_string(), written);
            assert_eq!(written.parse(), Ok(source));
        }
    }

    #[test]
    fn what_cannot_be_read_is_refused_with_its_reason() {
        use PeerSourceError::{Host, Https, Missing, More, NoPort, Port, Scheme};
        let long_label = format!("http://{}:8000", "a".repeat(64));
        let long_name = format!("http://{}:8000", ["a"; 130].join("."));
        for (text, reason) in [
            ("", Missing),
            ("  ", Missing),
            ("agent-0:8000", Scheme),
            ("10.0.0.7:8000", Scheme),
            ("ftp://agent-0:8000", Scheme),
            ("https://agent-0:8000", Https),
            ("dns://agents", NoPort),
            ("dns://[::1]", NoPort),
            ("dns://agents:", Port),
            ("dns://agents:0", Port),
            ("dns://agents:+1", Port),
            ("dns://agents:65536", Port),
            ("http://agent-0:port", Port),
            ("http://[::1]:x", Port),
            ("http://agent-0:8000/v1", More("a path")),
            ("http://agent-0:8000//", More("a path")),
            ("http://agent-0:8000?all", More("a query")),
            ("http://agent-0:8000#top", More("a fragment")),
            ("http://me:secret@agent-0:8000", More("a user name")),
            ("http://", Host),
            ("http://:8000", Host),
            ("http://.:8000", Host),
            ("http://a..b:8000", Host),
            ("http://two words:8000", Host),
            ("http://naïve:8000", Host),
            ("http://*.example:8000", Host),
            ("http://a\\.b:8000", Host),
            ("http://::1:8000", Host),
            ("http://[::1", Host),
            ("http://[::1]8000", Host),
            ("http://[10.0.0.7]:8000", Host),
            (&long_label, Host),
            (&long_name, Host),
        ] {
            assert_eq!(text.parse::<PeerSource>(), Err(reason), "{text:?}");
        }
    }
}
