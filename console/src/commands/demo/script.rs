//! What the demo fires by itself: a burst that fills the first screen, then an alert every few seconds.

use std::time::Duration;

use langdeck_shared::AlertRequest;

use crate::net::{BaseUrl, Client};

/// From alert to alert once the burst is over.
const PAUSE: Duration = Duration::from_secs(3);
/// Then it is enough: a demo that is left open over night does not go on for ever.
const MOST: usize = 400;

/// One alert of the script: when after the one before it, at which replica, what, where, how bad.
type Cue = (Duration, usize, &'static str, &'static str, &'static str);

const fn after(
    millis: u64,
    replica: usize,
    alert_type: &'static str,
    service: &'static str,
    severity: &'static str,
) -> Cue {
    (Duration::from_millis(millis), replica, alert_type, service, severity)
}

/// The documented alert first; then one whose report is partial, one that no scenario knows, and the first one again at
/// the replica that runs its tools in parallel, so that its bars overlap.
const BURST: [Cue; 6] = [
    after(300, 0, "high_latency", "checkout-api", "critical"),
    after(500, 1, "high_cpu", "payment-api", "warning"),
    after(700, 2, "memory_leak", "search", "warning"),
    after(700, 0, "disk_full", "ledger", "critical"),
    after(700, 1, "certificate_expiry", "gateway", "warning"),
    after(900, 2, "high_latency", "checkout-api", "critical"),
];

/// Comes round again and again. `high_latency` on `checkout-api` returns to the same replica, so that its memory has
/// something to say; now and then a tool flaps, hangs or fails.
const ROUND: [Cue; 13] = [
    after(0, 0, "high_latency", "checkout-api", "critical"),
    after(0, 1, "pod_crash_loop", "inventory", "critical"),
    after(0, 2, "high_error_rate", "checkout-api", "critical"),
    after(0, 0, "target_flapping", "recommender", "warning"),
    after(0, 0, "high_cpu", "payment-api", "warning"),
    after(0, 1, "memory_leak", "search", "warning"),
    after(0, 2, "high_latency", "catalog", "warning"),
    after(0, 1, "upstream_timeout", "pricing", "critical"),
    after(0, 0, "high_latency", "checkout-api", "critical"),
    after(0, 1, "disk_full", "ledger", "critical"),
    after(0, 2, "high_cpu", "payment-api", "warning"),
    after(0, 0, "high_error_rate", "gateway", "warning"),
    after(0, 2, "log_store_down", "log-shipper", "critical"),
];

/// The alert of the documented example.
#[must_use]
pub(super) fn documented() -> AlertRequest {
    AlertRequest {
        alert_type: "high_latency".to_owned(),
        service: "checkout-api".to_owned(),
        ..AlertRequest::default()
    }
}

/// Fires the script's alerts over HTTP like any client. One that is refused is left out.
pub(super) async fn play(client: Client, replicas: Vec<BaseUrl>) {
    for (number, (pause, replica, alert_type, service, severity)) in cues().enumerate() {
        tokio::time::sleep(pause).await;
        let alert = AlertRequest {
            alert_type: alert_type.to_owned(),
            service: service.to_owned(),
            severity: Some(severity.to_owned()),
            ..AlertRequest::default()
        };
        let Some(url) = replicas.get(replica % replicas.len().max(1)) else { return };
        let _refused = client.submit(url, None, &alert, &format!("demo-{number}")).await;
    }
}

fn cues() -> impl Iterator<Item = Cue> {
    let round = ROUND
        .iter()
        .cycle()
        .map(|(_, replica, alert_type, service, severity)| (PAUSE, *replica, *alert_type, *service, *severity));
    BURST.into_iter().chain(round).take(MOST)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_burst_begins_with_the_documented_alert_and_is_over_soon() {
        let (_, _, alert_type, service, _) = BURST[0];
        assert_eq!((alert_type, service), ("high_latency", "checkout-api"));
        let whole: Duration = BURST.iter().map(|cue| cue.0).sum();
        assert!(whole <= Duration::from_secs(4), "{whole:?}");
    }

    #[test]
    fn the_script_is_bounded_and_recurs() {
        assert_eq!(cues().count(), MOST);
        let same = cues().filter(|cue| (cue.1, cue.2, cue.3) == (0, "high_latency", "checkout-api")).count();
        assert!(same > 10);
    }
}
