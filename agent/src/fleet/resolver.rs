//! From names to addresses: the system's DNS, or a server that is told.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use futures_util::future::BoxFuture;
use futures_util::{FutureExt, StreamExt, stream};
use hickory_resolver::TokioResolver;
use hickory_resolver::config::{LookupIpStrategy, NameServerConfig, ResolveHosts, ResolverConfig};
use hickory_resolver::net::runtime::TokioRuntimeProvider;
use hickory_resolver::net::{DnsError, NetError};
use hickory_resolver::proto::op::ResponseCode;
use tokio::time::{Instant, timeout_at};
use tracing::subscriber::{NoSubscriber, with_default};

/// How long all lookups of one round may take together.
const PATIENCE: Duration = Duration::from_secs(2);
/// After which the servers are tried anew, and then again, those first that have not been silent. All three together take
/// longer than there is patience, so that silence never leads on to another domain of the search list, where somebody
/// else may bear the name.
const TRY_ANEW: Duration = Duration::from_millis(700);
/// How many names are looked up at once.
const AT_ONCE: usize = 64;

const NO_ADDRESS: &str = "the name has no address";

/// The addresses of a name, in order and each once, or why there are none.
pub(super) type Lookup = Result<Vec<IpAddr>, String>;

/// What turns names into addresses.
pub(super) trait Resolve: Send + Sync {
    /// Looks all of these up anew, and answers in their order.
    fn look_up<'a>(&'a self, names: &'a [Arc<str>]) -> BoxFuture<'a, Vec<Lookup>>;
}

/// The DNS, and the system's hosts file where no server is told.
#[derive(Debug)]
pub(super) struct Dns {
    pub(super) server: Option<SocketAddr>,
}

impl Resolve for Dns {
    fn look_up<'a>(&'a self, names: &'a [Arc<str>]) -> BoxFuture<'a, Vec<Lookup>> {
        let server = self.server;
        let round = async move {
            let deadline = Instant::now() + PATIENCE;
            // It reads the system's files.
            let resolver = tokio::task::spawn_blocking(move || resolver(server)).await;
            let resolver = match resolver.unwrap_or_else(|error| Err(error.to_string())) {
                Ok(resolver) => resolver,
                Err(why) => return vec![Err(why); names.len()],
            };
            let lookups: Vec<_> = names.iter().map(|name| look_up(&resolver, name, deadline)).collect();
            stream::iter(lookups).buffered(AT_ONCE).collect().await
        };
        round.boxed()
    }
}

/// A resolver for one round. The next one gets its own, so that nothing is remembered: no answer beyond its time and no
/// configuration that has changed since.
fn resolver(server: Option<SocketAddr>) -> Result<TokioResolver, String> {
    let of_one = |server: NameServerConfig| {
        let config = ResolverConfig::from_name_servers(vec![server]);
        TokioResolver::builder_with_config(config, TokioRuntimeProvider::default())
    };
    let mut builder = match server {
        Some(server) => {
            let mut config = NameServerConfig::udp_and_tcp(server.ip());
            config.connections.iter_mut().for_each(|connection| connection.port = server.port());
            let mut builder = of_one(config);
            builder.options_mut().use_hosts_file = ResolveHosts::Never;
            builder
        }
        // Without a configuration the system asks this machine too.
        None => without_a_word(TokioResolver::builder_tokio)
            .unwrap_or_else(|_| of_one(NameServerConfig::udp_and_tcp(Ipv4Addr::LOCALHOST.into()))),
    };
    let options = builder.options_mut();
    (options.timeout, options.attempts) = (TRY_ANEW, 2);
    options.ip_strategy = LookupIpStrategy::Ipv4AndIpv6;
    without_a_word(|| builder.build()).map_err(|error| error.to_string())
}

/// Calls what would log at every round which lines of the system's files it does not understand.
fn without_a_word<T>(read: impl FnOnce() -> T) -> T {
    with_default(NoSubscriber::default(), read)
}

async fn look_up(resolver: &TokioResolver, name: &str, deadline: Instant) -> Lookup {
    let found = timeout_at(deadline, resolver.lookup_ip(name)).await.unwrap_or(Err(NetError::Timeout));
    let mut addresses: Vec<_> = found.map_err(|error| reason(&error))?.iter().map(|ip| ip.to_canonical()).collect();
    addresses.sort_unstable();
    addresses.dedup();
    if addresses.is_empty() { Err(NO_ADDRESS.to_owned()) } else { Ok(addresses) }
}

fn reason(error: &NetError) -> String {
    let code = match error {
        NetError::Timeout => {
            return format!("the DNS server gave no answer within {}", humantime::format_duration(PATIENCE));
        }
        NetError::Dns(DnsError::NoRecordsFound(none)) => none.response_code,
        NetError::Dns(DnsError::ResponseCode(code)) => *code,
        other => return other.to_string(),
    };
    match code {
        ResponseCode::NoError => NO_ADDRESS.to_owned(),
        ResponseCode::NXDomain => "there is no such name (NXDOMAIN)".to_owned(),
        code => format!("the DNS server answered: {code}"),
    }
}
