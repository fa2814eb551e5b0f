//! Answers cut to a size that the console can hold and draw; what is cut says so in its place.
//!
//! An answer may be some megabytes long and be about a single investigation. Nobody reads that on a screen, and twenty
//! thousand such would fill any memory.

use serde_json::Value;

use super::clean;

/// What one investigation of a list may hold, in bytes: its steps, and why they failed.
pub(super) const LISTED: usize = 16 * 1024;
/// What one investigation may hold that was asked for whole, in bytes.
pub(super) const WHOLE: usize = 1024 * 1024;
/// What one part of it may hold that stands on the screen at once: a step, the alert, what the reasoner found, all
/// decisions. More than an
/// agent keeps of a tool's finding and its arguments; all of it is wrapped in the frame after it came.
const PART: usize = 24 * 1024;
/// Texts up to here are never cut: ids, times, words for states. In bytes, as all of these.
const SHORT: usize = 256;
/// What anything costs beside its text.
const NODE: usize = 16;

/// Cuts an investigation to about `most` bytes.
pub(super) fn bound(investigation: &mut Value, most: usize) {
    let mut left = most;
    typed("", investigation, &mut left);
}

/// Cuts what will get a type: long texts and lists of texts. How many steps and the like there may be is checked later.
fn typed(name: &str, value: &mut Value, left: &mut usize) {
    *left = left.saturating_sub(NODE);
    match value {
        Value::String(text) => string(text, SHORT, left),
        Value::Array(items) => {
            items.iter_mut().for_each(|item| within(name == "steps", left, |left| typed("", item, left)));
        }
        Value::Object(members) => {
            for (name, member) in members {
                match name.as_str() {
                    "input" | "output" | "labels" | "recommendations" | "alternatives" => free(member, left),
                    "alert" | "reasoner" | "decisions" => within(true, left, |left| typed(name, member, left)),
                    name => typed(name, member, left),
                }
            }
        }
        Value::Null | Value::Bool(_) | Value::Number(_) => {}
    }
}

/// Cuts what may be any JSON.
fn free(value: &mut Value, left: &mut usize) {
    *left = left.saturating_sub(NODE);
    match value {
        Value::String(text) => string(text, 0, left),
        Value::Array(items) => {
            let cut = items.len().saturating_sub(1 + *left / NODE);
            items.truncate(items.len() - cut);
            items.iter_mut().for_each(|item| free(item, left));
            if cut > 0 {
                items.push(Value::String(format!("… {cut} more cut")));
            }
        }
        Value::Object(members) => {
            let kept = members.len().min(1 + *left / NODE);
            let cut = members.len() - kept;
            if cut > 0 {
                let mut place = 0;
                members.retain(|_, _| {
                    place += 1;
                    place <= kept
                });
            }
            for (name, member) in members.iter_mut() {
                *left = left.saturating_sub(name.len());
                free(member, left);
            }
            if cut > 0 {
                members.insert("…".to_owned(), Value::String(format!("{cut} more cut")));
            }
        }
        Value::Null | Value::Bool(_) | Value::Number(_) => {}
    }
}

/// Gives a part no more than its share.
fn within(is_part: bool, left: &mut usize, work: impl FnOnce(&mut usize)) {
    let mut share = if is_part { PART.min(*left) } else { *left };
    let before = share;
    work(&mut share);
    *left -= before - share;
}

fn string(text: &mut String, short: usize, left: &mut usize) {
    if text.len() > short.max(*left) {
        clean::cut(text, short.max(*left), 0);
    }
    *left = left.saturating_sub(text.len());
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn what_fits_stays_as_it_is() {
        // As much as an agent keeps of a tool.
        let tool = json!({"name": "get_logs", "output": "x".repeat(16 * 1024), "input": "y".repeat(4 * 1024)});
        let planner = json!({"name": "planner", "output": ["a", {"b": 1}]});
        let whole = json!({"steps": [planner, tool], "report": {"x": [1.5, null]}});
        let mut bounded = whole.clone();
        bound(&mut bounded, WHOLE);
        assert_eq!(bounded, whole);
    }

    #[test]
    fn long_texts_lists_and_objects_are_cut_and_say_so() {
        let many: serde_json::Map<_, _> = (0..100_000).map(|n| (format!("k{n}"), json!(n))).collect();
        for (output, said) in [
            (json!("x".repeat(4_000_000)), "bytes cut"),
            (json!(vec![0; 1_000_000]), "more cut"),
            (Value::Object(many), "more cut"),
            (json!(vec!["y".repeat(16_000); 500]), "bytes cut"),
        ] {
            let mut investigation =
                json!({"steps": [{"name": "a", "output": output}, {"name": "b", "output": "short"}]});
            bound(&mut investigation, WHOLE);
            let text = investigation.to_string();
            assert!(text.len() < 3 * PART, "{} bytes of {said}", text.len());
            assert!(text.contains(said), "{said}");
            assert_eq!(investigation["steps"][1]["output"], "short", "the share of one step is not another's");
        }
    }

    #[test]
    fn all_of_it_together_is_bounded_and_what_is_short_is_kept() {
        let step = json!({"name": "tool", "error": "e".repeat(16_000), "status": "failed"});
        let mut investigation = json!({"investigation_id": "inv_1", "steps": vec![step; 200], "status": "failed"});
        bound(&mut investigation, LISTED);
        assert_eq!(
            (&investigation["status"], &investigation["steps"][199]["status"]),
            (&json!("failed"), &json!("failed"))
        );
        assert!(investigation.to_string().len() < 100_000, "{}", investigation.to_string().len());
    }

    #[test]
    fn decisions_together_are_bounded_as_one_part() {
        let alternatives = vec!["a".repeat(200); 1000];
        let decision = json!({"choice": "c".repeat(200), "reason": "r".repeat(16_000), "alternatives": alternatives});
        let mut whole = json!({"decisions": vec![decision; 100], "root_cause": "short"});
        bound(&mut whole, WHOLE);
        let text = whole["decisions"].to_string();
        assert!(text.len() < 4 * PART && text.contains("bytes cut") && text.contains("more cut"), "{}", text.len());
        assert_eq!(whole["decisions"][99]["choice"].as_str().map(str::len), Some(200));
    }

    #[test]
    fn a_cut_never_splits_a_character() {
        let mut investigation = json!({"root_cause": "数".repeat(10_000)});
        bound(&mut investigation, 1000);
        assert!(
            investigation["root_cause"]
                .as_str()
                .is_some_and(|text| text.starts_with("数数") && text.ends_with(" bytes cut"))
        );
    }
}
