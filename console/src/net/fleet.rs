//! What an agent tells of its fleet, taken replica by replica: one of them that lies spoils no other.

use langdeck_shared::{FleetUpdate, ReplicaUpdate};
use serde_json::Value;

use super::check::{Answer, name_visibly};
use super::{clean_within, client};

/// Far more replicas than one page of an agent holds.
const MOST_ENTRIES: usize = 16_384;
/// What is kept of a reason, in bytes.
const REASON: usize = 512;

/// An answer to `GET /v1/fleet`, clean: what of it keeps to the contract, and who in it does not.
#[derive(Debug, Clone)]
pub struct FleetAnswer {
    /// What is true of it.
    pub update: FleetUpdate,
    /// The entries that are not.
    pub faults: Vec<EntryFault>,
}

/// An entry of a replica that breaks the contract.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EntryFault {
    /// The life that it is about, where it says so.
    pub boot_id: Option<String>,
    /// The replica's name, where it says so.
    pub replica: Option<String>,
    /// The field, and what is wrong with it.
    pub reason: String,
}

impl Answer for FleetAnswer {
    fn read(mut value: Value) -> Result<Self, String> {
        let entries = match value.get_mut("replicas") {
            Some(Value::Array(entries)) => std::mem::take(entries),
            // What else it may be is told with the other fields.
            _ => Vec::new(),
        };
        if entries.len() > MOST_ENTRIES {
            return Err(format!("replicas: {} of them, at most {MOST_ENTRIES} are expected", entries.len()));
        }
        let mut update: FleetUpdate = client::typed(value)?;
        name_visibly(&mut update.replica);
        update.problems.iter_mut().flatten().for_each(|problem| name_visibly(&mut problem.peer));
        update.check()?;
        let mut faults = Vec::new();
        for entry in entries {
            let text = |name| entry.get(name).and_then(Value::as_str).filter(|text| !text.trim().is_empty());
            let (boot_id, replica) = (text("boot_id").map(str::to_owned), text("replica").map(str::to_owned));
            match ReplicaUpdate::read(entry) {
                Ok(replica) => update.replicas.push(replica),
                Err(reason) => faults.push(EntryFault { boot_id, replica, reason: clean_within(&reason, REASON) }),
            }
        }
        Ok(Self { update, faults })
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;
    use crate::app::testing::idle;

    fn read(replicas: Value) -> Result<FleetAnswer, String> {
        FleetAnswer::read(json!({
            "cursor": "1", "reset": true, "more": false, "replica": "a", "boot_id": "one", "replicas": replicas,
        }))
    }

    #[test]
    fn one_entry_that_lies_spoils_no_other_and_is_known_by_what_it_says_of_itself() {
        let good = serde_json::to_value(idle("a", "one")).unwrap();
        let mut lie = serde_json::to_value(idle("b", "two")).unwrap();
        lie["totals"]["spend"]["tokens"] = json!(u64::MAX);
        let mut nameless = lie.clone();
        nameless["boot_id"] = json!(" ");
        let answer = read(json!([lie, good, nameless, {"replica": "c"}, 7])).unwrap();
        assert_eq!(answer.update.replicas, [idle("a", "one")]);
        let said = |fault: &EntryFault| (fault.boot_id.clone(), fault.replica.clone());
        let text = |text: &str| Some(text.to_owned());
        assert_eq!(
            answer.faults.iter().map(said).collect::<Vec<_>>(),
            [(text("two"), text("b")), (None, text("b")), (None, text("c")), (None, None)]
        );
        assert!(answer.faults[0].reason.starts_with("totals.spend.tokens: "), "{:?}", answer.faults[0]);
        assert!(answer.faults[2].reason.contains("missing field"), "{:?}", answer.faults[2]);
    }

    #[test]
    fn what_is_no_fleet_is_refused_whole() {
        assert!(read(json!([])).is_ok());
        for (replicas, reason) in [(json!(7), "replicas"), (json!({"a": 1}), "replicas"), (Value::Null, "replicas")] {
            assert!(read(replicas.clone()).unwrap_err().contains(reason), "{replicas}");
        }
        assert!(read(json!(vec![0; MOST_ENTRIES + 1])).unwrap_err().starts_with("replicas: 16385 of them"));
        let missing = FleetAnswer::read(json!({"cursor": "1", "reset": true, "more": false, "replica": "a"}));
        assert!(missing.unwrap_err().contains("missing field"));
    }
}
